# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Deployments: refusals, states driven by the runtime, conflicts, change reports, failures."""
from __future__ import annotations

import asyncio

import pytest

DEPLOY = "apigee.organizations.environments.apis.revisions.deploy"
UNDEPLOY = "apigee.organizations.environments.apis.revisions.undeploy"
STATE = "apigee.organizations.environments.apis.revisions.getDeployments"
REPORT = "apigee.organizations.environments.apis.revisions.deployments.generate{}ChangeReport"
ONE = "environments/prod/apis/orders/revisions/{}/deployments"


@pytest.fixture
async def site(apigee):
    """A ready environment with revisions 1 and 2 of the proxy orders."""
    await apigee.ready()
    await apigee.upload()
    await apigee.upload()
    return apigee


async def two_environments(apigee):
    """A second environment in the same group; orders deployed to prod first."""
    await apigee.environment("test")
    await apigee.wait(await apigee.post("envgroups/shop/attachments", {"environment": "test"}))
    await apigee.deploy()


@pytest.mark.shows(DEPLOY, STATE)
async def test_deployment_starts_progressing_and_becomes_ready(site):
    made = await site.post(ONE.format(1))
    assert made == {"environment": "prod", "apiProxy": "orders", "revision": "1",
                    "deployStartTime": made["deployStartTime"], "proxyDeploymentType": "EXTENSIBLE"}
    assert (await site.state())["state"] in ("PROGRESSING", "READY")
    await site.emulator.operations.idle()
    assert (await site.state())["state"] == "READY" and site.pushed() == {"orders": "1"}


@pytest.mark.shows(DEPLOY, STATE)
async def test_realistic_durations_keep_it_progressing(site):
    async with site.emulator.store.transaction() as tx:
        tx.put("settings/durations", {"scale": 1.0})
    await site.post(ONE.format(1))
    state = await site.state()
    assert state["state"] == "PROGRESSING" and "instances" not in state
    assert site.pushed() == {}
    await site.emulator.operations.stop()


@pytest.mark.shows(DEPLOY, STATE)
async def test_a_deployment_that_becomes_due_while_the_runtime_is_told_of_another(site):
    await site.upload(site.bundle("/invoices", name="invoices"), name="invoices")
    site.emulator.world.delay["configure_runtime"] = 0.2
    await site.post(ONE.format(1))
    await site.post("environments/prod/apis/invoices/revisions/1/deployments")
    seen = set()
    for _ in range(40):
        seen.add((await site.state("invoices"))["state"])
        await asyncio.sleep(0.02)
    await site.emulator.operations.idle()
    assert "ERROR" not in seen
    assert (await site.state("invoices"))["state"] == "READY"


@pytest.mark.shows(DEPLOY)
async def test_other_revision_needs_override(site):
    await site.deploy()
    with site.refused(400, "deployment validations failed") as refusal:
        await site.post(ONE.format(2))
    assert refusal.value.error["status"] == "FAILED_PRECONDITION"
    assert refusal.value.violations == [{
        "type": "CONFLICTING_DEPLOYMENT", "subject": "organizations/acme-shop/apis/orders/revisions/1",
        "description": "Only one revision can be deployed at a time, use the override flag to replace."}]
    state = await site.deploy(revision="2", override=True)
    assert state["state"] == "READY" and site.pushed() == {"orders": "2"}
    with site.refused(404):
        await site.state(revision="1")


@pytest.mark.shows(DEPLOY)
async def test_base_path_of_another_proxy_in_the_environment_is_refused(site):
    await site.deploy()
    await site.upload(site.bundle("/orders/", name="other"), name="other")
    for override in (False, True):
        with site.refused(400, "deployment validations failed") as refusal:
            await site.deploy("other", override=override)
        assert "contains conflicting base paths: [/orders]" in refusal.value.violations[0]["description"]
    assert site.pushed() == {"orders": "1"}


@pytest.mark.shows(DEPLOY)
async def test_deploy_refusals(site):
    for path in ("environments/none/apis/orders/revisions/1", "environments/prod/apis/none/revisions/1",
                 "environments/prod/apis/orders/revisions/9"):
        with site.refused(404, "not found"):
            await site.post(f"{path}/deployments")
    with site.refused(400, "serviceAccount"):
        await site.deploy(serviceAccount="projects/-/serviceAccounts/x@y.iam.gserviceaccount.com")
    await site.wait(await site.post("environments", {"name": "archive", "deploymentType": "ARCHIVE"}))
    with site.refused(400, "ARCHIVE"):
        await site.deploy(environment="archive")


@pytest.mark.shows(DEPLOY)
async def test_service_account_is_shown_as_a_full_name(site):
    state = await site.deploy(serviceAccount="proxy@acme-shop.iam.gserviceaccount.com")
    assert state["serviceAccount"] == "projects/-/serviceAccounts/proxy@acme-shop.iam.gserviceaccount.com"


@pytest.mark.shows(DEPLOY)
async def test_deploying_what_runs_changes_nothing(site):
    first = await site.deploy()
    assert (await site.deploy())["deployStartTime"] == first["deployStartTime"]


@pytest.mark.shows(DEPLOY, STATE)
async def test_without_an_attached_instance_nobody_reports(apigee):
    await apigee.organization()
    await apigee.instance()
    await apigee.environment(attach=False)
    await apigee.upload()
    state = await apigee.deploy()
    assert state["state"] == "PROGRESSING" and "instances" not in state and "errors" not in state
    await apigee.wait(await apigee.post("instances/euw1/attachments", {"environment": "prod"}))
    assert (await apigee.state())["state"] == "READY"
    attachment, = (await apigee.get("instances/euw1/attachments"))["attachments"]
    await apigee.wait(await apigee.delete(f"instances/euw1/attachments/{attachment['name']}"))
    assert (await apigee.state())["state"] == "PROGRESSING"
    assert apigee.world.configuration["environments"] == {}


@pytest.mark.shows(DEPLOY, STATE)
async def test_missing_target_server_fails_until_it_is_made(site):
    await site.upload(site.bundle("/t", ("blue", "green"), name="t"), name="t")
    await site.server("green")
    state = await site.deploy("t")
    assert state["state"] == "ERROR"
    assert state["errors"] == [{"code": 9, "message": 'TargetServer "blue" referenced by proxy "t" revision 1 does not '
                                                      'exist in environment "prod"'}]
    assert site.pushed() == {}
    await site.server("blue")
    assert (await site.state("t"))["state"] == "READY" and site.pushed() == {"t": "1"}


def refuse(site, proxy, revision, reason="policy Foo-1 is not supported"):
    """Make the runtime refuse one revision and run all others."""
    async def configure(configuration, bundles):
        site.world.configuration = configuration
        return {"deployments": [
            {"environment": name, **item, **({"state": "ERROR", "errors": [reason]}
                                             if (item["proxy"], item["revision"]) == (proxy, revision)
                                             else {"state": "READY"})}
            for name, content in configuration["environments"].items() for item in content["deployments"]]}
    site.world.configure_runtime = configure


@pytest.mark.shows(DEPLOY, STATE)
async def test_runtime_refuses_and_the_old_revision_goes_on_serving(site):
    await site.deploy()
    refuse(site, "orders", "2")
    state = await site.deploy(revision="2", override=True)
    assert state["state"] == "ERROR"
    assert state["errors"] == [{"code": 9, "message": "policy Foo-1 is not supported"}]
    assert state["instances"][0]["deployedRevisions"] == [{"revision": "1", "percentage": 100}]
    assert site.pushed() == {"orders": "1"}
    # Nothing changed that could make it run, so it is not tried again; the reason stays.
    await site.patch("envgroups/shop", {"hostnames": ["new.example"]}, updateMask="hostnames")
    assert (await site.state(revision="2"))["errors"] == state["errors"] and site.pushed() == {"orders": "1"}
    state = await site.deploy(revision="1", override=True)
    assert state["state"] == "READY"


@pytest.mark.shows(DEPLOY)
async def test_fault_drops_old_leaves_nothing_serving(site):
    await site.deploy()
    site.emulator.faults.add({"kind": "operation", "match": "*.revisions.deploy", "message": "out of memory",
                              "code": 8, "old": "drops_old", "times": 1})
    state = await site.deploy(revision="2", override=True)
    assert state["state"] == "ERROR" and state["errors"] == [{"code": 8, "message": "out of memory"}]
    assert "instances" not in state and site.pushed() == {}
    assert (await site.deploy(revision="1", override=True))["state"] == "READY"


@pytest.mark.shows(DEPLOY)
async def test_fault_with_keeps_old_and_drops_old_of_a_real_failure(site):
    await site.deploy()
    site.emulator.faults.add({"kind": "operation", "match": "*.revisions.deploy", "message": "boom", "times": 1})
    assert (await site.deploy(revision="2", override=True))["state"] == "ERROR"
    assert site.pushed() == {"orders": "1"}
    refuse(site, "orders", "2")
    site.emulator.faults.clear()
    site.emulator.faults.add({"kind": "operation", "match": "*.revisions.deploy", "old": "drops_old", "times": 1})
    assert (await site.deploy(revision="2", override=True))["state"] == "ERROR"
    assert site.pushed() == {}


def shares(state):
    """Instance to its revisions with their percentages."""
    return {one["instance"]: {each["revision"]: each["percentage"] for each in one["deployedRevisions"]}
            for one in state["instances"]}


@pytest.mark.shows(DEPLOY, STATE)
async def test_instances_take_a_revision_up_in_parts_and_in_their_own_time(site):
    await site.instance("use1")
    await site.wait(await site.post("instances/use1/attachments", {"environment": "prod"}))
    await site.deploy()
    fault = {"kind": "rollout", "match": "*.revisions.deploy", "instance": "use1", "percentage": 30, "seconds": 0.5}
    site.emulator.faults.add({**fault, "times": 1})
    await site.post(ONE.format(2), override=True)
    while "use1" not in (seen := shares(state := await site.state(revision="2"))) or "2" not in seen["euw1"]:
        await asyncio.sleep(0.01)
    assert state["state"] == "PROGRESSING" and shares(state) == {"euw1": {"2": 100}, "use1": {"2": 30, "1": 70}}
    pushed = site.world.configuration["environments"]["prod"]["deployments"]
    assert [(each["instances"], each["revision"], each["share"]) for each in pushed] == [
        (["euw1"], "2", 100), (["use1"], "2", 30), (["use1"], "1", 70)]
    await site.emulator.operations.idle()
    state = await site.state(revision="2")
    assert state["state"] == "READY" and shares(state) == {"euw1": {"2": 100}, "use1": {"2": 100}}


@pytest.mark.shows(DEPLOY, STATE)
async def test_an_instance_that_never_takes_it_up_goes_on_with_the_old_one(site):
    await site.deploy()
    site.emulator.faults.add({"kind": "rollout", "match": "*.revisions.deploy", "times": 1, "state": "READY"})
    state = await site.deploy(revision="2", override=True)
    assert state["state"] == "READY" and shares(state) == {"euw1": {"1": 100}} and site.pushed() == {"orders": "1"}
    state = await site.deploy(revision="1", override=True)
    assert state["state"] == "READY" and shares(state) == {"euw1": {"1": 100}} and site.pushed() == {"orders": "1"}
    site.emulator.faults.add({"kind": "rollout", "match": "*.revisions.deploy", "times": 1})
    await site.upload(site.bundle("/new", name="new"), name="new")
    state = await site.deploy("new")
    assert state["state"] == "PROGRESSING" and "instances" not in state and site.pushed() == {"orders": "1"}


@pytest.mark.shows(STATE)
async def test_runtime_that_cannot_be_configured_is_an_error(site):
    site.world.fail["configure_runtime"] = "the runtime has died"
    state = await site.deploy()
    assert state["state"] == "ERROR" and state["errors"][0]["code"] == 13
    assert "the runtime has died" in state["errors"][0]["message"]
    del site.world.fail["configure_runtime"]
    await site.server()
    assert (await site.state())["state"] == "READY"


@pytest.mark.shows(UNDEPLOY)
async def test_undeploy_is_over_when_the_deployment_is_gone(site):
    with site.refused(404):
        await site.delete(ONE.format(1))
    await site.deploy()
    assert await site.delete(ONE.format(1)) == {}
    await site.emulator.operations.idle()
    with site.refused(404, "deployment of apis/orders/revisions/1 in environment prod"):
        await site.state()
    assert site.pushed() == {}
    assert (await site.deploy())["state"] == "READY"


@pytest.mark.shows(UNDEPLOY, DEPLOY)
async def test_deploying_again_wins_over_an_undeployment_that_runs(site):
    await site.deploy()
    async with site.emulator.store.transaction() as tx:
        tx.put("settings/durations", {"scale": 0.01})
    await site.delete(ONE.format(1))
    assert (await site.state())["state"] == "PROGRESSING"
    assert (await site.deploy())["state"] == "READY"
    assert site.pushed() == {"orders": "1"}


@pytest.mark.shows(DEPLOY, STATE)
async def test_same_base_path_in_another_environment_is_only_a_route_conflict(site):
    await two_environments(site)
    state = await site.deploy(environment="test")
    assert state["state"] == "READY"
    conflict, = state["routeConflicts"]
    assert conflict["environmentGroup"] == "shop"
    assert conflict["conflictingDeployment"] == {
        "apiProxy": "orders", "revision": "1", "environment": "prod", "basepath": "/orders"}
    assert state["instances"][0]["deployedRoutes"] == [
        {"envgroup": "shop", "basepath": "/orders", "environment": "prod", "percentage": 100}]
    assert "routeConflicts" not in await site.state()
    rules = site.world.configuration["environment_groups"][0]["routing_rules"]
    assert rules == [{"basepath": "/orders", "environment": "prod"}]
    # A new revision keeps the claim; undeploying gives it up.
    await site.deploy(revision="2", override=True)
    assert "routeConflicts" in await site.state(environment="test")
    await site.delete(ONE.format(2))
    await site.emulator.operations.idle()
    assert "routeConflicts" not in await site.state(environment="test")


@pytest.mark.shows(STATE)
async def test_changed_conflicts_are_progressing_until_they_are_rolled_out(site):
    await two_environments(site)
    assert (await site.deploy(environment="test"))["state"] == "READY"
    async with site.emulator.store.transaction() as tx:
        tx.put("settings/durations", {"scale": 0.01})
    await site.delete(ONE.format(1))
    state = await site.state(environment="test")
    assert state["state"] == "PROGRESSING" and "routeConflicts" not in state
    await site.emulator.operations.idle()
    assert (await site.state(environment="test"))["state"] == "READY"
    rules = site.world.configuration["environment_groups"][0]["routing_rules"]
    assert rules == [{"basepath": "/orders", "environment": "test"}]


@pytest.mark.shows(REPORT.format("Deploy"))
async def test_two_groups_are_reported_each_for_itself(site):
    await two_environments(site)
    await site.group("partners", environments=("prod", "test"), hostnames=("partners.acme.example",))
    report = await site.post("environments/test/apis/orders/revisions/1/deployments:generateDeployChangeReport")
    assert [item["environmentGroup"] for item in report["routingConflicts"]] == ["partners", "shop"]
    assert all(item["description"] and item["conflictingDeployment"]["basepath"] == "/orders"
               for item in report["routingConflicts"])
    changes = (await site.post(f"{ONE.format(1)}:generateUndeployChangeReport"))["routingChanges"]
    assert sorted(item["environmentGroup"] for item in changes) == ["partners", "shop"]
    await site.deploy(environment="test")
    state = await site.state(environment="test")
    assert [item["environmentGroup"] for item in state["routeConflicts"]] == ["partners", "shop"]
    # Another revision that gives the path up hands its traffic over: nothing of the kind is refused.
    await site.upload(site.bundle("/elsewhere"))
    report = await site.post(f"{ONE.format(3)}:generateDeployChangeReport", override=True)
    moved = [(item["environmentGroup"], item["fromDeployment"]["environment"], item["toDeployment"]["environment"])
             for item in report["routingChanges"]]
    assert moved == [("partners", "prod", "test"), ("shop", "prod", "test")]
    assert "validationErrors" not in report


@pytest.mark.shows(REPORT.format("Deploy"))
async def test_deploy_change_report(site):
    assert await site.post(f"{ONE.format(1)}:generateDeployChangeReport") == {}
    await two_environments(site)
    report = await site.post("environments/test/apis/orders/revisions/1/deployments:generateDeployChangeReport")
    assert report["routingConflicts"][0]["conflictingDeployment"]["environment"] == "prod"
    report = await site.post(f"{ONE.format(2)}:generateDeployChangeReport")
    assert report["validationErrors"]["violations"][0]["type"] == "CONFLICTING_DEPLOYMENT"
    assert await site.post(f"{ONE.format(2)}:generateDeployChangeReport", override=True) == {}
    await site.upload(site.bundle("/orders/deep", name="deep"), name="deep")
    report = await site.post("environments/test/apis/deep/revisions/1/deployments:generateDeployChangeReport")
    change, = report["routingChanges"]
    assert change["shouldSequenceRollout"] is True and change["toDeployment"]["environment"] == "test"
    with site.refused(404):
        await site.get("environments/test/apis/deep/revisions/1/deployments")


@pytest.mark.shows(REPORT.format("Undeploy"))
async def test_undeploy_change_report(site):
    await two_environments(site)
    change, = (await site.post(f"{ONE.format(1)}:generateUndeployChangeReport"))["routingChanges"]
    assert change["fromDeployment"]["environment"] == "prod" and "toDeployment" not in change
    await site.deploy(environment="test")
    change, = (await site.post(f"{ONE.format(1)}:generateUndeployChangeReport"))["routingChanges"]
    assert change["toDeployment"]["environment"] == "test"


@pytest.mark.shows(*(f"apigee.organizations.{name}.list" for name in (
    "deployments", "environments.deployments", "apis.deployments", "apis.revisions.deployments",
    "environments.apis.deployments")), "apigee.organizations.environments.deployments.get")
async def test_lists_as_gcloud_reads_them(site):
    await site.deploy()
    await site.upload(site.bundle("/b", name="b"), name="b")
    await site.deploy("b")
    await site.environment("test", attach=False)
    for path, proxies in (("deployments", ["b", "orders"]), ("environments/prod/deployments", ["b", "orders"]),
                          ("environments/test/deployments", []), ("apis/orders/deployments", ["orders"]),
                          ("apis/orders/revisions/1/deployments", ["orders"]),
                          ("apis/orders/revisions/2/deployments", []),
                          ("environments/prod/apis/b/deployments", ["b"])):
        listed = (await site.get(path)).get("deployments", [])
        assert [item["apiProxy"] for item in listed] == proxies, path
        assert all("state" not in item and "instances" not in item for item in listed)
    assert await site.get("deployments", sharedFlows=True) == {}
    assert (await site.get("environments/prod/deployments/b"))["state"] == "READY"
    for path in ("environments/none/deployments", "apis/none/deployments", "environments/prod/deployments/none"):
        with site.refused(404):
            await site.get(path)


@pytest.mark.shows(DEPLOY)
async def test_after_a_restart_the_world_gets_its_picture_again(site):
    await site.deploy()
    site.world.configuration, site.world.instances = {}, {}
    await site.emulator.restore_world()
    assert site.pushed() == {"orders": "1"} and list(site.world.instances) == [("acme-shop", "euw1")]
