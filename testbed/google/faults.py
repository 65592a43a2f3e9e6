# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trouble on demand: what goes wrong, for which calls, how often.

A fault is JSON: {"match": "compute.*.insert", "kind": ..., "nth": 2, "times": 1, "mutating": true, ...}.
match is a glob over discovery ids (also oauth2.token). nth counts matching calls from the moment the fault is set and
hits only that one; without it every matching call is hit, at most times times.

kinds
  status     {"status": 503, "body": {...}?, "headers": {...}?}  answers without doing the work
  delay      {"seconds": 1.5}                                     waits before the work
  drop       {}                                                   closes the connection before the work
  lose       {}                                                   does the work, then closes the connection
  lock       {}                                                   the API's lock is held by another operation
  operation  {"code": 9, "message": "...", "http": 400?}          the operation that the call starts ends in this error
             "old": "drops_old" says what becomes of the revision that a failed deployment should have replaced
  rollout    {"seconds": 5?, "percentage": 50?, "instance": "euw1"?, "state": "READY"?}  instances take a deployment up
             late: for so long (without seconds: for ever) percentage (0) of an instance's replicas have it, of all
             instances or of one; meanwhile it is PROGRESSING, or READY where state says so
  signal     {"pid": 123, "signal": 9, "group": false}            signals a process right after the work was committed,
                                                                  before the reply (counts committed calls only)
"""

from __future__ import annotations

import fnmatch
import os
import signal
from dataclasses import dataclass, field
from typing import Any

_OPTIONS = {
    "status": {"status", "body", "headers", "message"},
    "delay": {"seconds"},
    "operation": {"code", "message", "http", "old"},
    "rollout": {"seconds", "percentage", "instance", "state"},
    "signal": {"pid", "signal", "group"},
}
KINDS = ("status", "delay", "drop", "lose", "lock", "operation", "rollout", "signal")


@dataclass
class Fault:
    """One fault and how often it matched."""

    number: int
    kind: str
    match: str = "*"
    nth: int | None = None
    times: int | None = None
    mutating: bool | None = None
    options: dict[str, Any] = field(default_factory=dict)
    seen: int = 0
    hits: int = 0

    def due(self, method: str, mutating: bool) -> bool:
        """Count a call and tell whether it is to be hit."""
        if not fnmatch.fnmatchcase(method, self.match) or self.mutating not in (None, mutating):
            return False
        self.seen += 1
        if self.nth is not None and self.seen != self.nth or self.times is not None and self.hits >= self.times:
            return False
        self.hits += 1
        return True

    def shown(self) -> dict[str, Any]:
        """Return the fault with its counters, as the control endpoint shows it."""
        return {
            "id": self.number, "kind": self.kind, "match": self.match, "nth": self.nth, "times": self.times,
            "mutating": self.mutating, "seen": self.seen, "hits": self.hits, **self.options,
        }  # fmt: skip


class Faults:
    """The faults that are set."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._number = 0

    def add(self, spec: dict[str, Any]) -> Fault:
        """Set a fault. Raises ValueError for an unknown kind or a missing option."""
        spec = dict(spec)
        kind = spec.pop("kind", None)
        if kind not in KINDS:
            raise ValueError(f"unknown kind {kind!r}, expected one of {', '.join(KINDS)}")
        needed = {"status": {"status"}, "delay": {"seconds"}, "signal": {"pid"}}.get(kind, set())
        if needed - spec.keys():
            raise ValueError(f"a fault of kind {kind} needs {', '.join(sorted(needed - spec.keys()))}")
        unknown = spec.keys() - _OPTIONS.get(kind, set()) - {"match", "nth", "times", "mutating"}
        if unknown:
            raise ValueError(f"a fault of kind {kind} has no {', '.join(sorted(unknown))}")
        common = {name: spec.pop(name) for name in ("match", "nth", "times", "mutating") if name in spec}
        self._number += 1
        fault = Fault(self._number, kind, options=spec, **common)
        self._faults.append(fault)
        return fault

    def before(self, method: str, mutating: bool) -> list[Fault]:
        """Return the faults that hit a call that is about to be worked on."""
        return [f for f in self._faults if f.kind != "signal" and f.due(method, mutating)]

    def after(self, method: str, mutating: bool) -> None:
        """Send the signals that a committed call causes."""
        for fault in self._faults:
            if fault.kind == "signal" and fault.due(method, mutating):
                send = os.killpg if fault.options.get("group") else os.kill
                try:
                    send(int(fault.options["pid"]), int(fault.options.get("signal", signal.SIGKILL)))
                except ProcessLookupError:
                    fault.options["missed"] = True

    def shown(self) -> list[dict[str, Any]]:
        """Return all faults with their counters."""
        return [fault.shown() for fault in self._faults]

    def clear(self, number: int | None = None) -> None:
        """Remove one fault, or all."""
        self._faults = [f for f in self._faults if number is not None and f.number != number]
