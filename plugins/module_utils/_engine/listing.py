# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything that an organisation holds, kind by kind, read at once. Private to the collection.

Where a kind's collections are follows from its identity: an option in the URL (``api=None``) is the name of an object of
the kind it refers to, or of the kind ``apigee_OPTION``. So target servers are looked for in every environment, aliases in
every keystore, apps with every developer. Options that may be left out (a key value map's environment) are looked at
both ways. Of several required ones the last is the innermost, and its kind knows the others.
"""

from __future__ import annotations

import typing as t

from .._google.errors import ApiError
from . import graph, registry
from .context import Context
from .fields import Document, Field, Options
from .resource import Resource

Kind = type[Resource]


def kinds() -> list[str]:
    """Names of all kinds that live in an organisation, in alphabetical order."""
    return sorted(kind for kind in registry.KINDS if in_organization(registry.load(kind)))


def in_organization(kind: Kind) -> bool:
    """Whether objects of the kind live in an organisation."""
    return any(field.name == "organization" and field.identity for field in kind.fields)


def surroundings(kind: Kind) -> tuple[list[Field], list[Field]]:
    """The options in the URL, beside organisation and name, that say where a collection is: required, and optional."""
    around = [
        field
        for field in kind.fields
        if field.identity and field.api is None and field.name not in ("organization", kind.name_option)
    ]
    return [field for field in around if field.required], [field for field in around if not field.required]


def parent(field: Field) -> Kind | None:
    """The kind whose objects an option names; None when it does not live in an organisation."""
    name = field.reference or f"apigee_{field.name}"
    kind = registry.load(name) if name in registry.KINDS else None
    return kind if kind is not None and in_organization(kind) else None


class Listing:
    """What is there, read once for all who ask.

    common        options of every object: project, organization
    environments  if given, only what lives in these
    reading       options that only readers have (``Resource.reading``)
    """

    def __init__(
        self,
        context: Context,
        common: Options,
        environments: t.Collection[str] | None = None,
        reading: Options | None = None,
    ) -> None:
        self.context = context
        self.common = common
        self.environments = environments
        self.reading = reading or {}

    def named(self, kind: Kind) -> list[tuple[Resource, Document | None]]:
        """All objects of a kind in a fixed order; the object is None where only its name has been read."""
        return self.context.once(("listing", id(self), kind.kind), lambda: self._named(kind))

    def read(self, found: tuple[Resource, Document | None]) -> Document | None:
        """The object of an entry of :meth:`named`; None when it has gone meanwhile."""
        resource, document = found
        # What is found in a list is looked for there again (without a call), to know by which name Google has it.
        return resource.read() if document is None or resource.list_items else document

    def objects(self, kind: Kind) -> list[tuple[Resource, Document]]:
        """All objects of a kind, read at once."""
        found = self.named(kind)
        documents = graph.each(self.read, found)
        return [(one, document) for (one, _name), document in zip(found, documents, strict=True) if document is not None]

    def _named(self, kind: Kind) -> list[tuple[Resource, Document | None]]:
        found: list[tuple[Resource, Document | None]] = []
        for some in graph.each(lambda place: self._in(kind, place), self.places(kind)):
            found.extend(some)
        found = [(one, document) for one, document in found if one.options.get(kind.name_option) not in kind.reserved]
        return sorted(found, key=lambda entry: entry[0].place())

    def _in(self, kind: Kind, place: Options) -> list[tuple[Resource, Document | None]]:
        """The objects of one collection."""
        common = {**self.common, **{x.name: self.reading[x.name] for x in kind.reading if x.name in self.reading}}
        probe = kind({**common, **place}, self.context)
        try:
            listed = probe.listed()
        except ApiError as error:
            if probe.nothing_when(error):
                return []
            raise
        return [
            (kind({**common, **options}, self.context), document)
            for options, document in listed
            if self._wanted(kind, options)
        ]

    def _wanted(self, kind: Kind, options: Options) -> bool:
        if self.environments is None:
            return True
        return options.get(kind.name_option if kind.kind == "apigee_environment" else "environment") in self.environments

    def places(self, kind: Kind) -> list[Options]:
        """Options that say where the kind's collections are."""
        required, optional = surroundings(kind)
        if required:
            return self._inside(kind, required[-1], [field.name for field in required[:-1]])
        alternatives: list[Options] = [{}]
        for field in optional:
            if parent(field) is not None:
                alternatives += self._inside(kind, field, [])
        return alternatives

    def _inside(self, kind: Kind, innermost: Field, outer: list[str]) -> list[Options]:
        holder = parent(innermost)
        if holder is None:
            raise TypeError(f"{kind.kind}: nothing says which objects its option {innermost.name} names")
        if innermost.name == "environment" and self.environments is not None and not outer:
            return [{"environment": name} for name in self.environments]
        return [
            {**{name: one.options[name] for name in outer}, innermost.name: one.options[holder.name_option]}
            for one, _document in self.named(holder)
        ]
