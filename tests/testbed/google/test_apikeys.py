# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""API keys."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.testbed.google.conftest import NUMBER, PROJECT, Google

ALL = "apikeys.projects.locations.keys"
KEYS = f"apikeys/v2/projects/{PROJECT}/locations/global/keys"
ONE = f"{KEYS}/partner"
TARGETS = {"apiTargets": [{"service": "products-1a2b.apigateway.acme-shop.cloud.goog"}]}


@pytest.fixture
async def keys(google: Google) -> Google:
    await google.enable("apikeys.googleapis.com")
    return google


async def made(keys: Google, **fields: Any) -> dict[str, Any]:
    await keys.do("POST", f"{KEYS}?keyId=partner", {"restrictions": TARGETS, **fields})
    return await keys.call("GET", ONE)


@pytest.mark.shows(f"{ALL}.create", f"{ALL}.get", f"{ALL}.list", f"{ALL}.getKeyString")
@pytest.mark.shows("apikeys.keys.lookupKey", "apikeys.operations.get")
async def test_only_one_method_tells_the_string(keys: Google) -> None:
    operation = await keys.do("POST", f"{KEYS}?keyId=partner", {"displayName": "Partner", "restrictions": TARGETS})
    key = await keys.call("GET", ONE)
    assert key["name"] == f"projects/{NUMBER}/locations/global/keys/partner" and key["restrictions"] == TARGETS
    text = (await keys.call("GET", f"{ONE}/keyString"))["keyString"]
    assert text.startswith("AIza") and len(text) == 39
    assert operation["response"]["keyString"] == text, "Google's operation tells it too"
    assert text not in json.dumps([key, await keys.call("GET", KEYS)])
    assert (await keys.call("GET", f"apikeys/v2/keys:lookupKey?keyString={text}"))["name"] == key["name"]
    assert (await keys.refused("GET", "apikeys/v2/keys:lookupKey?keyString=AIzaNone"))["code"] == 403
    assert text not in json.dumps(keys.emulator.store.requests())


@pytest.mark.shows(f"{ALL}.create", "keyId matches [a-z]([a-z0-9-]{0,61}[a-z0-9])?")
async def test_names_and_places(keys: Google) -> None:
    await made(keys)
    assert (await keys.refused("POST", f"{KEYS}?keyId=partner", {}))["code"] == 409
    assert (await keys.refused("POST", f"{KEYS}?keyId=Partner", {}))["code"] == 400
    elsewhere = KEYS.replace("global", "europe-west1")
    assert "global" in (await keys.refused("POST", f"{elsewhere}?keyId=other", {}))["message"]
    assert "global" in (await keys.refused("GET", elsewhere))["message"]


@pytest.mark.shows(f"{ALL}.create", f"{ALL}.patch")
@pytest.mark.parametrize(
    "body",
    [
        {"displayName": "x" * 64},
        {"restrictions": {"serverKeyRestrictions": {"allowedIps": ["nowhere"]}}},
        {"restrictions": {
            "serverKeyRestrictions": {"allowedIps": ["203.0.113.7"]},
            "browserKeyRestrictions": {"allowedReferrers": ["acme.example"]},
        }},
    ],
)  # fmt: skip
async def test_refusals(keys: Google, body: dict[str, Any]) -> None:
    assert (await keys.refused("POST", f"{KEYS}?keyId=other", body))["code"] == 400
    before = await made(keys)
    assert (await keys.refused("PATCH", f"{ONE}?updateMask={next(iter(body))}", body))["code"] == 400
    assert await keys.call("GET", ONE) == before


@pytest.mark.shows(f"{ALL}.patch")
async def test_the_mask_says_what_changes(keys: Google) -> None:
    before = await made(keys, displayName="old", annotations={"team": "shop"})
    change = {"displayName": "new", "annotations": {"team": "other"}}
    await keys.do("PATCH", f"{ONE}?updateMask=displayName", change)
    after = await keys.call("GET", ONE)
    assert (after["displayName"], after["annotations"]) == ("new", {"team": "shop"})
    late = await keys.refused("PATCH", f"{ONE}?updateMask=displayName", {**change, "etag": before["etag"]})
    assert (late["code"], late["status"]) == (409, "ABORTED")
    assert (await keys.refused("PATCH", f"{ONE}?updateMask=uid", {}))["code"] == 400
    await keys.do("PATCH", ONE, {"displayName": "newer"})
    assert (await keys.call("GET", ONE))["restrictions"] == TARGETS, "without a mask, what is sent changes"
    await keys.do("PATCH", f"{ONE}?updateMask=*", {"displayName": "newest"})
    assert "restrictions" not in await keys.call("GET", ONE)


@pytest.mark.shows(f"{ALL}.delete", f"{ALL}.undelete", f"{ALL}.list")
async def test_a_deleted_key_keeps_its_name_and_its_string(keys: Google) -> None:
    before = await made(keys)
    text = await keys.call("GET", f"{ONE}/keyString")
    assert (await keys.refused("DELETE", f"{ONE}?etag=old"))["code"] == 409
    await keys.do("DELETE", ONE)
    assert "keys" not in await keys.call("GET", KEYS)
    (kept,) = (await keys.call("GET", f"{KEYS}?showDeleted=true"))["keys"]
    assert kept["uid"] == before["uid"] and kept["deleteTime"]
    assert (await keys.refused("POST", f"{KEYS}?keyId=partner", {}))["code"] == 409
    assert (await keys.refused("PATCH", ONE, {"displayName": "x"}))["code"] == 404
    assert (await keys.refused("DELETE", ONE))["code"] == 404
    await keys.do("POST", f"{ONE}:undelete", {})
    assert (await keys.call("GET", ONE)) == before and await keys.call("GET", f"{ONE}/keyString") == text
