# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Security policies: what a policy and a rule may be, how one rule changes, and who keeps a policy from going."""

from __future__ import annotations

from typing import Any

import pytest

from tests.testbed.google.conftest import COMPUTE, PROJECT, Google

ALL = "compute.securityPolicies"
BACKENDS = "compute.backendServices"
POLICIES = f"{COMPUTE}/global/securityPolicies"
POLICY = f"{POLICIES}/shop"
BACKEND = f"projects/{PROJECT}/global/backendServices/k8s-shop"
DEFAULT = 2147483647
ONCE = "no two rules have one priority"
THERE = "refuses (400) a priority without a rule"


def rule(priority: int, *ranges: str, **fields: Any) -> dict[str, Any]:
    match = {"versionedExpr": "SRC_IPS_V1", "config": {"srcIpRanges": list(ranges)}}
    return {"priority": priority, "action": "allow", "match": match, **fields}


DENY = rule(DEFAULT, "*", action="deny(403)")


@pytest.fixture
async def policy(google: Google) -> Google:
    """A policy that lets in one range."""
    await google.enable("compute.googleapis.com")
    await google.do("POST", POLICIES, {"name": "shop", "rules": [rule(1000, "203.0.113.0/24"), DENY]})
    return google


async def rules(google: Google) -> dict[int, dict[str, Any]]:
    return {one["priority"]: one for one in (await google.call("GET", POLICY))["rules"]}


@pytest.mark.shows(f"{ALL}.insert", f"{ALL}.get", f"{ALL}.list", f"{ALL}.delete")
@pytest.mark.shows(f"{ALL}.insert", "without rules there is one that lets in everybody")
async def test_a_policy_is_made_listed_and_removed(policy: Google) -> None:
    found = await policy.call("GET", POLICY)
    assert (found["type"], [one["priority"] for one in found["rules"]]) == ("CLOUD_ARMOR", [1000, DEFAULT])
    await policy.do("POST", POLICIES, {"name": "open"})
    (alone,) = (await policy.call("GET", f"{POLICIES}/open"))["rules"]
    assert (alone["action"], alone["match"]["config"]["srcIpRanges"]) == ("allow", ["*"])
    assert [one["name"] for one in (await policy.call("GET", POLICIES))["items"]] == ["open", "shop"]
    assert (await policy.refused("POST", POLICIES, {"name": "shop"}))["code"] == 409
    await policy.do("DELETE", POLICY)
    assert (await policy.refused("GET", POLICY))["code"] == 404


@pytest.mark.shows(f"{ALL}.insert", "a list of rules holds the default one", ONCE)
@pytest.mark.shows(f"{ALL}.insert", f"{ALL}.addRule", "a rule matches at most ten ranges, or by one expression")
@pytest.mark.shows(
    f"{ALL}.insert", f"{ALL}.addRule", "an action is allow or deny(403|404|502), others are not emulated"
)
async def test_policies_and_rules_that_are_refused(policy: Google) -> None:
    for fields in (
        {"rules": [rule(1000, "203.0.113.0/24")]},
        {"rules": [rule(1000, "203.0.113.0/24"), rule(1000, "192.0.2.0/24"), DENY]},
        {"type": "CLOUD_ARMOR_NETWORK"},
        {"name": "Two"},
    ):
        assert (await policy.refused("POST", POLICIES, {"name": "two", **fields}))["code"] == 400, fields
    expression = {"expr": {"expression": "request.path == '/'"}}
    for wrong in (
        rule(2000, *[f"10.0.{number}.0/24" for number in range(11)]),
        rule(2000, "10.0.0.1/24"),
        rule(2000, "nobody"),
        rule(2000),
        rule(2000, "10.0.0.0/24", action="deny(401)"),
        rule(2000, "10.0.0.0/24", action="deny"),
        rule(-1, "10.0.0.0/24"),
        {"priority": 2000, "action": "allow"},
        {"priority": 2000, "action": "allow", "match": {**rule(2000, "10.0.0.0/24")["match"], **expression}},
    ):
        assert (await policy.refused("POST", f"{POLICY}/addRule", wrong))["code"] == 400, wrong
    await policy.do("POST", f"{POLICY}/addRule", rule(2000, *[f"10.0.{number}.0/24" for number in range(10)]))
    await policy.do("POST", f"{POLICY}/addRule", {"priority": 3000, "action": "allow", "match": expression})
    assert sorted(await rules(policy)) == [1000, 2000, 3000, DEFAULT]


@pytest.mark.shows(f"{ALL}.addRule", f"{ALL}.patchRule", f"{ALL}.removeRule", f"{ALL}.getRule")
@pytest.mark.shows(f"{ALL}.addRule", ONCE)
@pytest.mark.shows(f"{ALL}.patchRule", f"{ALL}.removeRule", f"{ALL}.getRule", THERE)
@pytest.mark.shows(f"{ALL}.removeRule", "the default rule stays")
async def test_one_rule_after_the_other(policy: Google) -> None:
    added = rule(1001, "2001:db8::/32", description="six", preview=True)
    await policy.do("POST", f"{POLICY}/addRule", added)
    assert added.items() <= (await policy.call("GET", f"{POLICY}/getRule?priority=1001")).items()
    taken = await policy.refused("POST", f"{POLICY}/addRule", rule(1001, "10.0.0.0/8"))
    assert "'1001'. Cannot have rules with the same priorities." in taken["message"]
    await policy.do("POST", f"{POLICY}/removeRule?priority=1000")
    for verb, body in (("removeRule", None), ("patchRule", rule(1000, "10.0.0.0/8"))):
        refused = await policy.refused("POST", f"{POLICY}/{verb}?priority=1000", body)
        assert refused["code"] == 400 and "shop does not contain a rule at priority 1000." in refused["message"]
    assert (await policy.refused("GET", f"{POLICY}/getRule"))["code"] == 400
    assert (await policy.refused("POST", f"{POLICY}/removeRule?priority={DEFAULT}"))["code"] == 400
    assert sorted(await rules(policy)) == [1001, DEFAULT]


@pytest.mark.shows(f"{ALL}.patchRule", "changes what the body names, and clears what only updateMask names")
@pytest.mark.shows(f"{ALL}.patchRule", "the default rule matches everybody")
@pytest.mark.shows(f"{ALL}.patchRule", "a rule matches at most ten ranges, or by one expression")
@pytest.mark.shows(f"{ALL}.patchRule", "an action is allow or deny(403|404|502), others are not emulated")
async def test_a_patch_leaves_alone_what_it_does_not_name(policy: Google) -> None:
    patch = f"{POLICY}/patchRule?priority=1000"
    await policy.do("POST", patch, {"description": "Apigee", "preview": True})
    found = (await rules(policy))[1000]
    assert (found["description"], found["preview"], found["action"]) == ("Apigee", True, "allow")
    await policy.do("POST", f"{patch}&updateMask=description", {"preview": False})
    found = (await rules(policy))[1000]
    assert "description" not in found and found["preview"] is False
    assert found["match"]["config"]["srcIpRanges"] == ["203.0.113.0/24"]
    for wrong in (rule(1000, *[f"10.0.{number}.0/24" for number in range(11)]), {"action": "redirect"}):
        assert (await policy.refused("POST", patch, wrong))["code"] == 400
    last = f"{POLICY}/patchRule?priority={DEFAULT}"
    assert (await policy.refused("POST", last, rule(DEFAULT, "10.0.0.0/8")))["code"] == 400
    await policy.do("POST", last, {"action": "deny(404)"})
    assert (await rules(policy))[DEFAULT]["action"] == "deny(404)"


@pytest.mark.shows(f"{ALL}.patch", "needs the current fingerprint (412 otherwise)", "does not change rules")
@pytest.mark.shows(f"{ALL}.patch", "cannot change name, type")
async def test_the_policys_own_fields(policy: Google) -> None:
    found = await policy.call("GET", POLICY)
    log = {"advancedOptionsConfig": {"logLevel": "VERBOSE"}}
    assert (await policy.refused("PATCH", POLICY, {**log, "fingerprint": "b2xk"}))["code"] == 412
    await policy.do("PATCH", POLICY, {**log, "fingerprint": found["fingerprint"]})
    later = await policy.call("GET", POLICY)
    assert later["advancedOptionsConfig"] == {"logLevel": "VERBOSE"} and later["rules"] == found["rules"]
    for wrong in ({"rules": [DENY]}, {"type": "CLOUD_ARMOR_EDGE"}):
        body = {**wrong, "fingerprint": later["fingerprint"]}
        assert (await policy.refused("PATCH", POLICY, body))["code"] == 400
    clearing = {"fingerprint": later["fingerprint"]}
    await policy.do("PATCH", f"{POLICY}?updateMask=advancedOptionsConfig", clearing)
    assert "advancedOptionsConfig" not in await policy.call("GET", POLICY)


@pytest.mark.shows(f"{ALL}.delete", "refused while a backend service uses it")
@pytest.mark.shows(f"{BACKENDS}.get", f"{BACKENDS}.list", f"{BACKENDS}.setSecurityPolicy")
@pytest.mark.shows(f"{BACKENDS}.setSecurityPolicy", "the policy exists; without one there is none afterwards")
async def test_a_backend_service_keeps_its_policy(policy: Google) -> None:
    link = f"https://www.googleapis.com/compute/v1/{BACKEND}"
    backend = {"kind": "compute#backendService", "id": "1", "name": "k8s-shop", "selfLink": link, "_own": True}
    async with policy.emulator.store.transaction() as tx:
        tx.put(f"compute/{BACKEND}", backend)
    where = f"compute/compute/v1/{BACKEND}"
    missing = {"securityPolicy": f"projects/{PROJECT}/global/securityPolicies/none"}
    assert (await policy.refused("POST", f"{where}/setSecurityPolicy", missing))["code"] == 404
    wanted = {"securityPolicy": f"projects/{PROJECT}/global/securityPolicies/shop"}
    await policy.do("POST", f"{where}/setSecurityPolicy", wanted)
    found = await policy.call("GET", where)
    assert found["securityPolicy"] == (await policy.call("GET", POLICY))["selfLink"] and "_own" not in found
    assert (await policy.call("GET", f"{COMPUTE}/global/backendServices"))["items"] == [found]
    refused = await policy.refused("DELETE", POLICY)
    said = f"The security_policy resource 'projects/{PROJECT}/global/securityPolicies/shop' is already being used by"
    assert said in refused["message"] and refused["errors"][0]["reason"] == "resourceInUseByAnotherResource"
    await policy.do("POST", f"{where}/setSecurityPolicy", {})
    assert "securityPolicy" not in await policy.call("GET", where)
    await policy.do("DELETE", POLICY)
