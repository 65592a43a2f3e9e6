# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes with an object when it is deleted, and whether that is ours too. Private to the collection.

Google removes an environment with everything in it, whoever put it there, and a developer with all apps. So an object of
ours that holds something of somebody else's is left alone. Looked at only before a delete.
"""

from __future__ import annotations

import typing as t

from . import graph, registry

if t.TYPE_CHECKING:
    from .fields import Document
    from .resource import Resource

#: How many objects a sentence names.
_NAMED = 3


def obstacle(resource: Resource, found: Document) -> str:
    """Why an object is not deleted: a sentence; "" where it may be. Reads; raises ApiError."""
    if not resource.mark.deletable(resource, found):
        return resource.mark.why_kept
    theirs = sorted(of_others(resource))
    if not theirs:
        return ""
    more = f" and {len(theirs) - _NAMED} more" if len(theirs) > _NAMED else ""
    return (
        f"left alone: it holds {', '.join(theirs[:_NAMED])}{more}, which this collection did not make and which would go "
        "with it. force: true deletes it all the same"
    )


def of_others(resource: Resource) -> list[str]:
    """Kind and name of what would go with an object and is not ours, or holds something that is not."""
    found: list[str] = []
    for some in graph.each(lambda kind: _of_others(resource, registry.load(kind)), resource.contents):
        found.extend(some)
    return found


def _of_others(resource: Resource, kind: type[Resource]) -> list[str]:
    inside = next(
        field.name for field in kind.fields if resource.kind in (field.reference, f"apigee_{field.name}") and field.identity
    )
    names = {field.name for field in kind.fields if field.identity} - {kind.name_option}
    around = {name: resource.options.get(name) for name in ("project", *(names & {f.name for f in resource.fields}))}
    place = {**around, inside: resource.options[resource.name_option]}
    probe = kind(place, resource.context)
    probe.wire = resource.wire
    theirs = []
    for options, listed in probe.listed():
        one = kind({**place, **options}, resource.context)
        one.wire = resource.wire
        if one.mark.claims(one):
            document = one.read() if listed is None else listed
            foreign = document is not None and (not one.mark.deletable(one, document) or bool(of_others(one)))
        else:
            foreign = True
        if foreign:
            theirs.append(f"{one.kind} {one.name}")
    return theirs
