# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""NAT addresses: reserved, known to whoever lets callers in, then used; given back, and only if they are ours."""

from __future__ import annotations

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.modules import (
    apigee_nat_address,
    apigee_nat_address_info,
    resources,
)
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.apigee_replies import (
    DONE,
    MARK,
    OPERATION,
    ORG,
    ORGANIZATION,
)
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.google_replies import (
    COMPUTE,
    compute_operation,
)
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.test_compute_security_policy import (
    policy,
    rule,
)
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Script

ALL = f"{ORG}/instances/eu/natAddresses"
ONE = f"{ALL}/nat-1"
POLICY = f"{COMPUTE}/global/securityPolicies/shop"
WANTED = {"instance": "eu", "name": "nat-1"}
RESERVED = {"name": "nat-1", "ipAddress": "198.51.100.7", "state": "RESERVED"}
ACTIVE = {**RESERVED, "state": "ACTIVE"}
BUSY = "the resource is locked by another operation"


def found(document: dict) -> Script:
    script = Script()
    script.expect("GET", "apigee", ONE).replies(document)
    return script


def finished(script: Script) -> None:
    script.expect("GET", "apigee", f"{ORG}/operations/o1").replies(DONE)


def reserved(script: Script) -> None:
    """The address is not there, and is made."""
    script.expect("GET", "apigee", ONE).refuses(404, "not found", code="NOT_FOUND")
    script.expect("GET", "apigee", ORG).replies(ORGANIZATION)


def made(script: Script) -> None:
    script.expect("POST", "apigee", ALL, body={"name": "nat-1"}).replies(OPERATION)
    finished(script)
    script.expect("GET", "apigee", ONE).replies(RESERVED)


def used(script: Script) -> None:
    script.expect("POST", "apigee", f"{ONE}:activate", body={}).replies(OPERATION)
    finished(script)
    script.expect("GET", "apigee", ONE).replies(ACTIVE)


def test_it_is_reserved_and_not_used() -> None:
    script = Script()
    reserved(script)
    made(script)
    result = script.run(apigee_nat_address, **WANTED)
    shown = {"ip_address": "198.51.100.7", "state": "RESERVED", "active": False}
    assert result["action"] == "created" and shown.items() <= result["resource"].items()


def test_it_is_reserved_and_used() -> None:
    script = Script()
    reserved(script)
    made(script)
    used(script)
    result = script.run(apigee_nat_address, **WANTED, active=True)
    assert (result["action"], result["resource"]["state"]) == ("created", "ACTIVE")


def test_a_reserved_one_is_used() -> None:
    script = found(RESERVED)
    script.expect("GET", "apigee", ONE).replies(RESERVED)
    used(script)
    result = script.run(apigee_nat_address, **WANTED, active=True)
    assert [change["field"] for change in result["changes"]] == ["active"] and result["resource"]["active"] is True


@pytest.mark.parametrize(("document", "active"), [(RESERVED, None), (RESERVED, False), (ACTIVE, None), (ACTIVE, True)])
def test_no_change(document: dict, active: bool | None) -> None:
    assert not found(document).run(apigee_nat_address, **WANTED, active=active)["changed"]


def test_it_does_not_go_out_of_use() -> None:
    said = found(ACTIVE).run(apigee_nat_address, fails=True, **WANTED, active=False)["msg"]
    assert "Google does not take an address out of use" in said and "state: absent" in said


def test_an_activation_that_a_killed_run_started_has_ended_meanwhile() -> None:
    script = found(RESERVED)
    script.expect("GET", "apigee", ONE).replies(RESERVED)
    script.expect("POST", "apigee", f"{ONE}:activate", body={}).refuses(400, BUSY, code="FAILED_PRECONDITION")
    script.expect("POST", "apigee", f"{ONE}:activate", body={}).refuses(400, "not RESERVED", code="FAILED_PRECONDITION")
    script.expect("GET", "apigee", ONE).replies(ACTIVE)
    script.expect("GET", "apigee", ONE).replies(ACTIVE)
    assert script.run(apigee_nat_address, **WANTED, active=True)["resource"]["state"] == "ACTIVE"


def test_a_refused_activation_is_told() -> None:
    script = found(RESERVED)
    script.expect("GET", "apigee", ONE).replies(RESERVED)
    script.expect("POST", "apigee", f"{ONE}:activate", body={}).refuses(400, "no NAT today", code="FAILED_PRECONDITION")
    script.expect("GET", "apigee", ONE).replies(RESERVED)
    assert "no NAT today" in script.run(apigee_nat_address, fails=True, **WANTED, active=True)["msg"]


def test_a_later_run_activates_where_nobody_waits_for_what_holds_the_organisation() -> None:
    script = found(RESERVED)
    script.expect("GET", "apigee", ONE).replies(RESERVED)
    script.expect("POST", "apigee", f"{ONE}:activate", body={}).refuses(400, BUSY, code="FAILED_PRECONDITION")
    script.expect("GET", "apigee", ONE).replies(RESERVED)
    result = script.run(apigee_nat_address, **WANTED, active=True, wait=False)
    assert not result["changed"] and BUSY in str(result["pending"])


LISTED = [
    {
        "kind": "compute_security_policy",
        "name": "shop",
        "rules": [{"action": "allow", "apigee_nat_addresses": ["eu/nat-1"]}],
    },
    {"kind": "apigee_nat_address", **WANTED, "active": True},
]


def test_reserved_then_let_in_then_used() -> None:
    """One call of resources, whatever the order of the list."""
    script = Script()
    with script.together():
        script.expect("GET", "apigee", ONE).refuses(404, "not found", code="NOT_FOUND")
        script.expect("GET", "apigee", ORG).replies(ORGANIZATION)
        script.expect("GET", "compute", POLICY).replies(policy())
        script.expect("GET", "apigee", ALL).replies({})
    made(script)
    script.expect("GET", "compute", POLICY).replies(policy())
    script.expect("GET", "apigee", ALL).replies({"natAddresses": [RESERVED]})
    added = rule(1000, "198.51.100.7/32")
    script.expect("POST", "compute", f"{POLICY}/addRule", body=added).replies(compute_operation(script))
    script.expect("GET", "compute", POLICY).replies(policy(added))
    used(script)
    result = script.run(resources, resources=LISTED)
    assert [one["action"] for one in result["resources"]] == ["updated", "created"]
    assert result["resources"][1]["resource"]["active"] is True


def test_an_address_that_the_policy_does_not_let_in_is_not_used() -> None:
    script = Script()
    with script.together():
        script.expect("GET", "apigee", ONE).replies(RESERVED)
        script.expect("GET", "compute", POLICY).replies(policy())
        script.expect("GET", "apigee", ALL).replies({"natAddresses": [RESERVED]})
    script.expect("GET", "apigee", ONE).replies(RESERVED)
    script.expect("GET", "compute", POLICY).replies(policy())
    script.expect("GET", "apigee", ALL).replies({"natAddresses": [RESERVED]})
    added = rule(1000, "198.51.100.7/32")
    script.expect("POST", "compute", f"{POLICY}/addRule", body=added).refuses(403, "no permission", reason="forbidden")
    said = script.run(resources, fails=True, resources=LISTED)["msg"]
    assert "NAT address eu/nat-1: not finished, because compute_security_policy shop failed" in said


def test_an_address_goes_before_it_leaves_the_policy() -> None:
    script = Script()
    script.records.hold("apigee_nat_address", "eu/nat-1")
    with script.together():
        script.expect("GET", "apigee", ONE).replies(ACTIVE)
        script.expect("GET", "compute", POLICY).replies(policy(rule(1000, "198.51.100.7/32")))
    script.expect("DELETE", "apigee", ONE).replies(OPERATION)
    finished(script)
    script.expect("GET", "apigee", ONE).refuses(404, "not found", code="NOT_FOUND")
    script.expect("GET", "compute", POLICY).replies(policy(rule(1000, "198.51.100.7/32")))
    removal = script.expect("POST", "compute", f"{POLICY}/removeRule", query={"priority": "1000"})
    removal.replies(compute_operation(script))
    script.expect("GET", "compute", POLICY).replies(policy())
    listed = [
        {"kind": "compute_security_policy", "name": "shop", "rules": []},
        {"kind": "apigee_nat_address", **WANTED, "state": "absent"},
    ]
    result = script.run(resources, resources=listed)
    assert [one["action"] for one in result["resources"]] == ["updated", "deleted"] and not script.records.held


def test_what_a_killed_run_reserved_is_ours_when_it_is_used() -> None:
    script = found(RESERVED)
    script.records.hold("apigee_nat_address", "eu/nat-1", state="making")
    script.expect("GET", "apigee", ONE).replies(RESERVED)
    used(script)
    assert script.run(apigee_nat_address, **WANTED, active=True)["action"] == "updated"
    assert script.records.states == {"apigee_nat_address.eu.nat-1": "made"}


def test_somebody_elses_is_left_alone() -> None:
    assert found(RESERVED).run(apigee_nat_address, **WANTED, state="absent")["action"] == "kept"


def test_hybrid_has_none() -> None:
    script = Script()
    script.expect("GET", "apigee", ONE).refuses(404, "not found", code="NOT_FOUND")
    script.expect("GET", "apigee", ORG).replies({**ORGANIZATION, "runtimeType": "HYBRID"})
    assert "Cloud NAT" in script.run(apigee_nat_address, fails=True, **WANTED)["msg"]


@pytest.mark.parametrize("name", ["Nat", "a" * 21, "nat-", "1nat"])
def test_bad_names_are_refused_unsent(name: str) -> None:
    assert "up to 20 lower-case" in Script().run(apigee_nat_address, fails=True, instance="eu", name=name)["msg"]


def test_reading_one_and_all() -> None:
    (one,) = found(ACTIVE).run(apigee_nat_address_info, **WANTED)["resources"]
    script = Script()
    script.expect("GET", "apigee", ALL).replies({"natAddresses": [ACTIVE]})
    assert script.run(apigee_nat_address_info, instance="eu")["resources"] == [one]
    assert (one["instance"], one["name"], one["active"], one["ip_address"]) == ("eu", "nat-1", True, "198.51.100.7")


@pytest.mark.parametrize(("state", "action"), [("made", "deleted"), ("", "kept")])
def test_an_instance_with_somebody_elses_address_stays(state: str, action: str) -> None:
    """Google deletes its addresses with it, and nobody gets them again."""
    instance = f"{ORG}/instances/eu"
    script = Script()
    if state:
        script.records.hold("apigee_nat_address", "eu/nat-1", state=state)
    script.expect("GET", "apigee", instance).replies({"name": "eu", "description": MARK, "state": "ACTIVE"})
    script.expect("GET", "apigee", ALL).replies({"natAddresses": [ACTIVE]})
    if action == "deleted":
        script.expect("DELETE", "apigee", instance).replies(DONE)
        script.expect("GET", "apigee", instance).refuses(404, "not found", code="NOT_FOUND")
    result = script.run(resources, resources=[{"kind": "apigee_instance", "name": "eu", "state": "absent"}])
    assert result["resources"][0]["action"] == action
    assert action == "deleted" or "it holds apigee_nat_address eu/nat-1" in result["resources"][0]["note"]
