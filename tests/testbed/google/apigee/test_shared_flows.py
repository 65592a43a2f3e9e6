# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Shared flows: what they have in common with proxies, and what keeps one from being taken away."""
from __future__ import annotations

import io
import zipfile

import pytest

FLOWS = "apigee.organizations.sharedflows"
DEPLOYED = "apigee.organizations.environments.sharedflows.revisions"
KIND = "sharedflows"


@pytest.fixture
async def org(apigee):
    await apigee.organization()
    return apigee


@pytest.fixture
async def ready(apigee):
    await apigee.ready()
    await apigee.upload_flow()
    return apigee


@pytest.mark.shows(f"{FLOWS}.create", f"{FLOWS}.get", f"{FLOWS}.list", f"{FLOWS}.revisions.list")
async def test_every_import_makes_a_revision(org):
    made = await org.upload_flow()
    assert (made["name"], made["revision"], made["sharedFlows"], made["policies"]) == (
        "guard", "1", ["default"], ["act"])
    assert "basepaths" not in made
    assert (await org.upload_flow())["revision"] == "2"
    found = await org.get("sharedflows/guard")
    assert (found["revision"], found["latestRevisionId"], found["metaData"]["subType"]) == (
        ["1", "2"], "2", "SharedFlow")
    assert await org.get("sharedflows") == {"sharedFlows": [{"name": "guard"}]}
    listed, = (await org.get("sharedflows", includeRevisions=True, includeMetaData=True))["sharedFlows"]
    assert listed["latestRevisionId"] == "2" and listed["metaData"]["createdAt"].isdigit()
    assert await org.get("sharedflows/guard/revisions") == ["1", "2"]
    assert await org.get("apis") == {}


@pytest.mark.shows(f"{FLOWS}.create")
async def test_validation_makes_nothing(org):
    await org.upload_flow(action="validate")
    with org.refused(404, "shared flow"):
        await org.get("sharedflows/guard")


@pytest.mark.shows(f"{FLOWS}.create")
async def test_broken_bundles_are_refused_with_every_violation(org):
    flow = "sharedflowbundle/sharedflows/default.xml"
    cases = [
        (b"nonsense", "zip"), (org.bundle(), "no folder sharedflowbundle/"),
        (org.shared_flow(**{flow: "<broken"}), "malformed XML"),
        (org.shared_flow(**{flow: '<SharedFlow name="default"><Step><Name>gone</Name></Step></SharedFlow>'}),
         "policy 'gone', which is not in the bundle"),
        (org.shared_flow(**{flow: '<ProxyEndpoint name="default"/>'}), "must be SharedFlow"),
        (org.shared_flow(**{"sharedflowbundle/sharedflows/b.xml": '<SharedFlow name="b"/>'}), "exactly one SharedFlow"),
        (org.shared_flow(**{"sharedflowbundle/proxies/b.xml": "<ProxyEndpoint/>"}), "unknown folder proxies/"),
        (org.shared_flow(**{"sharedflowbundle/guard.xml": '<APIProxy name="guard"/>'}), "must be SharedFlowBundle"),
    ]
    for action in ("import", "validate"):
        for data, text in cases:
            with org.refused(400, "bundle contains errors") as refusal:
                await org.upload_flow(data, action=action)
            assert text in str(refusal.value.violations)
    assert await org.get("sharedflows") == {}


@pytest.mark.shows(f"{FLOWS}.create")
async def test_import_refusals(org, monkeypatch):
    with org.refused(400, "name"):
        await org.post("sharedflows", org.shared_flow(), action="import")
    with org.refused(400, "must be import or validate"):
        await org.upload_flow(action="upload")
    monkeypatch.setattr("testbed.google.services.apigee.revisions.REVISIONS", 1)
    await org.upload_flow()
    with org.refused(400, "shared flow guard already has 1 revisions"):
        await org.upload_flow()


@pytest.mark.shows(f"{FLOWS}.revisions.get")
async def test_download_has_the_server_s_descriptor(org):
    await org.upload_flow(org.shared_flow("uploaded"))
    archive = zipfile.ZipFile(io.BytesIO(await org.get("sharedflows/guard/revisions/1", format="bundle")))
    text = archive.read("sharedflowbundle/guard.xml").decode()
    assert '<SharedFlowBundle revision="1" name="guard">' in text and "<SharedFlow>default</SharedFlow>" in text
    assert "<subType>SharedFlow</subType>" in text and "sharedflowbundle/uploaded.xml" not in archive.namelist()
    shown = await org.get("sharedflows/guard/revisions/1")
    assert shown["displayName"] == "uploaded"
    assert "basepaths" not in shown


@pytest.mark.shows(f"{FLOWS}.revisions.updateSharedFlowRevision", f"{FLOWS}.revisions.delete", f"{FLOWS}.delete",
                   f"{DEPLOYED}.deploy")
async def test_what_was_deployed_is_frozen_and_what_is_deployed_stays(ready):
    changed = await ready.post("sharedflows/guard/revisions/1", ready.shared_flow("guard", calls="other"))
    assert changed["revision"] == "1"
    await ready.deploy("guard", kind=KIND)
    with ready.refused(400, "has been deployed and is immutable"):
        await ready.post("sharedflows/guard/revisions/1", ready.shared_flow())
    for path in ("sharedflows/guard/revisions/1", "sharedflows/guard"):
        with ready.refused(400, "still deployed to prod"):
            await ready.delete(path)
    await ready.delete(ready.deployments("guard", kind=KIND))
    await ready.emulator.operations.idle()
    assert (await ready.delete("sharedflows/guard/revisions/1"))["revision"] == "1"
    with ready.refused(404):
        await ready.delete("sharedflows/guard")


@pytest.mark.shows(f"{DEPLOYED}.deploy", f"{DEPLOYED}.getDeployments", f"{FLOWS}.deployments.list",
                   f"{FLOWS}.revisions.deployments.list",
                   "apigee.organizations.environments.sharedflows.deployments.list")
async def test_a_deployed_flow_is_in_the_runtime_s_picture(ready):
    state = await ready.deploy("guard", kind=KIND)
    assert (state["state"], state["apiProxy"], state["revision"]) == ("READY", "guard", "1")
    assert "routeConflicts" not in state
    entry, = ready.world.configuration["environments"]["prod"]["shared_flows"]
    assert (entry["shared_flow"], entry["revision"]) == ("guard", "1")
    assert entry["bundle"] in ready.world.bundles
    assert ready.world.configuration["environments"]["prod"]["deployments"] == []
    for path in ("sharedflows/guard/deployments", "sharedflows/guard/revisions/1/deployments",
                 "environments/prod/sharedflows/guard/deployments"):
        listed, = (await ready.get(path))["deployments"]
        assert listed["apiProxy"] == "guard"
        assert "state" not in listed
    assert await ready.get("environments/prod/deployments") == {}
    assert len((await ready.get("environments/prod/deployments", sharedFlows=True))["deployments"]) == 1


@pytest.mark.shows(f"{DEPLOYED}.deploy")
async def test_another_revision_replaces_with_override_alone(ready):
    await ready.deploy("guard", kind=KIND)
    await ready.upload_flow()
    with ready.refused(400, "deployment validations failed") as refusal:
        await ready.deploy("guard", "2", kind=KIND)
    assert refusal.value.violations == [{
        "type": "CONFLICTING_DEPLOYMENT", "subject": "organizations/acme-shop/sharedflows/guard/revisions/1",
        "description": "Only one revision can be deployed at a time, use the override flag to replace."}]
    assert (await ready.deploy("guard", "2", kind=KIND, override=True))["state"] == "READY"
    with ready.refused(404):
        await ready.state("guard", "1", kind=KIND)


@pytest.mark.shows(f"{DEPLOYED}.deploy")
async def test_a_revision_that_the_runtime_refuses_keeps_the_old_one(ready):
    await ready.deploy("guard", kind=KIND)
    await ready.upload_flow()
    refused = {"environment": "prod", "shared_flow": "guard", "revision": "2", "state": "ERROR"}
    ready.world.report = {"shared_flows": [{**refused, "errors": ["no such policy"]}]}
    state = await ready.deploy("guard", "2", kind=KIND, override=True)
    assert (state["state"], state["errors"][0]["message"]) == ("ERROR", "no such policy")
    assert ready.world.configuration["environments"]["prod"]["shared_flows"][0]["revision"] == "1"


@pytest.mark.shows(f"{DEPLOYED}.undeploy")
async def test_a_flow_that_is_called_cannot_be_undeployed(ready):
    await ready.upload_flow(ready.shared_flow("outer", calls="guard"), name="outer")
    await ready.upload(ready.bundle(**{"apiproxy/policies/call.xml": ready.callout("call", "guard")}))
    for name, kind in (("guard", KIND), ("outer", KIND), ("orders", "apis")):
        assert (await ready.deploy(name, kind=kind))["state"] == "READY"
    with ready.refused(400, "undeployment validations failed") as refusal:
        await ready.delete(ready.deployments("guard", kind=KIND))
    assert {(item["type"], item["subject"]) for item in refusal.value.violations} == {
        ("WOULD_BREAK_DEPENDENT", "organizations/acme-shop/apis/orders/revisions/1"),
        ("WOULD_BREAK_DEPENDENT", "organizations/acme-shop/sharedflows/outer/revisions/1")}
    # Replacing it takes nothing away.
    await ready.upload_flow()
    assert (await ready.deploy("guard", "2", kind=KIND, override=True))["state"] == "READY"
    for name, kind in (("orders", "apis"), ("outer", KIND)):
        await ready.delete(ready.deployments(name, kind=kind))
    await ready.emulator.operations.idle()
    await ready.delete(ready.deployments("guard", "2", kind=KIND))
    await ready.emulator.operations.idle()
    assert ready.world.configuration["environments"]["prod"]["shared_flows"] == []


@pytest.mark.shows("apigee.organizations.environments.delete")
async def test_an_environment_with_a_deployed_flow_stays(ready):
    await ready.deploy("guard", kind=KIND)
    with ready.refused(400, "shared flow guard revision 1 is deployed"):
        await ready.delete("environments/prod")
