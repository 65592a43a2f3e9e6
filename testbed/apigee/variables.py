# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flow variables: the ones Apigee provides, and those that policies set.

Source: Apigee "Flow variables reference". A name that nothing defines is unset (None), as in Apigee.
"""
from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from testbed.apigee import property_sets
from testbed.apigee.conditions import text_of

if TYPE_CHECKING:
    from testbed.apigee.context import Context

_MESSAGES = ("request", "response", "message", "error")
# Groups that the runtime provides; within them only these may be written.
_PROVIDED = ("client.", "system.", "proxy.", "environment.", "organization.", "apiproxy.", "target.", "route.",
             "fault.", "error.", "propertyset.")
_WRITABLE = ("target.url", "target.copy.pathsuffix", "target.copy.queryparams")


class ReadOnlyVariable(Exception):
    """A policy tried to set a variable that Apigee does not let policies set."""


class Variables:
    """Looks up and sets variables of one request."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._own: dict[str, Any] = {}
        self._provided: dict[str, Any] = {"messageid": str(uuid.uuid4())}

    def provide(self, **groups: dict[str, Any]) -> None:
        """Sets variables as the runtime: ``provide(client={"ip": "10.0.0.1"})`` gives client.ip."""
        for group, values in groups.items():
            for name, value in values.items():
                self._provided[f"{group}.{name}"] = value

    def get(self, name: str) -> Any:
        if name in self._own:
            return self._own[name]
        if name in self._provided:
            return self._provided[name]
        head, _, rest = name.partition(".")
        if head == "system":
            return _system(rest)
        if head == "propertyset":
            return property_sets.value(self._context.property_sets, rest)
        if head == "error" and rest in ("message", "state"):
            return None
        message = self._context.named(head)
        if message is None:
            return None
        if not rest:
            return f"{message.kind} message"
        return message.get(rest)

    def set(self, name: str, value: Any) -> None:
        """None removes. Raises ReadOnlyVariable."""
        head, _, rest = name.partition(".")
        if rest and (head in _MESSAGES or head in self._context.messages):
            message = self._context.named(head)
            if message is not None and message.set(rest, None if value is None else text_of(value)):
                return
            raise ReadOnlyVariable(name)
        if name.startswith(_PROVIDED) and name not in _WRITABLE:
            raise ReadOnlyVariable(name)
        if value is None:
            self._own.pop(name, None)
        else:
            self._own[name] = value

    def record(self, prefix: str, **values: Any) -> None:
        """Sets variables that a policy publishes about itself."""
        for name, value in values.items():
            self._own[f"{prefix}.{name}"] = value


def _system(name: str) -> Any:
    now = datetime.now(UTC)
    match name:
        case "timestamp":
            return int(time.time() * 1000)
        case "uuid":
            return str(uuid.uuid4())
        case "time":
            return now.strftime("%a, %d %b %Y %H:%M:%S UTC")
        case "time.year" | "time.month" | "time.day" | "time.hour" | "time.minute" | "time.second":
            return getattr(now, name.removeprefix("time."))
        case "time.millisecond":
            return now.microsecond // 1000
        case "time.dayofweek":
            return now.isoweekday() % 7 + 1
        case "time.zone":
            return "UTC"
    return None
