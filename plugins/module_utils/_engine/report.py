# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run tells its user, as data. Private to the collection."""

from __future__ import annotations

import typing as t

from .plan import Item
from .resource import State


def entry(item: Item) -> dict[str, t.Any]:
    """One object: what was or would be done, what differs, what it cost."""
    resource = item.resource
    shown: dict[str, t.Any] = {
        "kind": resource.kind,
        "name": resource.name,
        "action": item.action,
        "changes": [change.shown() for change in item.changes],
        "requests": {"reads": resource.wire.counts.reads, "writes": resource.wire.counts.writes},
        "waited": round(resource.wire.waited, 3),
        "resource": _resource(item),
    }
    if item.pending:
        shown["pending"] = item.pending
    note = item.note or resource.remark(item.action)
    if note:
        shown["note"] = note
    if item.failure:
        shown["failed"] = True
        shown["msg"] = item.failure.message
    return shown


def _resource(item: Item) -> dict[str, t.Any]:
    if not item.present and item.action in ("deleted", "unchanged", "pending"):
        return {}
    if item.found is not None and item.resource.readiness(item.found)[0] is not State.GOING:
        return item.resource.output(item.found)
    return item.resource.predicted()


def whole(items: list[Item], diff: bool) -> dict[str, t.Any]:
    """The module's result for a list of objects."""
    entries = [entry(item) for item in items]
    result: dict[str, t.Any] = {
        "changed": any(item.changed for item in items),
        "resources": entries,
        "pending": [
            {
                "kind": item.resource.kind,
                "name": item.resource.name,
                "reason": item.pending or item.word.lower(),
                "operation": item.operation or {},
                "unfinished": item.unfinished,
            }
            for item in items
            if item.pending or item.action == "pending"
        ],
        "requests": {
            "reads": sum(item.resource.wire.counts.reads for item in items),
            "writes": sum(item.resource.wire.counts.writes for item in items),
        },
    }
    if diff:
        result["diff"] = _diffs(items)
    return result


def _diffs(items: list[Item]) -> list[dict[str, t.Any]]:
    found: list[dict[str, t.Any]] = []
    for item in items:
        difference = item.resource.diff(item.action, item.found, item.changes) if item.changed else None
        if difference:
            found.extend(difference if isinstance(difference, list) else [difference])
    return found


def ready(item: Item) -> str:
    """``ready``, ``pending``, ``failed`` or ``absent``, for the reading modules."""
    if item.found is None:
        return "absent"
    return {State.READY: "ready", State.PENDING: "pending", State.GOING: "pending", State.FAILED: "failed"}[item.state]
