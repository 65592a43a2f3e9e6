# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules of a security policy: declared ones laid out as Google's. Private to the collection.

A rule of Google's takes ten ranges, so a declared one becomes as many as it needs, at consecutive priorities. Ranges stay
in the rule where they are found, and new ones go where there is room: one address more is one call.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import typing as t

from .._engine.fields import Document, Options

#: Ranges that one rule takes (compute.v1, SecurityPolicyRuleMatcherConfig.srcIpRanges).
RANGES = 10
#: Priority of the rule that every policy has and that matches everybody.
DEFAULT = 2147483647
#: From one declared rule to the next, where no priorities are stated.
STEP = 1000
EVERYBODY = "*"
#: What Google fills in, or what is compared by itself.
_KNOWN = frozenset(("kind", "priority", "action", "match", "preview", "description"))


@dataclasses.dataclass(frozen=True)
class Rule:
    """One rule as Google has it.

    ranges      normalised and in order; empty for a rule with an expression
    other       it has more than this collection writes (a rate limit, headers): it can only be replaced
    """

    priority: int
    action: str
    ranges: tuple[str, ...] = ()
    expression: str = ""
    preview: bool = False
    description: str = ""
    other: bool = False

    @classmethod
    def read(cls, document: Document) -> Rule:
        """From Google's object."""
        match = document.get("match") or {}
        return cls(
            priority=int(document.get("priority") or 0),
            action=str(document.get("action") or ""),
            ranges=ordered((match.get("config") or {}).get("srcIpRanges") or []),
            expression=str((match.get("expr") or {}).get("expression") or ""),
            preview=bool(document.get("preview")),
            description=str(document.get("description") or ""),
            other=any(value for name, value in document.items() if name not in _KNOWN)
            or bool(match.get("exprOptions")),
        )

    def write(self) -> Document:
        """Google's object; what is empty stands in it too, because a patch leaves alone what it does not name."""
        match: Document = {"expr": {"expression": self.expression}}
        if not self.expression:
            match = {"versionedExpr": "SRC_IPS_V1", "config": {"srcIpRanges": list(self.ranges)}}
        return {
            "priority": self.priority,
            "action": self.action,
            "match": match,
            "preview": self.preview,
            "description": self.description,
        }

    def shown(self) -> Options:
        """In the words of the options, without what is empty."""
        told: Options = {"priority": self.priority, "action": self.action}
        if self.expression:
            told["expression"] = self.expression
        else:
            told["source_ranges"] = list(self.ranges)
        return {
            **told,
            **({"preview": True} if self.preview else {}),
            **({"description": self.description} if self.description else {}),
        }

    @property
    def admits(self) -> bool:
        """Whether it lets in whom it matches: everything but a refusal or a redirection does, up to some rate."""
        return not self.action.startswith(("deny", "redirect"))


def normal(text: t.Any) -> str:
    """A range in one spelling: a length always, IPv6 in its short form; what is no range stays as it is."""
    try:
        return str(ipaddress.ip_network(str(text)))
    except ValueError:
        return str(text)


def ordered(ranges: t.Iterable[t.Any]) -> tuple[str, ...]:
    """Ranges normalised, each once: IPv4 before IPv6, by number."""
    return tuple(sorted({normal(text) for text in ranges}, key=_number))


def _number(text: str) -> tuple[int, int, int, str]:
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        return (9, 0, 0, text)
    return (network.version, int(network.network_address), network.prefixlen, "")


def bases(rules: t.Sequence[Options]) -> list[int]:
    """The first priority of each declared rule: the stated one, or the next multiple of a thousand."""
    found: list[int] = []
    for rule in rules:
        stated = rule.get("priority")
        found.append((found[-1] // STEP + 1) * STEP if stated is None and found else STEP if stated is None else stated)
    return found


def problems(rules: t.Sequence[Options]) -> list[str]:
    """What is wrong with declared rules: sentences."""
    wrong = []
    first = bases(rules)
    for index, rule in enumerate(rules):
        wrong += [f"rules[{index}]: {sentence}" for sentence in _wrong(rule)]
        base, following = first[index], first[index + 1] if index + 1 < len(first) else DEFAULT
        if not 0 <= base < DEFAULT:
            wrong.append(
                f"rules[{index}]: priority is {base}. State 0 to {DEFAULT - 1}; {DEFAULT} is the default rule's, see "
                "default_action."
            )
        elif following <= base:
            wrong.append(
                f"rules[{index + 1}]: priority {following} is not above {base}, the one before. State the rules in the order "
                "in which they are tried."
            )
        else:
            stated = len(ordered(rule.get("source_ranges") or [])) + len(rule.get("apigee_nat_addresses") or [])
            needed = -(-stated // RANGES)
            if needed > following - base:
                wrong.append(
                    f"rules[{index}]: {stated} ranges are {needed} rules of Google's ({RANGES} each), and there is room for "
                    f"{following - base} below the next rule's priority {following}. State a priority of {base + needed} "
                    "or more for the next rule."
                )
    return wrong


def _wrong(rule: Options) -> list[str]:
    ranges = rule.get("source_ranges")
    stated = [name for name in ("source_ranges", "apigee_nat_addresses") if rule.get(name) is not None]
    if rule.get("expression") and stated:
        return [f"expression and {stated[0]} are both stated. Google takes one or the other: make it two rules."]
    if not rule.get("expression") and not stated:
        return [
            "nobody is named. State source_ranges, apigee_nat_addresses or expression; an empty list of source_ranges "
            "is a rule for nobody."
        ]
    wrong = []
    for text in ranges or []:
        if text == EVERYBODY:
            continue
        try:
            ipaddress.ip_network(text)
        except ValueError as error:
            wrong.append(
                f"source_ranges: {text} is not a range ({error}). Write it like 203.0.113.0/24 or 2001:db8::/32."
            )
    if EVERYBODY in (ranges or []) and len(ranges or []) + len(rule.get("apigee_nat_addresses") or []) > 1:
        wrong.append("source_ranges: * is everybody, so it stands alone. Leave the others out.")
    return wrong


def laid_out(declared: t.Sequence[Options], found: t.Sequence[Rule]) -> list[Rule]:
    """Google's rules for declared ones (``ranges``: all that a rule is for), keeping ranges where they are found.

    The default rule is no part of it.
    """
    first = bases(declared)
    wanted: list[Rule] = []
    for index, rule in enumerate(declared):
        base, following = first[index], first[index + 1] if index + 1 < len(first) else DEFAULT
        like = Rule(
            priority=base,
            action=rule["action"],
            expression=str(rule.get("expression") or ""),
            preview=bool(rule.get("preview")),
            description=str(rule.get("description") or ""),
        )
        if like.expression:
            wanted.append(like)
            continue
        there = {one.priority: one for one in found if base <= one.priority < following}
        slots = _slots(ordered(rule["ranges"]), there, base, following)
        wanted += [dataclasses.replace(like, priority=one, ranges=ordered(some)) for one, some in slots.items()]
    return sorted(wanted, key=lambda one: one.priority)


def _slots(ranges: tuple[str, ...], there: dict[int, Rule], base: int, following: int) -> dict[int, list[str]]:
    """Priority -> ranges: what is in a rule stays there, the rest goes where there is room, then into further rules."""
    left, slots = list(ranges), {}
    for priority in sorted(there):
        stays = [text for text in there[priority].ranges if text in left]
        if stays:
            slots[priority] = stays
            left = [text for text in left if text not in stays]
    for priority, some in slots.items():
        free = RANGES - len(some)
        slots[priority], left = some + left[:free], left[free:]
    # A rule of which nothing stays is patched rather than removed beside a new one; what else is there is taken last.
    reusable = [priority for priority in sorted(there) if there[priority].ranges and not there[priority].other]
    room = range(base, min(following, base + len(ranges) + len(there) + 1))
    for priority in (*reusable, *(one for one in room if one not in there), *room):
        if left and priority not in slots:
            slots[priority], left = left[:RANGES], left[RANGES:]
    return slots
