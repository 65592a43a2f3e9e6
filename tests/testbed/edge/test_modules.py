# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules for Edge make on its double, and what the real engine makes of that."""
from __future__ import annotations

import hashlib
import json
import pathlib
import secrets
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.modules import (
    edge_api_product,
    edge_app,
    edge_developer,
    edge_microgateway_credential,
    edge_microgateway_keys,
    edge_organization_info,
    edge_proxy,
)

from testbed.edge.installation import Engine
from tests.testbed.edge.modules import Edge, run
from tests.testbed.edge.site import ENVIRONMENT, PASSWORD, USER, Site, call
from tests.testbed.function.upstream import Upstream

DEVELOPER = {"email": "Ann@partner.example", "first_name": "Ann", "last_name": "Smith"}
PRODUCT = {"name": "orders", "environments": [ENVIRONMENT], "proxies": ["edgemicro-auth", "edgemicro_orders"],
           "api_resources": ["/list", "/items/**"]}
APP = {"developer": "ann@partner.example", "name": "shop", "products": ["orders"]}


@pytest.fixture
def empty(engine: Engine) -> Iterator[Site]:
    """An organisation with nothing in it."""
    site = Site(engine)
    yield site
    site.control_plane.stop()


@pytest.fixture
def edge(empty: Site) -> Iterator[Edge]:
    """Nothing secret is in what any module of the test printed."""
    made = Edge(empty)
    yield made
    for app in empty.control_plane.organization.apps.values():
        for credential in app["credentials"]:
            assert credential["consumerKey"] not in made.printed
            assert credential["consumerSecret"] not in made.printed
    assert PASSWORD not in made.printed


def pair() -> dict[str, str]:
    return {name: hashlib.sha256(secrets.token_bytes(32)).hexdigest() for name in ("key", "secret")}


def test_made_once_changed_in_place_and_removed(edge: Edge) -> None:
    stated: list[tuple[ModuleType, dict[str, Any], dict[str, Any]]] = [
        (edge_api_product, PRODUCT, {"quota": 5, "quota_interval": 1, "quota_time_unit": "minute"}),
        (edge_developer, DEVELOPER, {"last_name": "Jones"}),
        (edge_app, APP, {"callback_url": "https://partner.example/back"}),
    ]
    for module, options, change in stated:
        organization = edge.site.control_plane.organization
        assert edge.run(module, check=True, **options)["action"] == "created"
        assert edge.run(module, **options)["action"] == "created"
        again = edge.run(module, **options)
        assert (again["action"], again["changed"], again["requests"]["writes"]) == ("unchanged", False, 0)
        changed = edge.run(module, **{**options, **change})
        assert changed["action"] == "updated" and {one["field"] for one in changed["changes"]} == set(change)
        assert edge.run(module, **{**options, **change})["changed"] is False
    assert organization.products["orders"]["quota"] == "5"
    assert organization.developers["ann@partner.example"]["lastName"] == "Jones"
    for module, options, _change in reversed(stated):
        assert edge.run(module, state="absent", **options)["action"] == "deleted"
        assert edge.run(module, state="absent", **options)["changed"] is False
    assert not organization.products and not organization.developers and not organization.apps


def test_running_again_never_makes_another_key(edge: Edge) -> None:
    organization = edge.site.control_plane.organization
    edge.run(edge_api_product, **PRODUCT)
    edge.run(edge_api_product, **{**PRODUCT, "name": "more"})
    edge.run(edge_developer, **DEVELOPER)
    edge.run(edge_app, **APP)
    (before,) = organization.apps["ann@partner.example", "shop"]["credentials"]
    key = before["consumerKey"]
    assert edge.run(edge_app, **{**APP, "products": ["more"]})["changed"]
    (after,) = organization.apps["ann@partner.example", "shop"]["credentials"]
    assert after["consumerKey"] == key and [one["apiproduct"] for one in after["apiProducts"]] == ["more"]


def test_status_has_calls_of_its_own(edge: Edge) -> None:
    organization = edge.site.control_plane.organization
    edge.run(edge_developer, **DEVELOPER)
    edge.run(edge_app, developer=APP["developer"], name="shop")
    assert edge.run(edge_app, developer=APP["developer"], name="shop", status="revoked")["changed"]
    assert organization.apps["ann@partner.example", "shop"]["status"] == "revoked"
    assert edge.run(edge_developer, **DEVELOPER, status="inactive")["changed"]
    assert organization.developers["ann@partner.example"]["status"] == "inactive"


def test_what_others_made_is_left_alone(edge: Edge) -> None:
    edge.site.product("theirs", [], ["/"])
    edge.site.app("theirs", "theirs")
    product = {"name": "theirs", "environments": [], "proxies": []}
    for module, options in ((edge_app, {"developer": "dev@acme.example", "name": "theirs"}),
                            (edge_developer, {"email": "dev@acme.example"}), (edge_api_product, product)):
        kept = edge.run(module, state="absent", **options)
        assert (kept["action"], kept["changed"]) == ("kept", False) and "mark" in kept["note"]
    assert edge.site.control_plane.organization.products.keys() == {"theirs"}


def test_a_developer_with_apps_stays(edge: Edge) -> None:
    edge.run(edge_developer, **DEVELOPER)
    edge.run(edge_app, developer=APP["developer"], name="shop")
    edge.site.control_plane.organization.developers["ann@partner.example"]["apps"] = ["shop"]
    assert edge.run(edge_developer, state="absent", **DEVELOPER)["action"] == "kept"


@pytest.mark.parametrize("change, said", [
    ({"proxies": ["edgemicro_orders"]}, "proxies lacks edgemicro-auth"),
    ({"api_resources": ["/a|b"]}, "api_resources has '/a|b'"),
    ({"api_resources": []}, "api_resources is empty, which opens every path"),
    ({"quota": 3}, "quota, quota_interval, quota_time_unit come together, and there is only quota"),
])
def test_products_that_gateways_take_otherwise(edge: Edge, change: dict[str, Any], said: str) -> None:
    result = edge.run(edge_api_product, **{**PRODUCT, **change})
    assert result["failed"] and said in result["msg"]
    assert edge.site.control_plane.requests == []


def test_credentials_of_gateways_come_and_go(edge: Edge) -> None:
    place = {"environment": ENVIRONMENT, **pair()}
    assert edge.run(edge_microgateway_credential, check=True, **place)["action"] == "created"
    made = edge.run(edge_microgateway_credential, **place)
    assert (made["action"], made["requests"]["writes"]) == ("created", 1)
    assert made["resource"]["host"] == edge.site.control_plane.url.removeprefix("http://")
    again = edge.run(edge_microgateway_credential, **place)
    assert (again["changed"], again["requests"]) == (False, {"reads": 1, "writes": 0})
    assert edge.run(edge_microgateway_credential, state="absent", **place)["action"] == "deleted"
    assert edge.run(edge_microgateway_credential, state="absent", **place)["changed"] is False
    assert place["key"] not in edge.printed and place["secret"] not in edge.printed


@pytest.mark.parametrize("change", [{"key": "short"}, {"secret": "x" * 20 + " " + "y" * 20}, {"secret": None}])
def test_pairs_that_are_no_secrets(edge: Edge, change: dict[str, str | None]) -> None:
    result = edge.run(edge_microgateway_credential, environment=ENVIRONMENT, **{**pair(), **change})
    assert result["failed"] and "secret" in result["msg"] and edge.site.control_plane.requests == []


def test_gateways_change_their_credentials_without_a_gap(
    edge: Edge, upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Old and new are good together; the old one is taken back once nobody uses it."""
    site = edge.site
    site.configure()
    site.deploy("edgemicro_orders", "/orders", f"http://127.0.0.1:{upstream.port}")
    edge.run(edge_api_product, **PRODUCT)
    edge.run(edge_developer, **DEVELOPER)
    edge.run(edge_app, **APP)
    organization = site.control_plane.organization
    (credential,) = organization.apps["ann@partner.example", "shop"]["credentials"]
    key = {"x-api-key": credential["consumerKey"]}

    def gateway() -> Any:
        declared = site.declare("service", plugins=["oauth"],
                                proxies=[{"name": "edgemicro_orders", "base_path": "/orders"}])
        started = site.gateway(tmp_path_factory.mktemp("gateway"), declared)
        started.ready()
        return started

    old, before = gateway(), {"key": site.key, "secret": site.secret}
    try:
        after = pair()
        edge.run(edge_microgateway_credential, environment=ENVIRONMENT, **after)
        site.key, site.secret = after["key"], after["secret"]
        new = gateway()
        try:
            assert [call(one, "/orders/list", key).status for one in (old, new)] == [200, 200]
            edge.run(edge_microgateway_credential, environment=ENVIRONMENT, state="absent", **before)
            assert [call(one, "/orders/list", key).status for one in (old, new)] == [403, 200]
            assert call(new, "/orders/other", key).status == 403
        finally:
            new.stop()
    finally:
        old.stop()
    assert after["secret"] not in edge.printed and before["secret"] not in edge.printed


def test_keys_are_made_once_and_never_shown(edge: Edge) -> None:
    maps = edge.site.control_plane.organization.maps
    assert edge.run(edge_microgateway_keys, check=True, environment=ENVIRONMENT)["action"] == "created"
    assert not maps
    assert edge.run(edge_microgateway_keys, environment=ENVIRONMENT)["action"] == "created"
    made = dict(maps[ENVIRONMENT, "microgateway"])
    again = edge.run(edge_microgateway_keys, environment=ENVIRONMENT)
    assert again["changed"] is False and maps[ENVIRONMENT, "microgateway"] == made
    assert set(again["resource"]["entries"]) >= {"private_key", "public_key", "public_key1", "private_key_kid"}
    assert "PRIVATE KEY" not in edge.printed and made["private_key"].splitlines()[1] not in edge.printed
    assert edge.run(edge_microgateway_keys, environment=ENVIRONMENT, state="absent")["action"] == "deleted"
    assert not maps


def test_keys_of_others_are_left_alone_and_half_a_map_is_refused(edge: Edge) -> None:
    edge.site.configure()
    assert edge.run(edge_microgateway_keys, environment=ENVIRONMENT)["changed"] is False
    assert edge.run(edge_microgateway_keys, environment=ENVIRONMENT, state="absent")["action"] == "kept"
    del edge.site.control_plane.organization.maps[ENVIRONMENT, "microgateway"]["public_key1"]
    result = edge.run(edge_microgateway_keys, environment=ENVIRONMENT)
    assert result["failed"] and "lacks public_key1" in result["msg"]


def test_a_proxy_of_gateways_is_imported_once_and_replaced_in_place(edge: Edge) -> None:
    organization = edge.site.control_plane.organization
    orders = {"environment": ENVIRONMENT, "name": "edgemicro_orders", "base_path": "/orders",
              "target_url": "http://orders.shop.svc:8080/v1"}
    assert edge.run(edge_proxy, check=True, **orders)["action"] == "created" and not organization.revisions
    made = edge.run(edge_proxy, **orders)
    assert (made["action"], made["resource"]["revision"]) == ("created", "1")
    (served,) = organization.served(ENVIRONMENT)
    assert (served.base_path, served.target) == ("/orders", "http://orders.shop.svc:8080/v1")
    again = edge.run(edge_proxy, **orders)
    assert (again["changed"], again["requests"]["writes"]) == (False, 0)
    changed = edge.run(edge_proxy, **{**orders, "target_url": "http://orders.shop.svc:8080/v2"})
    assert (changed["action"], changed["resource"]["revision"]) == ("updated", "2")
    assert edge.run(edge_proxy, environment=ENVIRONMENT, name="edgemicro_orders", state="absent")["action"] == "deleted"
    assert not organization.revisions and not organization.deployments


def test_what_a_killed_run_imported_is_deployed_not_imported_again(edge: Edge) -> None:
    organization = edge.site.control_plane.organization
    orders = {"environment": ENVIRONMENT, "name": "edgemicro_orders", "base_path": "/orders", "target_url": "http://a"}
    edge.run(edge_proxy, **orders)
    organization.deployments.clear()
    again = edge.run(edge_proxy, **orders)
    assert (again["action"], again["resource"]["revision"]) == ("updated", "1")
    assert len(organization.revisions["edgemicro_orders"]) == 1


def test_a_proxy_of_others_is_left_alone_and_a_taken_base_path_is_said(edge: Edge) -> None:
    edge.site.deploy("edgemicro_theirs", "/orders", "http://theirs")
    theirs = {"environment": ENVIRONMENT, "name": "edgemicro_theirs", "state": "absent"}
    assert edge.run(edge_proxy, **theirs)["action"] == "kept"
    result = edge.run(edge_proxy, environment=ENVIRONMENT, name="edgemicro_orders", base_path="/orders",
                      target_url="http://ours")
    assert result["failed"] and "Edge answered messaging.runtime.BasePathConflict" in result["msg"]
    assert "edgemicro_theirs" in result["msg"]


def test_an_empty_organisation_serves_a_gateway_after_five_modules(
    edge: Edge, upstream: Upstream, tmp_path: pathlib.Path
) -> None:
    """What ``edgemicro configure`` does and a person does beside it, by modules; then the real engine."""
    bundle = str(edge.site.engine.auth_bundle / "apiproxy")
    place, pair_of_gateway = {"environment": ENVIRONMENT}, pair()
    steps: list[tuple[ModuleType, dict[str, Any]]] = [
        (edge_microgateway_keys, place),
        (edge_proxy, {**place, "name": "edgemicro-auth", "bundle": bundle}),
        (edge_proxy, {**place, "name": "edgemicro_orders", "base_path": "/orders",
                      "target_url": f"http://127.0.0.1:{upstream.port}"}),
        (edge_microgateway_credential, {**place, **pair_of_gateway}),
        (edge_api_product, PRODUCT),
        (edge_developer, DEVELOPER),
        (edge_app, APP),
    ]
    assert [edge.run(module, **options)["action"] for module, options in steps] == ["created"] * len(steps)
    assert [edge.run(module, **options)["changed"] for module, options in steps] == [False] * len(steps)
    site = edge.site
    site.key, site.secret = pair_of_gateway["key"], pair_of_gateway["secret"]
    (app,) = site.control_plane.organization.apps.values()
    proxies = [{"name": "edgemicro_orders", "base_path": "/orders"}]
    declared = site.declare("service", plugins=["oauth"], proxies=proxies)
    gateway = site.gateway(tmp_path, declared)
    try:
        gateway.ready()
        good = {"x-api-key": app["credentials"][0]["consumerKey"]}
        token = {"Authorization": f"Bearer {site.token(app['credentials'][0])}"}
        asked = [call(gateway, "/orders/list", headers).status for headers in ({}, good, token)]
        assert asked == [401, 200, 200] and len(upstream.seen) == 2
    finally:
        gateway.stop()
    for module, options in reversed(steps):
        assert edge.run(module, state="absent", **options)["action"] == "deleted"


def test_organisations(edge: Edge) -> None:
    (found,) = edge.run(edge_organization_info, name="acme")["resources"]
    assert found["environments"] == [ENVIRONMENT] and found["type"] == "paid"
    missing = edge.run(edge_organization_info, name="other")
    assert missing["failed"] and "Edge answered organizations.OrganizationDoesNotExist" in missing["msg"]
    assert "Apigee Operator for Kubernetes" in missing["msg"]


def test_an_organisation_of_apigee_x_is_refused_before_anything_is_made(
    edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edge.site.control_plane.organization, "properties", {"runtimeType": "CLOUD"})
    for result in (edge.run(edge_organization_info, name="acme"), edge.run(edge_api_product, **PRODUCT),
                   edge.run(edge_microgateway_credential, environment=ENVIRONMENT, **pair())):
        assert result["failed"] and "acme is an organisation of Apigee X or hybrid" in result["msg"]
        assert "Adapter for Envoy" in result["msg"]
    assert [one for one in edge.site.control_plane.requests if not one.startswith("GET")] == []


@pytest.mark.parametrize("options, said", [
    ({"edge_url": "https://apigee.googleapis.com"}, "an address of Apigee X"),
    ({"edge_url": "http://edge.acme.example"}, "would travel in clear"),
    ({"edge_password": None}, "set edge_token, or edge_user and edge_password"),
    ({"edge_user": "a:b"}, "edge_user has a colon"),
])
def test_options_that_cannot_be(edge: Edge, options: dict[str, Any], said: str) -> None:
    result = edge.run(edge_organization_info, name="acme", **options)
    assert result["failed"] and said in result["msg"] and edge.site.control_plane.requests == []


def test_a_wrong_password_is_said_and_not_shown(edge: Edge) -> None:
    result = edge.run(edge_organization_info, name="acme", edge_password="wrong-canary-password")
    assert result["failed"] and "Edge does not know the caller" in result["msg"]
    assert "wrong-canary-password" not in json.dumps(result)


def test_an_edge_that_does_not_answer(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google import clock

    monkeypatch.setattr(clock, "sleep", lambda seconds: None)
    edge.site.control_plane.stop()
    result = edge.run(edge_organization_info, name="acme")
    assert result["failed"] and "Check the network, edge_url and microservices_url" in result["msg"]
    assert "edge_error" in result


def test_variables_stand_in_for_options(empty: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"URL": empty.control_plane.url, "USER": USER, "PASSWORD": PASSWORD}.items():
        monkeypatch.setenv(f"APIGEE_EDGE_{name}", value)
    assert run(edge_organization_info)["resources"][0]["name"] == "acme"
