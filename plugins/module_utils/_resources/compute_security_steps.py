# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the rules of a security policy to others, one call after the other. Private to the collection.

Google changes one rule with each call, and calls are answered in between. So after every step each caller gets what the
old rules say or what the new ones say: nobody is let in whom neither lets in, nobody kept out whom both let in. Whether
an order does that is found out by trying it on all callers there can be (the ranges cut them into few kinds). Where no order does, the
new rules are put up before the old ones first, which always does, and taken down again at the end.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import itertools
import typing as t

from .compute_security_rules import DEFAULT, EVERYBODY, Rule

#: Expressions of whose every combination the outcome is tried; with more the way that always does is taken.
_EXPRESSIONS = 8
Rules = dict[int, Rule]


@dataclasses.dataclass(frozen=True)
class Step:
    """One call. ``verb``: add, patch or remove; ``rule``: as it is to be, or as it was."""

    verb: str
    rule: Rule

    def apply(self, rules: Rules) -> Rules:
        """The rules afterwards."""
        left = {priority: rule for priority, rule in rules.items() if priority != self.rule.priority}
        return left if self.verb == "remove" else {**left, self.rule.priority: self.rule}


class NoRoomError(Exception):
    """The rules cannot be changed without a moment that neither the old nor the new ones know.

    needed: priorities that have to be free below ``front``
    """

    def __init__(self, needed: int, front: int) -> None:
        super().__init__(needed, front)
        self.needed = needed
        self.front = front


class Callers:
    """All callers there can be, as kinds: those of one kind are matched by the same rules.

    A set of kinds is the bits of a number.
    """

    def __init__(self, rules: t.Iterable[Rule]) -> None:
        every = list(rules)
        self._edges = {version: _edges(every, version) for version in (4, 6)}
        # Between n edges, and around them, lie n + 1 kinds of addresses.
        self._addresses = sum(len(edges) + 1 for edges in self._edges.values())
        self._expressions = sorted({rule.expression for rule in every if rule.expression})
        self._all = (1 << self._addresses * 2 ** len(self._expressions)) - 1
        self._matched: dict[Rule, int] = {}

    def admitted(self, rules: Rules) -> int:
        """Who is let in: the first enforced rule that matches decides, and where none does, nobody is kept out."""
        left, inside = self._all, 0
        for priority in sorted(rules):
            rule = rules[priority]
            if rule.preview:
                continue
            matched = left & self._match(rule)
            inside |= matched if rule.admits else 0
            left &= ~matched
        return inside | left

    def _match(self, rule: Rule) -> int:
        if rule not in self._matched:
            self._matched[rule] = (
                self._by_expression(rule.expression) if rule.expression else self._by_address(rule.ranges)
            )
        return self._matched[rule]

    def _by_expression(self, expression: str) -> int:
        one = 1 << self._expressions.index(expression)
        block = (1 << self._addresses) - 1
        return sum(block << self._addresses * number for number in range(2 ** len(self._expressions)) if number & one)

    def _by_address(self, ranges: tuple[str, ...]) -> int:
        if EVERYBODY in ranges:
            return self._all
        block = 0
        for text in ranges:
            network = ipaddress.ip_network(text)
            edges = self._edges[network.version]
            first, last = (edges.index(edge) + 1 for edge in _ends(network))
            bits = (1 << last) - (1 << first)
            block |= bits if network.version == 4 else bits << len(self._edges[4]) + 1
        return sum(block << self._addresses * number for number in range(2 ** len(self._expressions)))


def _ends(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> tuple[int, int]:
    """Its first address, and the first one behind it."""
    return int(network.network_address), int(network.broadcast_address) + 1


def _edges(rules: list[Rule], version: int) -> list[int]:
    texts = itertools.chain.from_iterable(rule.ranges for rule in rules)
    networks = [ipaddress.ip_network(text) for text in texts if text != EVERYBODY]
    return sorted({edge for network in networks if network.version == version for edge in _ends(network)})


def steps(found: t.Iterable[Rule], wanted: t.Iterable[Rule]) -> list[Step]:
    """The calls, in an order in which they can be made. Raises NoRoomError where there is none.

    Both hold the default rule. Ranges are normalised.
    """
    old = {rule.priority: rule for rule in found}
    new = {rule.priority: rule for rule in wanted}
    single = _single(old, new)
    expressions = {rule.expression for rule in (*old.values(), *new.values()) if rule.expression}
    if len(expressions) <= _EXPRESSIONS and (order := _ordered(old, new, single)) is not None:
        return order
    return _behind_the_new(old, new, single)


def _single(old: Rules, new: Rules) -> list[Step]:
    """What has to be done, in any order but that a priority must be free before it is taken."""
    adds, patches, removals = [], [], []
    for priority in sorted(old.keys() | new.keys()):
        before, after = old.get(priority), new.get(priority)
        if before == after:
            continue
        if before is None:
            adds.append(Step("add", t.cast(Rule, after)))
        elif after is None:
            removals.append(Step("remove", before))
        elif priority != DEFAULT and (before.other or bool(before.expression) != bool(after.expression)):
            removals.append(Step("remove", before))
            adds.append(Step("add", after))
        else:
            patches.append(Step("patch", after))
    return [*adds, *patches, *removals]


def _possible(step: Step, rules: Rules) -> bool:
    return (step.rule.priority in rules) is (step.verb != "add")


def _ordered(old: Rules, new: Rules, single: list[Step]) -> list[Step] | None:
    """The steps in an order of which every moment is right; None where none was found."""
    callers = Callers((*old.values(), *new.values()))
    before, after = callers.admitted(old), callers.admitted(new)
    may_differ = before ^ after
    left, rules, order = list(single), old, []
    while left:
        for step in left:
            if _possible(step, rules) and not (callers.admitted(step.apply(rules)) ^ before) & ~may_differ:
                break
        else:
            return None
        left.remove(step)
        order.append(step)
        rules = step.apply(rules)
    return order


def _behind_the_new(old: Rules, new: Rules, single: list[Step]) -> list[Step]:
    """The new rules before the old ones, first to last, then the changes behind them, then away, last to first."""
    enforced = [rule for priority, rule in sorted(new.items()) if not rule.preview and priority != DEFAULT]
    default = new[DEFAULT]
    last = dataclasses.replace(default, action="allow" if default.preview else default.action, preview=False)
    screen = [*enforced, last]
    front = min(old.keys() | new.keys())
    if front < len(screen):
        raise NoRoomError(len(screen), front)
    put_up = [
        Step(
            "add",
            dataclasses.replace(rule, priority=front - len(screen) + index, description="Only while rules change"),
        )
        for index, rule in enumerate(screen)
    ]
    order, left, rules = list(put_up), list(single), old
    while left:
        step = next(one for one in left if _possible(one, rules))
        left.remove(step)
        order.append(step)
        rules = step.apply(rules)
    return order + [Step("remove", step.rule) for step in reversed(put_up)]
