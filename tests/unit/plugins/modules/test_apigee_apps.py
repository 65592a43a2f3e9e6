# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Developers, apps and keys: what is sent, and that no key is made or shown that nobody asked for."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.modules import (
    apigee_app,
    apigee_app_info,
    apigee_app_key,
    apigee_app_key_info,
    apigee_developer,
    apigee_developer_info,
)
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.apigee_replies import MARKED, ORG
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Script

DEVELOPERS = f"{ORG}/developers"
ANN = f"{DEVELOPERS}/ann@partner.example"
DEVELOPER = {
    "email": "ann@partner.example",
    "firstName": "Ann",
    "lastName": "Smith",
    "userName": "ann",
    "developerId": "d-1",
    "organizationName": "acme-shop",
    "status": "active",
    "attributes": [{"name": "tier", "value": "gold"}, MARKED],
    "createdAt": "1",
    "lastModifiedAt": "2",
}
PERSON = {"email": "Ann@partner.example", "first_name": "Ann", "last_name": "Smith"}
APPS, APP = f"{ANN}/apps", f"{ANN}/apps/shop"
KEY, SECRET = "canary-consumer-key", "canary-consumer-secret"
OWN = {
    "consumerKey": KEY,
    "consumerSecret": SECRET,
    "apiProducts": [{"apiproduct": "partner", "status": "approved"}],
    "status": "approved",
    "issuedAt": "1000",
    "expiresAt": "-1",
}
SHOP = {
    "name": "shop",
    "appId": "a-1",
    "developerId": "d-1",
    "status": "approved",
    "callbackUrl": "https://shop.example",
    "appFamily": "default",
    "attributes": [MARKED],
    "credentials": [OWN],
    "createdAt": "1",
    "lastModifiedAt": "2",
}
WANTED = {"developer": "ann@partner.example", "name": "shop"}
NAMED = {"name": "gatewayops-key", "value": "second"}
SECOND = {
    **OWN,
    "consumerKey": "canary-second-key",
    "consumerSecret": "canary-second-secret",
    "attributes": [NAMED, MARKED],
    "issuedAt": "2000",
}
WANTED_KEY = {"developer": "ann@partner.example", "app": "shop", "name": "second"}
OCTETS = "application/octet-stream"


def run(script: Script, module: t.Any, **options: t.Any) -> dict[str, t.Any]:
    """The result, which must not show any key or secret."""
    result = script.run(module, **options)
    assert "canary" not in json.dumps(result).replace("canary-token-4711", "")
    return result


# Developers ---------------------------------------------------------------------------------------------------------


def test_a_new_developer_has_a_user_name_and_our_mark_and_its_status_last() -> None:
    script = Script()
    script.expect("GET", "apigee", ANN).refuses(404)
    body = {"email": "ann@partner.example", "firstName": "Ann", "lastName": "Smith", "attributes": [MARKED]}
    script.expect("POST", "apigee", DEVELOPERS, body={**body, "userName": "ann@partner.example"}).replies(DEVELOPER)
    script.expect("POST", "apigee", ANN, query={"action": "inactive"}).replies(status=204)
    script.expect("GET", "apigee", ANN).replies({**DEVELOPER, "status": "inactive"})
    result = run(script, apigee_developer, **PERSON, status="inactive")
    assert result["action"] == "created" and result["resource"]["developer_id"] == "d-1"


def test_a_developer_is_replaced_without_blanking_anything_and_the_status_has_its_own_call() -> None:
    script = Script()
    script.expect("GET", "apigee", ANN).replies(DEVELOPER)
    output = ("developerId", "organizationName", "status", "createdAt", "lastModifiedAt")
    sent = {key: value for key, value in DEVELOPER.items() if key not in output}
    script.expect("PUT", "apigee", ANN, body={**sent, "lastName": "Jones"}).replies({})
    script.expect("GET", "apigee", ANN).replies({**DEVELOPER, "lastName": "Jones"})
    assert run(script, apigee_developer, **{**PERSON, "last_name": "Jones"})["changed"]
    script = Script()
    script.expect("GET", "apigee", ANN).replies(DEVELOPER)
    script.expect("POST", "apigee", ANN, query={"action": "inactive"}).replies(status=204)
    script.expect("GET", "apigee", ANN).replies({**DEVELOPER, "status": "inactive"})
    assert run(script, apigee_developer, **PERSON, status="inactive")["requests"]["writes"] == 1


@pytest.mark.parametrize(
    ("attributes", "of_app", "action"),
    [([MARKED], [MARKED], "deleted"), ([MARKED], [], "kept"), ([], [MARKED], "kept")],
)
def test_a_developer_goes_only_without_apps_of_others(attributes: list, of_app: list, action: str) -> None:
    script = Script()
    script.expect("GET", "apigee", ANN).replies({**DEVELOPER, "attributes": attributes, "apps": ["shop"]})
    if attributes:
        listed = {"app": [{"name": "shop"}]}
        script.expect("GET", "apigee", APPS, query={"count": "1000", "shallowExpand": "true"}).replies(listed)
        script.expect("GET", "apigee", APP).replies({**SHOP, "attributes": of_app})
    if action == "deleted":
        script.expect("DELETE", "apigee", ANN).replies({})
    assert run(script, apigee_developer, email="ann@partner.example", state="absent")["action"] == action


def test_all_developers_are_read() -> None:
    script = Script()
    listed = {"developer": [{"email": "ann@partner.example"}]}
    script.expect("GET", "apigee", DEVELOPERS, query={"count": "1000"}).replies(listed)
    script.expect("GET", "apigee", f"{DEVELOPERS}/ann%40partner.example").replies(DEVELOPER)
    (one,) = run(script, apigee_developer_info)["resources"]
    assert one["email"] == "ann@partner.example" and one["attributes"] == {"tier": "gold"}


def test_an_address_that_is_none_is_refused_unsent() -> None:
    said = run(Script(), apigee_developer, fails=True, **{**PERSON, "email": "ann"})["msg"]
    assert "no e-mail address" in said


# Apps ---------------------------------------------------------------------------------------------------------------


def test_a_new_app_gets_its_key_with_its_products() -> None:
    script = Script()
    script.expect("GET", "apigee", APP).refuses(404)
    body = {
        "name": "shop",
        "apiProducts": ["partner"],
        "scopes": ["read"],
        "keyExpiresIn": "60000",
        "attributes": [MARKED],
    }
    script.expect("POST", "apigee", APPS, body=body).replies(SHOP)
    script.expect("GET", "apigee", APP).replies(SHOP)
    options = {"products": ["partner"], "oauth_scopes": ["read"], "key_expires_in": 60}
    result = run(script, apigee_app, **WANTED, **options)
    assert result["action"] == "created" and result["resource"]["products"] == ["partner"]
    assert result["resource"]["keys"][0]["expires_at"] is None


def test_again_with_its_products_makes_no_key() -> None:
    script = Script()
    script.expect("GET", "apigee", APP).replies(SHOP)
    result = run(script, apigee_app, **WANTED, products=["partner"], callback_url="https://shop.example")
    assert not result["changed"] and result["requests"]["writes"] == 0


def test_an_update_of_the_app_never_names_products() -> None:
    script = Script()
    script.expect("GET", "apigee", APP).replies(SHOP)
    kept = {key: SHOP[key] for key in ("name", "appId", "appFamily", "attributes")}
    script.expect("PUT", "apigee", APP, body={**kept, "callbackUrl": "https://new.example"}).replies({})
    script.expect("GET", "apigee", APP).replies({**SHOP, "callbackUrl": "https://new.example"})
    result = run(script, apigee_app, **WANTED, products=["partner"], callback_url="https://new.example")
    assert [one["field"] for one in result["changes"]] == ["callback_url"]


def test_products_are_bound_to_the_key_that_is_there() -> None:
    script = Script()
    script.expect("GET", "apigee", APP).replies(SHOP)
    key = f"{APP}/keys/{KEY}"
    script.expect("POST", "apigee", key, body={"apiProducts": ["gold"], "attributes": []}).replies({})
    script.expect("DELETE", "apigee", f"{key}/apiproducts/partner").replies({})
    script.expect("PUT", "apigee", key, body={"scopes": ["read"]}).replies({})
    script.expect("POST", "apigee", APP, query={"action": "revoke"}).replies(status=204)
    gold = {**OWN, "apiProducts": [{"apiproduct": "gold", "status": "pending"}], "scopes": ["read"]}
    script.expect("GET", "apigee", APP).replies({**SHOP, "credentials": [gold], "status": "revoked"})
    result = run(script, apigee_app, **WANTED, products=["gold"], oauth_scopes=["read"], status="revoked")
    assert result["resource"]["keys"][0]["products"] == [{"name": "gold", "status": "pending"}]


def test_the_newest_approved_key_without_a_name_of_ours_is_the_apps_own() -> None:
    older = {**OWN, "consumerKey": "old"}
    revoked = {**OWN, "consumerKey": "bad", "status": "revoked", "issuedAt": "9000"}
    newer = {**OWN, "issuedAt": "1500", "apiProducts": []}
    script = Script()
    script.expect("GET", "apigee", APP).replies({**SHOP, "credentials": [older, revoked, SECOND, newer]})
    bind = {"apiProducts": ["partner"], "attributes": []}
    script.expect("POST", "apigee", f"{APP}/keys/{KEY}", body=bind).replies({})
    script.expect("GET", "apigee", APP).replies({**SHOP, "credentials": [older, revoked, SECOND, OWN]})
    assert run(script, apigee_app, **WANTED, products=["partner"])["changed"]


def test_products_without_a_key_are_refused_before_anything_is_sent() -> None:
    script = Script()
    script.expect("GET", "apigee", APP).replies({**SHOP, "credentials": [SECOND]})
    said = run(script, apigee_app, fails=True, **WANTED, products=["gold"])["msg"]
    assert "no key of its own any more" in said and "apigee_app_key" in said


def test_keys_go_before_the_app() -> None:
    script = Script()
    script.expect("GET", "apigee", APP).replies(SHOP)
    script.expect("DELETE", "apigee", f"{APP}/keys/{KEY}").replies({})
    script.expect("DELETE", "apigee", APP).replies({})
    assert run(script, apigee_app, **WANTED, state="absent")["action"] == "deleted"


def test_a_failing_call_of_a_key_is_told_without_it() -> None:
    script = Script()
    script.expect("GET", "apigee", APP).replies(SHOP)
    refused = script.expect("POST", "apigee", f"{APP}/keys/{KEY}", content=lambda data: None)
    refused.refuses(400, f'API product "gold" does not exist for {KEY}')
    result = run(script, apigee_app, fails=True, **WANTED, products=["partner", "gold"])
    assert 'API product "gold" does not exist for KEY' in result["msg"]
    assert result["google_error"]["url"].split("?")[0].endswith("/keys/KEY")


def test_all_apps_are_read_without_their_keys() -> None:
    script = Script()
    listed = {"app": [{"appId": "a-1", "name": "shop"}]}
    script.expect("GET", "apigee", APPS, query={"count": "1000", "shallowExpand": "true"}).replies(listed)
    script.expect("GET", "apigee", APP).replies({**SHOP, "credentials": [OWN, SECOND]})
    (one,) = run(script, apigee_app_info, developer="ann@partner.example")["resources"]
    assert one["products"] == ["partner"] and [key["name"] for key in one["keys"]][1] == "second"


# Keys ---------------------------------------------------------------------------------------------------------------


def test_a_given_key_is_made_and_then_bound() -> None:
    script = Script()
    script.expect("GET", "apigee", APP).replies(SHOP)
    body = {
        "consumerKey": "canary-second-key",
        "consumerSecret": "canary-second-secret",
        "attributes": [NAMED, MARKED],
        "expiresInSeconds": "60",
    }
    script.expect("POST", "apigee", f"{APP}/keys/create", body=body).replies({})
    key = f"{APP}/keys/canary-second-key"
    bind = {"apiProducts": ["gold", "partner"], "attributes": [NAMED, MARKED]}
    script.expect("POST", "apigee", key, body=bind).replies({})
    bound = [{"apiproduct": "gold", "status": "pending"}, {"apiproduct": "partner", "status": "approved"}]
    made = {**SHOP, "credentials": [OWN, {**SECOND, "apiProducts": bound}]}
    script.expect("GET", "apigee", APP).replies(made)
    script.expect("POST", "apigee", f"{key}/apiproducts/gold", query={"action": "approve"}).replies(status=204)
    approved = [{"apiproduct": name, "status": "approved"} for name in ("gold", "partner")]
    script.expect("GET", "apigee", APP).replies({**SHOP, "credentials": [OWN, {**SECOND, "apiProducts": approved}]})
    products = [{"name": "partner"}, {"name": "gold", "status": "approved"}]
    given = {"key": "canary-second-key", "secret": "canary-second-secret"}
    result = run(script, apigee_app_key, **WANTED_KEY, **given, products=products, expires_in=60)
    assert result["action"] == "created" and "key" not in result["resource"]
    assert result["diff"][0]["after"]["key"] == "(hidden)"


def test_a_key_that_is_not_given_is_generated() -> None:
    made: dict[str, t.Any] = {}

    def look(content: bytes) -> None:
        made.update(json.loads(content))

    script = Script()
    script.expect("GET", "apigee", APP).replies(SHOP)
    script.expect("POST", "apigee", f"{APP}/keys/create", content=look).replies({})
    script.expect("GET", "apigee", APP).replies({**SHOP, "credentials": [OWN, SECOND]})
    result = run(script, apigee_app_key, **WANTED_KEY)
    assert len(made["consumerKey"]) == 48 and len(made["consumerSecret"]) == 64
    assert made["consumerKey"] not in json.dumps(result)


def test_a_second_run_finds_the_key_by_its_name_or_by_itself() -> None:
    given = {"key": "canary-second-key", "secret": "canary-second-secret"}
    for options in ({}, given, {**given, "name": "other"}):
        script = Script()
        script.expect("GET", "apigee", APP).replies({**SHOP, "credentials": [OWN, SECOND]})
        result = run(script, apigee_app_key, **{**WANTED_KEY, **options}, products=[{"name": "partner"}])
        assert not result["changed"]


@pytest.mark.parametrize("changed", [{"key": "canary-third-key"}, {"key": "canary-second-key", "secret": "canary-x"}])
def test_another_key_under_the_same_name_is_refused_with_the_way_to_exchange_it(changed: dict[str, str]) -> None:
    script = Script()
    script.expect("GET", "apigee", APP).replies({**SHOP, "credentials": [OWN, SECOND]})
    said = run(script, apigee_app_key, fails=True, **WANTED_KEY, **changed)["msg"]
    assert "Declare the new key under another name" in said


def test_what_changes_in_place() -> None:
    script = Script()
    there = {**SECOND, "apiProducts": [{"apiproduct": "partner", "status": "approved"}]}
    script.expect("GET", "apigee", APP).replies({**SHOP, "credentials": [OWN, there]})
    key = f"{APP}/keys/canary-second-key"
    attributes = [NAMED, MARKED, {"name": "used-by", "value": "batch"}]
    script.expect("POST", "apigee", key, body={"apiProducts": [], "attributes": attributes}).replies({})
    script.expect("POST", "apigee", key, body={"apiProducts": ["gold"], "attributes": attributes}).replies({})
    bound = {**there, "apiProducts": [{"apiproduct": "gold", "status": "approved"}]}
    script.expect("GET", "apigee", APP).replies({**SHOP, "credentials": [OWN, bound]})
    script.expect("POST", "apigee", f"{key}/apiproducts/gold", query={"action": "revoke"}).replies(status=204)
    script.expect("DELETE", "apigee", f"{key}/apiproducts/partner").replies({})
    script.expect("POST", "apigee", key, query={"action": "revoke"}).replies(status=204)
    script.expect("GET", "apigee", APP).replies({**SHOP, "credentials": [OWN, {**bound, "status": "revoked"}]})
    options = {"products": [{"name": "gold", "status": "revoked"}], "attributes": {"used-by": "batch"}}
    result = run(script, apigee_app_key, **WANTED_KEY, **options, status="revoked")
    assert sorted(one["field"] for one in result["changes"]) == [
        "attributes.used-by",
        "products[gold]",
        "products[partner]",
        "status",
    ]


def test_only_the_key_that_is_meant_goes_and_only_ours() -> None:
    script = Script()
    script.expect("GET", "apigee", APP).replies({**SHOP, "credentials": [OWN, SECOND]})
    script.expect("DELETE", "apigee", f"{APP}/keys/canary-second-key").replies({})
    assert run(script, apigee_app_key, **WANTED_KEY, state="absent")["action"] == "deleted"
    script = Script()
    script.expect("GET", "apigee", APP).replies({**SHOP, "credentials": [OWN, SECOND]})
    assert run(script, apigee_app_key, **WANTED_KEY, key=KEY, state="absent")["action"] == "kept"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"key": "canary key"}, "key holds other characters"),
        ({"key": "canary" * 500}, "longer than 2048"),
        ({"secret": "canary-x"}, "secret is of no use without key"),
        ({"products": [{"name": "a"}, {"name": "a"}]}, "a stands there twice"),
    ],
)
def test_what_cannot_be_right_is_refused_unsent(options: dict, said: str) -> None:
    assert said in run(Script(), apigee_app_key, fails=True, **WANTED_KEY, **options)["msg"]


def test_keys_are_shown_on_request_and_secrets_never() -> None:
    for show in (False, True):
        script = Script()
        script.expect("GET", "apigee", APP).replies({**SHOP, "credentials": [OWN, SECOND]})
        options = {"developer": "ann@partner.example", "app": "shop", **({"show_keys": True} if show else {})}
        found = script.run(apigee_app_key_info, **options)["resources"]
        assert found[0]["name"].startswith("key-") and found[1]["name"] == "second"
        assert [one.get("key") for one in found] == ([KEY, "canary-second-key"] if show else [None, None])
        assert "secret" not in json.dumps(found)
