# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What bears our mark in an organisation and is not declared any more. Private to the collection.

Such objects join the run as further items that should be absent: planned with the rest, shown in the same diff, and
removed, in reverse order of dependency, once everything declared is as it should be.
"""

from __future__ import annotations

import dataclasses
import difflib
import typing as t

from .._google.errors import InvalidError
from . import graph, listing, registry
from .context import Context
from .fields import Document, Options
from .plan import Item
from .resource import Resource


@dataclasses.dataclass(frozen=True)
class Scope:
    """Where to look.

    organization  "" = the one named like the project
    kinds         only these; empty = all whose objects come and go with what an organisation is for (``Resource.pruned``)
    environments  only what lives in these; None = everything in the organisation
    empty         prune even if nothing is declared
    """

    project: str | None = None
    organization: str = ""
    kinds: tuple[str, ...] = ()
    environments: tuple[str, ...] | None = None
    empty: bool = False

    @classmethod
    def of(cls, asked: Options, project: str | None) -> Scope:
        """From the option ``prune``."""
        environments = asked.get("environments")
        return cls(
            project,
            str(asked.get("organization") or ""),
            tuple(asked.get("kinds") or ()),
            None if environments is None else tuple(environments),
            bool(asked.get("empty")),
        )


def problems(scope: Scope, declared: t.Sequence[Item]) -> list[str]:
    """What forbids pruning at all: sentences. Reads nothing."""
    wrong = []
    known = [kind for kind in listing.kinds() if not registry.load(kind).left_out]
    for kind in scope.kinds:
        if kind in known:
            continue
        near = difflib.get_close_matches(kind, known, 1)
        why = registry.load(kind).left_out if kind in listing.kinds() else "not a kind that an organisation holds"
        hint = f" Did you mean {near[0]}?" if near else " There are: " + ", ".join(known) + "."
        wrong.append(f"prune.kinds: {kind} is {why}.{hint}")
    if not declared and not scope.empty:
        wrong.append(
            "nothing is declared, so pruning would remove everything of ours. Declare what should stay, or set "
            "prune.empty: true if nothing should."
        )
    absent = [item.resource.subject for item in declared if not item.present]
    if absent:
        wrong.append(f"prune goes with what should be present, and {absent[0]} is to be absent. Leave it out instead.")
    return wrong


@dataclasses.dataclass(frozen=True)
class Superfluous:
    """What is to go.

    items    objects that bear our mark and are not declared; those that hold something of others the plan keeps
    orphans  what removes the marks of objects that somebody else has deleted: their names are free for others
    """

    items: list[Item]
    orphans: list[t.Callable[[], None]]


def superfluous(scope: Scope, declared: t.Sequence[Item], context: Context) -> Superfluous:
    """What is to go. Reads lists, and those objects that are not declared. Raises InvalidError, ApiError."""
    wrong = problems(scope, declared)
    if wrong:
        raise InvalidError("\n".join(wrong), refused=wrong)
    kinds = [registry.load(kind) for kind in scope.kinds] or [
        kind for kind in map(registry.load, listing.kinds()) if kind.pruned and not kind.left_out
    ]
    common = {"project": scope.project, "organization": scope.organization or None}
    there = listing.Listing(context, common, scope.environments)
    probes = [(kind, kind(common, context)) for kind in kinds]
    for kind, probe in probes:
        kind.mark.remember(probe)
    graph.each(there.named, kinds)
    kept = _Declared(declared)
    found = [
        entry
        for kind in kinds
        for entry in there.named(kind)
        if not kept.covers(entry[0]) and kind.mark.claims(entry[0])
    ]
    documents = graph.each(there.read, found)
    candidates = [(one, document) for (one, _seen), document in zip(found, documents, strict=True) if document is not None]
    ours = graph.each(lambda pair: pair[0].mark.owned(*pair), candidates)
    going = [pair for pair, owned in zip(candidates, ours, strict=True) if owned]
    orphans = [
        kind.mark.orphans(probe, [one for one, _seen in there.named(kind)])
        for kind, probe in probes
        if scope.environments is None
    ]
    return Superfluous(
        [_item(len(declared) + number, *pair) for number, pair in enumerate(going)], [one for one in orphans if one]
    )


def _item(index: int, resource: Resource, document: Document) -> Item:
    """An object that is to go. It is declared as it is, because that tells what it refers to."""
    whole = type(resource)({**resource.declaration(document), "project": resource.options.get("project")}, resource.context)
    whole.remote_id, whole.wire = resource.remote_id, resource.wire
    return Item(index=index, resource=whole, present=False, found=document, known=True, seen=True)


class _Declared:
    """What is declared, quick to ask."""

    def __init__(self, items: t.Sequence[Item]) -> None:
        self._same = {(item.resource.kind, item.resource.place()): item.resource for item in items}
        # A kind that is told as other kinds covers objects of those.
        self._wider = [item.resource for item in items if item.resource.left_out]

    def covers(self, resource: Resource) -> bool:
        same = self._same.get((resource.kind, resource.place()))
        return bool(same and same.covers(resource)) or any(one.covers(resource) for one in self._wider)
