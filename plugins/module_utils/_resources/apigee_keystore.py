# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keystore, which is a truststore when it holds no keys. Private to the collection."""

from __future__ import annotations

import typing as t

from .._engine.compare import Change
from .._engine.fields import Document, Field
from .._engine.resource import Resource
from .apigee_common import IN_ENVIRONMENT, ApigeeResource
from .apigee_ownership import RecordMark, forget_inside
from .apigee_records import Record, Records

#: Where keystores live, and what lives in the same place.
ENVIRONMENT_PATH = "v1/organizations/{organization}/environments/{environment}"


class KeystoreMark(RecordMark):
    """A record; and what others put into a keystore of ours keeps it from being deleted."""

    why_kept = (
        "left alone: no record says that this collection made it and everything in it. force: true deletes it all the same"
    )

    def deletable(self, resource: Resource, found: Document) -> bool:
        return self.owned(resource, found) and not self.of_others(resource, found)

    def of_others(self, resource: Resource, found: Document) -> set[str]:
        """Aliases that this collection did not make."""
        there = {str(alias) for alias in found.get("aliases") or []}
        if not there:
            return there
        records = Records.of(resource)
        own, where = records.find(resource), _inside(resource)
        ours = {
            one.name.rsplit("/", 1)[-1]
            for one in records.all(resource).values()
            if one.kind == "apigee_keystore_alias" and one.made and where.items() <= one.inside.items()
        }
        return there - ours - set(own.aliases if own else ())

    def remnant(self, resource: Resource, found: Document, changes: list[Change]) -> bool:
        filled = t.cast(ApigeeKeystore, resource).filled
        return super().remnant(resource, found, changes) and not self.of_others(resource, found) - set(filled)

    def after_delete(self, resource: Resource) -> None:
        super().after_delete(resource)
        forget_inside(resource, _inside(resource))

    def record(self, resource: Resource, **more: t.Any) -> Record:
        return super().record(resource, aliases=t.cast(ApigeeKeystore, resource).filled, **more)


def _inside(resource: Resource) -> dict[str, str]:
    return {"environment": str(resource.options["environment"]), "keystore": str(resource.options["name"])}


class ApigeeKeystore(ApigeeResource):
    """``organizations.environments.keystores``: synchronous; nothing of it can change but the aliases in it."""

    kind = "apigee_keystore"
    title = "keystore"
    names_only = True
    family = None
    path = ENVIRONMENT_PATH + "/keystores/{name}"
    mark: t.ClassVar[KeystoreMark] = KeystoreMark()
    fields = (
        *IN_ENVIRONMENT,
        Field("name", required=True, identity=True),
        Field("aliases", type="list", elements="str", output=True),
    )
    #: Aliases that are made together with it, without records of their own.
    filled: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its environment and its name."""
        return f"{self.options.get('environment')}/{self.options.get('name')}"
