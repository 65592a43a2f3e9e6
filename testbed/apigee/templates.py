# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Message templates: text with ``{variable}`` and ``{function(argument, ...)}`` in it.

Source: Apigee "Message templates". Braces that do not hold exactly a variable name or a call, without spaces after the
opening one, are literal text; so JSON passes through. Functions that this runtime lacks are reported by
``unsupported``.
"""
from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from testbed.apigee.conditions import text_of
from testbed.apigee.template_functions import FUNCTIONS, KNOWN_TO_APIGEE

Lookup = Callable[[str], Any]

_NAME = re.compile(r"[A-Za-z_][\w.\-:$]*")
_LITERAL = re.compile(r"'([^']*)'|\"([^\"]*)\"|(-?\d+)")


class UnresolvedVariable(Exception):
    """A template names a variable that is not set; the argument is its name."""


@dataclass(frozen=True)
class _Reference:
    name: str


@dataclass(frozen=True)
class _Call:
    function: str
    arguments: tuple[Any, ...]


class Template:
    """A parsed template. ``prefix`` and ``suffix`` are single characters or strings, ``{`` and ``}`` by default."""

    def __init__(self, text: str, prefix: str = "{", suffix: str = "}") -> None:
        self.text = text
        self._parts = list(_Scanner(text, prefix, suffix).parts())

    @property
    def is_literal(self) -> bool:
        return all(isinstance(part, str) for part in self._parts)

    def unsupported(self) -> list[str]:
        """Names of Apigee's functions used here that this runtime does not have."""
        found: list[str] = []

        def look(part: Any) -> None:
            if isinstance(part, _Call):
                if part.function not in FUNCTIONS:
                    found.append(part.function)
                for argument in part.arguments:
                    look(argument)
        for part in self._parts:
            look(part)
        return found

    def render(self, lookup: Lookup, ignore_unresolved: bool = True) -> str:
        """The text. An unset variable becomes empty, or raises UnresolvedVariable."""
        return "".join(part if isinstance(part, str) else text_of(_evaluate(part, lookup, ignore_unresolved))
                       for part in self._parts)


def _evaluate(part: Any, lookup: Lookup, ignore_unresolved: bool) -> Any:
    if isinstance(part, _Reference):
        value = lookup(part.name)
        if value is None and not ignore_unresolved:
            raise UnresolvedVariable(part.name)
        return value
    if isinstance(part, _Call):
        # An unset argument is a null to a function (firstnonnull depends on it), never an error.
        arguments = [_evaluate(argument, lookup, True) for argument in part.arguments]
        return FUNCTIONS[part.function](*arguments)
    return part


class _Scanner:
    def __init__(self, text: str, prefix: str, suffix: str) -> None:
        self._text = text
        self._prefix = prefix
        self._suffix = suffix

    def parts(self):
        literal, position = "", 0
        while position < len(self._text):
            if self._text.startswith(self._prefix, position):
                found = self._expression(position + len(self._prefix))
                if found is not None and self._text.startswith(self._suffix, found[1]):
                    if literal:
                        yield literal
                    literal, position = "", found[1] + len(self._suffix)
                    yield found[0]
                    continue
            literal += self._text[position]
            position += 1
        if literal:
            yield literal

    def _expression(self, position: int) -> tuple[Any, int] | None:
        """A variable or a call at the position, and where it ends; None when there is neither."""
        match = _NAME.match(self._text, position)
        if match is None:
            return None
        name, end = match.group(), match.end()
        if name in KNOWN_TO_APIGEE and self._text.startswith("(", end):
            return self._call(name, end + 1)
        return _Reference(name), end

    def _call(self, name: str, position: int) -> tuple[Any, int] | None:
        arguments: list[Any] = []
        position = self._blank(position)
        if self._text.startswith(")", position):
            return _Call(name, ()), position + 1
        while True:
            position = self._blank(position)
            literal = _LITERAL.match(self._text, position)
            if literal is not None:
                arguments.append(next(group for group in literal.groups() if group is not None))
                position = literal.end()
            else:
                found = self._expression(position)
                if found is None:
                    return None
                arguments.append(found[0])
                position = found[1]
            position = self._blank(position)
            if self._text.startswith(",", position):
                position += 1
            elif self._text.startswith(")", position):
                return _Call(name, tuple(arguments)), position + 1
            else:
                return None

    def _blank(self, position: int) -> int:
        while position < len(self._text) and self._text[position] == " ":
            position += 1
        return position
