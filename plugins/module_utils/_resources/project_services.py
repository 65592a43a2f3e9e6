# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The APIs that are enabled in a project. Private to the collection."""

from __future__ import annotations

import typing as t

from .._engine.compare import Change
from .._engine.fields import Document, Field
from .._engine.ownership import Mark
from .._engine.resource import Resource
from .._google import operations
from .._google.errors import ApiError

#: Google takes at most so many in one call.
ENABLE_AT_ONCE = 20
LOOK_AT_ONCE = 30


def full_name(service: str) -> str:
    """``compute`` -> ``compute.googleapis.com``."""
    return service if "." in service else f"{service}.googleapis.com"


class ProjectServices(Resource):
    """APIs that must be enabled. Others are left alone; only ``state: absent`` disables, and only those named."""

    kind = "project_services"
    title = "services of project"
    service = "serviceusage"
    family = operations.SERVICE_USAGE
    after = ()
    name_option = "project"
    update_method = "batchEnable"
    timeout = 900.0
    mark = Mark()
    fields = (
        Field("services", type="list", elements="str", lists="set", keep_extra=True, required=True, same=full_name),
        Field("disable_dependent_services", type="bool", api=None),
    )

    def identity(self) -> tuple[str, ...]:
        return (self.kind, str(self.options.get("project") or ""), *sorted(self.wanted()))

    def wanted(self) -> list[str]:
        """Full names, in the user's order, once each."""
        return list(dict.fromkeys(full_name(name) for name in self.options["services"]))

    def parent_url(self) -> str:
        return self.fill("v1/projects/{project}/services")

    def read(self) -> Document | None:
        """Those of the services asked for that are enabled, as ``{"services": [...]}``; None when none is."""
        enabled: list[str] = []
        for part in _chunks(self.wanted(), LOOK_AT_ONCE):
            # The answer is in the order of the question: its names may carry the project's number.
            names = [f"projects/{self.project}/services/{name}" for name in part]
            answer = self.wire.get(self.service, f"{self.parent_url()}:batchGet", {"names": names})
            for found in answer.get("services") or []:
                if found.get("state") == "ENABLED":
                    enabled.append(str(found.get("name", "")).rsplit("/", 1)[-1])
        return {"services": enabled} if enabled else None

    def difference(self, found: Document) -> list[Change]:
        missing = [name for name in self.wanted() if name not in found["services"]]
        spec = self.fields[0]
        return (
            [Change("services", found["services"], [*found["services"], *missing], spec, "services")] if missing else []
        )

    def create(self) -> None:
        self.update({"services": []}, [])

    def update(self, found: Document, changes: list[Change]) -> None:
        missing = [name for name in self.wanted() if name not in found["services"]]
        for part in _chunks(missing, ENABLE_AT_ONCE):
            reply = self.wire.send(
                self.service,
                "POST",
                f"{self.parent_url()}:batchEnable",
                body={"serviceIds": part},
                repeatable=True,
            )
            self.finish(reply.json())
        if missing:
            self.context.client.be_patient()

    def delete(self, found: Document) -> None:
        """Disable what is named; one that another needs is tried again after the other."""
        left = list(found["services"])
        while left:
            refused: dict[str, ApiError] = {}
            for name in left:
                try:
                    self._disable(name)
                except ApiError as error:
                    if "depended on" not in error.said:
                        raise
                    refused[name] = error
            if len(refused) == len(left):
                raise refused[left[0]]
            left = list(refused)

    def _disable(self, name: str) -> None:
        reply = self.wire.send(
            self.service,
            "POST",
            f"{self.parent_url()}/{name}:disable",
            body={"disableDependentServices": bool(self.options.get("disable_dependent_services"))},
            repeatable=True,
        )
        self.finish(reply.json())

    def fixed(self, changes: list[Change]) -> list[Change]:
        return []

    def everything(self) -> list[Document]:
        found = self.wire.pages(self.service, self.parent_url(), "services", {"filter": "state:ENABLED"})
        return [{"services": [str(one["name"]).rsplit("/", 1)[-1] for one in found]}]


def _chunks(names: list[str], size: int) -> t.Iterator[list[str]]:
    for start in range(0, len(names), size):
        yield names[start : start + size]
