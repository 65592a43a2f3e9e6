# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""The emulator's picture and the runtime's own reading of it: what one writes the other understands."""
from __future__ import annotations

import pytest

from testbed.apigee.bundle import BundleError, load
from testbed.apigee.configuration import Configuration, build
from testbed.world import WorldError


@pytest.fixture
async def site(apigee):
    """A ready environment whose world judges pictures as the runtime process does, without the process."""
    current = Configuration.empty()

    async def configure(configuration, bundles):
        nonlocal current
        parsed = {}
        for digest, data in bundles.items():
            try:
                parsed[digest] = load(data)
            except BundleError as error:
                parsed[digest] = error.violations
        apigee.world.configuration = configuration
        current = build(configuration, parsed, current)
        apigee.router = current.router
        return current.report

    apigee.world.configure_runtime = configure
    await apigee.ready()
    return apigee


async def test_deployed_proxy_is_routed_and_an_undeployed_one_is_not(site):
    await site.upload(site.bundle("/orders", ("orders",)))
    await site.server()
    assert (await site.deploy())["state"] == "READY"
    route = site.router.route("api.acme.example", "/orders/42")
    assert (route.deployment.proxy, route.deployment.revision, route.suffix) == ("orders", "1", "/42")
    assert site.router.route("other.example", "/orders/42") is None
    await site.delete("environments/prod/apis/orders/revisions/1/deployments")
    await site.emulator.operations.idle()
    assert site.router.route("api.acme.example", "/orders/42") is None


async def test_what_the_runtime_does_not_execute_is_an_error_and_the_old_revision_stays(site):
    await site.upload()
    await site.deploy()
    await site.upload(site.bundle(**{
        "apiproxy/policies/OAuth.xml": '<OAuthV2 name="OAuth"><Operation>VerifyAccessToken</Operation></OAuthV2>',
        "apiproxy/proxies/default.xml":
            '<ProxyEndpoint name="default"><PreFlow name="PreFlow"><Request><Step><Name>OAuth</Name></Step></Request>'
            "</PreFlow><HTTPProxyConnection><BasePath>/orders</BasePath></HTTPProxyConnection>"
            '<RouteRule name="default"><TargetEndpoint>default</TargetEndpoint></RouteRule></ProxyEndpoint>'}))
    state = await site.deploy(revision="2", override=True)
    assert state["state"] == "ERROR" and "OAuth" in state["errors"][0]["message"]
    assert site.router.route("api.acme.example", "/orders").deployment.revision == "1"


async def test_the_oldest_claim_gets_the_traffic(site):
    for name in ("alpha", "zulu"):
        await site.environment(name)
        await site.wait(await site.post("envgroups/shop/attachments", {"environment": name}))
    await site.upload()
    await site.deploy(environment="zulu")
    await site.deploy(environment="alpha")
    assert site.router.route("api.acme.example", "/orders").deployment.environment == "zulu"
    await site.delete("environments/zulu/apis/orders/revisions/1/deployments")
    await site.emulator.operations.idle()
    assert site.router.route("api.acme.example", "/orders").deployment.environment == "alpha"


async def test_deleting_a_target_server_in_use_stops_the_deployment_until_it_is_back(site):
    await site.upload(site.bundle("/orders", ("orders",)))
    await site.server()
    await site.deploy()
    await site.delete("environments/prod/targetservers/orders")
    state = await site.state()
    assert state["state"] == "ERROR" and "orders" in state["errors"][0]["message"]
    await site.server()
    assert (await site.state())["state"] == "READY"


async def test_instance_that_does_not_come_back_is_recorded(site):
    await site.upload()
    await site.deploy()

    async def dead(*_arguments):
        raise WorldError("address in use")

    site.world.start_instance = site.world.configure_runtime = dead
    await site.emulator.restore_world()
    state = await site.state()
    assert state["state"] == "ERROR" and "address in use" in state["errors"][0]["message"]
