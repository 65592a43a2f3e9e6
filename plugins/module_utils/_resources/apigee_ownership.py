# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ownership of Apigee objects that have no place for a mark: a record in the organisation. Private to the collection.

The record is an entry of the organisation's key value map ``gatewayops-ownership``. It is written before the object is
made and removed after it is gone, so an interrupted run leaves a record without an object, never the reverse. It is
read only when something is about to be deleted.
"""

from __future__ import annotations

import json
import typing as t
from urllib.parse import quote

from .._engine.ownership import SENTENCE, Mark
from .._google.errors import ApiError
from .apigee_model import hidden, read_organization

if t.TYPE_CHECKING:
    from .._engine.resource import Document, Resource

MAP = "gatewayops-ownership"


class RecordMark(Mark):
    """Ours if an object around it is ours, or a record names it.

    An object that somebody else made is adopted by writing its record.

    ``around`` gives the paths (service, path) of objects with a description whose ownership covers this one.
    """

    adoptable = True

    def __init__(self, around: t.Callable[[t.Any], list[tuple[str, str]]] | None = None) -> None:
        self.around = around or (lambda resource: [])

    def owned(self, resource: Resource, found: Document) -> bool:
        return self._covered(resource) or self._recorded(resource)

    def before_create(self, resource: Resource) -> None:
        if self._covered(resource):
            return
        entry = {"name": key(resource), "value": json.dumps({"kind": resource.kind, "name": resource.name})}
        try:
            self._add(resource, entry)
        except ApiError as error:
            if not error.missing:
                raise
            _forgiving(resource, "POST", _maps(resource), {"name": MAP, "encrypted": True})
            self._add(resource, entry)

    def after_delete(self, resource: Resource) -> None:
        if not self._recorded(resource):
            return
        path = f"{_map(resource)}/entries"
        try:
            resource.wire.send("apigee", "DELETE", f"{path}/{quote(key(resource), safe='')}")
            rest = resource.wire.get("apigee", path, {"pageSize": 1})
            if not rest.get("keyValueEntries"):
                resource.wire.send("apigee", "DELETE", _map(resource))
        except ApiError as error:
            if not error.missing:
                raise

    def _add(self, resource: Resource, entry: Document) -> None:
        _forgiving(resource, "POST", f"{_map(resource)}/entries", entry)

    def _recorded(self, resource: Resource) -> bool:
        path = f"{_map(resource)}/entries/{quote(key(resource), safe='')}"
        try:
            return resource.wire.find("apigee", path) is not None
        except ApiError as error:
            if hidden(error):
                return False  # the organisation is gone, and its records with it
            raise

    def _covered(self, resource: Resource) -> bool:
        for service, path in self.around(resource):
            there = resource.context.once(("around", service, path), lambda s=service, p=path: resource.wire.find(s, p))
            if there and SENTENCE in str(there.get("description") or ""):
                return True
        return False


class OrganizationMark(RecordMark):
    """What stands directly in an organisation that we made is ours; in any other it needs a record."""

    def _covered(self, resource: Resource) -> bool:
        organization: t.Any = resource
        return organization_owned(resource, organization.organization)


def organization_and_environment(resource: t.Any) -> list[tuple[str, str]]:
    """What is around an object of an environment, or of the organisation where it names none. (An ``around``.)"""
    organization = f"v1/organizations/{resource.organization}"
    environment = resource.options.get("environment")
    within = [f"{organization}/environments/{environment}"] if environment else []
    return [("apigee", path) for path in (organization, *within)]


def key(resource: Resource) -> str:
    """What a record is called: the kind and what tells the object from its like."""
    return ".".join(str(part).strip("/") for part in (resource.kind, *resource.name.split("/")))


def organization_owned(resource: Resource, name: str) -> bool:
    """Whether the organisation was made by us."""
    there = read_organization(resource, name)
    return bool(there) and SENTENCE in str(there.get("description") or "")


def _maps(resource: t.Any) -> str:
    return f"v1/organizations/{resource.organization}/keyvaluemaps"


def _map(resource: t.Any) -> str:
    return f"{_maps(resource)}/{MAP}"


def _forgiving(resource: Resource, method: str, path: str, body: Document) -> None:
    """Write something that may be there already."""
    try:
        resource.wire.send("apigee", method, path, body=body, repeatable=True)
    except ApiError as error:
        if not error.exists:
            raise
