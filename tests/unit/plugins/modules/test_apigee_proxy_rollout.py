# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deployments: joined, repeated, refused before they hurt. Those that fail: test_apigee_proxy_rollback.py."""

from __future__ import annotations

from ansible_collections.gatewayops.apigee_gke.plugins.modules import apigee_proxy
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.apigee_proxy_replies import (
    CONTENT,
    ONE,
    WANTED,
    ProxyScript,
    labels,
    path,
    proxy,
)
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.apigee_replies import ORG
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.test_apigee_proxy_rollback import running


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


def test_a_deployment_that_is_ready_on_half_of_the_replicas_is_still_under_way() -> None:
    for ends in ("well", "badly"):
        script = ProxyScript()
        script.get(proxy(8, labels(8)))
        script.state(8, instances=running((8, 50), (7, 50)))
        script.get(proxy(8, labels(8)))
        script.state(8, instances=running((8, 50), (7, 50)))
        # As whom the one before ran.
        script.state(7, None)
        if ends == "well":
            script.state(8, instances=running((8, 100)))
            script.get(proxy(8, labels(8)))
            script.state(8, instances=running((8, 100)))
            assert script.run(apigee_proxy, **WANTED)["action"] == "unchanged"
            continue
        script.state(8, "ERROR", errors=[{"message": "out of memory"}], instances=running((7, 50)))
        script.deploy(7)
        script.state(7, instances=running((7, 100)))
        said = script.run(apigee_proxy, fails=True, **WANTED)["msg"]
        assert "rollback revision 7" in said and "out of memory" in said
    script = ProxyScript()
    script.get(proxy(8, labels(8)))
    script.state(8, instances=running((8, 50), (7, 50)))
    assert script.run(apigee_proxy, **WANTED, wait=False)["action"] == "pending"


def test_how_apigee_is_to_deploy_is_passed_on_and_its_advice_told() -> None:
    advice = [{"description": "Traffic moves", "environmentGroup": "public", "shouldSequenceRollout": True}]
    stated: dict[str, bool]
    for stated in ({}, {"sequenced_rollout": True}):
        script = ProxyScript()
        script.get(proxy(7, labels(7)))
        script.state(7, None)
        script.deployed()
        script.report(7, routingChanges=advice)
        script.surroundings()
        script.deploy(7, **({"sequencedRollout": "true"} if stated else {}))
        script.state(7)
        script.get(proxy(7, labels(7)))
        script.state(7)
        note = script.run(apigee_proxy, **WANTED, **stated)["note"]
        assert note.endswith("Traffic moves (environment group public)") is bool(stated), note
        assert ("more safely with sequenced_rollout: true" in note) is not stated.get("sequenced_rollout", False)


def test_without_override_apigee_decides_whether_another_revision_is_in_the_way() -> None:
    script = ProxyScript()
    script.get(proxy(8, labels(8)))
    script.state(8, None)
    script.deployed(7)
    script.download(7)
    script.download(8, CONTENT)
    script.expect("POST", "apigee", path(8) + ":generateDeployChangeReport", query={}).replies({})
    script.surroundings()
    refusal = "revision 7 is deployed already"
    script.expect("POST", "apigee", path(8), query={}).refuses(400, refusal, code="FAILED_PRECONDITION")
    assert refusal in script.run(apigee_proxy, fails=True, **WANTED, override=False)["msg"]


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


def test_an_empty_service_account_takes_away_the_one_that_is_there() -> None:
    script = ProxyScript()
    script.get(proxy(7, labels(7)))
    script.state(7, serviceAccount="projects/-/serviceAccounts/run@acme.example")
    script.report(7)
    script.surroundings()
    script.deploy(7)
    script.state(7)
    script.get(proxy(7, labels(7)))
    script.state(7)
    result = script.run(apigee_proxy, **WANTED, service_account="")
    assert result["changed"] and result["resource"]["deployments"][0]["service_account"] is None


def test_a_proxy_is_undeployed_everywhere_and_stays() -> None:
    script = ProxyScript()
    script.get(proxy(7, labels(7)))
    script.deployed(7)
    script.expect("DELETE", "apigee", path(7)).replies({})
    script.state(7, None)
    script.get(proxy(7, labels(7)))
    script.deployed()
    options = {"name": "orders", "revision": 7, "environments": [], "undeploy_elsewhere": True, "probe": False}
    result = script.run(apigee_proxy, **options)
    assert result["note"] == "undeployed revision 7 from prod" and result["resource"]["deployments"] == []
