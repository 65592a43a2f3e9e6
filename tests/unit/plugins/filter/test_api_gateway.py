# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter, with the example of its own documentation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.gatewayops.apigee_gke.plugins.filter import api_gateway
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._openapi import rules, source

ROOT = Path(__file__).resolve().parents[4]
PAGE = ROOT / "plugins" / "filter" / "api_gateway_document.yml"


def test_the_example_makes_a_document_without_fault() -> None:
    (task,) = yaml.safe_load(yaml.safe_load(PAGE.read_text())["EXAMPLES"])
    made = api_gateway.FilterModule().filters()["api_gateway_document"](task["vars"]["declared"])
    assert rules.faults(source.read(made)) == []
    assert made["paths"]["/products/{id}"]["put"]["security"] == [{"api_key": [], "jwt": []}]


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(AnsibleFilterError, match="title is missing.*backend is missing.*routes is missing"):
        api_gateway.api_gateway_document({"security": "api_key"})
    with pytest.raises(AnsibleFilterError, match="takes a mapping"):
        api_gateway.api_gateway_document([])  # type: ignore[arg-type]


def test_a_document_of_ones_own_gets_its_backend() -> None:
    text = 'swagger: "2.0"\npaths: {/a: {get: {operationId: a}}}\n'
    declared = {"document": text, "backend": {"address": "https://f.example"}, "deadline": 20}
    document = api_gateway.api_gateway_document(declared)
    assert document["paths"] == {"/a": {"get": {"operationId": "a"}}}
    backend = {"address": "https://f.example", "deadline": 20.0, "path_translation": "APPEND_PATH_TO_ADDRESS"}
    assert document["x-google-backend"] == backend
    own = text + "x-google-backend: {address: https://other.example}\n"
    kept = api_gateway.api_gateway_document({**declared, "document": own})
    assert kept["x-google-backend"] == {"address": "https://other.example"}
    with pytest.raises(AnsibleFilterError, match="cannot be read"):
        api_gateway.api_gateway_document({**declared, "document": "a: ["})


OURS = {"managed-by": "gatewayops-apigee-gke"}
HERE, THERE = "europe-west1/shop", "us-east1/shop"


def key(name: str, *services: str, **annotations: str) -> dict[str, Any]:
    noted = {one.replace("_", "-"): value for one, value in annotations.items()}
    return {"name": name, "services": [{"service": one} for one in services], "annotations": noted}


def found() -> list[dict[str, Any]]:
    mine = {**OURS, "declared-by": HERE}
    return [
        key("partner", "shop-1.example", **mine),
        key("left", "shop-1.example", **mine),
        key("wider", "shop-1.example", "orders-2.example", **mine),
        key("orders", "orders-2.example", **mine),
        key("onboarded", "shop-1.example", **OURS),
        key("by-hand", "shop-1.example"),
        key("terraform", "shop-1.example", **{**mine, "managed-by": "terraform"}),
        key("theirs", "shop-1.example", **{**OURS, "declared-by": THERE}),
        key("both", "shop-1.example", **{**OURS, "declared-by": f"{HERE} {THERE}"}),
        {"name": "bare"},
    ]


def absent(*names: str) -> list[dict[str, Any]]:
    return [{"kind": "api_key", "name": name, "apis": ["shop"], "state": "absent"} for name in names]


def test_only_keys_that_this_declaration_alone_named_go() -> None:
    declared = [{"name": "partner", "allowed_ips": []}, {"name": "new", "annotations": {"team": "web"}}]
    judged = api_gateway.keys_of_gateway(found(), "shop-1.example", declared, "shop", HERE)
    assert judged["unwanted"] == absent("left")
    assert judged["left"] == ["both", "by-hand", "onboarded", "terraform", "theirs"]
    noted = {"kind": "api_key", "apis": ["shop"]}
    assert judged["wanted"] == [
        {"name": "partner", "allowed_ips": [], **noted, "annotations": {"declared-by": HERE}},
        {"name": "new", **noted, "annotations": {"team": "web", "declared-by": HERE}},
    ]
    # Two declarations that name one key agree about its note.
    judged = api_gateway.keys_of_gateway(found(), "shop-1.example", [{"name": "theirs"}], "shop", HERE)
    assert judged["wanted"][0]["annotations"] == {"declared-by": f"{HERE} {THERE}"}
    # Before the API is made no key is its own, and one without restrictions least of all.
    bare = [{"name": "bare", "annotations": {**OURS, "declared-by": HERE}}]
    assert api_gateway.keys_of_gateway(bare, "", [], "shop", HERE) == {"wanted": [], "unwanted": [], "left": []}


def test_keys_that_another_gateway_of_the_api_names_stay_when_one_goes() -> None:
    declared = [{"name": "partner"}, {"name": "theirs"}, {"name": "onboarded"}]
    judged = api_gateway.keys_of_gateway(found(), "shop-1.example", declared, "shop", HERE, [THERE])
    # Before keys had notes a declared one was no other's; the modules look for the mark.
    assert judged["unwanted"] == absent("partner", "onboarded", "left") and judged["wanted"] == []
    assert judged["left"] == ["theirs", "both", "by-hand", "terraform"]
    # A note of a gateway that is gone holds nothing back.
    judged = api_gateway.keys_of_gateway(found(), "shop-1.example", [], "shop", HERE, [])
    assert judged["unwanted"] == absent("both", "left", "partner")
