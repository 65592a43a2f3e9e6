# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Key value maps, products, developers, apps and keys against the emulator: their whole life, and interruption."""

from __future__ import annotations

import io
import json
import typing as t
import zipfile

import pytest

from tests.testbed.emulated_cloud import Cloud

SECRET = "canary-secret-value"
ANN = "ann@partner.example"
APP = f"/developers/{ANN}/apps/shop"
KEY: dict[str, t.Any] = {
    "kind": "apigee_app_key",
    "developer": ANN,
    "app": "shop",
    "name": "first",
    "key": "canary-first-key",
    "secret": "canary-first-secret",
    "products": [{"name": "partner"}, {"name": "manual", "status": "approved"}],
}
NEXT = {**KEY, "name": "second", "key": "canary-second-key", "secret": "canary-second-secret", "expires_in": 3600}
RESOURCES: list[dict[str, t.Any]] = [
    KEY,
    {
        "kind": "apigee_app",
        "developer": ANN,
        "name": "shop",
        "products": ["partner"],
        "callback_url": "https://shop.partner.example",
        "attributes": {"tier": "gold"},
    },
    {"kind": "apigee_developer", "email": ANN, "first_name": "Ann", "last_name": "Smith"},
    {
        "kind": "apigee_api_product",
        "name": "partner",
        "environments": ["prod"],
        "operations": [
            {"proxy": "orders", "resource": "/items/**", "methods": ["GET"]},
            {"proxy": "orders", "resource": "/orders", "quota": {"limit": 10, "interval": 1, "time_unit": "minute"}},
        ],
        "quota": 100,
        "quota_interval": 1,
        "quota_time_unit": "hour",
        "oauth_scopes": ["read"],
        "attributes": {"access": "private"},
    },
    {
        "kind": "apigee_api_product",
        "name": "manual",
        "approval_type": "manual",
        "environments": [],
        "proxies": ["orders"],
        "api_resources": ["/**"],
    },
    {
        "kind": "apigee_key_value_map",
        "environment": "prod",
        "name": "settings",
        "entries": {"a/b": "1", "page size": 50},
        "secret_entries": {"token": SECRET},
    },
    {"kind": "apigee_key_value_map", "proxy": "orders", "name": "routes", "entries": {"eu": "orders-eu"}},
    {"kind": "apigee_key_value_map", "name": "shared", "entries": {"on": True}},
]


def bundle() -> bytes:
    """A proxy without a target, which is enough to be named."""
    files = {
        "apiproxy/orders.xml": '<APIProxy name="orders"/>',
        "apiproxy/proxies/default.xml": '<ProxyEndpoint name="default"><HTTPProxyConnection><BasePath>/orders'
        '</BasePath></HTTPProxyConnection><RouteRule name="none"/></ProxyEndpoint>',
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.fixture
def site(cloud: Cloud) -> Cloud:
    """An organisation with an environment and a proxy that somebody else made."""
    cloud.empty_organization()
    query = {"name": "orders", "action": "import"}
    cloud.by_hand("POST", "/apis", query=query, content=bundle(), content_type="application/octet-stream")
    cloud.control("requests", "DELETE")
    return cloud


def keys(site: Cloud) -> list[dict[str, t.Any]]:
    return site.by_hand("GET", APP).get("credentials") or []


def view(site: Cloud) -> t.Any:
    """What matters of the app and its keys, without times and generated ids."""
    app = site.by_hand("GET", APP)
    return (
        [
            (one.get("attributes"), one["status"], sorted((p["apiproduct"], p["status"]) for p in one["apiProducts"]))
            for one in app["credentials"]
        ],
        app["attributes"],
        app["callbackUrl"],
        site.by_hand("GET", "/environments/prod/keyvaluemaps/settings/entries")["keyValueEntries"],
    )


def test_whole_life(site: Cloud) -> None:
    predicted = site.run(RESOURCES, check=True, diff=True)
    assert site.writes() == 0
    first = site.run(RESOURCES, diff=True)
    for result in (predicted, first):
        assert {one["action"] for one in result["resources"]} == {"created"}
        assert "canary" not in json.dumps(result)
    for before, after in zip(predicted["resources"], first["resources"], strict=True):
        assert before["resource"].keys() == after["resource"].keys(), before["kind"]
    second = site.run(RESOURCES, diff=True)
    assert not second["changed"], second["resources"]
    assert second["requests"]["writes"] == 0
    assert "canary" not in json.dumps(second)
    removed = site.run(RESOURCES, state="absent")
    assert {one["action"] for one in removed["resources"]} == {"deleted"}
    assert not site.run(RESOURCES, state="absent")["changed"]
    assert site.by_hand("GET", "/keyvaluemaps") == []


def test_a_key_is_exchanged_beside_the_old_one(site: Cloud) -> None:
    site.run(RESOURCES)
    own, old = keys(site)
    site.run([NEXT])
    assert keys(site)[:2] == [own, old]
    new = keys(site)[2]
    assert (new["consumerKey"], new["consumerSecret"]) == ("canary-second-key", "canary-second-secret")
    assert [one["status"] for one in new["apiProducts"]] == ["approved", "approved"]
    assert int(new["expiresAt"]) - int(new["issuedAt"]) == pytest.approx(3_600_000, abs=1000)
    # Everything once more: no key comes of it, and none goes.
    assert not site.run([*RESOURCES, NEXT])["changed"]
    site.run([{**KEY, "state": "absent"}])
    assert keys(site) == [own, new]


def test_no_change_of_an_app_makes_a_key(site: Cloud) -> None:
    site.run(RESOURCES)
    before = [one["consumerKey"] for one in keys(site)]
    app = next(one for one in RESOURCES if one["kind"] == "apigee_app")
    for change in ({"products": ["manual"]}, {"products": ["manual", "partner"], "callback_url": "https://b.example"}):
        site.run([{**app, **change}])
        assert [one["consumerKey"] for one in keys(site)] == before
    opened = {one["apiproduct"]: one["status"] for one in keys(site)[0]["apiProducts"]}
    assert opened == {"manual": "pending", "partner": "approved"}


def test_what_somebody_else_added_stays(site: Cloud) -> None:
    site.run(RESOURCES)
    there = site.by_hand("GET", "/apiproducts/partner")
    group = {"operationConfigs": [{"apiSource": "orders", "operations": [{"operationTypes": ["QUERY"]}]}]}
    site.by_hand("PUT", "/apiproducts/partner", {**there, "graphqlOperationGroup": group})
    site.by_hand("POST", "/environments/prod/keyvaluemaps/settings/entries", {"name": "theirs", "value": "x"})
    changed = [{**one, "quota": 200} if one.get("name") == "partner" else one for one in RESOURCES]
    assert site.run(changed)["requests"]["writes"] == 1
    assert site.by_hand("GET", "/apiproducts/partner")["graphqlOperationGroup"]["operationConfigs"]
    assert site.by_hand("GET", "/environments/prod/keyvaluemaps/settings/entries/theirs")["value"] == "x"


def test_many_entries_are_read_in_pages_and_written_at_once(site: Cloud) -> None:
    entries = {f"entry-{number:04}": str(number) for number in range(250)}
    many = {"kind": "apigee_key_value_map", "environment": "prod", "name": "many", "entries": entries}
    site.run([many])
    # Four of the map with its entries, one of the records.
    again = site.run([many])
    assert not again["changed"] and again["requests"]["reads"] == 5
    fewer = {**many, "entries": dict(list(entries.items())[:200]), "purge_entries": True}
    assert site.run([fewer])["requests"]["writes"] == 50


#: What leaves something behind that the next run has to recognise: keys have no name of Google's, entries are many.
DELICATE = [
    one
    for one in RESOURCES
    if one["kind"] in ("apigee_app", "apigee_app_key", "apigee_developer") or one["name"] == "settings"
]


def test_interrupted_at_every_write_the_next_run_ends_in_the_same_state(site: Cloud) -> None:
    site.run([one for one in RESOURCES if one["kind"] == "apigee_api_product"])
    site.control("requests", "DELETE")
    site.run(DELICATE)
    writes, wanted = site.writes(), view(site)
    assert len(keys(site)) == 2
    for number in range(1, writes + 1):
        maps = ("/environments/prod/keyvaluemaps/settings", "/keyvaluemaps/gatewayops-ownership")
        for path in (f"/developers/{ANN}", *maps):
            site.by_hand("DELETE", path)
        site.run(DELICATE, die_after=number)
        site.run(DELICATE)
        assert view(site) == wanted, f"interrupted after write {number}"
