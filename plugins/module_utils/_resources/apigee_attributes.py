# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Attributes of products, developers, apps and keys: a list of names and values, our mark among them. Private.

An update of these kinds replaces all attributes, so those that are not stated are sent back as they were.
"""

from __future__ import annotations

import typing as t

from .._engine.context import Context
from .._engine.fields import Document, Field, Options, write
from .._engine.ownership import LABEL, LABEL_VALUE, Mark
from .apigee_common import ApigeeResource

if t.TYPE_CHECKING:
    from .._engine.compare import Change
    from .._engine.resource import Resource

#: As many as Google keeps of one object. Source: ApiProduct.attributes, Developer.attributes.
MOST = 18
#: Entries asked for at once, and the fewest that a page holds when there are more. Source: apiproducts.list (1000 at
#: most), developers.apps.list (100 at most in a call, although 1000 may be asked for).
PAGE = 1000
SMALLEST_PAGE = 100
#: What Google writes into these objects and does not take.
_OUTPUT_ONLY = frozenset(("createdAt", "lastModifiedAt"))


class AttributeMark(Mark):
    """An attribute named like the label that other kinds carry."""

    adoptable = inside = True

    def stamp(self, resource: Resource, body: Document) -> None:
        body["attributes"] = merged(body.get("attributes"), {LABEL: LABEL_VALUE})

    def owned(self, resource: Resource, found: Document) -> bool:
        return as_mapping(found).get(LABEL) == LABEL_VALUE


def as_mapping(document: Document) -> dict[str, str]:
    """All attributes of an object, our own included."""
    return {str(one.get("name")): str(one.get("value", "")) for one in document.get("attributes") or []}


def merged(present: t.Any, stated: dict[str, t.Any]) -> list[Document]:
    """A list of attributes with those that are stated set, in the order in which Google has them."""
    values = {**as_mapping({"attributes": present}), **{name: _text(value) for name, value in stated.items()}}
    return [{"name": name, "value": value} for name, value in values.items()]


def counted(resource: ApigeeResource, path: str, items: str, key: str, **query: t.Any) -> list[Document]:
    """All entries of a list that pages by ``count`` and ``startKey``, which is the key of the last entry, repeated."""
    found: list[Document] = []
    while True:
        asked = {**query, "count": PAGE, **({"startKey": found[-1][key]} if found else {})}
        page = resource.wire.get(resource.service, path, asked).get(items) or []
        fresh = [one for one in page if not found or one[key] != found[-1][key]]
        found += fresh
        if not fresh or len(page) < SMALLEST_PAGE:
            return found


def _text(value: t.Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _decode(value: t.Any, resource: t.Any) -> dict[str, str] | None:
    if not isinstance(value, list):
        return None
    found = as_mapping({"attributes": value})
    return {name: text for name, text in found.items() if name not in resource.own_attributes}


def _encode(value: dict[str, t.Any], resource: t.Any) -> list[Document]:
    present = resource.present.get("attributes") or []
    if not value:
        present = [one for one in present if one.get("name") in resource.own_attributes]
    return merged(present, value)


ATTRIBUTES = Field("attributes", type="dict", keep_extra=True, encode=_encode, decode=_decode)


class AttributedResource(ApigeeResource):
    """An object with attributes whose update replaces the whole."""

    family = None
    update_method = "PUT"
    mark = AttributeMark()
    #: Attributes that are the collection's, and never shown as the user's.
    own_attributes: t.ClassVar[frozenset[str]] = frozenset((LABEL,))
    #: What Google writes into the object and does not take back.
    output_only: t.ClassVar[frozenset[str]] = _OUTPUT_ONLY
    #: The object as it was found before it is changed.
    present: t.ClassVar[Document] = {}

    def __init__(self, options: Options, context: Context) -> None:
        super().__init__(options, context)
        if self.options.get("attributes"):
            # Compared as the text that Google keeps.
            self.options["attributes"] = {name: _text(value) for name, value in self.options["attributes"].items()}

    def validate(self) -> list[str]:
        """Attributes that cannot be."""
        problems = super().validate()
        stated = self.options.get("attributes") or {}
        room = MOST - len(self.own_attributes)
        if len(stated) > room:
            problems.append(f"attributes are {len(stated)}. Google keeps {MOST}, of which {MOST - room} are our own.")
        for name in sorted(self.own_attributes & stated.keys()):
            problems.append(f"attributes.{name} is the collection's own. Choose another name.")
        return problems

    def update(self, found: Document, changes: list[Change]) -> None:
        """As any replacement of the whole, with everything that is not stated as it was."""
        body = self.replacement(found, changes)
        if self.adopting:
            self.mark.stamp(self, body)
        self.wire.send(self.service, "PUT", self.url(), body=body)

    def replacement(self, found: Document, changes: list[Change]) -> Document:
        """The whole object as a PUT sends it."""
        self.present = found
        kept = {key: value for key, value in found.items() if key not in self.output_only}
        return write(self.fields, self.changed_options(changes), kept, self)
