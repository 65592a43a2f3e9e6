# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.gatewayops.apigee_gke.plugins.modules import apigee_flow_hook, apigee_flow_hook_info
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.apigee_replies import MARK, ORG
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Script

ALL = f"{ORG}/environments/prod/flowhooks"
ONE = f"{ALL}/PreProxyFlowHook"
NONE = {"flowHookPoint": "PreProxyFlowHook"}
#: As Google shows one that may stop a call: false is left out.
STRICT = {**NONE, "sharedFlow": "guard", "description": MARK}
HOOK = {**STRICT, "continueOnError": True}
WANTED = {"environment": "prod", "point": "PreProxyFlowHook"}


def test_a_point_without_a_flow_is_filled_and_goes_on_unless_told_otherwise() -> None:
    script = Script()
    script.expect("GET", "apigee", ONE).replies(NONE)
    body = {"sharedFlow": "guard", "continueOnError": True, "description": MARK}
    script.expect("PUT", "apigee", ONE, body=body).replies(HOOK)
    script.expect("GET", "apigee", ONE).replies(HOOK)
    result = script.run(apigee_flow_hook, **WANTED, shared_flow="guard")
    assert result["action"] == "created"
    assert result["resource"] == {
        "environment": "prod",
        "point": "PreProxyFlowHook",
        "project": "acme-shop",
        "shared_flow": "guard",
        "continue_on_error": True,
        "description": "",
    }


def test_no_change() -> None:
    for found, stated in ((HOOK, {}), (HOOK, {"continue_on_error": True}), (STRICT, {"continue_on_error": False})):
        script = Script()
        script.expect("GET", "apigee", ONE).replies(found)
        assert not script.run(apigee_flow_hook, **WANTED, shared_flow="guard", **stated)["changed"]


def test_exchanging_the_flow_does_not_loosen_the_hook() -> None:
    script = Script()
    script.expect("GET", "apigee", ONE).replies(STRICT)
    body = {"sharedFlow": "other", "continueOnError": False, "description": MARK}
    script.expect("PUT", "apigee", ONE, body=body).replies({**STRICT, "sharedFlow": "other"})
    script.expect("GET", "apigee", ONE).replies({**STRICT, "sharedFlow": "other"})
    result = script.run(apigee_flow_hook, **WANTED, shared_flow="other")
    assert result["changes"] == [{"field": "shared_flow", "before": "guard", "after": "other"}]


def test_somebody_else_s_hook_is_changed_without_taking_it_over() -> None:
    theirs = {**HOOK, "description": "theirs"}
    script = Script()
    script.expect("GET", "apigee", ONE).replies(theirs)
    body = {"sharedFlow": "guard", "continueOnError": False, "description": "theirs"}
    script.expect("PUT", "apigee", ONE, body=body).replies({})
    script.expect("GET", "apigee", ONE).replies({**STRICT, "description": "theirs"})
    result = script.run(apigee_flow_hook, **WANTED, shared_flow="guard", continue_on_error=False)
    assert [change["field"] for change in result["changes"]] == ["continue_on_error"]


def test_only_ours_is_detached() -> None:
    script = Script()
    script.expect("GET", "apigee", ONE).replies(HOOK)
    script.expect("DELETE", "apigee", ONE).replies(HOOK)
    assert script.run(apigee_flow_hook, **WANTED, state="absent")["action"] == "deleted"
    script = Script()
    script.expect("GET", "apigee", ONE).replies({**HOOK, "description": "theirs"})
    assert script.run(apigee_flow_hook, **WANTED, state="absent")["action"] == "kept"
    script = Script()
    script.expect("GET", "apigee", ONE).replies(NONE)
    assert not script.run(apigee_flow_hook, **WANTED, state="absent")["changed"]


def test_check_mode_writes_nothing() -> None:
    script = Script()
    script.expect("GET", "apigee", ONE).replies(NONE)
    result = script.run(apigee_flow_hook, check=True, **WANTED, shared_flow="guard")
    assert result["changed"]
    assert result["resource"]["continue_on_error"] is True


def test_a_flow_that_is_not_deployed_is_told_as_google_tells_it() -> None:
    script = Script()
    script.expect("GET", "apigee", ONE).replies(NONE)
    said = 'shared flow "guard" is not deployed in environment "prod"'
    script.expect("PUT", "apigee", ONE, content=lambda data: None).refuses(400, said, code="FAILED_PRECONDITION")
    assert said in script.run(apigee_flow_hook, fails=True, **WANTED, shared_flow="guard")["msg"]


def test_reading_leaves_out_empty_points() -> None:
    script = Script()
    for point in ("PreProxyFlowHook", "PreTargetFlowHook", "PostTargetFlowHook", "PostProxyFlowHook"):
        there = {**HOOK, "flowHookPoint": point} if point.startswith("Post") else {"flowHookPoint": point}
        script.expect("GET", "apigee", f"{ALL}/{point}").replies(there)
    found = script.run(apigee_flow_hook_info, environment="prod")["resources"]
    assert [one["point"] for one in found] == ["PostTargetFlowHook", "PostProxyFlowHook"]
    script = Script()
    script.expect("GET", "apigee", ONE).replies(NONE)
    assert script.run(apigee_flow_hook_info, **WANTED)["resources"] == []
