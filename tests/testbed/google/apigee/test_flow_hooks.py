# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""What an environment has for all its proxies: flow hooks, resource files, the debug mask."""
from __future__ import annotations

import aiohttp
import pytest

ENV = "apigee.organizations.environments"
HOOK = "environments/prod/flowhooks/PreProxyFlowHook"
FILES = "environments/prod/resourcefiles"
MASK = "environments/prod/debugmask"


@pytest.fixture
async def ready(apigee):
    await apigee.ready()
    return apigee


@pytest.mark.shows(f"{ENV}.flowhooks.get", f"{ENV}.flowhooks.attachSharedFlowToFlowHook",
                   f"{ENV}.flowhooks.detachSharedFlowFromFlowHook", f"{ENV}.sharedflows.revisions.undeploy")
async def test_a_deployed_flow_is_attached_and_stays_until_it_is_detached(ready):
    await ready.upload_flow()
    assert await ready.get(HOOK) == {"flowHookPoint": "PreProxyFlowHook"}
    with ready.refused(400, 'shared flow "guard" is not deployed in environment "prod"'):
        await ready.put(HOOK, {"sharedFlow": "guard"})
    await ready.deploy("guard", kind="sharedflows")
    attached = await ready.put(HOOK, {"sharedFlow": "guard", "description": "All calls"})
    assert attached == {"flowHookPoint": "PreProxyFlowHook", "sharedFlow": "guard", "description": "All calls",
                        "continueOnError": True}
    assert await ready.get(HOOK) == attached
    assert (await ready.get("environments/prod"))["hasAttachedFlowHooks"]
    hook, = ready.world.configuration["environments"]["prod"]["flow_hooks"]
    assert (hook["flowHookPoint"], hook["sharedFlow"]) == ("PreProxyFlowHook", "guard")
    with ready.refused(400, "undeployment validations failed") as refusal:
        await ready.delete(ready.deployments("guard", kind="sharedflows"))
    assert refusal.value.violations == [{
        "type": "WOULD_BREAK_DEPENDENT",
        "subject": "organizations/acme-shop/environments/prod/flowhooks/PreProxyFlowHook",
        "description": 'The shared flow "guard" is in use by PreProxyFlowHook.'}]
    # Without it, the next PUT has the default again; false is dropped as proto3 JSON drops it.
    assert "continueOnError" not in await ready.put(HOOK, {"sharedFlow": "guard", "continueOnError": False})
    assert (await ready.put(HOOK, {"sharedFlow": "guard"}))["continueOnError"]
    assert (await ready.delete(HOOK))["sharedFlow"] == "guard"
    assert ready.world.configuration["environments"]["prod"]["flow_hooks"] == []
    assert "hasAttachedFlowHooks" not in await ready.get("environments/prod")
    assert await ready.delete(HOOK) == {"flowHookPoint": "PreProxyFlowHook"}
    await ready.delete(ready.deployments("guard", kind="sharedflows"))


@pytest.mark.shows(f"{ENV}.flowhooks.get", f"{ENV}.flowhooks.attachSharedFlowToFlowHook")
async def test_hooks_that_are_none(ready):
    with ready.refused(400, "must be one of PreProxyFlowHook, PostProxyFlowHook"):
        await ready.get("environments/prod/flowhooks/PreFlow")
    with ready.refused(400, "sharedFlow"):
        await ready.put(HOOK, {"description": "nothing"})
    with ready.refused(404, "environment"):
        await ready.get("environments/gone/flowhooks/PreProxyFlowHook")


@pytest.mark.shows(f"{ENV}.resourcefiles.create", f"{ENV}.resourcefiles.get", f"{ENV}.resourcefiles.list",
                   f"{ENV}.resourcefiles.listEnvironmentResources", f"{ENV}.resourcefiles.update",
                   f"{ENV}.resourcefiles.delete")
async def test_files_by_type_and_name(ready):
    form = aiohttp.FormData()
    form.add_field("note", "not the file")
    form.add_field("file", b"a=1\n", filename="x.properties", content_type="application/octet-stream")
    assert await ready.post(FILES, form, name="texts", type="properties") == {"name": "texts", "type": "properties"}
    await ready.post(FILES, b"\x00\xff", name="texts", type="java")
    with ready.refused(409, "already exists"):
        await ready.post(FILES, b"1", name="texts", type="java")
    assert await ready.get(f"{FILES}/java/texts") == b"\x00\xff"
    listed = [{"name": "texts", "type": "java"}, {"name": "texts", "type": "properties"}]
    assert (await ready.get(FILES))["resourceFile"] == listed
    assert (await ready.get(FILES, type="java"))["resourceFile"] == listed[:1]
    assert (await ready.get(f"{FILES}/properties"))["resourceFile"] == listed[1:]
    assert ready.world.configuration["environments"]["prod"]["resource_files"] == {"properties": {"texts": "a=1\n"}}
    assert await ready.put(f"{FILES}/properties/texts", b"a=2") == listed[1]
    assert ready.world.configuration["environments"]["prod"]["resource_files"] == {"properties": {"texts": "a=2"}}
    assert await ready.delete(f"{FILES}/properties/texts") == listed[1]
    with ready.refused(404, "properties/texts"):
        await ready.get(f"{FILES}/properties/texts")
    assert ready.world.configuration["environments"]["prod"]["resource_files"] == {"properties": {}}


@pytest.mark.shows(f"{ENV}.resourcefiles.create")
async def test_files_that_are_refused(ready):
    for query, text in (({"type": "jsc"}, "name"), ({"name": "a.js"}, "type"), ({"name": "a.js", "type": "exe"}, "exe"),
                        ({"name": "a*.js", "type": "jsc"}, "regex")):
        with ready.refused(400, text):
            await ready.post(FILES, b"1", **query)
    with ready.refused(400, "Content-Type"):
        await ready.post(FILES, {"a": 1}, name="a.js", type="jsc")
    with ready.refused(404, "environment"):
        await ready.post("environments/gone/resourcefiles", b"1", name="a.js", type="jsc")


@pytest.mark.shows(f"{ENV}.getDebugmask", f"{ENV}.updateDebugmask")
async def test_a_mask_is_always_there_and_grows_unless_told_to_replace(ready):
    name = "organizations/acme-shop/environments/prod/debugmask"
    assert await ready.get(MASK) == {"name": name}
    await ready.patch(MASK, {"variables": ["request.header.authorization"], "namespaces": {"a": "urn:a"}})
    await ready.patch(MASK, {"variables": ["private.key"], "namespaces": {"b": "urn:b"}})
    there = {"name": name, "variables": ["request.header.authorization", "private.key"],
             "namespaces": {"a": "urn:a", "b": "urn:b"}}
    assert await ready.get(MASK) == there
    await ready.patch(MASK, {"variables": ["one"], "requestXPaths": ["/a:b"]}, updateMask="requestXPaths",
                      replaceRepeatedFields=True)
    assert await ready.get(MASK) == {**there, "requestXPaths": ["/a:b"]}
    await ready.patch(MASK, {"variables": ["one"]}, updateMask="variables,namespaces,requestXPaths",
                      replaceRepeatedFields=True)
    assert await ready.get(MASK) == {"name": name, "variables": ["one"]}
    with ready.refused(400, "variable"):
        await ready.patch(MASK, {"variables": ["one"]}, updateMask="variable")
