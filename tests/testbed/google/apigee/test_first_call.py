# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""The shortest way from nothing to a deployed proxy, as a client goes it."""
from __future__ import annotations


async def test_from_organization_to_ready_deployment(apigee):
    made = await apigee.organization()
    assert made["@type"].endswith("Organization") and made["state"] == "ACTIVE"
    instance = await apigee.instance()
    assert instance["host"] == "10.30.0.2" and instance["port"] == "443"
    assert instance["ipRange"] == "10.30.0.0/22,10.30.4.0/28"
    assert apigee.world.instances[("acme-shop", "euw1")].network == "projects/acme-shop/global/networks/shop-vpc"
    await apigee.environment()
    await apigee.group()
    await apigee.server()
    revision = await apigee.upload()
    assert revision["revision"] == "1" and revision["basepaths"] == ["/orders"]
    state = await apigee.deploy()
    assert state["state"] == "READY"
    assert state["instances"] == [{
        "instance": "euw1", "deployedRevisions": [{"revision": "1", "percentage": 100}],
        "deployedRoutes": [{"envgroup": "shop", "basepath": "/orders", "environment": "prod", "percentage": 100}]}]
    picture = apigee.world.configuration
    assert picture["organization"] == "acme-shop"
    assert picture["instance"] == {
        "name": "euw1", "location": "europe-west1", "host": "10.30.0.2", "ip_range": "10.30.0.0/22"}
    assert picture["environment_groups"] == [{
        "name": "shop", "hostnames": ["api.acme.example"], "environments": ["prod"],
        "routing_rules": [{"basepath": "/orders", "environment": "prod"}]}]
    server, = picture["environments"]["prod"]["target_servers"]
    assert server["isEnabled"] is True and server["protocol"] == "HTTP"
    entry, = picture["environments"]["prod"]["deployments"]
    assert set(apigee.world.bundles) == {entry["bundle"]}
