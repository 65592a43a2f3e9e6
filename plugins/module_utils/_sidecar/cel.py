# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""CEL from what the core says for examples. Private to the collection.

The core is run with stand-ins in place of what a pod will say: a text that stands nowhere else, an odd number. Where
one comes back in the core's answer, its expression is put. Where the answer depends on a setting with few values, the
core is run for each of them, and ``Writer.choose`` writes the conditions under which the answers differ. So the policy
holds no second copy of what the core decides.
"""

from __future__ import annotations

import dataclasses
import typing as t

Variants = t.Sequence[tuple[t.Mapping[str, str], t.Any]]
"""Answers of the core, each with the values of the settings for which it holds."""


@dataclasses.dataclass(frozen=True)
class StandIn:
    """``mark`` stands for what ``expression`` gives: a number in CEL when ``mark`` is one, else a text or a list item."""

    mark: str | int
    expression: str


def literal(text: str) -> str:
    """The text as CEL writes it."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\t", "\\t")
    return f"'{escaped}'"


def listed(items: t.Iterable[str]) -> str:
    """A list of texts."""
    return "[" + ", ".join(literal(item) for item in items) + "]"


def among(expression: str, items: t.Iterable[str]) -> str:
    """Whether the expression's text is one of the items."""
    known = list(items)
    return f"{expression} == {literal(known[0])}" if len(known) == 1 else f"{expression} in {listed(known)}"


def any_in(items: t.Iterable[str], expression: str) -> str:
    """Whether the expression's mapping has one of the keys."""
    return "(" + " || ".join(f"{literal(item)} in {expression}" for item in items) + ")"


class Writer:
    """Turns the core's answers into CEL."""

    def __init__(self, stand_ins: t.Iterable[StandIn], axes: t.Mapping[str, str]) -> None:
        """``axes`` are the expressions of the settings by which answers differ."""
        self.numbers = {each.mark: each.expression for each in stand_ins if isinstance(each.mark, int)}
        self.texts = {each.mark: each.expression for each in stand_ins if isinstance(each.mark, str)}
        self.texts.update((str(mark), f"string({expression})") for mark, expression in self.numbers.items())
        self.axes = axes

    def text(self, text: str) -> str:
        """A text in which stand-ins may be, as an expression."""
        return " + ".join(self._pieces(text, list(self.texts))) or "''"

    def _pieces(self, text: str, marks: list[str]) -> list[str]:
        for place, mark in enumerate(marks):
            if mark in text:
                first, *others = text.split(mark)
                found = self._pieces(first, marks[place + 1 :])
                for other in others:
                    found += [self.texts[mark], *self._pieces(other, marks[place:])]
                return found
        return [literal(text)] if text else []

    def value(self, value: t.Any) -> str:
        """Anything that JSON can say, as an expression. Mappings and lists are of type dyn inside."""
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int):
            return self.numbers.get(value) or str(value)
        if isinstance(value, str):
            return self.text(value)
        return self.choose([({}, value)])

    def choose(self, variants: Variants) -> str:
        """The expression that gives the right one of the answers."""
        values = [value for _settings, value in variants]
        if all(isinstance(value, dict) for value in values):
            return self._mapping(variants)
        if all(isinstance(value, (list, tuple)) for value in values) and len({len(value) for value in values}) == 1:
            items = [[(settings, value[place]) for settings, value in variants] for place in range(len(values[0]))]
            return "[" + ", ".join(f"dyn({self.choose(item)})" for item in items) + "]"
        if all(value == values[0] for value in values):
            return self.value(values[0])
        return self._split(variants)

    def _mapping(self, variants: Variants) -> str:
        members = []
        for key in dict.fromkeys(key for _settings, value in variants for key in value):
            having = [(settings, value[key]) for settings, value in variants if key in value]
            inner = self.choose(having)
            if len(having) == len(variants):
                members.append(f"{literal(key)}: dyn({inner})")
            else:
                there = self.choose([(settings, key in value) for settings, value in variants])
                members.append(f"?{literal(key)}: ({there}) ? optional.of(dyn({inner})) : optional.none()")
        return "{" + ", ".join(members) + "}"

    def _split(self, variants: Variants) -> str:
        """Conditions on the setting that leaves the fewest answers to tell apart."""
        best: list[tuple[list[str], list[t.Any]]] = []
        axis = ""
        for name in variants[0][0]:
            groups = _groups(variants, name)
            if len(groups) > 1 and (not best or _remaining(groups) < _remaining(best)):
                best, axis = groups, name
        expression = ""
        for values, rest in best[:-1]:
            expression += f"{among(self.axes[axis], values)} ? dyn({self.choose(rest)}) : "
        return f"({expression}dyn({self.choose(best[-1][1])}))"


def _groups(variants: Variants, axis: str) -> list[tuple[list[str], list[t.Any]]]:
    """Values of the setting that have the same answers, with those."""
    by_value: dict[str, list[t.Any]] = {}
    for settings, value in variants:
        others = {name: given for name, given in settings.items() if name != axis}
        by_value.setdefault(settings[axis], []).append((others, value))
    groups: list[tuple[list[str], list[t.Any]]] = []
    for given, rest in by_value.items():
        for values, known in groups:
            if known == rest:
                values.append(given)
                break
        else:
            groups.append(([given], rest))
    return groups


def _remaining(groups: list[tuple[list[str], list[t.Any]]]) -> int:
    """How much is left to tell apart, and how many groups there are."""
    return sum(1 for _values, rest in groups if any(value != rest[0][1] for _settings, value in rest)) * 100 + len(groups)
