# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.modules import api_key, api_key_info
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.google_replies import finished
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Script

ALL = "v2/projects/acme-shop/locations/global/keys"
ONE = f"{ALL}/partner"
API = "v1/projects/acme-shop/locations/global/apis/products"
SERVICE = "products-1a2b.apigateway.acme-shop.cloud.goog"
CANARY = "AIza-canary-key-string-4711"
OURS = {"managed-by": "gatewayops-apigee-gke"}
TARGETS = {"apiTargets": [{"service": SERVICE}]}
KEY = {
    "name": "projects/123456789012/locations/global/keys/partner",
    "uid": "u-1",
    "etag": "e-1",
    "displayName": "Partner",
    "restrictions": TARGETS,
    "annotations": OURS,
}
OPTIONS: dict[str, t.Any] = {"name": "partner", "display_name": "Partner", "services": [{"service": SERVICE}]}
NEW = {"displayName": "Partner", "restrictions": TARGETS, "annotations": OURS}


def done() -> dict[str, t.Any]:
    """A finished operation as Google tells it: with the key string."""
    return finished("operations/akmf.1", response={**KEY, "keyString": CANARY})


def deleted(script: Script, *kept: dict[str, t.Any]) -> None:
    """The look for deleted keys before one is made."""
    script.expect("GET", "apikeys", ALL, query={"showDeleted": "true"}).replies({"keys": list(kept)})


def test_create_and_the_string_that_google_tells_is_in_no_result() -> None:
    script = Script()
    script.expect("GET", "apikeys", ONE).refuses(404)
    deleted(script)
    call = script.expect("POST", "apikeys", ALL, query={"keyId": "partner"}, body=NEW)
    call.replies({"name": "operations/akmf.1"})
    script.expect("GET", "apikeys", "v2/operations/akmf.1").replies(done())
    script.expect("GET", "apikeys", ONE).replies(KEY)
    result = script.run(api_key, **OPTIONS)
    assert result["action"] == "created" and result["resource"]["uid"] == "u-1"
    assert CANARY not in json.dumps(result)


def test_no_change_in_another_spelling() -> None:
    script = Script()
    script.expect("GET", "apikeys", ONE).replies(KEY)
    assert not script.run(api_key, **{**OPTIONS, "services": [{"service": SERVICE.upper()}]})["changed"]


def test_restrictions_change_as_a_whole_and_others_stay() -> None:
    before = {"apiTargets": [{"service": "old"}], "serverKeyRestrictions": {"allowedIps": ["::1"]}}
    script = Script()
    script.expect("GET", "apikeys", ONE).replies({**KEY, "restrictions": before})
    body = {"restrictions": {**before, **TARGETS}, "etag": "e-1"}
    script.expect("PATCH", "apikeys", ONE, query={"updateMask": "restrictions"}, body=body).replies(done())
    script.expect("GET", "apikeys", ONE).replies(KEY)
    result = script.run(api_key, **OPTIONS)
    assert [one["field"] for one in result["changes"]] == ["services"] and CANARY not in json.dumps(result)


def test_a_gateways_api_stands_for_its_managed_service() -> None:
    wanted = {"name": "partner", "apis": ["products"]}
    script = Script()
    script.expect("GET", "apikeys", ONE).replies(KEY)
    script.expect("GET", "apigateway", API).replies({"managedService": SERVICE})
    assert not script.run(api_key, **wanted)["changed"]
    for answer, why in (({"state": "CREATING"}, "has no managed service yet"), (None, "does not exist")):
        script = Script()
        script.expect("GET", "apikeys", ONE).refuses(404)
        call = script.expect("GET", "apigateway", API)
        call.replies(answer) if answer else call.refuses(404)
        assert f"apis: products {why}" in script.run(api_key, fails=True, **wanted)["msg"]


KEPT = {**KEY, "deleteTime": "2026-11-20T10:00:00Z"}


@pytest.mark.parametrize("by_itself", [True, False], ids=["shown by itself", "only in the list"])
def test_a_deleted_key_does_not_come_back_unnoticed(by_itself: bool) -> None:
    script = Script()
    one = script.expect("GET", "apikeys", ONE)
    if by_itself:
        one.replies(KEPT)
    else:
        one.refuses(404)
        deleted(script, KEPT)
    result = script.run(api_key, fails=True, **OPTIONS)
    assert "deleted on 2026-11-20" in result["msg"] and "restore: true" in result["msg"]


def test_restore_brings_it_back_as_it_is_wanted() -> None:
    script = Script()
    script.expect("GET", "apikeys", ONE).replies({**KEPT, "displayName": "old"})
    script.expect("POST", "apikeys", f"{ONE}:undelete", body={}).replies(done())
    script.expect("GET", "apikeys", ONE).replies({**KEY, "displayName": "old"})
    body = {"displayName": "Partner", "etag": "e-1"}
    script.expect("PATCH", "apikeys", ONE, query={"updateMask": "displayName"}, body=body).replies(done())
    script.expect("GET", "apikeys", ONE).replies(KEY)
    result = script.run(api_key, **OPTIONS, restore=True)
    assert result["action"] == "created" and CANARY not in json.dumps(result)


def test_delete_only_what_is_ours_and_once() -> None:
    script = Script()
    script.expect("GET", "apikeys", ONE).replies(KEY)
    script.expect("DELETE", "apikeys", ONE).replies(done())
    assert script.run(api_key, name="partner", state="absent")["action"] == "deleted"
    for found, action in (({**KEY, "annotations": {}}, "kept"), (KEPT, "unchanged")):
        script = Script()
        script.expect("GET", "apikeys", ONE).replies(found)
        assert script.run(api_key, name="partner", state="absent")["action"] == action


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "Partner"}, "State at most 63 lower-case letters"),
        ({"display_name": "x" * 64}, "display_name has 64 characters"),
        ({"services": []}, "it would open every API"),
        ({"services": None}, "it would open every API"),
        ({"allowed_ips": ["nowhere"]}, "allowed_ips: nowhere is no address"),
    ],
)
def test_refused_without_a_request(options: dict[str, t.Any], message: str) -> None:
    assert message in Script().run(api_key, fails=True, **{**OPTIONS, **options})["msg"]


def test_info_reads_strings_only_when_told_to() -> None:
    script = Script()
    script.expect("GET", "apikeys", ALL).replies({"keys": [KEY]})
    (one,) = script.run(api_key_info)["resources"]
    assert one["name"] == "partner" and "key_string" not in one
    script = Script()
    script.expect("GET", "apikeys", ONE).replies(KEY)
    script.expect("GET", "apikeys", f"{ONE}/keyString").replies({"keyString": CANARY})
    (shown,) = script.run(api_key_info, name="partner", show_key_strings=True)["resources"]
    assert shown == {**one, "key_string": CANARY}
    script = Script()
    script.expect("GET", "apikeys", ONE).replies(KEPT)
    assert script.run(api_key_info, name="partner")["resources"] == []
