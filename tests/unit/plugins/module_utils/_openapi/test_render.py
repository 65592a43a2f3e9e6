# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declared routes become a document that passes our rules and OpenAPI's own schema."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._openapi import render, rules, source, structure

JWT = {"issuer": "https://issuer.example", "jwks_uri": "https://issuer.example/keys", "audiences": ["shop", "web"]}


def declared(**more: t.Any) -> dict[str, t.Any]:
    return {
        "title": "products",
        "backend": {"address": "https://forward-x.a.run.app", "jwt_audience": "https://forward-x.a.run.app"},
        "jwt": JWT,
        "google_id_token": {"audiences": ["client.apps.googleusercontent.com"]},
        "firebase": {"project": "acme-web"},
        "routes": [
            {"path": "/products", "methods": ["get", "post"]},
            {"path": "/products/{id}", "methods": ["get"], "deadline": 5, "summary": "One"},
            {"path": "/health", "methods": ["get"], "security": "none"},
        ],
        **more,
    }


@pytest.mark.parametrize("preset", ["api_key", "jwt", "api_key_and_jwt", "google_id_token", "firebase"])
def test_every_preset_makes_a_document_without_fault(preset: str) -> None:
    read = source.read(render.render(declared(security=preset)))
    assert rules.faults(read) == [] and rules.advice(read) == []
    assert structure.problems(read, "required") == []


def test_the_whole_document() -> None:
    assert render.render(declared(security="api_key_and_jwt", deadline=20)) == {
        "swagger": "2.0",
        "info": {"title": "products", "version": "1.0.0"},
        "schemes": ["https"],
        "produces": ["application/json"],
        "x-google-backend": {
            "address": "https://forward-x.a.run.app",
            "deadline": 20.0,
            "path_translation": "APPEND_PATH_TO_ADDRESS",
            "jwt_audience": "https://forward-x.a.run.app",
        },
        "securityDefinitions": {
            "api_key": {"type": "apiKey", "name": "x-api-key", "in": "header"},
            "jwt": {
                "type": "oauth2",
                "flow": "implicit",
                "authorizationUrl": "",
                "x-google-issuer": "https://issuer.example",
                "x-google-jwks_uri": "https://issuer.example/keys",
                "x-google-audiences": "shop,web",
            },
        },
        "security": [{"api_key": [], "jwt": []}],
        "paths": {
            "/products": {
                "get": {"operationId": "get_products", "responses": ANY},
                "post": {"operationId": "post_products", "responses": ANY},
            },
            "/products/{id}": {
                "get": {
                    "operationId": "get_products_id",
                    "responses": ANY,
                    "summary": "One",
                    "parameters": [{"name": "id", "in": "path", "required": True, "type": "string"}],
                    "x-google-backend": {
                        "address": "https://forward-x.a.run.app",
                        "deadline": 5.0,
                        "path_translation": "APPEND_PATH_TO_ADDRESS",
                        "jwt_audience": "https://forward-x.a.run.app",
                    },
                }
            },
            "/health": {"get": {"operationId": "get_health", "responses": ANY, "security": []}},
        },
    }


ANY = {"default": {"description": "Whatever the service answers"}}


def test_google_and_firebase_differ_in_issuer_keys_and_audience_only() -> None:
    routes = [
        {"path": "/a", "methods": ["get"], "security": "google_id_token"},
        {"path": "/b", "methods": ["get"], "security": "firebase"},
    ]
    found = render.render(declared(security="jwt", routes=routes))["securityDefinitions"]
    assert list(found) == ["jwt", "google_id_token", "firebase"]
    assert found["google_id_token"]["x-google-issuer"] == "https://accounts.google.com"
    assert found["firebase"]["x-google-issuer"] == "https://securetoken.google.com/acme-web"
    assert found["firebase"]["x-google-audiences"] == "acme-web"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"title": ""}, "title is missing"),
        ({"backend": {}}, "backend is missing"),
        ({"backend": {"adress": "https://x"}}, "backend.adress is unknown. Write address."),
        ({"routes": []}, "routes is missing"),
        ({"secruity": "jwt"}, "secruity is unknown. Write security."),
        ({"security": "oauth"}, "security oauth is unknown"),
        ({"security": "jwt", "jwt": {"issuer": "https://i"}}, "security jwt needs jwt.jwks_uri"),
        ({"security": "google_id_token", "google_id_token": {}}, "needs google_id_token.audiences"),
        ({"security": "firebase", "firebase": {}}, "needs firebase.project"),
        ({"routes": [{"path": "a", "methods": ["get"]}]}, "routes[0].path is 'a'. Begin it with a slash."),
        ({"routes": [{"path": "/a", "methods": []}]}, "routes[0].methods is empty"),
        ({"routes": [{"path": "/a", "methods": ["GET"]}]}, "routes[0].methods has GET"),
        ({"routes": [{"path": "/a", "methods": ["get"], "deadline": 0}]}, "routes[0].deadline is 0"),
        ({"routes": [{"path": "/a", "methods": ["get"]}] * 2}, "declares get /a, as routes[0] does"),
        (
            {"routes": [{"path": "/a/b", "methods": ["get"]}, {"path": "/a-b", "methods": ["get"]}]},
            "would be called get_a_b, as another is",
        ),
    ],
)
def test_wrong_declarations_are_named(change: dict[str, t.Any], said: str) -> None:
    with pytest.raises(render.Undeclarable) as caught:
        render.render(declared(**change))
    assert [one for one in caught.value.problems if said in one], caught.value.problems


def test_deadlines_grow_towards_the_caller() -> None:
    assert render.deadline_problems(10, 20, 25) == []
    assert "waits 20 s for the service and may run 20 s" in render.deadline_problems(20, 20, 25)[0]
    assert "may run 30 s and the gateway waits 25 s" in render.deadline_problems(10, 30, 25)[0]
    assert len(render.deadline_problems(30, 20, 15)) == 2


def test_the_schema_finds_what_our_rules_leave_to_it() -> None:
    text = source.write(render.render(declared())).replace("required: true", "required: sometimes")
    found = structure.problems(source.read(text), "auto")
    assert found and found[0].startswith("line ") and "OpenAPI's schema" in found[0]
    assert structure.problems(source.read(text), "none") == []


def test_without_the_library_only_whoever_requires_it_hears_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "openapi_spec_validator", None)
    read = source.read(render.render(declared()))
    assert structure.problems(read, "auto") == []
    assert "pip install openapi-spec-validator" in structure.problems(read, "required")[0]
