# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""JSON patches (RFC 6902) that only add. Private to the collection."""

from __future__ import annotations

import copy
import typing as t

Operation = dict[str, t.Any]


def add(place: t.Sequence[t.Any], value: t.Any) -> Operation:
    """The operation that adds ``value`` at ``place``, a member or a place in a list ("-" is its end)."""
    escaped = [str(step).replace("~", "~0").replace("/", "~1") for step in place]
    return {"op": "add", "path": "/" + "/".join(escaped), "value": value}


def extend(whole: t.Any, place: t.Sequence[t.Any], items: t.Sequence[t.Any], first: bool = False) -> list[Operation]:
    """Operations that add to the list at ``place`` of ``whole``, at its end or at its beginning, making it if need be."""
    present = whole
    for step in place:
        present = (present or {}).get(step)
    if not items:
        return []
    if present:
        return [add([*place, 0 if first else "-"], item) for item in (reversed(items) if first else items)]
    return [*parents(whole, place[:-1]), add(place, list(items))]


def parents(whole: t.Any, place: t.Sequence[t.Any]) -> list[Operation]:
    """Operations that make the mappings on the way to ``place`` and at it, as far as they are missing or null."""
    present = whole
    for depth, step in enumerate(place):
        present = present[step] if isinstance(present, list) else present.get(step)
        if present is None:
            return [add(place[: depth + 1], {})] + [add(place[: end + 1], {}) for end in range(depth + 1, len(place))]
    return []


def apply(whole: t.Any, patch: t.Iterable[Operation]) -> t.Any:
    """A copy of ``whole`` with the patch applied."""
    result = copy.deepcopy(whole)
    for operation in patch:
        steps = [step.replace("~1", "/").replace("~0", "~") for step in operation["path"].split("/")[1:]]
        target = result
        for step in steps[:-1]:
            target = target[int(step)] if isinstance(target, list) else target[step]
        value = copy.deepcopy(operation["value"])
        if isinstance(target, list):
            target.insert(len(target) if steps[-1] == "-" else int(steps[-1]), value)
        else:
            target[steps[-1]] = value
    return result
