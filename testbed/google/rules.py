# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that the discovery documents cannot state, as data beside each method, each with its source.

A rule is checked after the contract, before the handler; it sees the call and raises GoogleError.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from testbed.google.errors import GoogleError, field_violation

if TYPE_CHECKING:
    from testbed.google.service import Call


def value_at(document: Any, path: str) -> Any:
    """Return the value at a dotted path, None when any part is missing."""
    for part in path.split("."):
        if not isinstance(document, dict):
            return None
        document = document.get(part)
    return document


def _given(value: Any) -> bool:
    return value not in (None, "", [], {})


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule with the place where Google states it or where it was seen."""

    source: str

    def check(self, call: Call) -> None:
        """Raise GoogleError when the call breaks the rule."""
        raise NotImplementedError

    def describe(self) -> str:
        """Return the rule in a few words, for the fidelity page."""
        raise NotImplementedError


@dataclass(frozen=True)
class Required(Rule):
    """A field of the body (dotted path) or, with query=True, a query parameter must be given."""

    field: str
    query: bool = False

    def check(self, call: Call) -> None:
        given = call.query.get(self.field) if self.query else value_at(call.body, self.field)
        if not _given(given) and given is not False and given != 0:
            raise field_violation(self.field, f"Required field '{self.field}' not specified")

    def describe(self) -> str:
        return f"requires {self.field}"


@dataclass(frozen=True)
class Forbidden(Rule):
    """A field of the body may not be given."""

    field: str
    why: str = "may not be set"

    def check(self, call: Call) -> None:
        if _given(value_at(call.body, self.field)):
            raise field_violation(self.field, f"Field '{self.field}' {self.why}")

    def describe(self) -> str:
        return f"refuses {self.field}"


@dataclass(frozen=True)
class Pattern(Rule):
    """A string of the body or query must match a regular expression wholly, when given."""

    field: str
    pattern: str
    query: bool = False
    message: str = ""

    def check(self, call: Call) -> None:
        value = call.query.get(self.field) if self.query else value_at(call.body, self.field)
        if _given(value) and not re.fullmatch(self.pattern, str(value)):
            text = (
                self.message
                or f"Invalid value for field '{self.field}': '{value}'. Must be a match of regex '{self.pattern}'"
            )
            raise field_violation(self.field, text)

    def describe(self) -> str:
        return f"{self.field} matches {self.pattern}"


@dataclass(frozen=True)
class Range(Rule):
    """A number of the body lies between two bounds, when given."""

    field: str
    low: int
    high: int

    def check(self, call: Call) -> None:
        value = value_at(call.body, self.field)
        if value is not None and not self.low <= int(value) <= self.high:
            raise field_violation(
                self.field,
                f"Invalid value for field '{self.field}': '{value}'. Must be between {self.low} and {self.high}.",
            )

    def describe(self) -> str:
        return f"{self.field} between {self.low} and {self.high}"


@dataclass(frozen=True)
class Network(Rule):
    """A string of the body is a network range in CIDR notation without host bits, when given."""

    field: str

    def check(self, call: Call) -> None:
        value = value_at(call.body, self.field)
        if not _given(value):
            return
        try:
            ipaddress.ip_network(value)
        except ValueError as exc:
            raise field_violation(
                self.field, f"Invalid value for field '{self.field}': '{value}'. Must be a CIDR address range. ({exc})"
            ) from exc

    def describe(self) -> str:
        return f"{self.field} is a CIDR range"


@dataclass(frozen=True)
class OneOf(Rule):
    """Exactly one (or, with optional=True, at most one) of several fields is given."""

    fields: tuple[str, ...]
    optional: bool = False

    def check(self, call: Call) -> None:
        self.check_body(call.body)

    def check_body(self, body: dict[str, Any]) -> None:
        """Raise GoogleError when body breaks the rule; for merged bodies too."""
        given = [name for name in self.fields if _given(value_at(body, name))]
        if len(given) > 1:
            raise GoogleError(400, f"Only one of {', '.join(self.fields)} may be set, got {', '.join(given)}.")
        if not given and not self.optional:
            raise GoogleError(400, f"One of {', '.join(self.fields)} must be set.")

    def describe(self) -> str:
        return f"{'at most' if self.optional else 'exactly'} one of {', '.join(self.fields)}"


@dataclass(frozen=True)
class MaxItems(Rule):
    """A list of the body or query holds at most so many items."""

    field: str
    most: int
    query: bool = False

    def check(self, call: Call) -> None:
        value = (call.query.get(self.field) if self.query else value_at(call.body, self.field)) or []
        if len(value) > self.most:
            raise field_violation(self.field, f"{self.field} may hold at most {self.most} items, got {len(value)}")

    def describe(self) -> str:
        return f"{self.field} holds at most {self.most}"


@dataclass(frozen=True)
class Bytes(Rule):
    """A string of the body has at most so many bytes in UTF-8, when given."""

    field: str
    most: int

    def check(self, call: Call) -> None:
        length = len(str(value_at(call.body, self.field) or "").encode())
        if length > self.most:
            raise field_violation(self.field, f"{self.field} may have at most {self.most} bytes, got {length}")

    def describe(self) -> str:
        return f"{self.field} has at most {self.most} bytes"


@dataclass(frozen=True)
class ProjectNumber(Rule):
    """A project in the path (path=name of the parameter) or in a body field is given by number, not by id."""

    field: str
    path: bool = False

    def check(self, call: Call) -> None:
        value = call.path.get(self.field) if self.path else value_at(call.body, self.field)
        match = re.search(r"projects/([^/]+)", value or "")
        if match and not match[1].isdigit():
            raise field_violation(
                self.field, f"Invalid value '{value}': the project must be given by its number, not by its id."
            )

    def describe(self) -> str:
        return f"project in {self.field} is a number"


@dataclass(frozen=True)
class Immutable(Rule):
    """Fields that an update may repeat but not change; checked by the handler through Call.immutable()."""

    fields: tuple[str, ...]

    def check(self, call: Call) -> None:
        """Nothing to check before the stored object is known; see changed()."""

    def changed(self, before: dict[str, Any], after: dict[str, Any]) -> Iterable[str]:
        """Yield the immutable fields that differ and are given in after."""
        for name in self.fields:
            new = value_at(after, name)
            if new is not None and new != value_at(before, name):
                yield name

    def describe(self) -> str:
        return f"cannot change {', '.join(self.fields)}"


@dataclass(frozen=True)
class Said(Rule):
    """A rule that the handler enforces itself; here only for the fidelity page."""

    text: str

    def check(self, call: Call) -> None:
        """The handler checks it."""

    def describe(self) -> str:
        return self.text
