# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A security policy on its way from rules to others: after every call each caller gets what old or new rules say.

Callers are tried one by one here, and rules read as Google's documentation has them; the code under test reasons on
sets of callers.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import random
import typing as t

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.compute_security_rules import (
    DEFAULT,
    RANGES,
    Rule,
    laid_out,
    ordered,
    problems,
)
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.compute_security_steps import (
    NoRoomError,
    Step,
    steps,
)

CALLERS = [f"10.0.{x}.{y}" for x in range(3) for y in (0, 1, 9, 128)] + ["2001:db8::1", "2001:db8:1::1", "192.0.2.1"]
BLOCKS = [
    "10.0.0.0/24",
    "10.0.0.0/25",
    "10.0.1.0/24",
    "10.0.0.0/22",
    "10.0.2.9/32",
    "2001:db8::/32",
    "2001:db8::/48",
    "*",
]
EXPRESSIONS = ["request.path == '/a'", "request.path == '/b'"]
DENIED = Rule(DEFAULT, "deny(403)", ("*",))


def let_in(rules: dict[int, Rule], caller: str, true: t.Collection[str]) -> bool:
    """Whether a caller gets in whose request fulfils the expressions ``true``."""
    for priority in sorted(rules):
        rule = rules[priority]
        if rule.expression:
            matches = rule.expression in true
        else:
            address = ipaddress.ip_address(caller)
            matches = any(text == "*" or address in ipaddress.ip_network(text) for text in rule.ranges)
        if matches and not rule.preview:
            return rule.action == "allow"
    return True


def watched(found: list[Rule], wanted: list[Rule], taken: list[Step]) -> int:
    """Take the steps as Google does, and look at everybody after each; returns how many there were."""
    old, new = ({rule.priority: rule for rule in rules} for rules in (found, wanted))
    now = dict(old)
    requests = [(caller, true) for caller in CALLERS for true in ((), EXPRESSIONS[:1], EXPRESSIONS[1:], EXPRESSIONS)]
    for step in taken:
        priority = step.rule.priority
        assert (priority in now) is (step.verb != "add"), step
        if step.verb == "patch":
            assert bool(now[priority].expression) == bool(step.rule.expression) and not now[priority].other
        if step.verb == "remove":
            assert priority != DEFAULT
            del now[priority]
        else:
            now[priority] = step.rule
        for caller, true in requests:
            answer = let_in(now, caller, true)
            assert answer in (let_in(old, caller, true), let_in(new, caller, true)), (step, caller, true)
    assert now == new
    return len(taken)


def some_policy(chance: random.Random) -> list[Rule]:
    """A policy of up to five rules, anywhere from 1000 on."""
    rules = []
    for priority in sorted(chance.sample(range(1000, 1008), chance.randint(0, 5))):
        ranges = ordered(chance.sample(BLOCKS[:-1], chance.randint(1, 3)))
        rule = Rule(priority, chance.choice(["allow", "deny(403)"]), ranges, preview=chance.random() < 0.2)
        if chance.random() < 0.25:
            rule = dataclasses.replace(rule, ranges=(), expression=chance.choice(EXPRESSIONS))
        rules.append(rule)
    return [
        *rules,
        dataclasses.replace(DENIED, action=chance.choice(["allow", "deny(403)"]), preview=chance.random() < 0.2),
    ]


@pytest.mark.parametrize("seed", range(40))
def test_there_is_no_moment_of_a_third_policy(seed: int) -> None:
    chance = random.Random(seed)
    for _number in range(10):
        found, wanted = some_policy(chance), some_policy(chance)
        watched(found, wanted, steps(found, wanted))


def test_two_rules_that_change_places_need_the_new_ones_in_front() -> None:
    """Neither can be first, so both are put up before, and a rule for all others."""
    a, b = ("10.0.0.0/25",), ("10.0.1.0/24",)
    found = [Rule(1000, "allow", a), Rule(1001, "allow", b), DENIED]
    wanted = [Rule(1000, "allow", b), Rule(1001, "allow", a), DENIED]
    taken = steps(found, wanted)
    assert watched(found, wanted, taken) == 8
    assert [step.rule.priority for step in taken] == [997, 998, 999, 1000, 1001, 999, 998, 997]
    crowded = [dataclasses.replace(rule, priority=rule.priority - 999) for rule in found[:2]] + [DENIED]
    with pytest.raises(NoRoomError) as refused:
        steps(crowded, [dataclasses.replace(rule, priority=rule.priority - 999) for rule in wanted[:2]] + [DENIED])
    assert (refused.value.needed, refused.value.front) == (3, 1)


def test_with_more_expressions_than_can_be_tried_the_new_ones_go_in_front() -> None:
    found = [Rule(1000 + number, "allow", expression=f"request.path == '/{number}'") for number in range(9)] + [DENIED]
    wanted = [DENIED]
    taken = steps(found, wanted)
    assert [step.verb for step in taken] == ["add", *["remove"] * 10]
    assert watched(found, wanted, taken) == 11


def test_what_cannot_be_patched_is_replaced() -> None:
    found = [Rule(1000, "allow", ("10.0.0.0/24",), other=True), DENIED]
    wanted = [Rule(1000, "allow", expression=EXPRESSIONS[0]), DENIED]
    verbs = [step.verb for step in steps(found, wanted)]
    assert "patch" not in verbs and verbs.count("remove") == verbs.count("add")


def test_the_default_rule_is_only_ever_patched() -> None:
    found = [dataclasses.replace(DENIED, other=True)]
    wanted = [dataclasses.replace(DENIED, action="allow", other=True)]
    assert [step.verb for step in steps(found, wanted)] == ["patch"]


def test_nothing_to_do_is_nothing() -> None:
    assert steps([DENIED], [DENIED]) == []


# -- layout ----------------------------------------------------------------------------------------------------


def declared(*ranges: str, **more: t.Any) -> dict[str, t.Any]:
    return {"action": "allow", "source_ranges": list(ranges), "ranges": list(ranges), **more}


def addresses(count: int, net: int = 0) -> list[str]:
    return [f"203.0.{net}.{number}" for number in range(count)]


def test_more_than_ten_ranges_are_several_rules() -> None:
    rules = laid_out([declared(*addresses(25)), declared("2001:db8::1", "10.1.2.3", "10.1.2.3/32")], [])
    assert [(rule.priority, len(rule.ranges)) for rule in rules] == [(1000, 10), (1001, 10), (1002, 5), (2000, 2)]
    assert rules[3].ranges == ("10.1.2.3/32", "2001:db8::1/128")


def test_an_address_more_or_less_is_one_call() -> None:
    before = laid_out([declared(*addresses(25))], [])
    more = laid_out([declared(*addresses(25), "192.0.2.1")], before)
    assert [step.rule.priority for step in steps([*before, DENIED], [*more, DENIED])] == [1002]
    fewer = laid_out([declared(*addresses(25)[1:])], before)
    assert [step.rule.priority for step in steps([*before, DENIED], [*fewer, DENIED])] == [1000]
    assert laid_out([declared(*addresses(25)[1:])], fewer) == fewer


def test_ranges_that_are_all_others_are_patched_in_place() -> None:
    before = laid_out([declared(*addresses(10))], [])
    after = laid_out([declared(*addresses(10, net=1))], before)
    assert [step.verb for step in steps([*before, DENIED], [*after, DENIED])] == ["patch"]


@pytest.mark.parametrize("seed", range(20))
def test_a_layout_stays_as_it_is(seed: int) -> None:
    chance = random.Random(seed)
    rules: list[Rule] = []
    for _number in range(10):
        wanted = [declared(*chance.sample(addresses(60, net), chance.randint(0, 30))) for net in range(3)]
        rules = laid_out(wanted, rules)
        assert laid_out(wanted, rules) == rules
        assert all(0 < len(rule.ranges) <= RANGES for rule in rules)
        for index, rule in enumerate(wanted):
            mine = [one for one in rules if one.priority // 1000 == index + 1]
            assert sorted(text for one in mine for text in one.ranges) == sorted(ordered(rule["ranges"]))


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ([declared("10.0.0.1/24")], "rules[0]: source_ranges: 10.0.0.1/24 is not a range"),
        ([declared("*", "10.0.0.0/24")], "* is everybody, so it stands alone"),
        ([{"action": "allow"}], "nobody is named"),
        ([declared("10.0.0.0/24", expression="true")], "expression and source_ranges are both stated"),
        ([declared("10.0.0.0/24", priority=DEFAULT)], "State 0 to 2147483646"),
        ([declared("10.0.0.0/24", priority=-1)], "State 0 to 2147483646"),
        ([declared("*", priority=20), declared("*", priority=20)], "rules[1]: priority 20 is not above 20"),
        ([declared(*addresses(11), priority=20), declared("*", priority=21)], "State a priority of 22 or more"),
    ],
)
def test_bad_rules(rules: list[dict[str, t.Any]], said: str) -> None:
    (problem,) = problems(rules)
    assert said in problem
