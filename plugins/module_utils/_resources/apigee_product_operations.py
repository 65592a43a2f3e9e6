# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Operations of an API product: proxy, path, methods and quota, one of each in Google's operation config. Private.

Google gives an operation no name. Ours and Google's are matched by proxy, path and methods, and where that leaves one
of a proxy and path on either side, these two belong together: a change of methods keeps the quota that is not stated.
"""

from __future__ import annotations

import copy
import typing as t

from .._engine.compare import Change, differences
from .._engine.fields import Document, Field, Options, describe, write

QUOTA = (
    Field("limit", type="int", int64=True),
    Field("interval", type="int", int64=True),
    Field("time_unit", choices=("minute", "hour", "day", "month"), default="hour"),
)
FIELDS = (
    Field("proxy", api="apiSource", required=True),
    Field("resource", required=True),
    Field("methods", type="list", elements="str", lists="set"),
    Field("quota", type="dict", fields=QUOTA),
)
_CHANGING = FIELDS[2:]


def decode(value: t.Any, resource: t.Any) -> list[Options] | None:
    """Google's operation configs as a flat list."""
    if not isinstance(value, list):
        return None
    return [describe(FIELDS, {**one, **(one.get("operations") or [{}])[0]}, resource) for one in value]


def encode(value: list[Options], resource: t.Any) -> list[Document]:
    """The configs as wanted; what is not stated of one that is there stays."""
    present = (resource.present.get("operationGroup") or {}).get("operationConfigs") or []
    theirs = [theirs for mine, theirs in pairs(value, decode(present, resource) or []) if mine is not None]
    return [
        _config(one, {} if number is None else copy.deepcopy(present[number]), resource)
        for one, number in zip(value, theirs, strict=True)
    ]


def _config(wanted: Options, config: Document, resource: t.Any) -> Document:
    operation = {**(config.pop("operations", None) or [{}])[0], "resource": wanted["resource"]}
    if "methods" in wanted:
        operation["methods"] = wanted["methods"]
    config |= {"apiSource": wanted["proxy"], "operations": [operation]}
    if wanted.get("quota"):
        config["quota"] = write(QUOTA, wanted["quota"], config.get("quota") or {}, resource)
    elif "quota" in wanted:
        config.pop("quota", None)
    return config


def changes(wanted: list[Options], found: list[Options], field: Field) -> list[Change]:
    """What would change, operation by operation."""
    told: list[Change] = []
    for mine, theirs in pairs(wanted, found):
        if mine is None and theirs is not None:
            told.append(Change(f"operations[{label(found[theirs])}]", found[theirs], None, field, "operations"))
        elif mine is not None and theirs is None:
            told.append(Change(f"operations[{label(wanted[mine])}]", None, wanted[mine], field, "operations"))
        elif mine is not None and theirs is not None:
            place = f"operations[{label(found[theirs])}]."
            told += differences(_CHANGING, wanted[mine], found[theirs], place, "operations")
    return told


def pairs(wanted: list[Options], found: list[Options]) -> list[tuple[int | None, int | None]]:
    """Which of ours (first) is which of Google's (second); None for one without counterpart."""
    left: list[int] = list(range(len(found)))
    matched: dict[int, int] = {}
    for number, one in enumerate(wanted):
        same = [x for x in left if _place(found[x]) == _place(one) and _methods(found[x]) == _methods(one)]
        if same:
            matched[number] = same[0]
            left.remove(same[0])
    for number, one in enumerate(wanted):
        ours = [x for x in range(len(wanted)) if x not in matched and _place(wanted[x]) == _place(one)]
        theirs = [x for x in left if _place(found[x]) == _place(one)]
        if number not in matched and len(ours) == len(theirs) == 1:
            matched[number] = theirs[0]
            left.remove(theirs[0])
    return [(number, matched.get(number)) for number in range(len(wanted))] + [(None, x) for x in left]


def _place(operation: Options) -> tuple[str, str]:
    return str(operation.get("proxy")), str(operation.get("resource"))


def _methods(operation: Options) -> frozenset[str]:
    return frozenset(operation.get("methods") or ())


def label(operation: Options) -> str:
    """How a message calls an operation: ``GET,POST orders /items/**``."""
    return " ".join([",".join(sorted(_methods(operation))) or "any", *_place(operation)])
