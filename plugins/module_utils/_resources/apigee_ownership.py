# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ownership of Apigee objects that have no place for a mark: by the records alone. Private to the collection.

Where an object lives says nothing about who put it there: others put theirs into environments and keystores of ours.
Only what binds two objects together and holds nothing itself (an attachment, a group, a peered domain) is ours with what
it binds; where that is not ours, it needs a record too.
"""

from __future__ import annotations

import typing as t

from .._engine.ownership import SENTENCE, DescriptionMark, LabelMark, Mark
from .._google.errors import ApiError
from .apigee_model import read_organization
from .apigee_records import Record, Records

if t.TYPE_CHECKING:
    from .._engine.compare import Change
    from .._engine.resource import Document, Resource


class RecordMark(Mark):
    """Ours if a record says that we made it, or adopted it."""

    adoptable = True

    def owned(self, resource: Resource, found: Document) -> bool:
        record = Records.of(resource).find(resource)
        return record is not None and record.made and record.created in ("", _created(found))

    def claims(self, resource: Resource) -> bool:
        record = Records.of(resource).find(resource)
        return record is not None and record.made

    def before_create(self, resource: Resource) -> None:
        Records.of(resource).begin(resource, self.record(resource))

    def after_create(self, resource: Resource, found: Document) -> None:
        Records.of(resource).confirm(resource, self.record(resource, created=_created(found)))

    def after_refusal(self, resource: Resource) -> None:
        Records.of(resource).withdraw(resource, self.record(resource))

    def adopt(self, resource: Resource, found: Document) -> None:
        self.after_create(resource, found)

    def after_delete(self, resource: Resource) -> None:
        gone = Records.of(resource).find(resource)
        if gone:
            Records.of(resource).remove(resource, [gone.key])

    def settle(self, resource: Resource, found: Document | None, changes: list[Change], present: bool) -> None:
        """Bring a record that a killed run left into accord with what is there.

        An object that was just being made is taken for ours if it is declared again and holds nothing but what that
        declaration puts there; otherwise somebody else has made it since. Without an object there must be no record.
        """
        try:
            record = Records.of(resource).find(resource)
            if record is None:
                return
            if found is None:
                if not present:
                    Records.of(resource).remove(resource, [record.key])
            elif not record.made:
                if self.remnant(resource, found, changes):
                    self.after_create(resource, found)
                else:
                    Records.of(resource).remove(resource, [record.key])
        except ApiError:
            return  # The next run does it; whoever may not read records has what is declared all the same.

    def remnant(self, resource: Resource, found: Document, changes: list[Change]) -> bool:
        """Whether an object holds nothing but what its declaration puts there."""
        return not resource.exceeds(found) and all(change.before in (None, "", [], {}) for change in changes)

    def remember(self, probe: Resource) -> None:
        Records.of(probe).all(probe)

    def orphans(self, probe: Resource, there: t.Iterable[Resource]) -> t.Callable[[], None] | None:
        """Removes the records of those objects of a kind that are gone; None if there are none."""
        seen = {Record.of(one).key for one in there}
        gone = [key for key, one in Records.of(probe).all(probe).items() if one.kind == probe.kind and key not in seen]
        return (lambda: Records.of(probe).remove(probe, gone)) if gone else None

    def record(self, resource: Resource, **more: t.Any) -> Record:
        """The record of an object."""
        return Record.of(resource, **more)


class CoveredMark(RecordMark):
    """Ours with an object around it that is ours; else by a record.

    ``around`` gives the paths (service, path) of objects with a description whose ownership covers this one.
    """

    def __init__(self, around: t.Callable[[t.Any], list[tuple[str, str]]] | None = None) -> None:
        self.around = around or (lambda resource: [])

    def owned(self, resource: Resource, found: Document) -> bool:
        return self.covered(resource) or super().owned(resource, found)

    def claims(self, resource: Resource) -> bool:
        return True

    def before_create(self, resource: Resource) -> None:
        if not self.covered(resource):
            super().before_create(resource)

    def after_create(self, resource: Resource, found: Document) -> None:
        if not self.covered(resource):
            super().after_create(resource, found)

    def covered(self, resource: Resource) -> bool:
        """Whether an object around it is ours; read once for all that are in it."""
        for service, path in self.around(resource):
            there = resource.context.once(("around", service, path), lambda s=service, p=path: resource.wire.find(s, p))
            if there and SENTENCE in str(there.get("description") or ""):
                return True
        return False


class OrganizationMark(CoveredMark):
    """What stands directly in an organisation that we made is ours; in any other it needs a record."""

    def covered(self, resource: Resource) -> bool:
        organization: t.Any = resource
        there = read_organization(resource, organization.organization)
        return bool(there) and SENTENCE in str(there.get("description") or "")


def forget_inside(resource: Resource, where: t.Mapping[str, str]) -> None:
    """Remove the records of what was in an object that is gone; ``where``: as :attr:`Record.inside`."""
    records = Records.of(resource)
    try:
        gone = [key for key, one in records.all(resource).items() if where.items() <= one.inside.items()]
        if gone:
            records.remove(resource, gone)
    except ApiError:
        return  # The object is gone as asked; the next prune removes what is left of its records.


class EnvironmentMark(DescriptionMark):
    """An environment's description. What was in it goes with it."""

    def after_delete(self, resource: Resource) -> None:
        forget_inside(resource, {"environment": str(resource.options["name"])})


class ProxyMark(LabelMark):
    """A proxy's label. Its key value maps go with it."""

    def after_delete(self, resource: Resource) -> None:
        forget_inside(resource, {"proxy": str(resource.options["name"])})


def _created(found: Document) -> str:
    """When Google made an object; "" where it does not tell."""
    return str(found.get("createdAt") or (found.get("metaData") or {}).get("createdAt") or "")
