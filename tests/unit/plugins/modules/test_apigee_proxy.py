# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Proxies: equal content is never imported again, a cut-off run is completed, a failure says everything."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._apigee import bundle, digest, generate
from ansible_collections.gatewayops.apigee_gke.plugins.modules import apigee_proxy, apigee_proxy_info
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.apigee_replies import ORG
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Script

ONE = f"{ORG}/apis/orders"
PROD = f"{ORG}/environments/prod"
WANTED: dict[str, t.Any] = {
    "name": "orders",
    "base_path": "/orders",
    "target_servers": ["orders"],
    "environments": ["prod"],
}
CONTENT = generate.generate("orders", "/orders", ["orders"])
OTHER = generate.generate("orders", "/orders", ["orders"], description="older")
DIGEST = digest.digest(CONTENT)
OURS = {"managed-by": "gatewayops-apigee-gke"}
REPORT = "deployments:generateDeployChangeReport"


def labels(revision: int, content: bundle.Bundle = CONTENT) -> dict[str, str]:
    return {**OURS, "content-digest": digest.digest(content), "content-revision": str(revision)}


def proxy(latest: int, marks: dict[str, str] | None = None) -> dict[str, t.Any]:
    numbers = [str(one) for one in range(1, latest + 1)]
    found: dict[str, t.Any] = {"name": "orders", "revision": numbers, "latestRevisionId": str(latest)}
    return {**found, "labels": marks} if marks else found


def path(revision: int, environment: str = "prod") -> str:
    return f"{ORG}/environments/{environment}/apis/orders/revisions/{revision}/deployments"


def status(revision: int, state: str = "READY", **more: t.Any) -> dict[str, t.Any]:
    return {"environment": "prod", "apiProxy": "orders", "revision": str(revision), "state": state, **more}


class ProxyScript(Script):
    """A script that knows the calls of a proxy."""

    def get(self, found: dict[str, t.Any] | None) -> None:
        call = self.expect("GET", "apigee", ONE)
        call.replies(found) if found else call.refuses(404, "not found", code="NOT_FOUND")

    def deployed(self, *revisions: int) -> None:
        found = [{"environment": "prod", "apiProxy": "orders", "revision": str(one)} for one in revisions]
        self.expect("GET", "apigee", f"{ONE}/deployments").replies({"deployments": found} if found else {})

    def state(self, revision: int, state: str | None = "READY", **more: t.Any) -> None:
        call = self.expect("GET", "apigee", path(revision))
        call.replies(status(revision, state, **more)) if state else call.refuses(404, "no", code="NOT_FOUND")

    def download(self, revision: int, content: bundle.Bundle = OTHER) -> None:
        call = self.expect("GET", "apigee", f"{ONE}/revisions/{revision}", query={"format": "bundle"})
        call.raw = bundle.to_zip(content)

    def routes(self, *rules: dict[str, str]) -> None:
        groups = {"environmentGroups": [{"name": "public"}]}
        attached = {"environmentGroupAttachments": [{"name": "a1", "environment": "prod"}]}
        self.expect("GET", "apigee", f"{ORG}/envgroups").replies(groups)
        self.expect("GET", "apigee", f"{ORG}/envgroups/public/attachments").replies(attached)
        config = f"{ORG}/envgroups/public/deployedIngressConfig"
        self.expect("GET", "apigee", config, query={"view": "FULL"}).replies({"routingRules": list(rules)})

    def surroundings(self, servers: bool = True) -> None:
        self.expect("GET", "apigee", PROD).replies({"name": "prod"})
        call = self.expect("GET", "apigee", f"{PROD}/targetservers/orders")
        call.replies({"name": "orders"}) if servers else call.refuses(404, "no", code="NOT_FOUND")

    def upload(self, content: bundle.Bundle = CONTENT) -> t.Any:
        def check(data: bytes) -> None:
            start = data.index(b"PK\x03\x04")
            assert bundle.from_zip(data[start : data.rindex(b"\r\n--")]) == content

        query = {"name": "orders", "action": "import"}
        return self.expect("POST", "apigee", f"{ORG}/apis", query=query, content=check)

    def label(self, marks: dict[str, str]) -> None:
        self.expect("PATCH", "apigee", ONE, query={"updateMask": "labels"}, body={"labels": marks}).replies({})

    def report(self, revision: int, **found: t.Any) -> None:
        url = path(revision) + ":generateDeployChangeReport"
        self.expect("POST", "apigee", url, query={"override": "true"}).replies(found)

    def deploy(self, revision: int, **query: str) -> t.Any:
        return self.expect("POST", "apigee", path(revision), query={"override": "true", **query}).replies({})


def test_create() -> None:
    script = ProxyScript()
    script.get(None)
    script.routes({"basepath": "/other", "receiver": "organizations/acme-shop/apis/other/revisions/1"})
    script.surroundings()
    script.upload().replies({"name": "orders", "revision": "1"})
    script.label(labels(1))
    script.report(1)
    script.deploy(1)
    script.state(1, "PROGRESSING")
    script.state(1)
    script.get(proxy(1, labels(1)))
    script.state(1)
    result = script.run(apigee_proxy, **WANTED)
    assert result["action"] == "created" and result["note"] == "imported revision 1; deployed revision 1 in prod"
    assert result["resource"]["deployments"][0]["state"] == "READY" and result["requests"]["writes"] == 3


def test_unchanged_costs_two_reads() -> None:
    script = ProxyScript()
    script.get(proxy(7, labels(7)))
    script.state(7)
    result = script.run(apigee_proxy, **WANTED)
    assert not result["changed"] and result["requests"] == {"reads": 2, "writes": 0}


def test_a_folder_and_a_zip_of_the_same_content_are_unchanged(tmp_path: Path) -> None:
    for name, data in CONTENT.files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data.replace(b"    ", b"\t").replace(b"\n", b"\r\n"))
    (tmp_path / "orders.zip").write_bytes(bundle.to_zip(CONTENT))
    for source in (tmp_path, tmp_path / "apiproxy", tmp_path / "orders.zip"):
        script = ProxyScript()
        script.get(proxy(7, labels(7)))
        script.state(7)
        options = {"name": "orders", "bundle": str(source), "environments": ["prod"]}
        assert not script.run(apigee_proxy, **options)["changed"]


def changed_content(script: ProxyScript) -> None:
    script.get(proxy(7, labels(7, OTHER)))
    script.deployed(7)
    script.download(7)
    script.routes({"basepath": "/orders", "receiver": "organizations/acme-shop/apis/orders/revisions/7"})


def test_check_mode_predicts_and_shows_the_files() -> None:
    script = ProxyScript()
    changed_content(script)
    result = script.run(apigee_proxy, check=True, **WANTED)
    assert result["note"] == "would import revision 8 and deploy it over 7 in prod"
    assert result["requests"]["writes"] == 0
    assert "<Description>older</Description>" in result["diff"][0]["before"]
    assert result["diff"][0]["after_header"].endswith("apiproxy/orders.xml")


def test_changed_content_is_imported_and_deployed_over_the_old() -> None:
    script = ProxyScript()
    changed_content(script)
    script.surroundings()
    script.upload().replies({"revision": "8"})
    script.label(labels(8))
    script.report(8, routingChanges=[{"description": "Traffic moves", "environmentGroup": "public"}])
    script.deploy(8, serviceAccount="run@acme.example")
    script.state(8)
    script.get(proxy(8, labels(8)))
    script.state(8)
    result = script.run(apigee_proxy, **WANTED, service_account="run@acme.example")
    assert "deployed revision 8 over 7 in prod" in result["note"] and "Traffic moves" in result["note"]


def test_imported_but_not_labelled_is_not_imported_again() -> None:
    script = ProxyScript()
    script.get(proxy(8, labels(7, OTHER)))
    script.deployed(7)
    script.download(8, CONTENT)
    script.state(8, None)
    script.download(7)
    script.report(8)
    script.surroundings()
    script.label(labels(8))
    script.deploy(8)
    script.state(8)
    script.get(proxy(8, labels(8)))
    script.state(8)
    assert script.run(apigee_proxy, **WANTED)["note"] == "deployed revision 8 over 7 in prod"


def test_a_first_import_that_was_cut_off_is_ours() -> None:
    script = ProxyScript()
    script.get(proxy(1))
    script.deployed()
    script.download(1, CONTENT)
    script.state(1, None)
    script.report(1)
    script.surroundings()
    script.label(labels(1))
    script.deploy(1)
    script.state(1)
    script.get(proxy(1, labels(1)))
    script.state(1)
    assert script.run(apigee_proxy, **WANTED)["action"] == "updated"


def test_somebody_elses_proxy_with_the_same_content_is_unchanged_and_not_marked() -> None:
    script = ProxyScript()
    script.get(proxy(3))
    script.deployed(3)
    script.download(3, CONTENT)
    script.state(3)
    assert not script.run(apigee_proxy, **WANTED)["changed"]


def test_a_deployment_under_way_is_joined_and_one_that_failed_is_repeated() -> None:
    script = ProxyScript()
    script.get(proxy(7, labels(7)))
    script.state(7, "PROGRESSING")
    script.get(proxy(7, labels(7)))
    script.state(7)
    result = script.run(apigee_proxy, **WANTED)
    assert result["action"] == "unchanged" and result["requests"]["writes"] == 0
    script = ProxyScript()
    script.get(proxy(7, labels(7)))
    script.state(7, "ERROR")
    script.report(7)
    script.surroundings()
    script.deploy(7)
    script.state(7)
    script.get(proxy(7, labels(7)))
    script.state(7)
    assert script.run(apigee_proxy, **WANTED)["action"] == "updated"


def test_a_failed_deployment_says_everything_on_one_screen() -> None:
    script = ProxyScript()
    script.get(proxy(8, labels(8)))
    script.state(8, None)
    script.deployed(7)
    script.download(8, CONTENT)
    script.download(7)
    script.report(8)
    script.surroundings()
    script.deploy(8)
    script.state(8, "PROGRESSING")
    serving = [{"instance": "eu", "deployedRevisions": [{"revision": "7", "percentage": 100}]}]
    errors = [{"code": 5, "message": 'target server "orders" is not there'}]
    script.state(8, "ERROR", errors=errors, instances=serving)
    result = script.run(apigee_proxy, fails=True, **WANTED)
    for text in (
        "did not become healthy",
        "ERROR at",
        "on instance eu",
        "is not there",
        "revision 7 still serves",
        "fix",
    ):
        assert text in result["msg"]
    assert result["deployment"]["serving"] == ["7"]


def test_a_route_conflict_is_a_failure_though_ready() -> None:
    conflict = {
        "environmentGroup": "public",
        "conflictingDeployment": {"apiProxy": "thief", "revision": "2", "environment": "test", "basepath": "/orders"},
    }
    script = ProxyScript()
    script.get(proxy(7, labels(7)))
    script.state(7, routeConflicts=[conflict])
    said = script.run(apigee_proxy, fails=True, **WANTED)["msg"]
    assert "base path /orders is answered by proxy thief revision 2" in said


def test_a_taken_base_path_is_refused_before_anything_is_imported() -> None:
    for check in (True, False):
        script = ProxyScript()
        script.get(None)
        taken = {
            "basepath": "/orders/",
            "environment": f"{ORG}/environments/test",
            "receiver": "organizations/acme-shop/apis/thief/revisions/2",
        }
        script.routes(taken)
        said = script.run(apigee_proxy, check=check, fails=True, **WANTED)["msg"]
        assert "base path /orders is taken" in said and "proxy thief" in said


def test_the_change_report_forbids_a_deployment() -> None:
    script = ProxyScript()
    script.get(proxy(8, labels(8)))
    script.state(8, None)
    script.deployed()
    script.report(8, validationErrors={"violations": [{"type": "CONFLICTING_DEPLOYMENT", "description": "taken"}]})
    said = script.run(apigee_proxy, check=True, fails=True, **WANTED)["msg"]
    assert "cannot be deployed to environment prod: taken" in said


def test_a_missing_target_server_is_found_before_a_revision_is_spent() -> None:
    script = ProxyScript()
    script.get(None)
    script.routes()
    script.surroundings(servers=False)
    said = script.run(apigee_proxy, fails=True, **WANTED)["msg"]
    assert "environment prod has no target server orders" in said


def test_a_lost_import_is_looked_for_before_it_is_repeated() -> None:
    script = ProxyScript()
    changed_content(script)
    script.surroundings()
    script.upload().is_lost()
    script.get(proxy(8, labels(7, OTHER)))
    script.download(8, CONTENT)
    script.label(labels(8))
    script.report(8)
    script.deploy(8).is_lost()
    script.state(8, "PROGRESSING")
    script.state(8)
    script.get(proxy(8, labels(8)))
    script.state(8)
    assert script.run(apigee_proxy, **WANTED)["resource"]["latest_revision"] == 8


def test_apigees_view_of_a_broken_bundle_is_passed_on() -> None:
    script = ProxyScript()
    changed_content(script)
    script.surroundings()
    details = [{"@type": "BadBundle", "violations": [{"filename": "apiproxy/x.xml", "description": "no such policy"}]}]
    script.upload().refuses(400, "bundle contains errors", code="INVALID_ARGUMENT", details=details)
    said = script.run(apigee_proxy, fails=True, **WANTED)["msg"]
    assert "bundle contains errors" in said and "no such policy" in said


def test_a_pinned_revision() -> None:
    script = ProxyScript()
    script.get(proxy(3, labels(3)))
    script.state(2)
    assert not script.run(apigee_proxy, name="orders", revision=2, environments=["prod"])["changed"]
    script = ProxyScript()
    script.get(proxy(3, labels(3)))
    script.deployed(3)
    said = script.run(apigee_proxy, fails=True, name="orders", revision=9, environments=["prod"])["msg"]
    assert "revision 9 does not exist. There are: 1, 2, 3" in said


def test_delete_undeploys_first_and_only_ours() -> None:
    script = ProxyScript()
    script.get(proxy(3, labels(3)))
    script.deployed(3)
    script.state(3)
    script.deployed(3)
    script.expect("DELETE", "apigee", path(3)).replies({})
    script.state(3)
    script.state(3, None)
    script.expect("DELETE", "apigee", ONE).replies({})
    assert script.run(apigee_proxy, name="orders", state="absent")["action"] == "deleted"
    script = ProxyScript()
    script.get(proxy(3))
    script.deployed(3)
    script.state(3)
    assert script.run(apigee_proxy, name="orders", state="absent")["action"] == "kept"
    script = ProxyScript()
    script.get(None)
    gone = {"name": "orders", "state": "absent", "bundle": "/nowhere/at/all"}
    assert script.run(apigee_proxy, **gone)["action"] == "unchanged"


def test_a_broken_bundle_is_refused_unsent(tmp_path: Path) -> None:
    (tmp_path / "apiproxy/proxies").mkdir(parents=True)
    (tmp_path / "apiproxy/orders.xml").write_text('<APIProxy name="orders"/>')
    (tmp_path / "apiproxy/proxies/default.xml").write_text('<ProxyEndpoint name="default"/>')
    said = Script().run(apigee_proxy, fails=True, name="orders", bundle=str(tmp_path))["msg"]
    assert "it has no BasePath" in said and "apiproxy/proxies/default.xml" in said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"base_path": "orders", "target_url": "http://a"}, "Write /orders"),
        ({"base_path": "/orders"}, "neither target_servers nor target_url"),
        ({"bundle": "/nowhere"}, "cannot be read"),
        ({}, "any of the following are missing"),
        ({"base_path": "/a", "revision": 1}, "mutually exclusive"),
    ],
)
def test_options_that_cannot_be_right(options: dict[str, t.Any], said: str) -> None:
    assert said in Script().run(apigee_proxy, fails=True, name="orders", **options)["msg"]


def test_user_labels_are_kept_and_changed_beside_ours() -> None:
    script = ProxyScript()
    script.get(proxy(7, {**labels(7), "team": "shop", "tier": "1"}))
    script.state(7)
    script.label({**labels(7), "team": "web", "tier": "1"})
    script.get(proxy(7, {**labels(7), "team": "web", "tier": "1"}))
    script.state(7)
    result = script.run(apigee_proxy, **WANTED, labels={"team": "web"})
    assert result["resource"]["labels"] == {"team": "web", "tier": "1"}


def test_info_shows_the_state_of_every_deployment() -> None:
    script = ProxyScript()
    script.get(proxy(3, labels(3)))
    script.deployed(3)
    script.state(3)
    found = script.run(apigee_proxy_info, name="orders")["resources"][0]
    assert found["deployments"][0]["state"] == "READY" and found["digest"] == DIGEST


def test_two_environments_and_one_that_is_no_longer_wanted() -> None:
    found = [{"environment": "old", "revision": "7"}, {"environment": "prod", "revision": "7"}]
    script = ProxyScript()
    script.get(proxy(7, labels(7)))
    script.state(7)
    script.expect("GET", "apigee", path(7, "test")).refuses(404, "no", code="NOT_FOUND")
    script.expect("GET", "apigee", f"{ONE}/deployments").replies({"deployments": found})
    script.expect(
        "POST", "apigee", path(7, "test") + ":generateDeployChangeReport", query={"override": "true"}
    ).replies({})
    options = {**WANTED, "environments": ["prod", "test"], "undeploy_elsewhere": True}
    result = script.run(apigee_proxy, check=True, **options)
    assert result["note"] == "would deploy revision 7 in test and undeploy revision 7 from old"
    assert [change["field"] for change in result["changes"]] == ["environments[test].revision", "environments[old]"]


def test_an_existing_proxy_goes_to_an_environment_that_is_still_to_be_made() -> None:
    script = ProxyScript()
    script.get(proxy(7, labels(7)))
    script.state(7)
    script.expect("GET", "apigee", path(7, "test")).refuses(404, "no", code="NOT_FOUND")
    script.expect("GET", "apigee", f"{ONE}/deployments").replies(
        {"deployments": [{"environment": "prod", "revision": "7"}]}
    )
    script.expect(
        "POST", "apigee", path(7, "test") + ":generateDeployChangeReport", query={"override": "true"}
    ).refuses(404, "environment organizations/acme-shop/environments/test not found", code="NOT_FOUND")
    result = script.run(apigee_proxy, check=True, **{**WANTED, "environments": ["prod", "test"]})
    assert result["action"] == "updated" and result["note"] == "would deploy revision 7 in test"


def test_without_waiting_the_deployment_is_reported_as_pending() -> None:
    script = ProxyScript()
    script.get(proxy(7, labels(7)))
    script.state(7, "PROGRESSING")
    result = script.run(apigee_proxy, **WANTED, wait=False)
    assert result["action"] == "pending" and result["pending"] == "progressing" and not result["changed"]


def moving(script: ProxyScript, state: str) -> None:
    """Revision 7 is on its way to prod, and still deployed in old."""
    script.get(proxy(7, labels(7)))
    script.state(7, state)
    there = [{"environment": one, "revision": "7"} for one in ("prod", "old")]
    script.expect("GET", "apigee", f"{ONE}/deployments").replies({"deployments": there})


def test_nothing_is_undeployed_before_what_comes_serves() -> None:
    script = ProxyScript()
    moving(script, "PROGRESSING")
    script.state(7, "PROGRESSING")
    script.state(7)
    script.expect("DELETE", "apigee", path(7, "old")).replies({})
    script.expect("GET", "apigee", path(7, "old")).refuses(404, "no", code="NOT_FOUND")
    script.get(proxy(7, labels(7)))
    script.state(7)
    script.deployed(7)
    result = script.run(apigee_proxy, **WANTED, undeploy_elsewhere=True)
    assert result["note"] == "undeployed revision 7 from old"


def test_without_waiting_nothing_is_undeployed_before_what_comes_serves() -> None:
    script = ProxyScript()
    moving(script, "PROGRESSING")
    moving(script, "PROGRESSING")
    result = script.run(apigee_proxy, **WANTED, undeploy_elsewhere=True, wait=False)
    assert result["pending"] == "deployment of revision 7 to prod"
