# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The condition language of API proxies: a parser and an evaluator.

Source: Apigee "Conditions reference" and "Pattern matching in conditional statements". Grammar, weakest binding first::

    or   = and { ("or" | "||") and }
    and  = not { ("and" | "&&") not }
    not  = ["not" | "!"] term
    term = "(" or ")" | operand [operator operand]

Operands are variables, "strings", numbers, true, false and null. Words are not case-sensitive. Comparison with an unset
variable is false, except that ``= null`` is true and ``!=`` with a value is true.
"""
from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Lookup = Callable[[str], Any]

_SPELLINGS = {
    "=": ("=", "==", "equals", "is"),
    "!=": ("!=", "notequals", "isnot"),
    ":=": (":=", "equalscaseinsensitive"),
    ">": (">", "greaterthan"),
    ">=": (">=", "=>", "greaterthanorequals"),
    "<": ("<", "lesserthan"),
    "<=": ("<=", "=<", "lesserthanorequals"),
    "~~": ("~~", "javaregex", "likeregex"),
    "~/": ("~/", "matchespath", "likepath"),
    "~": ("~", "matches", "like"),
    "=|": ("=|", "startswith"),
    "and": ("&&", "and"),
    "or": ("||", "or"),
    "not": ("!", "not"),
}
_OPERATORS = {spelling: operator for operator, spellings in _SPELLINGS.items() for spelling in spellings}
_COMPARISONS = frozenset(_SPELLINGS) - {"and", "or", "not"}
_TOKEN = re.compile(r"""\s*(?:
    (?P<string>"[^"]*"|'[^']*')
  | (?P<number>-?\d+(?:\.\d+)?(?![\w.\-]))
  | (?P<symbol>&&|\|\||==|:=|!=|>=|=>|<=|=<|=\||~~|~/|[()!<>=~])
  | (?P<word>[A-Za-z_][\w.\-:$]*)
)""", re.VERBOSE)


class ConditionError(ValueError):
    """The text is not a condition; the message says where."""


@dataclass(frozen=True)
class _Variable:
    name: str


class Condition:
    """A parsed condition. ``evaluate`` takes the function that gives a variable's value, or None when it is unset."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._evaluate = _Parser(text).parse()

    def evaluate(self, lookup: Lookup) -> bool:
        return self._evaluate(lookup)

    def __repr__(self) -> str:
        return f"Condition({self.text!r})"


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._scan(text))
        self._at = 0

    def _scan(self, text: str):
        position = 0
        end = len(text.rstrip())
        while position < end:
            match = _TOKEN.match(text, position)
            if match is None or match.end() == position:
                raise ConditionError(f"invalid condition at '{text[position:position + 20].strip()}': {text!r}")
            kind = match.lastgroup
            value = match.group(kind)
            position = match.end()
            if kind in ("symbol", "word") and value.lower() in _OPERATORS:
                yield "operator", _OPERATORS[value.lower()]
            else:
                yield kind, value

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "end of text")

    def _take(self) -> tuple[str, str]:
        token = self._peek()
        self._at += 1
        return token

    def parse(self) -> Callable[[Lookup], bool]:
        tree = self._or()
        if self._peek()[0] != "end":
            raise ConditionError(f"invalid condition, unexpected '{self._peek()[1]}': {self._text!r}")
        return tree

    def _or(self):
        terms = [self._and()]
        while self._peek() == ("operator", "or"):
            self._take()
            terms.append(self._and())
        return terms[0] if len(terms) == 1 else lambda lookup: any(term(lookup) for term in terms)

    def _and(self):
        terms = [self._not()]
        while self._peek() == ("operator", "and"):
            self._take()
            terms.append(self._not())
        return terms[0] if len(terms) == 1 else lambda lookup: all(term(lookup) for term in terms)

    def _not(self):
        if self._peek() == ("operator", "not"):
            self._take()
            inner = self._not()
            return lambda lookup: not inner(lookup)
        return self._term()

    def _term(self):
        if self._peek() == ("symbol", "("):
            self._take()
            inner = self._or()
            if self._take() != ("symbol", ")"):
                raise ConditionError(f"invalid condition, missing ')': {self._text!r}")
            return inner
        left = self._operand()
        kind, operator = self._peek()
        if kind != "operator" or operator not in _COMPARISONS:
            return lambda lookup: _truth(_value(left, lookup))
        self._take()
        right = self._operand()
        if operator == "~~" and isinstance(right, str):
            _java_regex(right)
        compare = _COMPARE[operator]
        return lambda lookup: compare(_value(left, lookup), _value(right, lookup))

    def _operand(self) -> Any:
        kind, value = self._take()
        if kind == "string":
            return value[1:-1]
        if kind == "number":
            return float(value) if "." in value else int(value)
        if kind == "word":
            constants = {"true": True, "false": False, "null": None}
            return constants.get(value.lower(), _Variable(value)) if value.lower() in constants else _Variable(value)
        raise ConditionError(f"invalid condition, expected a variable or a value before '{value}': {self._text!r}")


def _value(operand: Any, lookup: Lookup) -> Any:
    return lookup(operand.name) if isinstance(operand, _Variable) else operand


def _truth(value: Any) -> bool:
    return value is True or (isinstance(value, str) and value.lower() == "true")


def text_of(value: Any) -> str:
    """A value as Apigee prints it: booleans in lower case, lists with commas."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(text_of(item) for item in value) + "]"
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value)


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _equals(left: Any, right: Any) -> bool:
    if left is None or right is None:
        return left is None and right is None
    if isinstance(left, (int, float)) or isinstance(right, (int, float)):
        one, other = _number(left), _number(right)
        if one is not None and other is not None:
            return one == other
    return text_of(left) == text_of(right)


def _ordered(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compare(left: Any, right: Any) -> bool:
        if left is None or right is None:
            return False
        one, other = _number(left), _number(right)
        if one is not None and other is not None:
            return test(one, other)
        return test(text_of(left), text_of(right))
    return compare


def _on_text(test: Callable[[str, str], bool]) -> Callable[[Any, Any], bool]:
    return lambda left, right: left is not None and right is not None and test(text_of(left), text_of(right))


def _java_regex(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ConditionError(f"invalid condition, regular expression {pattern!r}: {error}") from None


def glob_matches(text: str, pattern: str) -> bool:
    """Matches: ``*`` stands for any characters, ``%`` makes the next character literal."""
    expression, position = "", 0
    while position < len(pattern):
        character = pattern[position]
        if character == "%" and position + 1 < len(pattern):
            position += 1
            expression += re.escape(pattern[position])
        else:
            expression += ".*" if character == "*" else re.escape(character)
        position += 1
    return re.fullmatch(expression, text, re.DOTALL) is not None


def path_matches(path: str, pattern: str) -> bool:
    """MatchesPath: ``*`` stands for one path element, ``**`` for all that follow (at least one)."""
    elements = [element for element in path.split("/") if element]
    wanted = [element for element in pattern.split("/") if element]
    for position, want in enumerate(wanted):
        if want == "**":
            rest = wanted[position + 1:]
            if not rest:
                return len(elements) > position
            return any(path_matches("/".join(elements[start:]), "/".join(rest))
                       for start in range(position + 1, len(elements)))
        if position >= len(elements) or (want != "*" and not glob_matches(elements[position], want)):
            return False
    return len(elements) == len(wanted)


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": _equals,
    "!=": lambda left, right: not _equals(left, right),
    ":=": lambda left, right: _on_text(lambda one, other: one.lower() == other.lower())(left, right),
    ">": _ordered(lambda left, right: left > right),
    ">=": _ordered(lambda left, right: left >= right),
    "<": _ordered(lambda left, right: left < right),
    "<=": _ordered(lambda left, right: left <= right),
    "~~": _on_text(lambda text, pattern: _java_regex(pattern).fullmatch(text) is not None),
    "~": _on_text(glob_matches),
    "~/": _on_text(path_matches),
    "=|": _on_text(str.startswith),
}
