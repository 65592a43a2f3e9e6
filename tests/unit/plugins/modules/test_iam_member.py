# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from unittest import mock

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources import iam_policy
from ansible_collections.gatewayops.apigee_gke.plugins.modules import iam_member, iam_member_info, resources
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.google_replies import MARK
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Expectation, Script

PROJECT = "v3/projects/acme-shop"
EMAIL = "shop-gateway@acme-shop.iam.gserviceaccount.com"
ACCOUNT = f"v1/projects/-/serviceAccounts/{EMAIL}"
UNKNOWN = f"Service account {EMAIL} does not exist."
MEMBER = f"serviceAccount:{EMAIL}"
ANN = "user:ann@acme.example"
INVOKER, VIEWER = "roles/run.invoker", "roles/viewer"
OPTIONS = {"role": INVOKER, "member": MEMBER}
OTHERS = {"role": VIEWER, "members": [ANN]}
WEEKDAYS = {"title": "weekdays", "expression": "request.time.getDayOfWeek() < 6"}
CONDITIONAL = {"role": INVOKER, "members": [MEMBER], "condition": WEEKDAYS}
VERSION = {"options": {"requestedPolicyVersion": 3}}
QUERY = {"options.requestedPolicyVersion": "3"}


def policy(*bindings: t.Any, etag: str = "a", **more: t.Any) -> dict[str, t.Any]:
    return {"version": 1, "etag": etag, "bindings": list(bindings), **more}


def reads(script: Script, found: dict[str, t.Any]) -> None:
    script.expect("POST", "cloudresourcemanager", f"{PROJECT}:getIamPolicy", body=VERSION).replies(found)


def writes(script: Script, *bindings: t.Any, etag: str = "a", **more: t.Any) -> Expectation:
    body = {"policy": {"bindings": list(bindings), "etag": etag, **more}}
    return script.expect("POST", "cloudresourcemanager", f"{PROJECT}:setIamPolicy", body=body).replies({})


def granted(*members: str) -> dict[str, t.Any]:
    return {"role": INVOKER, "members": list(members)}


def test_a_member_joins_others_and_nothing_else_changes() -> None:
    script = Script()
    audited = {"auditConfigs": [{"service": "allServices"}]}
    reads(script, policy(OTHERS, granted(ANN), **audited))
    reads(script, policy(OTHERS, granted(ANN), **audited))
    writes(script, OTHERS, granted(ANN, MEMBER))
    reads(script, policy(OTHERS, granted(ANN, MEMBER), etag="b"))
    result = script.run(iam_member, **OPTIONS)
    assert result["action"] == "created" and result["requests"] == {"reads": 3, "writes": 1}
    assert result["resource"] == {"project": "acme-shop", **OPTIONS}


def test_no_change() -> None:
    script = Script()
    reads(script, policy(granted("serviceAccount:Shop-Gateway@acme-shop.iam.gserviceaccount.com")))
    assert not script.run(iam_member, **OPTIONS)["changed"]


def test_check_mode_writes_nothing() -> None:
    script = Script()
    reads(script, policy(OTHERS))
    result = script.run(iam_member, check=True, **OPTIONS)
    assert result["action"] == "created" and result["diff"][0]["after"] == OPTIONS


def test_a_grant_with_a_condition_is_another_one_and_stays() -> None:
    script = Script()
    found = policy(CONDITIONAL, version=3)
    reads(script, found)
    reads(script, found)
    writes(script, CONDITIONAL, granted(MEMBER), version=3)
    reads(script, policy(CONDITIONAL, granted(MEMBER), version=3))
    assert script.run(iam_member, **OPTIONS)["action"] == "created"


def test_somebody_elses_change_in_between_is_kept() -> None:
    script = Script()
    reads(script, policy())
    reads(script, policy())
    writes(script, granted(MEMBER)).refuses(409, "There were concurrent policy changes", code="ABORTED")
    reads(script, policy(OTHERS, etag="b"))
    writes(script, OTHERS, granted(MEMBER), etag="b")
    reads(script, policy(OTHERS, granted(MEMBER), etag="c"))
    assert script.run(iam_member, **OPTIONS)["action"] == "created"


def test_a_lost_reply_is_no_second_grant() -> None:
    script = Script()
    reads(script, policy())
    reads(script, policy())
    writes(script, granted(MEMBER)).is_lost()
    writes(script, granted(MEMBER)).refuses(409, "There were concurrent policy changes", code="ABORTED")
    reads(script, policy(granted(MEMBER), etag="b"))
    reads(script, policy(granted(MEMBER), etag="b"))
    assert script.run(iam_member, **OPTIONS)["action"] == "created"


def test_a_new_account_is_waited_for() -> None:
    script = Script()
    reads(script, policy())
    for _look in range(2):
        reads(script, policy())
        writes(script, granted(MEMBER)).refuses(400, UNKNOWN, code="INVALID_ARGUMENT")
        script.expect("GET", "iam", ACCOUNT).replies({"email": EMAIL})
    reads(script, policy())
    writes(script, granted(MEMBER))
    reads(script, policy(granted(MEMBER)))
    assert script.run(iam_member, **OPTIONS)["action"] == "created" and script.slept


def test_a_misspelt_account_is_not_waited_for() -> None:
    script = Script()
    reads(script, policy())
    reads(script, policy())
    writes(script, granted(MEMBER)).refuses(400, UNKNOWN, code="INVALID_ARGUMENT")
    script.expect("GET", "iam", ACCOUNT).refuses(404)
    result = script.run(iam_member, fails=True, **OPTIONS)
    assert f"member {MEMBER} does not exist. Create it first" in result["msg"] and not script.slept


def test_who_may_not_look_for_the_account_waits_and_hears_what_google_said() -> None:
    script = Script()
    reads(script, policy())
    # Pauses of 0.2, 0.5 and 1 s, a fifth more or less each, are more than one second after the third alone.
    for _look in range(4):
        reads(script, policy())
        writes(script, granted(MEMBER)).refuses(400, UNKNOWN, code="INVALID_ARGUMENT")
        script.expect("GET", "iam", ACCOUNT).refuses(403, "Permission denied", code="PERMISSION_DENIED")
    with mock.patch.object(iam_policy, "UNKNOWN", 1.0):
        result = script.run(iam_member, fails=True, **OPTIONS)
    assert UNKNOWN in result["msg"] and len(script.slept) == 3


@pytest.mark.parametrize(
    ("options", "service", "path", "verb"),
    [
        ({"service_account": "shop-gateway"}, "iam", ACCOUNT, "POST"),
        ({"service_account": EMAIL}, "iam", ACCOUNT, "POST"),
        (
            {"cloud_function": "forward", "location": "europe-west1"},
            "cloudfunctions",
            "v2/projects/acme-shop/locations/europe-west1/functions/forward",
            "GET",
        ),
        (
            {"run_service": "forward", "location": "europe-west1"},
            "run",
            "v2/projects/acme-shop/locations/europe-west1/services/forward",
            "GET",
        ),
    ],
)
def test_on_other_things_than_the_project(options: dict[str, str], service: str, path: str, verb: str) -> None:
    script = Script()
    wanted = {**options, "role": VIEWER, "member": ANN}
    for _read in range(2):
        script.expect(verb, service, f"{path}:getIamPolicy", query=QUERY).replies({"etag": "a"})
    body = {"policy": {"bindings": [OTHERS], "etag": "a"}}
    script.expect("POST", service, f"{path}:setIamPolicy", body=body).replies({})
    script.expect(verb, service, f"{path}:getIamPolicy", query=QUERY).replies(policy(OTHERS, etag="b"))
    result = script.run(iam_member, **wanted)
    assert result["resource"] == {"project": "acme-shop", **wanted}


def test_what_does_not_exist_yet_has_no_grants() -> None:
    path = "v2/projects/acme-shop/locations/europe-west1/services/forward"
    wanted = {"run_service": "forward", "location": "europe-west1", "role": INVOKER, "member": MEMBER}
    for options, action in (({}, "created"), ({"state": "absent"}, "unchanged")):
        script = Script()
        script.expect("GET", "run", f"{path}:getIamPolicy", query=QUERY).refuses(404)
        assert script.run(iam_member, check=True, **wanted, **options)["action"] == action


@pytest.mark.parametrize(
    ("description", "options", "action"),
    [(MARK, {}, "deleted"), ("somebody's", {}, "kept"), ("somebody's", {"force": True}, "deleted")],
)
def test_a_grant_is_ours_if_the_account_is(description: str, options: dict[str, t.Any], action: str) -> None:
    script = Script()
    reads(script, policy(OTHERS, granted(MEMBER), CONDITIONAL, version=3))
    if not options:
        script.expect("GET", "iam", ACCOUNT).replies({"email": EMAIL, "description": description})
    if action == "deleted":
        reads(script, policy(OTHERS, granted(MEMBER), CONDITIONAL, version=3))
        writes(script, OTHERS, CONDITIONAL, version=3)
    assert script.run(iam_member, **OPTIONS, state="absent", **options)["action"] == action


def test_a_grant_is_ours_if_what_it_is_on_is() -> None:
    path = "v2/projects/acme-shop/locations/europe-west1/functions/forward"
    both = {"role": VIEWER, "members": [ANN, MEMBER]}
    script = Script()
    script.expect("GET", "cloudfunctions", f"{path}:getIamPolicy", query=QUERY).replies(policy(both))
    script.expect("GET", "cloudfunctions", path).replies({"labels": {"managed-by": "gatewayops-apigee-gke"}})
    script.expect("GET", "cloudfunctions", f"{path}:getIamPolicy", query=QUERY).replies(policy(both))
    body = {"policy": {"bindings": [{"role": VIEWER, "members": [MEMBER]}], "etag": "a"}}
    script.expect("POST", "cloudfunctions", f"{path}:setIamPolicy", body=body).replies({})
    wanted = {"cloud_function": "forward", "location": "europe-west1", "role": VIEWER, "member": ANN}
    assert script.run(iam_member, **wanted, state="absent")["action"] == "deleted"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"role": "run.invoker"}, "State it in full, such as roles/run.invoker"),
        ({"member": EMAIL}, "State its type too"),
        ({"member": "allUsers"}, "allUsers cannot get a role on a project"),
        ({"member": "allUsers", "service_account": "x"}, "allUsers cannot get a role on a service account"),
        ({"run_service": "forward"}, "run_service needs location"),
        ({"cloud_function": "forward", "location": "europe-west1"}, "State it as run_service"),
        ({"location": "europe-west1"}, "location says where a cloud_function or run_service is"),
    ],
)
def test_refused_without_a_request(options: dict[str, str], message: str) -> None:
    assert message in Script().run(iam_member, fails=True, **{**OPTIONS, **options})["msg"]


def test_many_grants_in_one_policy_are_planned_with_one_read_and_written_one_by_one() -> None:
    script = Script()
    reads(script, policy())
    for number, (found, wanted) in enumerate(((policy(), granted(ANN)), (policy(granted(ANN)), granted(ANN, MEMBER)))):
        reads(script, found)
        writes(script, wanted)
        reads(script, policy(wanted, etag=str(number)))
    entries = [{"kind": "iam_member", "role": INVOKER, "member": one} for one in (ANN, MEMBER)]
    result = script.run(resources, resources=entries)
    assert [one["name"] for one in result["resources"]] == [f"{INVOKER} to {ANN}", f"{INVOKER} to {MEMBER}"]
    assert [one["action"] for one in result["resources"]] == ["created", "created"]


def test_info() -> None:
    pool = "principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/ci/group/deployers"
    found = policy(granted(ANN, pool), {**CONDITIONAL})
    script = Script()
    reads(script, found)
    everyone = script.run(iam_member_info, role=INVOKER)["resources"]
    assert [one["member"] for one in everyone] == [ANN, pool]
    for member, expected in ((ANN, everyone[:1]), (MEMBER, [])):
        script = Script()
        reads(script, found)
        assert script.run(iam_member_info, role=INVOKER, member=member)["resources"] == expected
