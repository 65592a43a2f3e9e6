# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deployments that fail: the next call is the one that goes back, and one screen says everything."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.modules import apigee_proxy
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.apigee_proxy_replies import (
    CONTENT,
    ONE,
    OTHER,
    WANTED,
    ProxyScript,
    labels,
    path,
    proxy,
)

ERRORS = [{"code": 5, "message": 'target server "orders" is not there'}]
CONFLICT = {
    "environmentGroup": "public",
    "conflictingDeployment": {"apiProxy": "thief", "revision": "2", "environment": "test", "basepath": "/orders"},
}


def running(*shares: tuple[int, int], instance: str = "eu") -> list[dict[str, t.Any]]:
    """An instance that reports revisions, each with a percentage."""
    revisions = [{"revision": str(number), "percentage": share} for number, share in shares]
    return [{"instance": instance, "deployedRevisions": revisions}]


def coming(account: str = "") -> ProxyScript:
    """Everything before revision 8 goes out over 7, which may act as an account."""
    script = ProxyScript()
    script.get(proxy(8, labels(8)))
    script.state(8, None)
    more = {"serviceAccount": f"projects/-/serviceAccounts/{account}"} if account else {}
    live = {"environment": "prod", "apiProxy": "orders", "revision": "7", **more}
    script.expect("GET", "apigee", f"{ONE}/deployments").replies({"deployments": [live]})
    script.download(7)
    script.download(8, CONTENT)
    script.report(8)
    script.surroundings()
    return script


def deploying(account: str = "") -> ProxyScript:
    """Revision 8 goes out over 7."""
    script = coming(account)
    script.deploy(8, **({"serviceAccount": account} if account else {}))
    return script


def test_what_goes_on_serving_is_deployed_again_and_nothing_was_lost() -> None:
    script = deploying()
    script.state(8, "PROGRESSING", instances=running((7, 100)))
    script.state(8, "ERROR", errors=ERRORS, instances=running((7, 100)))
    script.deploy(7)
    script.state(7, "PROGRESSING", instances=running((7, 100)))
    script.state(7, instances=running((7, 100)))
    result = script.run(apigee_proxy, fails=True, **WANTED)
    for text in (
        "revision 8 was deployed and did not become healthy in environment prod",
        "because  target server",
        "ERROR at",
        "on instance eu",
        "rollback revision 7, asked for 0.0 s after",
        "outage   none seen",
        "serving  revision 7",
        "fix      declare the target server",
    ):
        assert text in result["msg"], result["msg"]
    assert len(result["msg"].splitlines()) <= 10 and result["changed"]
    assert result["deployment"]["serving"] == ["7"] and result["deployment"]["outage_seconds"] == 0


def test_what_was_dropped_comes_back_with_its_account_and_the_outage_is_told() -> None:
    script = deploying("run@acme.example")
    script.state(8, "PROGRESSING", instances=running((7, 100)))
    script.state(8, "ERROR", errors=ERRORS)
    script.deploy(7, serviceAccount="run@acme.example")
    script.state(7, "PROGRESSING")
    script.state(7, instances=running((7, 100)))
    result = script.run(apigee_proxy, fails=True, **WANTED)
    assert "outage   up to" in result["msg"] and "rollback revision 7" in result["msg"]
    assert result["deployment"]["outage_seconds"] > 0 and result["deployment"]["rollback"]["asked_after"] < 1


def test_ready_is_not_enough_while_replicas_lack_the_revision() -> None:
    script = deploying()
    script.state(8, instances=running((8, 40), (7, 60)))
    script.state(8, instances=running((8, 100)))
    script.get(proxy(8, labels(8)))
    script.state(8)
    assert script.run(apigee_proxy, **WANTED)["changed"]


def test_an_instance_that_never_has_it_ends_in_the_old_revision() -> None:
    script = deploying()
    for _attempt in range(4):
        script.state(8, instances=running((8, 40), (7, 60)))
    script.deploy(7)
    script.state(7, instances=running((7, 100)))
    said = script.run(apigee_proxy, fails=True, timeout=1, **WANTED)["msg"]
    assert "did not become ready in time" in said
    assert "instance eu has revision 8 on 40 % of its replicas, revision 7 on the others after 1 s" in said
    assert "PARTLY" in said and "outage   none seen" in said


def test_a_route_conflict_goes_back_at_once() -> None:
    script = deploying()
    script.state(8, routeConflicts=[CONFLICT], instances=running((8, 100)))
    script.deploy(7)
    script.state(7, instances=running((7, 100)))
    said = script.run(apigee_proxy, fails=True, **WANTED)["msg"]
    assert "requests do not reach it" in said and "answered by proxy thief" in said and "rollback revision 7" in said


def first() -> ProxyScript:
    """Revision 1 goes out, and nothing was there before."""
    script = ProxyScript()
    script.get(proxy(1, labels(1)))
    script.state(1, None)
    script.deployed()
    script.report(1)
    script.surroundings()
    script.deploy(1)
    return script


def test_a_first_deployment_that_fails_is_taken_away() -> None:
    script = first()
    script.state(1, "ERROR", errors=ERRORS)
    script.expect("DELETE", "apigee", path(1)).replies({})
    script.state(1, "PROGRESSING")
    script.state(1, None)
    result = script.run(apigee_proxy, fails=True, **WANTED)
    assert "rollback undeployed, as before" in result["msg"] and "outage   none seen" in result["msg"]
    assert "serving  no revision" in result["msg"] and result["deployment"]["serving"] == []


def test_a_rollback_that_fails_says_so() -> None:
    script = deploying()
    script.state(8, "ERROR", errors=ERRORS)
    script.deploy(7).refuses(403, "no permission", code="PERMISSION_DENIED")
    said = script.run(apigee_proxy, fails=True, **WANTED)["msg"]
    assert "rollback FAILED: revision 7: " in said and "no permission" in said and "and goes on" in said
    assert "serving  no revision" in said


def test_without_rollback_all_is_left_as_it_is() -> None:
    script = deploying()
    script.state(8, "ERROR", errors=ERRORS, instances=running((7, 100)))
    said = script.run(apigee_proxy, fails=True, rollback=False, **WANTED)["msg"]
    assert "rollback none: rollback is false" in said and "serving  revision 7" in said


def test_a_deployment_that_another_run_replaced_is_left_to_it() -> None:
    script = deploying()
    script.state(8, None)
    script.deployed(9)
    script.download(9)
    said = script.run(apigee_proxy, fails=True, **WANTED)["msg"]
    assert "another run or person has taken it out meanwhile: revision 9 with other content" in said


def test_another_runs_revision_with_the_same_content_is_as_good() -> None:
    script = deploying()
    script.state(8, None)
    script.deployed(9)
    script.download(9, CONTENT)
    script.state(9, "PROGRESSING")
    script.state(9)
    script.get(proxy(9, labels(8)))
    script.state(8, None)
    script.deployed(9)
    script.state(9)
    result = script.run(apigee_proxy, **WANTED)
    assert result["resource"]["revision"] == 9
    # The next run finds content, and is content.
    script = ProxyScript()
    script.get(proxy(9, labels(8)))
    script.state(8, None)
    script.deployed(9)
    script.download(9, CONTENT)
    script.state(9)
    assert not script.run(apigee_proxy, **WANTED)["changed"]


@pytest.mark.parametrize("there", [9, 8, None])
def test_content_that_another_run_replaced_right_after_it_served_is_no_success(there: int | None) -> None:
    """In a revision of its own, in the very same one, which Apigee allowed until it was deployed, or not at all."""
    script = deploying()
    script.state(8)
    script.get(proxy(there or 9, labels(there or 9, OTHER)))
    script.deployed(*([there] if there else []))
    said = script.run(apigee_proxy, fails=True, **WANTED)["msg"]
    now = f"prod: revision {there}" if there else "prod: nothing"
    told = "deployed revision 8 over 7 in prod. Another run or person has put other content in its place since"
    assert f"{told} ({now})" in said


def joining() -> ProxyScript:
    """An interrupted run has deployed revision 8 as somebody else, over 7 which still runs."""
    script = ProxyScript()
    for _look in range(2):
        script.get(proxy(8, labels(8)))
        acts = "projects/-/serviceAccounts/new@acme.example"
        script.state(8, "PROGRESSING", instances=running((7, 100)), serviceAccount=acts)
    return script


def test_a_deployment_of_an_interrupted_run_that_fails_goes_back_with_the_account_of_before() -> None:
    for account in ("", "old@acme.example"):
        script = joining()
        script.state(7, **({"serviceAccount": f"projects/-/serviceAccounts/{account}"} if account else {}))
        script.state(8, "ERROR", errors=ERRORS)
        script.deploy(7, **({"serviceAccount": account} if account else {}))
        script.state(7, instances=running((7, 100)))
        said = script.run(apigee_proxy, fails=True, **WANTED)["msg"]
        assert "rollback revision 7" in said and "is not known" not in said


def test_where_the_account_of_before_is_not_known_the_rollback_says_whose_it_has_now() -> None:
    for cannot in ("gone", "failing"):
        script = joining()
        if cannot == "gone":
            script.state(7, None)
        else:
            script.expect("GET", "apigee", path(7)).refuses(403, "not for you", code="PERMISSION_DENIED")
        script.state(8, "ERROR", errors=ERRORS)
        script.deploy(7, serviceAccount="new@acme.example")
        script.state(7, instances=running((7, 100)))
        result = script.run(apigee_proxy, fails=True, **WANTED)
        said = "as which service account it ran is not known: now as new@acme.example, which is that of revision 8"
        assert said in result["msg"], result["msg"]
        assert result["deployment"]["rollback"]["service_account_guessed"] == "new@acme.example"


def to_both() -> ProxyScript:
    """Revision 8 is about to go out over 7, to prod and to test."""
    script = ProxyScript()
    script.get(proxy(8, labels(8)))
    script.state(8, None)
    script.expect("GET", "apigee", path(8, "test")).refuses(404, "no", code="NOT_FOUND")
    there = [{"environment": one, "revision": "7"} for one in ("prod", "test")]
    script.expect("GET", "apigee", f"{ONE}/deployments").replies({"deployments": there})
    script.download(7)
    script.download(8, CONTENT)
    for one in ("prod", "test"):
        url = path(8, one) + ":generateDeployChangeReport"
        script.expect("POST", "apigee", url, query={"override": "true"}).replies({})
    script.surroundings()
    base = path(8, "test").split("/apis/", maxsplit=1)[0]
    script.expect("GET", "apigee", base).replies({"name": "test"})
    script.expect("GET", "apigee", f"{base}/targetservers/orders").replies({"name": "orders"})
    return script


def test_two_environments_are_followed_at_once_and_each_ends_by_itself() -> None:
    script = to_both()
    for one in ("prod", "test"):
        script.expect("POST", "apigee", path(8, one), query={"override": "true"}).replies({})
    with script.together():
        script.state(8)
        script.expect("GET", "apigee", path(8, "test")).replies({"state": "ERROR", "errors": ERRORS})
        script.expect("POST", "apigee", path(7, "test"), query={"override": "true"}).replies({})
        script.expect("GET", "apigee", path(7, "test")).replies({"state": "READY"})
    said = script.run(apigee_proxy, fails=True, **{**WANTED, "environments": ["prod", "test"]})["msg"]
    assert "in environment test" in said and "rollback revision 7" in said and "It serves in prod." in said


def test_where_the_second_environment_is_refused_the_first_is_not_left_to_itself() -> None:
    script = to_both()
    script.deploy(8)
    refused = script.expect("POST", "apigee", path(8, "test"), query={"override": "true"})
    refused.refuses(403, "not allowed there", code="PERMISSION_DENIED")
    script.state(8, "ERROR", errors=ERRORS)
    script.deploy(7)
    script.state(7)
    result = script.run(apigee_proxy, fails=True, **{**WANTED, "environments": ["prod", "test"]})
    assert "in environment prod" in result["msg"] and "rollback revision 7" in result["msg"]
    assert "environment test: Google answered PERMISSION_DENIED: not allowed there" in result["msg"]
    assert result["deployment"]["environment"] == "prod" and result["google_error"]["status"] == 403
