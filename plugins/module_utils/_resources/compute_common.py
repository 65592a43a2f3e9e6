# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the kinds of Compute Engine share. Private to the collection."""

from __future__ import annotations

import typing as t

from .._engine import normalise
from .._engine.compare import Change
from .._engine.fields import Document, Field
from .._engine.ownership import DescriptionMark
from .._engine.resource import Resource
from .._google import operations


class ComputeResource(Resource):
    """An object of Compute Engine: marked by its description; a repeated create is carried out once."""

    service = "compute"
    family = operations.COMPUTE
    update_mask = False
    request_ids = True
    mark = DescriptionMark()


class LabelledAfterwards(ComputeResource):
    """One of which Google changes nothing in place but labels, and takes labels only after the creation."""

    def body(self) -> Document:
        body = super().body()
        body.pop("labels", None)
        return body

    def create(self) -> None:
        super().create()
        if self.options.get("labels"):
            found = self.read()
            if found is not None:
                self._set_labels(found)

    def update(self, found: Document, changes: list[Change]) -> None:
        self._set_labels(found)

    def _set_labels(self, found: Document) -> None:
        labels = self.options["labels"]
        body = {
            "labels": {**(found.get("labels") or {}), **labels} if labels else {},
            "labelFingerprint": found.get("labelFingerprint", ""),
        }
        reply = self.wire.send(self.service, "POST", f"{self.url()}/setLabels", body=body, repeatable=True)
        self.finish(reply.json())


def network_field(**more: t.Any) -> Field:
    """The VPC network that an object is in, by short name or path; it never changes."""
    return Field(
        "network",
        immutable=True,
        reference="compute_network",
        same=normalise.short_name,
        encode=lambda value, resource: normalise.network_path(value, resource.project),
        **more,
    )
