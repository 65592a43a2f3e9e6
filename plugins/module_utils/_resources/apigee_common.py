# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all Apigee kinds share. Private to the collection."""

from __future__ import annotations

import typing as t
from urllib.parse import quote

from .._engine.compare import Change
from .._engine.fields import Document, Field, Options
from .._engine.resource import Reference, Resource
from .._google import operations
from .._google.errors import ApiError
from .apigee_model import Unsuited, hidden, read_organization, refusals

#: Stands in the URL of every kind; in Apigee X an organisation is called like its project.
ORGANIZATION = Field("organization", api=None, identity=True, reference="apigee_organization")
#: Stand in the URL of every kind that lives in an environment.
IN_ENVIRONMENT = (
    ORGANIZATION,
    Field("environment", api=None, required=True, identity=True, reference="apigee_environment"),
)


class ApigeeResource(Resource):
    """An object of an Apigee organisation.

    Apigee refuses a second long operation in an organisation (google-apis.md section 1, decision 5), so kinds whose
    writes are operations share one lock per organisation; the transport repeats refusals caused by others' operations.
    """

    service = "apigee"
    family = operations.APIGEE
    adopts = True
    #: Options that an object which should exist must state.
    needed: t.ClassVar[tuple[str, ...]] = ()
    #: Apigee's list of the collection is nothing but an array of names.
    names_only: t.ClassVar[bool] = False
    #: Models of organisations that cannot have one.
    unsuited: t.ClassVar[tuple[Unsuited, ...]] = ()

    def validate(self) -> list[str]:
        """What is missing."""
        return [f"{name} is missing." for name in self.needed if self.options.get(name) is None]

    def examine_creation(self) -> list[str]:
        """Why the organisation cannot have one, with what serves instead."""
        return refusals(self, self.organization, self.unsuited)

    def examine_ahead(self) -> list[str]:
        """The same of an organisation that is only declared yet."""
        return refusals(self, self.organization, self.unsuited)

    def absent_when(self, error: ApiError) -> bool:
        """Google does not tell strangers what exists: below a missing organisation everything is forbidden."""
        return super().absent_when(error) or hidden(error)

    def nothing_when(self, error: ApiError) -> bool:
        """The same of a list; but where the environment or organisation can be seen, only the right to list is missing."""
        return super().nothing_when(error) and not (hidden(error) and self._seen_around())

    def _seen_around(self) -> bool:
        """Whether the environment that it is in, else the organisation, can be read."""
        environment = self.options.get("environment")
        if not environment:
            return read_organization(self, self.organization) is not None
        path = f"v1/organizations/{self.organization}/environments/{environment}"
        try:
            return self.context.once(("seen", path), lambda: self.wire.find("apigee", path)) is not None
        except ApiError as error:
            if hidden(error):
                return False
            raise

    @property
    def organization(self) -> str:
        """The organisation; without one, the project's id."""
        return str(self.options.get("organization") or self.project)

    def references(self) -> list[Reference]:
        """The organisation comes first, named or not."""
        found = super().references()
        if not self.options.get("organization"):
            found.append(Reference("apigee_organization"))
        return found

    def update(self, found: Document, changes: list[Change]) -> None:
        """As any update, without sending back what only Google may write."""
        super().update(writable(found), changes)

    def covers(self, other: Resource) -> bool:
        """The same object; an organisation may be left out of one declaration and named in the other."""
        return super().covers(other) and self.organization == t.cast(ApigeeResource, other).organization

    def variables(self) -> dict[str, t.Any]:
        """Values for templates, with the organisation always present."""
        return {**super().variables(), "organization": self.organization}

    def everything_by_name(self) -> list[Document]:
        """All objects of a collection whose list is nothing but an array of names; one that goes meanwhile is left out."""
        found = [self.wire.find(self.service, f"{self.parent_url()}/{quote(name, safe='')}") for name in self.names()]
        return [document for document in found if document is not None]

    def names(self) -> list[str]:
        """Names of all objects of a collection whose list is nothing but an array of names."""
        return [str(name) for name in self.wire.find(self.service, self.parent_url()) or []]

    def everything(self) -> list[Document]:
        """All objects of the collection."""
        return self.everything_by_name() if self.names_only else super().everything()

    def listed(self) -> list[tuple[Options, Document | None]]:
        """Names alone, where the list has no more."""
        if not self.names_only:
            return super().listed()
        return [(self.identify({"name": name}), None) for name in self.names()]

    def fixed(self, changes: list[Change]) -> list[Change]:
        """Without an update method nothing can change in place (``update`` here only passes on)."""
        if not self.update_method:
            return list(changes)
        return super().fixed(changes)


#: Lock of kinds whose writes are long operations of the organisation.
ORGANIZATION_LOCK = "apigee/{organization}"

#: What Google writes into its answers and ignores or refuses in a PUT.
_OUTPUT_ONLY = frozenset(
    (
        "apigeeProjectId",
        "caCertificate",
        "caCertificates",
        "createdAt",
        "environments",
        "expiresAt",
        "hasAttachedFlowHooks",
        "lastModifiedAt",
        "projectId",
        "state",
        "subscriptionPlan",
        "subscriptionType",
    )
)


def writable(document: Document) -> Document:
    """A copy of an object without what only Google may write."""
    return {key: value for key, value in document.items() if key not in _OUTPUT_ONLY}


def properties_to_google(value: dict[str, t.Any], resource: t.Any) -> Document:
    """``{a: b}`` -> Apigee's ``{property: [{name: a, value: b}]}``. (An ``encode`` function.)"""
    return {"property": [{"name": name, "value": str(value[name])} for name in sorted(value)]}


def properties_from_google(value: t.Any, resource: t.Any) -> dict[str, str] | None:
    """The reverse of :func:`properties_to_google`. (A ``decode`` function.)"""
    if not isinstance(value, dict):
        return None
    entries = value.get("property") or []
    return {str(entry.get("name")): str(entry.get("value", "")) for entry in entries if isinstance(entry, dict)}
