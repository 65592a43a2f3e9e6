# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deployments under a constant stream of requests through the real runtime: what is lost, what comes back."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google import retries

from tests.acceptance.cloud import Cloud
from tests.acceptance.gateway_site import SICK, Site

#: An error fits on a screen.
SCREEN = 20


@pytest.fixture(scope="module")
def site(running_cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One organisation for all tests of this file."""
    built = Site(running_cloud, tmp_path_factory.mktemp("bundles"))
    built.build()
    yield built
    running_cloud.control("DELETE", "faults")


@pytest.fixture
def serving(site: Site) -> Site:
    """A proxy that answers "old", and nothing else."""
    site.cloud.control("DELETE", "faults")
    for name in ("orders", "thief"):
        site.run("apigee_proxy", name=name, state="absent", force=True)
    site.proxy(site.bundle("old"))
    site.cloud.control("DELETE", "requests")
    return site


def test_a_good_deployment_loses_no_request(serving: Site) -> None:
    with serving.stream() as stream:
        result = serving.proxy(serving.bundle("new"))
    assert stream.lost == [] and stream.bodies == {"old", "new"} and stream.answers[-1].text == "new"
    assert "answered 200" in result["note"] and serving.deployed() == {"prod": "2"}


def test_an_error_that_keeps_the_old_revision_loses_no_request(serving: Site) -> None:
    serving.fault(kind="operation", message="policy Foo-1 cannot be loaded")
    with serving.stream() as stream:
        result = serving.proxy(serving.bundle("new"), fails=True)
    assert stream.lost == [] and stream.bodies == {"old"} and serving.deployed() == {"prod": "1"}
    for text in ("policy Foo-1 cannot be loaded", "rollback revision 1", "outage   none seen", "serving  revision 1"):
        assert text in result["msg"]
    assert len(result["msg"].splitlines()) <= SCREEN


def test_an_error_that_drops_the_old_revision_is_undone_and_the_outage_is_told(serving: Site) -> None:
    serving.fault(kind="operation", message="out of memory", old="drops_old")
    with serving.stream() as stream:
        result = serving.proxy(serving.bundle("new"), fails=True)
    assert stream.lost and stream.answers[-1].status == 200 and stream.bodies == {"old"}
    assert serving.deployed() == {"prod": "1"}
    deployment = result["deployment"]
    assert deployment["rollback"]["asked_after"] < 1 and deployment["serving"] == ["1"]
    assert stream.outage <= deployment["outage_seconds"] + 0.2 and deployment["outage_seconds"] > 0
    assert "outage   up to" in result["msg"] and "out of memory" in result["msg"]


def test_an_api_that_does_not_answer_while_the_old_revision_is_dropped_still_ends_with_it(serving: Site) -> None:
    serving.fault(kind="operation", message="out of memory", old="drops_old")
    # As often as one look is repeated, which takes longer than there is time.
    looks = {"match": "*.apis.revisions.getDeployments", "kind": "drop", "times": retries.ATTEMPTS}
    serving.cloud.control("POST", "faults", json=looks)
    with serving.stream() as stream:
        result = serving.proxy(serving.bundle("new"), fails=True, timeout=5)
    assert stream.lost and stream.answers[-1].text == "old" and serving.deployed() == {"prod": "1"}
    deployment = result["deployment"]
    assert deployment["kind"] == "unseen" and deployment["rollback"]["asked_after"] < 1
    assert stream.outage <= deployment["outage_seconds"] + 0.2
    assert "Apigee does not say whether it serves" in result["msg"] and "rollback revision 1" in result["msg"]
    assert "did not say what served from 0.0 s to" in result["msg"] and len(result["msg"].splitlines()) <= SCREEN


def test_an_instance_that_is_never_ready_is_undone_and_loses_no_request(serving: Site) -> None:
    serving.fault(kind="rollout", percentage=30, state="READY")
    with serving.stream() as stream:
        result = serving.proxy(serving.bundle("new"), fails=True, timeout=3)
    # Replicas with the new revision answered as well, until they were taken back.
    assert stream.lost == [] and stream.bodies == {"old", "new"} and stream.answers[-1].text == "old"
    assert "instance euw1 has revision 2 on 30 % of its replicas, revision 1 on the others" in result["msg"]
    assert serving.deployed() == {"prod": "1"}


def test_slow_instances_are_waited_for(serving: Site) -> None:
    serving.fault(kind="rollout", percentage=50, seconds=1.5, state="READY")
    with serving.stream() as stream:
        result = serving.proxy(serving.bundle("new"))
    assert stream.lost == [] and stream.answers[-1].text == "new" and result["waited"] >= 1


def conflicting(serving: Site) -> Path:
    """A bundle of which a base path is another proxy's, which neither the routing table nor the change report tells."""
    serving.run(
        "apigee_proxy", name="thief", bundle=str(serving.bundle("stolen", "/stock", name="thief")),
        environments=["test"], probe=False,
    )  # fmt: skip
    # As if the thief had come a moment later.
    config = "apigee.organizations.envgroups.getDeployedIngressConfig"
    serving.cloud.control("POST", "faults", json={"kind": "status", "match": config, "status": 403})
    report = "*.generateDeployChangeReport"
    serving.cloud.control("POST", "faults", json={"kind": "status", "match": report, "status": 200, "body": {}})
    bundle = serving.bundle("new")
    second = (bundle / "apiproxy/proxies/default.xml").read_text().replace('"default"', '"stock"')
    (bundle / "apiproxy/proxies/stock.xml").write_text(second.replace("/orders", "/stock"))
    return bundle


def test_a_conflict_that_only_the_deployment_shows_is_undone(serving: Site) -> None:
    bundle = conflicting(serving)
    with serving.stream() as stream:
        result = serving.proxy(bundle, fails=True)
    assert stream.lost == [] and stream.answers[-1].text == "old" and serving.deployed() == {"prod": "1"}
    assert "base path /stock is answered by proxy thief" in result["msg"]


def test_a_revision_with_a_conflict_is_not_promoted_though_ready(serving: Site) -> None:
    serving.proxy(conflicting(serving), fails=True, rollback=False)
    assert serving.deployed() == {"prod": "2"}
    said = {"apigee_deploy_proxy": "orders", "apigee_deploy_environment": "test", "apigee_deploy_from": "prod"}
    run = serving.cloud.play("playbooks/apigee_deploy.yml", "-e", json.dumps(said), check=False)
    assert run.code and serving.deployed() == {"prod": "2"}, run.output
    assert "There is nothing to promote" in run.output and "base path /stock is answered by proxy thief" in run.output


def test_a_probe_that_fails_is_undone_and_loses_no_request(serving: Site) -> None:
    sick = serving.bundle("new", more=SICK)
    with serving.stream() as stream:
        result = serving.proxy(sick, fails=True, probe_request={**serving.probe, "path": "/health", "status": [200]})
    assert stream.lost == [] and stream.answers[-1].text == "old" and serving.deployed() == {"prod": "1"}
    assert "does not answer through the gateway" in result["msg"] and "status 503" in result["msg"]
    assert result["deployment"]["outage_seconds"] > 0


def test_a_first_deployment_that_fails_leaves_nothing_half(site: Site) -> None:
    site.run("apigee_proxy", name="orders", state="absent", force=True)
    site.fault(kind="operation", message="boom")
    result = site.proxy(site.bundle("first"), fails=True)
    assert site.deployed() == {} and "rollback undeployed, as before" in result["msg"]
    # The next run deploys the same revision.
    assert site.proxy(site.bundle("first"))["changed"] and site.revisions() == ["1"]


def test_the_same_content_in_any_form_is_nothing_to_do(serving: Site, tmp_path: Path) -> None:
    folder = serving.bundle("old")
    zips = [tmp_path / "one.zip", tmp_path / "two.zip"]
    for path, order in zip(zips, (sorted, lambda names: sorted(names, reverse=True)), strict=True):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            for file in order([each for each in folder.rglob("*") if each.is_file()]):
                archive.write(file, file.relative_to(folder))
    indented = tmp_path / "indented"
    shutil.copytree(folder, indented)
    for file in indented.rglob("*.xml"):
        file.write_text(file.read_text().replace("\n  ", "\n\t\t"))
    downloaded = tmp_path / "downloaded.zip"
    reply = serving.cloud.session.get(
        f"{serving.cloud.connection['emulator']}/apigee/v1/organizations/acme-shop/apis/orders/revisions/1",
        params={"format": "bundle"}, headers={"Authorization": f"Bearer {serving.cloud.token()}"}, timeout=30,
    )  # fmt: skip
    downloaded.write_bytes(reply.content)
    for form in (*zips, indented, downloaded):
        for compare in ("label", "content"):
            serving.cloud.control("DELETE", "requests")
            assert not serving.proxy(form, compare=compare)["changed"], (form, compare)
            assert serving.writes() == 0
    assert serving.revisions() == ["1"]


def test_two_runs_at_once_end_as_one(serving: Site) -> None:
    bundle = serving.bundle("new")
    options = {"name": "orders", "bundle": str(bundle), "environments": ["prod"], "probe_request": serving.probe}
    with serving.stream() as stream:
        results = [serving.result(one) for one in [serving.start("apigee_proxy", **options) for _ in range(2)]]
    assert stream.lost == [] and stream.answers[-1].text == "new"
    assert [result for result in results if not result.get("failed")], [result["msg"] for result in results]
    assert len(serving.revisions()) <= 3
    serving.cloud.control("DELETE", "requests")
    assert not serving.proxy(bundle)["changed"] and serving.writes() == 0


def test_two_runs_at_once_with_other_content_end_with_one_of_them_and_say_so(serving: Site) -> None:
    bundles = {says: serving.bundle(says) for says in ("new", "newer")}
    options = {"name": "orders", "environments": ["prod"], "probe_request": serving.probe}
    with serving.stream() as stream:
        begun = {says: serving.start("apigee_proxy", bundle=str(one), **options) for says, one in bundles.items()}
        results = {says: serving.result(one) for says, one in begun.items()}
        # The last answers: what the gateway says once both have ended.
        last = stream.once().text
    assert stream.lost == [] and last in bundles and not results[last].get("failed"), results
    (other,) = set(bundles) - {last}
    assert not results[other].get("failed") or "another run or person" in results[other]["msg"].lower()
    count = len(serving.revisions())
    assert count <= 3
    # The labels may speak of the other; content decides, and nothing is imported or deployed again.
    before = serving.deployed()
    serving.proxy(bundles[last])
    assert len(serving.revisions()) == count and serving.deployed() == before
    assert not serving.proxy(bundles[last])["changed"]


def test_a_change_that_was_never_deployed_is_overwritten_not_piled_up(serving: Site) -> None:
    serving.cloud.control("POST", "faults", json={"kind": "status", "match": "*.revisions.deploy", "status": 403})
    for number in range(3):
        serving.proxy(serving.bundle(f"try {number}"), fails=True)
    assert serving.revisions() == ["1", "2"]
    serving.cloud.control("DELETE", "faults")
    bundle = serving.bundle("good")
    preview = serving.proxy(bundle, check=True)
    assert preview["note"] == "would import revision 2 and deploy it over 1 in prod"
    serving.proxy(bundle)
    assert serving.revisions() == ["1", "2"] and not serving.proxy(bundle)["changed"]


def test_a_preview_lets_apigee_look_and_touches_nothing(serving: Site) -> None:
    before = serving.cloud.state()["digest"]
    preview = serving.proxy(serving.bundle("new"), check=True)
    assert serving.cloud.state()["digest"] == before and preview["requests"]["writes"] == 0
    assert any("new" in entry["after"] and "old" in entry["before"] for entry in preview["diff"])
    # What only Apigee knows to be wrong is found as well.
    bad = serving.bundle("new")
    policy = bad / "apiproxy/policies/Answer.xml"
    policy.write_text(policy.read_text().replace("AssignMessage", "NoSuchPolicy"))
    said = serving.proxy(bad, check=True, fails=True)["msg"]
    assert "NoSuchPolicy" in said and serving.cloud.state()["digest"] == before


# -- shared flows: the same base, the same promises


@pytest.fixture
def greeted(site: Site) -> Site:
    """A proxy that answers what the shared flow greeting says: "old"."""
    site.cloud.control("DELETE", "faults")
    site.run("apigee_proxy", name="orders", state="absent", force=True)
    site.run("apigee_shared_flow", name="greeting", state="absent")
    flow(site, "old")
    site.proxy(site.calling())
    return site


def flow(site: Site, says: str, **options: Any) -> dict[str, Any]:
    """Run ``apigee_shared_flow`` for greeting."""
    wanted = {"name": "greeting", "bundle": str(site.greeting(says)), "environments": ["prod"]}
    return site.run("apigee_shared_flow", **wanted, **options)


def test_a_shared_flow_is_replaced_without_a_lost_request_and_only_when_it_differs(greeted: Site) -> None:
    with greeted.stream() as stream:
        result = flow(greeted, "new")
    assert stream.lost == [] and stream.bodies == {"old", "new"} and stream.answers[-1].text == "new"
    assert result["resource"]["revision"] == 2
    greeted.cloud.control("DELETE", "requests")
    assert not flow(greeted, "new")["changed"] and greeted.writes() == 0
    kept = flow(greeted, "newer", keep_revisions=1)
    assert kept["resource"]["revisions"] == [3] and "deleted revisions 1-2" in kept["note"]
    (found,) = greeted.run("apigee_shared_flow_info", name="greeting")["resources"]
    assert found["deployments"][0]["state"] == "READY"


def test_a_shared_flow_that_fails_is_undone(greeted: Site) -> None:
    greeted.fault(kind="operation", message="out of memory", old="drops_old")
    with greeted.stream() as stream:
        result = flow(greeted, "new", fails=True)
    assert stream.answers[-1].text == "old" and "rollback revision 1" in result["msg"]
    assert result["deployment"]["outage_seconds"] >= stream.outage - 0.2
