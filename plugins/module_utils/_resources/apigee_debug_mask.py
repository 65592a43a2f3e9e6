# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Debug mask: what debug sessions of an environment do not show. Private to the collection.

Google keeps one for each environment, always there, empty at first. So for us it exists while anything is in it.
"""

from __future__ import annotations

import typing as t

from .._engine.compare import Change
from .._engine.fields import Document, Field
from .apigee_common import IN_ENVIRONMENT, ApigeeResource
from .apigee_keystore import ENVIRONMENT_PATH
from .apigee_ownership import RecordMark


def _values(name: str, api: str = "") -> Field:
    return Field(name, type="list", elements="str", lists="set", api=api)


class ApigeeDebugMask(ApigeeResource):
    """``organizations.environments.debugmask``: synchronous; a PATCH appends unless told to replace."""

    kind = "apigee_debug_mask"
    title = "debug mask"
    family = None
    path = ENVIRONMENT_PATH + "/debugmask"
    update_method = "PATCH"
    mark = RecordMark()
    fields = (
        *IN_ENVIRONMENT,
        _values("variables"),
        _values("request_json_paths", "requestJSONPaths"),
        _values("response_json_paths", "responseJSONPaths"),
        _values("fault_json_paths", "faultJSONPaths"),
        _values("request_xpaths", "requestXPaths"),
        _values("response_xpaths", "responseXPaths"),
        _values("fault_xpaths", "faultXPaths"),
        Field("namespaces", type="dict"),
    )

    @property
    def name(self) -> str:
        """Its environment has no other."""
        return str(self.options.get("environment"))

    def validate(self) -> list[str]:
        """Something must be said of it."""
        if self.options.get("state", "present") == "present" and not self._stated(lambda value: value is not None):
            names = [field.name for field in self.fields if field.managed]
            return [f"nothing is stated. State one of {', '.join(names)}, or state: absent to empty it."]
        return super().validate()

    def exceeds(self, found: Document) -> bool:
        """Lists that are not stated."""
        return any(found.get(field.place[0]) and not self.options.get(field.name) for field in self.fields if field.managed)

    def read(self) -> Document | None:
        """The mask; an empty one is none, unless it is to be empty."""
        found = self.wire.find(self.service, self.url())
        if found is None or any(found.get(field.place[0]) for field in self.fields if field.managed):
            return found
        empty = self.options.get("state", "present") == "present" and not self._stated(bool)
        return found if empty and self._stated(lambda value: value is not None) else None

    def everything(self) -> list[Document]:
        """The environment's, unless it is empty."""
        found = self.read()
        return [] if found is None else [found]

    def create(self) -> None:
        """Fill it."""
        self._patch(self.body())

    def update(self, found: Document, changes: list[Change]) -> None:
        """Replace the lists that differ; the others are not sent."""
        tops = {change.top for change in changes}
        body = self.body()
        self._patch({field.place[0]: body[field.place[0]] for field in self.fields if field.name in tops})

    def delete(self, found: Document) -> None:
        """Empty it: a mask cannot be deleted."""
        self._patch({field.place[0]: {} if field.type == "dict" else [] for field in self.fields if field.managed})

    def _patch(self, body: Document) -> None:
        query = {"updateMask": ",".join(sorted(body)), "replaceRepeatedFields": True}
        self.wire.send(self.service, "PATCH", self.url(), query=query, body=body)

    def _stated(self, accepts: t.Callable[[t.Any], bool]) -> bool:
        return any(accepts(self.options.get(field.name)) for field in self.fields if field.managed)
