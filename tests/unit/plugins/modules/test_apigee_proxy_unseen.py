# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deployments of which nothing good is known: Apigee does not answer while one is followed, or it vanishes."""

from __future__ import annotations

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google import retries
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources import apigee_rollout
from ansible_collections.gatewayops.apigee_gke.plugins.modules import apigee_proxy
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.apigee_proxy_replies import (
    WANTED,
    ProxyScript,
    labels,
    path,
    proxy,
)
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.test_apigee_proxy_rollback import (
    ERRORS,
    coming,
    deploying,
    first,
    running,
)


def failing(script: ProxyScript, revision: int = 8, lost: bool = False) -> None:
    """One look that Apigee does not answer, repeated as often as the transport does."""
    for _attempt in range(retries.ATTEMPTS):
        call = script.expect("GET", "apigee", path(revision))
        call.is_lost() if lost else call.refuses(500, "backend error", code="INTERNAL")


def restored(script: ProxyScript, account: str = "") -> None:
    """Revision 7 comes back."""
    script.deploy(7, **({"serviceAccount": account} if account else {}))
    script.state(7, instances=running((7, 100)))


@pytest.mark.parametrize("lost", [False, True])
def test_looks_that_fail_for_a_while_are_no_end(lost: bool) -> None:
    script = deploying()
    script.state(8, "PROGRESSING", instances=running((7, 100)))
    failing(script, lost=lost)
    failing(script, lost=lost)
    script.state(8, instances=running((8, 100)))
    script.get(proxy(8, labels(8)))
    script.state(8)
    assert script.run(apigee_proxy, **WANTED)["changed"]


def test_an_error_seen_after_looks_that_failed_goes_back() -> None:
    script = deploying()
    failing(script)
    script.state(8, "ERROR", errors=ERRORS)
    script.deploy(7)
    failing(script, 7)
    script.state(7, instances=running((7, 100)))
    result = script.run(apigee_proxy, fails=True, **WANTED)
    assert "UNSEEN" in result["msg"] and "rollback revision 7" in result["msg"]
    assert result["deployment"]["outage_seconds"] > 0 and result["deployment"]["serving"] == ["7"]


def test_what_apigee_never_shows_goes_back_when_time_is_up() -> None:
    script = deploying()
    failing(script)
    restored(script)
    result = script.run(apigee_proxy, fails=True, timeout=1, **WANTED)
    for text in (
        "revision 8 was deployed, and Apigee does not say whether it serves, in environment prod",
        "backend error",
        "rollback revision 7, asked for",
        "outage   none seen, but Apigee did not say what served from 0.0 s to",
        "serving  revision 7",
    ):
        assert text in result["msg"], result["msg"]
    assert result["deployment"]["kind"] == "unseen" and result["changed"]
    # Nothing is known of that time, nor of the time until the old revision was seen to serve.
    assert result["deployment"]["outage_seconds"] >= result["deployment"]["states"][0]["to"] > 0


def test_what_may_not_be_looked_at_goes_back_at_once() -> None:
    script = deploying()
    script.expect("GET", "apigee", path(8)).refuses(403, "not for you", code="PERMISSION_DENIED")
    restored(script)
    result = script.run(apigee_proxy, fails=True, **WANTED)
    assert "not for you" in result["msg"] and "rollback revision 7, asked for 0.0 s" in result["msg"]


def test_going_back_is_asked_for_again_while_apigee_fails() -> None:
    script = deploying()
    script.state(8, "ERROR", errors=ERRORS)
    script.deploy(7).refuses(500, "backend error", code="INTERNAL")
    failing(script, 7)
    restored(script)
    result = script.run(apigee_proxy, fails=True, **WANTED)
    assert "rollback revision 7" in result["msg"] and "FAILED" not in result["msg"]


def test_where_apigee_does_not_come_back_all_that_is_known_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apigee_rollout, "RETURN", 1.0)
    script = deploying()
    script.state(8, "PROGRESSING", instances=running((7, 100)))
    failing(script)
    script.deploy(7).refuses(500, "backend error", code="INTERNAL")
    failing(script, 7)
    result = script.run(apigee_proxy, fails=True, timeout=1, **WANTED)
    assert "rollback FAILED: revision 7: " in result["msg"]
    assert "serving  not known; when last seen revision 7" in result["msg"]
    assert result["deployment"]["rollback"]["revision"] == "7"


def test_a_first_deployment_that_is_taken_away_is_awaited_through_failures() -> None:
    script = first()
    script.state(1, "ERROR", errors=ERRORS)
    script.expect("DELETE", "apigee", path(1)).replies({})
    failing(script, 1)
    script.state(1, None)
    assert "rollback undeployed, as before" in script.run(apigee_proxy, fails=True, **WANTED)["msg"]


def vanished(script: ProxyScript) -> None:
    """Nothing of the proxy is deployed."""
    script.state(8, None)
    script.deployed()


def test_a_revision_that_vanishes_with_nothing_in_its_place_goes_back_at_once() -> None:
    script = deploying("run@acme.example")
    script.state(8, "PROGRESSING", instances=running((7, 100)))
    vanished(script)
    restored(script, "run@acme.example")
    result = script.run(apigee_proxy, fails=True, **WANTED)
    assert "revision 8 was deployed and has vanished in environment prod" in result["msg"]
    assert "rollback revision 7, asked for 0.0 s" in result["msg"] and "outage   up to" in result["msg"]
    assert "another run or person" not in result["msg"]
    assert result["deployment"]["outage_seconds"] > 0 and result["deployment"]["serving"] == ["7"]


def test_a_revision_that_never_appears_is_awaited_for_a_moment_and_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apigee_rollout, "APPEARANCE", 0.1)
    script = deploying()
    vanished(script)
    vanished(script)
    restored(script)
    assert "rollback revision 7" in script.run(apigee_proxy, fails=True, **WANTED)["msg"]


def test_without_rollback_a_vanished_revision_is_told_and_nothing_is_sent() -> None:
    script = deploying()
    script.state(8, "PROGRESSING", instances=running((7, 100)))
    vanished(script)
    result = script.run(apigee_proxy, fails=True, rollback=False, **WANTED)
    assert "rollback none: rollback is false" in result["msg"] and "and goes on" in result["msg"]
    assert result["deployment"]["serving"] == []


def unanswered(script: ProxyScript) -> None:
    """The request to deploy revision 8, which Apigee does not answer."""
    script.expect("POST", "apigee", path(8), query={"override": "true"}).refuses(500, "try later", code="INTERNAL")


def test_a_request_to_deploy_that_may_have_been_taken_is_followed() -> None:
    script = coming()
    unanswered(script)
    failing(script)
    script.state(8, "ERROR", errors=ERRORS)
    restored(script)
    result = script.run(apigee_proxy, fails=True, **WANTED)
    assert "rollback revision 7, asked for 0.0 s" in result["msg"] and result["deployment"]["serving"] == ["7"]


def test_one_that_is_not_known_to_have_been_taken_goes_back_and_both_troubles_are_told() -> None:
    script = coming()
    unanswered(script)
    failing(script)
    failing(script)
    restored(script)
    said = script.run(apigee_proxy, fails=True, timeout=1, **WANTED)["msg"]
    assert "the request to deploy it: " in said and "try later" in said and "backend error" in said
    assert "rollback revision 7" in said


def test_one_that_was_never_taken_leaves_what_serves_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apigee_rollout, "APPEARANCE", 0.1)
    script = coming()
    for _attempt in range(2):
        unanswered(script)
        script.state(8, None)
    for _look in range(2):
        script.state(8, None)
        script.deployed(7)
    result = script.run(apigee_proxy, fails=True, **WANTED)
    assert "Apigee did not take the request. Revision 7 is deployed as before" in result["msg"]
    assert "try later" in result["msg"] and result["deployment"]["serving"] == ["7"]


def test_without_waiting_a_request_that_is_not_answered_is_an_error() -> None:
    script = coming()
    unanswered(script)
    failing(script)
    assert "try later" in script.run(apigee_proxy, fails=True, wait=False, **WANTED)["msg"]


def test_a_redeployment_whose_reply_is_lost_is_done_only_with_the_new_account() -> None:
    accounts = {name: f"projects/-/serviceAccounts/{name}@acme.example" for name in ("old", "new")}
    for arrived in (True, False):
        script = ProxyScript()
        script.get(proxy(7, labels(7)))
        script.state(7, serviceAccount=accounts["old"])
        script.report(7)
        script.surroundings()
        script.deploy(7, serviceAccount="new@acme.example").is_lost()
        script.state(7, serviceAccount=accounts["new" if arrived else "old"])
        if not arrived:
            script.deploy(7, serviceAccount="new@acme.example")
        script.state(7, serviceAccount=accounts["new"])
        script.get(proxy(7, labels(7)))
        script.state(7, serviceAccount=accounts["new"])
        result = script.run(apigee_proxy, service_account="new@acme.example", **WANTED)
        assert result["resource"]["deployments"][0]["service_account"] == "new@acme.example"


def test_a_failed_revision_whose_new_deployments_reply_is_lost_is_not_judged_by_the_old_error() -> None:
    for arrived in (True, False):
        script = ProxyScript()
        script.get(proxy(7, labels(7)))
        script.state(7, "ERROR", errors=ERRORS, deployStartTime="1000")
        script.report(7)
        script.surroundings()
        script.deploy(7).is_lost()
        if arrived:
            script.state(7, "PROGRESSING", deployStartTime="2000")
        else:
            script.state(7, "ERROR", errors=ERRORS, deployStartTime="1000")
            script.deploy(7)
        script.state(7, deployStartTime="2000")
        script.get(proxy(7, labels(7)))
        script.state(7, deployStartTime="2000")
        assert script.run(apigee_proxy, **WANTED)["action"] == "updated"


def test_an_error_of_the_new_deployment_is_its_own_though_its_reply_was_lost() -> None:
    script = ProxyScript()
    script.get(proxy(7, labels(7)))
    script.state(7, "ERROR", errors=ERRORS, deployStartTime="1000")
    script.report(7)
    script.surroundings()
    script.deploy(7).is_lost()
    script.state(7, "ERROR", errors=ERRORS, deployStartTime="2000")
    script.state(7, "ERROR", errors=ERRORS, deployStartTime="2000")
    result = script.run(apigee_proxy, fails=True, **WANTED)
    assert result["deployment"]["kind"] == "error" and "was deployed and did not become healthy" in result["msg"]


def test_where_no_reply_comes_at_all_the_old_error_is_told_with_that_doubt() -> None:
    script = ProxyScript()
    script.get(proxy(7, labels(7)))
    script.state(7, "ERROR", errors=ERRORS, deployStartTime="1000")
    script.report(7)
    script.surroundings()
    for _attempt in range(2):
        script.deploy(7).is_lost()
        script.state(7, "ERROR", errors=ERRORS, deployStartTime="1000")
    script.state(7, "ERROR", errors=ERRORS, deployStartTime="1000")
    said = script.run(apigee_proxy, fails=True, **WANTED)["msg"]
    assert "target server" in said and "the request to deploy it: " in said
