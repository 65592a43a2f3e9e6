# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Security policies: made at once, changed rule by rule, and NAT addresses looked up for them."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.modules import (
    compute_security_policy,
    compute_security_policy_info,
)
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.google_replies import (
    COMPUTE,
    MARK,
    compute_operation,
    write,
)
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Script

ALL = f"{COMPUTE}/global/securityPolicies"
ONE = f"{ALL}/shop"
NAT = "v1/organizations/acme-shop/instances/eu/natAddresses"
RESERVED = {"name": "nat-1", "ipAddress": "198.51.100.7", "state": "RESERVED"}


def rule(priority: int, *ranges: str, action: str = "allow", **more: t.Any) -> dict[str, t.Any]:
    match = {"versionedExpr": "SRC_IPS_V1", "config": {"srcIpRanges": list(ranges)}}
    return {"priority": priority, "action": action, "match": match, "preview": False, "description": "", **more}


def default(action: str = "deny(403)", **more: t.Any) -> dict[str, t.Any]:
    return rule(2147483647, "*", action=action, description="Whoever no other rule matches", **more)


def policy(*rules: dict[str, t.Any], **more: t.Any) -> dict[str, t.Any]:
    return {
        "kind": "compute#securityPolicy",
        "name": "shop",
        "type": "CLOUD_ARMOR",
        "description": MARK,
        "fingerprint": "f1",
        "rules": [*rules, default()],
        **more,
    }


def allow(*ranges: str, **more: t.Any) -> dict[str, t.Any]:
    return {"action": "allow", "source_ranges": list(ranges), **more}


def there(*rules: dict[str, t.Any], **more: t.Any) -> Script:
    script = Script()
    script.expect("GET", "compute", ONE).replies(policy(*rules, **more))
    return script


def call(script: Script, verb: str, body: t.Any = None, priority: int | None = None) -> None:
    """One call for a rule, and the wait for it."""
    query = {} if priority is None else {"priority": str(priority)}
    made = script.expect("POST", "compute", f"{ONE}/{verb}Rule", query=query, body=body)
    made.replies(compute_operation(script))


def again(script: Script, *rules: dict[str, t.Any], **more: t.Any) -> None:
    script.expect("GET", "compute", ONE).replies(policy(*rules, **more))


def test_it_is_made_with_all_its_rules_at_once() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).refuses(404, "not found")
    addresses = [f"203.0.113.{number}" for number in range(12)]
    rules = [
        rule(1000, *(f"{one}/32" for one in addresses[:10]), description="Apigee"),
        rule(1001, "203.0.113.10/32", "203.0.113.11/32", description="Apigee"),
        rule(2000, "2001:db8::/32", action="deny(404)"),
        {
            "priority": 3000,
            "action": "allow",
            "match": {"expr": {"expression": "request.path == '/'"}},
            "preview": True,
            "description": "",
        },
    ]
    body = {"name": "shop", "description": MARK, "type": "CLOUD_ARMOR", "rules": [*rules, default()]}
    write(script, "POST", "global/securityPolicies", body)
    again(script, *rules)
    stated = [
        allow(*addresses, description="Apigee"),
        {"action": "deny(404)", "source_ranges": ["2001:DB8:0::/32"]},
        {"action": "allow", "expression": "request.path == '/'", "preview": True},
    ]
    result = script.run(compute_security_policy, name="shop", rules=stated)
    assert result["action"] == "created" and result["resource"]["default_action"] == "deny(403)"
    assert [one["priority"] for one in result["resource"]["rules"]] == [1000, 1001, 2000, 3000]


@pytest.mark.parametrize(
    "rules", [[allow("203.0.113.9", "2001:DB8::1/128")], [allow("2001:db8::1", "203.0.113.9/32", priority=1000)]]
)
def test_no_change_however_it_is_spelt(rules: list[dict[str, t.Any]]) -> None:
    script = there(rule(1000, "2001:db8:0:0::1", "203.0.113.9"))
    result = script.run(compute_security_policy, name="shop", rules=rules, type="CLOUD_ARMOR", log_level="NORMAL")
    assert not result["changed"] and result["requests"]["writes"] == 0


def test_rules_are_changed_one_by_one_and_the_new_caller_comes_first() -> None:
    before = [rule(1000, "203.0.113.1/32"), rule(1500, "192.0.2.0/24", description="by hand"), rule(2000, "10.0.0.0/8")]
    script = there(*before)
    again(script, *before)
    call(script, "patch", rule(1000, "203.0.113.1/32", "203.0.113.2/32"), 1000)
    call(script, "remove", priority=1500)
    call(script, "remove", priority=2000)
    again(script, rule(1000, "203.0.113.1/32", "203.0.113.2/32"))
    result = script.run(compute_security_policy, name="shop", rules=[allow("203.0.113.1", "203.0.113.2")])
    told = {change["field"]: (change["before"], change["after"]) for change in result["changes"]}
    assert told["rules[1000].source_ranges"] == (["203.0.113.1/32"], ["203.0.113.1/32", "203.0.113.2/32"])
    assert told["rules[1500]"][0]["description"] == "by hand" and told["rules[1500]"][1] is None


def test_what_is_not_stated_is_left_alone() -> None:
    script = there(
        rule(1000, "203.0.113.1/32"), advancedOptionsConfig={"logLevel": "NORMAL", "jsonParsing": "STANDARD"}
    )
    body = {"advancedOptionsConfig": {"logLevel": "VERBOSE", "jsonParsing": "STANDARD"}, "fingerprint": "f1"}
    write(script, "PATCH", "global/securityPolicies/shop", body)
    again(script, rule(1000, "203.0.113.1/32"), advancedOptionsConfig={"logLevel": "VERBOSE"})
    result = script.run(compute_security_policy, name="shop", log_level="VERBOSE")
    assert [change["field"] for change in result["changes"]] == ["log_level"]


def test_from_a_dry_run_to_keeping_callers_out() -> None:
    found = [rule(1000, "203.0.113.1/32")]
    script = there(*found)
    script.expectations[0].answer["rules"][-1]["preview"] = True
    script.expect("GET", "compute", ONE).replies(policy(*found, rules=[*found, default(preview=True)]))
    call(script, "patch", default(), 2147483647)
    again(script, *found)
    result = script.run(compute_security_policy, name="shop", default_preview=False, default_action="deny(403)")
    assert [change["field"] for change in result["changes"]] == ["default_preview"]


def test_a_call_whose_reply_was_lost_is_looked_at() -> None:
    script = there()
    again(script)
    added = rule(1000, "203.0.113.1/32")
    script.expect("POST", "compute", f"{ONE}/addRule", body=added).is_lost()
    taken = "Invalid value for field 'resource.priority': '1000'. Cannot have rules with the same priorities."
    script.expect("POST", "compute", f"{ONE}/addRule", body=added).refuses(400, taken, reason="invalid")
    again(script, added)
    again(script, added)
    assert script.run(compute_security_policy, name="shop", rules=[allow("203.0.113.1")])["action"] == "updated"


def test_somebody_elses_rule_at_that_priority_is_no_success() -> None:
    script = there()
    again(script)
    taken = "Invalid value for field 'resource.priority': '1000'. Cannot have rules with the same priorities."
    script.expect("POST", "compute", f"{ONE}/addRule", body=rule(1000, "203.0.113.1/32")).refuses(400, taken)
    assert (
        "same priorities"
        in script.run(compute_security_policy, fails=True, name="shop", rules=[allow("203.0.113.1")])["msg"]
    )


def test_without_room_in_front_nothing_is_changed() -> None:
    script = there(rule(0, "10.0.0.0/24"), rule(1, "10.0.1.0/24"))
    stated = [allow("10.0.1.0/24", priority=0), allow("10.0.0.0/24", priority=1)]
    said = script.run(compute_security_policy, fails=True, name="shop", rules=stated)["msg"]
    assert "unless 3 priorities are free before the first rule, which is 0" in said


def test_addresses_of_nat_are_looked_up() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).replies(policy(rule(1000, "198.51.100.7/32")))
    script.expect("GET", "apigee", NAT).replies({"natAddresses": [RESERVED]})
    rules = [{"action": "allow", "apigee_nat_addresses": ["eu/nat-1"]}]
    assert not script.run(compute_security_policy, name="shop", rules=rules)["changed"]


@pytest.mark.parametrize("check", [True, False])
def test_an_address_that_is_not_reserved_is_a_preview_and_no_rule(check: bool) -> None:
    script = there(rule(1000, "203.0.113.1/32"))
    script.expect("GET", "apigee", NAT).replies({"natAddresses": [{"name": "nat-1", "state": "CREATING"}]})
    if not check:
        again(script, rule(1000, "203.0.113.1/32"))
        script.expect("GET", "apigee", NAT).replies({})
    rules = [{"action": "allow", "source_ranges": ["203.0.113.1"], "apigee_nat_addresses": ["eu/nat-1"]}]
    result = script.run(compute_security_policy, check=check, fails=not check, name="shop", rules=rules)
    if check:
        assert result["changes"][0]["after"] == ["203.0.113.1/32", "(address of eu/nat-1)"]
    else:
        assert "rules[0]: apigee_nat_addresses: eu/nat-1 is not reserved. Declare it" in result["msg"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": "Shop"}, "name is 'Shop'"),
        ({"rules": [allow("10.0.0.1/8")]}, "is not a range"),
        (
            {"rules": [{"action": "allow", "apigee_nat_addresses": ["nat-1"]}]},
            "'nat-1' is no NAT address. Write INSTANCE/NAME",
        ),
        ({"rules": [{"action": "throttle", "source_ranges": []}]}, "must be one of"),
    ],
)
def test_bad_options_are_refused_unsent(options: dict[str, t.Any], said: str) -> None:
    assert said in Script().run(compute_security_policy, fails=True, **{"name": "shop", **options})["msg"]


def test_its_type_does_not_change() -> None:
    said = there().run(compute_security_policy, fails=True, name="shop", type="CLOUD_ARMOR_EDGE")["msg"]
    assert "type cannot be changed in place" in said


@pytest.mark.parametrize(("description", "action"), [(f"Shop {MARK}", "deleted"), ("theirs", "kept")])
def test_only_ours_is_deleted(description: str, action: str) -> None:
    script = there(description=description)
    if action == "deleted":
        write(script, "DELETE", "global/securityPolicies/shop")
    assert script.run(compute_security_policy, name="shop", state="absent")["action"] == action


def test_reading_one_and_all() -> None:
    (one,) = there(rule(1000, "203.0.113.1/32")).run(compute_security_policy_info, name="shop")["resources"]
    script = Script()
    script.expect("GET", "compute", ALL).replies({"items": [policy(rule(1000, "203.0.113.1/32"))]})
    assert script.run(compute_security_policy_info)["resources"] == [one]
    assert (one["rules"][0]["source_ranges"], one["default_action"]) == (["203.0.113.1/32"], "deny(403)")
