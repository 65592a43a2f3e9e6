# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Shared flow, flow hook and property set, declared in one list: what a caller of any proxy then gets."""
from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from tests.testbed.google.apigee.gateway import gateway

FLOW = Path(__file__).resolve().parents[2] / "shared_flow"
PROD = {"environment": "prod"}
TEXTS = {"kind": "apigee_resource_file", **PROD, "type": "properties", "name": "texts"}
HOOK = {"kind": "apigee_flow_hook", **PROD, "point": "PostProxyFlowHook"}
MASK = {"kind": "apigee_debug_mask", **PROD}
GUARD = {"kind": "apigee_shared_flow", "name": "guard"}
WANTED = [
    # Not in the order in which they are made.
    {**HOOK, "shared_flow": "guard", "continue_on_error": False},
    {**TEXTS, "content": "greeting = welcome\n"},
    {**MASK, "variables": ["private.key"], "request_json_paths": ["$.card"]},
    {**GUARD, "bundle": str(FLOW), "environments": ["prod"]},
]


@pytest.fixture
async def site(apigee, tmp_path):
    async with gateway(apigee, tmp_path) as opened:
        proxy = apigee.bundle(**{"apiproxy/proxies/default.xml":
                                 '<ProxyEndpoint name="default"><HTTPProxyConnection><BasePath>/orders</BasePath>'
                                 '</HTTPProxyConnection><RouteRule name="none"/></ProxyEndpoint>'})
        await apigee.upload(proxy)
        assert (await apigee.deploy())["state"] == "READY"
        yield opened


async def greeting(site) -> str | None:
    """What the shared flow adds to the answer of a proxy that knows nothing of it."""
    headers = {"Host": "api.acme.example"}
    async with aiohttp.ClientSession() as session, session.get(f"{site.url}/orders", headers=headers) as reply:
        assert reply.status == 200
        return reply.headers.get("X-Guard")


async def test_whole_life(site):
    predicted = await site.run(*WANTED, _ansible_check_mode=True)
    assert await greeting(site) is None
    first = await site.run(*WANTED)
    actions = [one["action"] for one in first["resources"]]
    assert actions == [one["action"] for one in predicted["resources"]] == ["created"] * 4
    assert "welcome" not in str(first) + str(predicted)
    assert await greeting(site) == "welcome"
    assert not (await site.run(*WANTED))["changed"]

    # A file alone changes what the flow says, without any deployment.
    changed = await site.run({**TEXTS, "content": "greeting = hello\n"})
    assert [one["action"] for one in changed["resources"]] == ["updated"]
    assert await greeting(site) == "hello"

    gone = await site.run(*({**one, "state": "absent"} for one in (HOOK, TEXTS, MASK, GUARD)))
    assert [one["action"] for one in gone["resources"]] == ["deleted"] * 4
    assert await greeting(site) is None
    with site.apigee.refused(404):
        await site.apigee.get("sharedflows/guard")
    assert await site.apigee.get("environments/prod/resourcefiles") == {}
    assert list(await site.apigee.get("environments/prod/debugmask")) == ["name"]
    assert await site.apigee.get("keyvaluemaps") == []
