# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An organisation as the declarations that would make it. Private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from .._engine import graph, listing, registry
from .._engine.context import Context
from .._engine.fields import Document, Options
from .._engine.resource import Resource, State
from .._google.errors import ApiError, Failure
from . import layout


@dataclasses.dataclass
class One:
    """An object that was found."""

    resource: Resource
    document: Document
    options: Options
    files: t.Any = None

    @property
    def entry(self) -> Options:
        """As an entry of the module ``resources``."""
        return {"kind": self.resource.kind, **{name: self.options[name] for name in self.options if name != "project"}}


@dataclasses.dataclass
class Export:
    """What was found. ``withheld`` names options that cannot be shown, ``untold`` holds sentences about the rest."""

    objects: list[One]
    withheld: list[Options]
    untold: list[str]

    @property
    def entries(self) -> list[Options]:
        """As the module ``resources`` takes them."""
        return [one.entry for one in self.objects]


def kinds() -> list[str]:
    """All kinds that an export holds."""
    return [kind for kind in listing.kinds() if not registry.load(kind).left_out]


def read(
    context: Context, common: Options, wanted: t.Sequence[str], files: bool, reading: Options | None = None
) -> Export:
    """Read everything of the wanted kinds (none = all), several objects at once.

    ``files``: content of what has files is read as well, and is what the entry states instead of a revision.
    ``reading``: options that only readers have, such as whether values that may be secrets are shown.
    Raises Failure, with the organisation's name where it is not there.
    """
    there = listing.Listing(context, common, reading=reading)
    exists(context, common)
    chosen = [registry.load(kind) for kind in wanted or kinds()]
    untold: list[str] = []
    objects: list[One] = []
    for kind, found in zip(chosen, graph.each(lambda kind: _objects(there, kind), chosen), strict=True):
        if isinstance(found, ApiError):
            untold.append(f"{kind.kind}: not read, because the API is not enabled ({found.said}).")
            continue
        objects += [
            One(resource, document, resource.declaration(document))
            for resource, document in found
            if resource.readiness(document)[0] is not State.GOING
        ]
    if files:
        holding = [one for one in objects if layout.has_files(type(one.resource))]
        for one, content in zip(holding, graph.each(lambda one: one.resource.holds(one.document), holding), strict=True):
            if content is None:
                untold.append(f"{one.resource.kind} {one.resource.name}: its content cannot be read, so it is pinned.")
                continue
            one.files = content
            one.options.pop("revision", None)
    for one in objects:
        untold += [f"{one.resource.kind} {one.resource.name}: {said}" for said in one.resource.untold(one.document)]
    objects.sort(key=lambda one: layout.sort_key(one.entry))
    withheld = [
        {"kind": one.resource.kind, "name": one.resource.name, "option": option}
        for one in objects
        for option in one.resource.withheld(one.document)
    ]
    return Export(objects, withheld, untold)


def exists(context: Context, common: Options) -> None:
    """Raise Failure when there is no such organisation."""
    organization = registry.load("apigee_organization")
    probe = registry.load("apigee_environment")(common, context)
    name = t.cast(t.Any, probe).organization
    if organization({"name": name, "project": common.get("project")}, context).read() is None:
        raise Failure(f"organisation {name} does not exist, or the credentials may not see it. Correct organization.")


def _objects(there: listing.Listing, kind: type[Resource]) -> list[tuple[Resource, Document]] | ApiError:
    try:
        return there.objects(kind)
    except ApiError as error:
        # One API of several: what Apigee itself holds can still be told.
        if error.service_disabled and kind.service != "apigee":
            return error
        raise error.about(kind.kind) from None
