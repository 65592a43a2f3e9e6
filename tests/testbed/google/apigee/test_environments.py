# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Environments, environment groups, instances and what is attached to what."""
from __future__ import annotations

import pytest

ENV, GROUP, INSTANCE = ("apigee.organizations.environments", "apigee.organizations.envgroups",
                        "apigee.organizations.instances")


@pytest.mark.shows(f"{ENV}.create", f"{ENV}.get", f"{ENV}.list")
async def test_environment_by_body_or_query(apigee):
    await apigee.organization()
    operation = await apigee.post("environments", {"displayName": "Test"}, name="test")
    await apigee.wait(operation)
    await apigee.environment("prod", attach=False, description="live")
    assert await apigee.get("environments") == ["prod", "test"]
    found = await apigee.get("environments/prod")
    assert found["state"] == "ACTIVE" and found["deploymentType"] == "PROXY"
    assert found["apiProxyType"] == "PROGRAMMABLE" and found["description"] == "live"
    with apigee.refused(404, "environment organizations/acme-shop/environments/none not found"):
        await apigee.get("environments/none")
    with apigee.refused(409, "already exists"):
        await apigee.post("environments", {"name": "prod"})


@pytest.mark.shows(f"{ENV}.create")
@pytest.mark.parametrize("body, message", [
    ({}, "must match"),
    ({"name": "a/b"}, "must match"),
    ({"name": "a", "deploymentType": "PROXY", "apiProxyType": "CONFIGURABLE"}, "cannot be combined"),
    ({"name": "a", "forwardProxyUri": "https://x:1"}, "forward_proxy_uri"),
    ({"name": "a", "nodeConfig": {"minNodeCount": "5", "maxNodeCount": "2"}}, "greater than"),
    ({"name": "a", "nodeConfig": {"minNodes": "5"}}, "minNodes"),
    ({"name": "a", "type": "BIG"}, "BIG"),
    ({"name": "a", "clientIpResolutionConfig": {"headerIndexAlgorithm": {"ipHeaderIndex": 1}}}, "ip_header_name"),
])
async def test_environment_create_refuses(apigee, body, message):
    await apigee.organization()
    with apigee.refused(400, message):
        await apigee.post("environments", body)


@pytest.mark.shows(f"{ENV}.get")
async def test_nodes_are_counted_where_they_run(apigee):
    await apigee.organization()
    await apigee.instance()
    await apigee.environment(attach=False, nodeConfig={"minNodeCount": "3"})
    assert (await apigee.get("environments/prod"))["nodeConfig"] == {"minNodeCount": "3"}
    await apigee.wait(await apigee.post("instances/euw1/attachments", {"environment": "prod"}))
    shown = (await apigee.get("environments/prod"))["nodeConfig"]
    assert shown == {"minNodeCount": "3", "currentAggregateNodeCount": "3"}


@pytest.mark.shows(f"{ENV}.modifyEnvironment")
async def test_a_hybrid_organisation_scales_elsewhere(apigee):
    await apigee.organization(authorizedNetwork=None, runtimeType="HYBRID")
    await apigee.environment(attach=False)
    with apigee.refused(400, "HYBRID"):
        await apigee.patch("environments/prod", {"type": "BASE"}, updateMask="type")


@pytest.mark.shows(f"{ENV}.update", f"{ENV}.updateEnvironment")
async def test_put_and_post_replace_what_is_not_fixed(apigee):
    await apigee.organization()
    await apigee.environment(attach=False, description="old", type="BASE",
                             properties={"property": [{"name": "a", "value": "1"}]})
    changed = await apigee.put("environments/prod", {"displayName": "Live"})
    assert changed["displayName"] == "Live" and changed["type"] == "BASE"
    assert "properties" not in changed and "description" not in changed
    changed = await apigee.post("environments/prod", {"description": "new", "deploymentType": "PROXY"})
    assert changed["description"] == "new" and "displayName" not in changed
    for field, value in (("deploymentType", "ARCHIVE"), ("apiProxyType", "CONFIGURABLE")):
        with apigee.refused(400, f"{field}.*cannot be changed"):
            await apigee.put("environments/prod", {field: value})
    with apigee.refused(400, "does not match"):
        await apigee.put("environments/prod", {"name": "test"})


@pytest.mark.shows(f"{ENV}.modifyEnvironment", f"{ENV}.update")
async def test_node_config_changes_by_patch(apigee):
    await apigee.organization()
    await apigee.environment(attach=False)
    operation = await apigee.patch("environments/prod", {"nodeConfig": {"minNodeCount": "2", "maxNodeCount": "4"}},
                                   updateMask="node_config")
    assert (await apigee.wait(operation))["nodeConfig"] == {"minNodeCount": "2", "maxNodeCount": "4"}
    operation = await apigee.patch("environments/prod", {"nodeConfig": {"minNodeCount": "3"}},
                                   updateMask="nodeConfig.minNodeCount")
    await apigee.wait(operation)
    assert (await apigee.get("environments/prod"))["nodeConfig"] == {"minNodeCount": "3", "maxNodeCount": "4"}
    with apigee.refused(400, "may only name node_config"):
        await apigee.patch("environments/prod", {"description": "x"}, updateMask="description")
    with apigee.refused(400, "cannot be added to an environment that has a node_config"):
        await apigee.put("environments/prod", {"forwardProxyUri": "http://proxy.example:3128"})


@pytest.mark.shows(f"{ENV}.delete")
async def test_environment_is_deleted_only_when_nothing_uses_it(apigee):
    await apigee.ready()
    await apigee.upload()
    await apigee.deploy()
    with apigee.refused(400, "attached to environment group shop; it is attached to instance euw1; API proxy orders"):
        await apigee.delete("environments/prod")
    await apigee.delete("environments/prod/apis/orders/revisions/1/deployments")
    for parent in ("envgroups/shop", "instances/euw1"):
        listed = await apigee.get(f"{parent}/attachments")
        attachment, = listed.get("attachments") or listed["environmentGroupAttachments"]
        await apigee.wait(await apigee.delete(f"{parent}/attachments/{attachment['name']}"))
    await apigee.wait(await apigee.delete("environments/prod"))
    assert await apigee.get("environments") == []


@pytest.mark.shows(f"{GROUP}.create", f"{GROUP}.get", f"{GROUP}.list", f"{GROUP}.patch", f"{GROUP}.delete")
async def test_groups_answer_finished_operations(apigee):
    await apigee.organization()
    made = await apigee.post("envgroups", {"hostnames": ["api.acme.example"]}, name="shop")
    assert made["done"] is True and made["response"]["hostnames"] == ["api.acme.example"]
    assert (await apigee.get("envgroups/shop"))["state"] == "ACTIVE"
    changed = await apigee.patch("envgroups/shop", {"hostnames": ["b.acme.example"]}, updateMask="hostnames")
    assert changed["done"] is True
    assert [item["hostnames"] for item in (await apigee.get("envgroups"))["environmentGroups"]] == [["b.acme.example"]]
    assert (await apigee.delete("envgroups/shop"))["done"] is True
    assert await apigee.get("envgroups") == {}


@pytest.mark.shows(f"{GROUP}.create", f"{GROUP}.patch", f"{GROUP}.delete")
async def test_group_refusals(apigee):
    await apigee.ready()
    for body, message in (({"name": "x"}, "hostnames"), ({"name": "X", "hostnames": ["a.example"]}, "must match"),
                          ({"name": "x", "hostnames": ["a b"]}, "host name"),
                          ({"name": "x", "hostnames": ["api.acme.example"]}, "already used by environment group shop"),
                          ({"name": "x", "hostnames": ["a.example", "a.example"]}, "repeated")):
        with apigee.refused(400, message):
            await apigee.post("envgroups", body)
    with apigee.refused(409):
        await apigee.post("envgroups", {"name": "shop", "hostnames": ["a.example"]})
    with apigee.refused(400, "only name hostnames"):
        await apigee.patch("envgroups/shop", {"name": "y"}, updateMask="name")
    with apigee.refused(400, "must not be empty"):
        await apigee.patch("envgroups/shop", {}, updateMask="hostnames")
    with apigee.refused(400, "still has environments attached: prod"):
        await apigee.delete("envgroups/shop")


@pytest.mark.shows(f"{GROUP}.attachments.create", f"{GROUP}.attachments.get", f"{GROUP}.attachments.list",
                   f"{GROUP}.attachments.delete")
async def test_group_attachments(apigee):
    await apigee.ready()
    attachment, = (await apigee.get("envgroups/shop/attachments"))["environmentGroupAttachments"]
    assert attachment["environment"] == "prod" and attachment["environmentGroupId"] == "shop"
    assert await apigee.get(f"envgroups/shop/attachments/{attachment['name']}") == attachment
    with apigee.refused(409, "already exists"):
        await apigee.post("envgroups/shop/attachments", {"environment": "prod"})
    with apigee.refused(404, "environments/none"):
        await apigee.post("envgroups/shop/attachments", {"environment": "none"})
    with apigee.refused(404, "envgroups/none"):
        await apigee.post("envgroups/none/attachments", {"environment": "prod"})
    with apigee.refused(404):
        await apigee.get("envgroups/shop/attachments/none")
    await apigee.wait(await apigee.delete(f"envgroups/shop/attachments/{attachment['name']}"))
    assert apigee.world.configuration["environment_groups"][0]["environments"] == []


@pytest.mark.shows(f"{INSTANCE}.create", f"{INSTANCE}.get", f"{INSTANCE}.list")
async def test_instances_take_ranges_from_the_reservation(apigee):
    await apigee.organization()
    await apigee.instance(ipRange="10.30.8.0/22")
    second = await apigee.wait(await apigee.post("instances", {"name": "use1", "location": "us-east1"}))
    assert second["ipRange"] == "10.30.4.0/22,10.30.0.16/28"
    assert [item["name"] for item in (await apigee.get("instances"))["instances"]] == ["euw1", "use1"]
    found = await apigee.get("instances/euw1")
    assert found["host"] == "10.30.8.2" and found["port"] == "443" and found["state"] == "ACTIVE"


@pytest.mark.shows(f"{INSTANCE}.create")
@pytest.mark.parametrize("body, status, message", [
    ({"location": "europe-west1"}, 400, "name"),
    ({"name": "euw1"}, 400, "location"),
    ({"name": "Euw1", "location": "europe-west1"}, 400, "name"),
    ({"name": "euw1", "location": "europe-west1-b"}, 400, "location"),
    ({"name": "euw1", "location": "europe-west1", "ipRange": "10.30.0.0/24"}, 400, "length /22 or /28"),
    ({"name": "euw1", "location": "europe-west1", "ipRange": "10.99.0.0/22"}, 400, "not part of the ranges reserved"),
    ({"name": "taken", "location": "europe-west1"}, 409, "already exists"),
])
async def test_instance_create_refuses(apigee, body, status, message):
    await apigee.organization()
    await apigee.instance("taken")
    with apigee.refused(status, message):
        await apigee.post("instances", body)


@pytest.mark.shows(f"{INSTANCE}.create")
async def test_instance_that_cannot_start_ends_its_operation_and_leaves_nothing(apigee):
    await apigee.organization()
    apigee.world.fail["start_instance"] = "no room in the namespace"
    operation = await apigee.post("instances", {"name": "euw1", "location": "europe-west1"})
    await apigee.emulator.operations.idle()
    done = await apigee.call("GET", operation["name"])
    assert done["done"] is True and "no room" in done["error"]["message"]
    assert await apigee.get("instances") == {}


@pytest.mark.shows(f"{INSTANCE}.patch", f"{INSTANCE}.delete")
async def test_instance_patch_and_delete(apigee):
    await apigee.ready()
    operation = await apigee.patch("instances/euw1", {"consumerAcceptList": ["other-team"]},
                                   updateMask="consumerAcceptList")
    assert (await apigee.wait(operation))["consumerAcceptList"] == ["other-team"]
    with apigee.refused(400, "may only name"):
        await apigee.patch("instances/euw1", {"location": "us-east1"}, updateMask="location")
    with apigee.refused(400, "still has environments attached: prod"):
        await apigee.delete("instances/euw1")
    attachment, = (await apigee.get("instances/euw1/attachments"))["attachments"]
    await apigee.wait(await apigee.delete(f"instances/euw1/attachments/{attachment['name']}"))
    await apigee.wait(await apigee.delete("instances/euw1"))
    assert apigee.world.instances == {}
    with apigee.refused(404):
        await apigee.get("instances/euw1")


@pytest.mark.shows(f"{INSTANCE}.attachments.create", f"{INSTANCE}.attachments.get", f"{INSTANCE}.attachments.list",
                   f"{INSTANCE}.attachments.delete")
async def test_instance_attachments(apigee):
    await apigee.ready()
    attachment, = (await apigee.get("instances/euw1/attachments"))["attachments"]
    assert attachment["environment"] == "prod"
    assert await apigee.get(f"instances/euw1/attachments/{attachment['name']}") == attachment
    with apigee.refused(409, "already exists"):
        await apigee.post("instances/euw1/attachments", {"environment": "prod"})
    with apigee.refused(404, "environments/none"):
        await apigee.post("instances/euw1/attachments", {"environment": "none"})
    with apigee.refused(400, "environment"):
        await apigee.post("instances/euw1/attachments", {})
    with apigee.refused(404):
        await apigee.delete("instances/euw1/attachments/none")


@pytest.mark.shows(f"{INSTANCE}.list", f"{GROUP}.list")
async def test_lists_come_in_pages(apigee):
    await apigee.organization()
    for number in range(3):
        await apigee.post("envgroups", {"name": f"g{number}", "hostnames": [f"{number}.example"]})
    first = await apigee.get("envgroups", pageSize=2)
    assert [item["name"] for item in first["environmentGroups"]] == ["g0", "g1"]
    second = await apigee.get("envgroups", pageSize=2, pageToken=first["nextPageToken"])
    assert [item["name"] for item in second["environmentGroups"]] == ["g2"] and "nextPageToken" not in second
    with apigee.refused(400, "page token"):
        await apigee.get("envgroups", pageToken="nonsense")


@pytest.mark.shows("apigee.organizations.getDeployedIngressConfig", f"{GROUP}.getDeployedIngressConfig")
async def test_ingress_configuration(apigee):
    await apigee.ready()
    await apigee.environment("test")
    await apigee.wait(await apigee.post("envgroups/shop/attachments", {"environment": "test"}))
    await apigee.upload()
    await apigee.deploy()
    await apigee.deploy(environment="test")
    config = await apigee.get("deployedIngressConfig")
    group, = config["environmentGroups"]
    assert group["name"] == "organizations/acme-shop/envgroups/shop"
    rule, = group["routingRules"]
    assert rule == {"basepath": "/orders", "environment": "organizations/acme-shop/environments/prod",
                    "otherTargets": ["organizations/acme-shop/environments/test"]}
    full, = (await apigee.get("envgroups/shop/deployedIngressConfig", view="FULL"))["routingRules"]
    assert full["receiver"] == "organizations/acme-shop/apis/orders/revisions/1"
