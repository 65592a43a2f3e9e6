# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Service accounts, and policies: who may use them."""

from __future__ import annotations

import pytest

from tests.testbed.google.conftest import PROJECT, Google

ALL = "iam.projects.serviceAccounts"
ACCOUNTS = f"iam/v1/projects/{PROJECT}/serviceAccounts"
EMAIL = f"shop-gateway@{PROJECT}.iam.gserviceaccount.com"
ONE = f"{ACCOUNTS}/{EMAIL}"
PROJECT_POLICY = f"cloudresourcemanager/v3/projects/{PROJECT}"
MEMBER = f"serviceAccount:{EMAIL}"
WEEKDAYS = {"title": "weekdays", "expression": "request.time.getDayOfWeek() < 6"}


@pytest.fixture
async def iam(google: Google) -> Google:
    await google.enable("iam.googleapis.com")
    return google


async def made(iam: Google, **fields: str) -> dict:
    return await iam.call("POST", ACCOUNTS, {"accountId": "shop-gateway", "serviceAccount": fields})


@pytest.mark.shows(f"{ALL}.create", f"{ALL}.get", f"{ALL}.list", "requires accountId")
async def test_an_account_is_made_once_and_known_by_its_address(iam: Google) -> None:
    account = await made(iam, displayName="Gateway")
    assert account["email"] == EMAIL and account["displayName"] == "Gateway"
    assert await iam.call("GET", ONE) == account
    listed = (await iam.call("GET", f"{ACCOUNTS}?pageSize=100"))["accounts"]
    assert account in listed and not any("keys" in one for one in listed)
    again = await iam.refused("POST", ACCOUNTS, {"accountId": "shop-gateway"})
    assert (again["code"], again["status"]) == (409, "ALREADY_EXISTS")
    assert (await iam.refused("POST", ACCOUNTS, {}))["code"] == 400


@pytest.mark.shows(f"{ALL}.create")
@pytest.mark.parametrize("name", ["short", "Upper-case", "9digits-first", "dash-last-", "x" * 31])
async def test_names_that_are_no_account_ids(iam: Google, name: str) -> None:
    assert (await iam.refused("POST", ACCOUNTS, {"accountId": name}))["code"] == 400


@pytest.mark.shows(f"{ALL}.patch", f"{ALL}.create")
async def test_only_what_the_mask_names_changes_and_only_what_can(iam: Google) -> None:
    before = await made(iam, displayName="Gateway", description="calls the function")
    change = {"serviceAccount": {"displayName": "Front", "description": "other"}, "updateMask": "displayName"}
    after = await iam.call("PATCH", ONE, change)
    assert after == {**before, "displayName": "Front"}
    assert (await iam.refused("PATCH", ONE, {"serviceAccount": {"displayName": "x"}}))["code"] == 400
    assert (await iam.refused("PATCH", ONE, {**change, "updateMask": "email"}))["code"] == 400
    long = {"serviceAccount": {"displayName": "ä" * 51}, "updateMask": "displayName"}
    assert "100 bytes" in (await iam.refused("PATCH", ONE, long))["message"]


@pytest.mark.shows(f"{ALL}.delete")
async def test_grants_of_a_deleted_account_do_not_pass_to_its_successor(iam: Google) -> None:
    first = await made(iam)
    policy = await iam.call("POST", f"{PROJECT_POLICY}:getIamPolicy", {})
    policy["bindings"].append({"role": "roles/run.invoker", "members": [MEMBER]})
    await iam.call("POST", f"{PROJECT_POLICY}:setIamPolicy", {"policy": policy})
    assert await iam.call("DELETE", ONE) == {}
    assert (await iam.refused("GET", ONE))["code"] == 404 == (await iam.refused("DELETE", ONE))["code"]
    second = await made(iam)
    assert second["uniqueId"] != first["uniqueId"]
    policy = await iam.call("POST", f"{PROJECT_POLICY}:getIamPolicy", {})
    binding = next(one for one in policy["bindings"] if one["role"] == "roles/run.invoker")
    assert binding["members"] == [f"deleted:{MEMBER}?uid={first['uniqueId']}"]


@pytest.mark.shows(f"{ALL}.getIamPolicy", f"{ALL}.setIamPolicy")
async def test_who_may_use_an_account(iam: Google) -> None:
    await made(iam)
    policy = await iam.call("POST", f"{ONE}:getIamPolicy")
    assert "bindings" not in policy
    binding = {"role": "roles/iam.serviceAccountUser", "members": ["user:ann@acme.example"]}
    changed = await iam.call("POST", f"{ONE}:setIamPolicy", {"policy": {"bindings": [binding], "etag": policy["etag"]}})
    assert changed == await iam.call("POST", f"{ONE}:getIamPolicy") and changed["bindings"] == [binding]
    late = await iam.refused("POST", f"{ONE}:setIamPolicy", {"policy": {"bindings": [], "etag": policy["etag"]}})
    assert (late["code"], late["status"]) == (409, "ABORTED")
    assert (await iam.refused("POST", f"{ACCOUNTS}/none@{PROJECT}.iam.gserviceaccount.com:getIamPolicy"))["code"] == 404


@pytest.mark.shows("cloudresourcemanager.projects.setIamPolicy", "requires policy")
@pytest.mark.parametrize(
    ("binding", "message"),
    [
        ({"role": "roles/run.invoker", "members": [MEMBER]}, "does not exist"),
        ({"role": "run.invoker", "members": ["user:ann@acme.example"]}, "Role run.invoker"),
        ({"role": "roles/run.invoker", "members": ["ann@acme.example"]}, "Invalid member"),
        ({"role": "roles/run.invoker", "members": ["allUsers"]}, "allUsers"),
        ({"role": "roles/viewer", "members": ["user:ann@acme.example"], "condition": WEEKDAYS}, "version 3"),
    ],
)
async def test_policies_that_are_refused(iam: Google, binding: dict, message: str) -> None:
    before = await iam.call("POST", f"{PROJECT_POLICY}:getIamPolicy", {})
    policy = {**before, "bindings": [*before["bindings"], binding]}
    error = await iam.refused("POST", f"{PROJECT_POLICY}:setIamPolicy", {"policy": policy})
    assert error["code"] == 400 and message in error["message"]
    assert (await iam.refused("POST", f"{PROJECT_POLICY}:setIamPolicy", {}))["code"] == 400
    assert await iam.call("POST", f"{PROJECT_POLICY}:getIamPolicy", {}) == before


@pytest.mark.shows("cloudresourcemanager.projects.getIamPolicy", "cloudresourcemanager.projects.setIamPolicy")
async def test_conditions_are_lost_by_those_who_do_not_ask_for_them(iam: Google) -> None:
    asked = {"options": {"requestedPolicyVersion": 3}}
    policy = await iam.call("POST", f"{PROJECT_POLICY}:getIamPolicy", asked)
    conditional = {"role": "roles/viewer", "members": ["user:ann@acme.example"], "condition": WEEKDAYS}
    policy |= {"bindings": [*policy["bindings"], conditional], "version": 3}
    await iam.call("POST", f"{PROJECT_POLICY}:setIamPolicy", {"policy": policy})
    old = await iam.call("POST", f"{PROJECT_POLICY}:getIamPolicy", {})
    assert old["version"] == 1 and "_withcond_" in old["bindings"][-1]["role"]
    assert (await iam.refused("POST", f"{PROJECT_POLICY}:setIamPolicy", {"policy": old}))["code"] == 400
    new = await iam.call("POST", f"{PROJECT_POLICY}:getIamPolicy", asked)
    assert new["version"] == 3 and new["bindings"][-1] == conditional
    new["bindings"][-1]["members"] = []
    await iam.call("POST", f"{PROJECT_POLICY}:setIamPolicy", {"policy": new})
    assert conditional["role"] in {one["role"] for one in old["bindings"][:-1]}, "the unconditional one is another"
    assert (await iam.call("POST", f"{PROJECT_POLICY}:getIamPolicy", asked))["version"] == 1
