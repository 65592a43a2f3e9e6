# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Apigee environment. Private to the collection."""

from __future__ import annotations

from .._engine import fields as f
from .._engine.compare import Change
from .._engine.fields import Document, Field
from .._engine.ownership import DescriptionMark, without_sentence
from .apigee_common import (
    ORGANIZATION,
    ORGANIZATION_LOCK,
    ApigeeResource,
    properties_from_google,
    properties_to_google,
    writable,
)


class ApigeeEnvironment(ApigeeResource):
    """``organizations.environments``: PUT replaces at once; node counts and the type go by PATCH, which takes time."""

    kind = "apigee_environment"
    title = "environment"
    names_only = True
    path = "v1/organizations/{organization}/environments/{name}"
    update_method = "PUT"
    state_place = "state"
    mark = DescriptionMark()
    pruned = False
    lock = ORGANIZATION_LOCK
    timeout = 1800.0
    fields = (
        ORGANIZATION,
        Field("name", required=True, identity=True),
        Field("display_name"),
        Field("description", decode=without_sentence),
        Field("deployment_type", choices=("PROXY", "ARCHIVE"), default="PROXY", immutable=True),
        Field("api_proxy_type", choices=("PROGRAMMABLE", "CONFIGURABLE"), default="PROGRAMMABLE", immutable=True),
        Field("type", choices=("BASE", "INTERMEDIATE", "COMPREHENSIVE"), update="modify"),
        Field(
            "node_config",
            type="dict",
            fields=(Field("min_node_count", type="int", int64=True), Field("max_node_count", type="int", int64=True)),
            update="modify",
        ),
        Field("forward_proxy_uri"),
        Field("properties", type="dict", encode=properties_to_google, decode=properties_from_google),
        Field("state", output=True),
    )

    def update(self, found: Document, changes: list[Change]) -> None:
        """First what is quick and whole (PUT), then what Google takes time for (PATCH with a mask)."""
        places = {field.name: field for field in self.fields}
        modified = [change for change in changes if places[change.top].update == "modify"]
        replaced = [change for change in changes if change not in modified]
        if replaced or self.adopting:
            new = f.write(self.fields, self.changed_options(replaced), writable(found), self)
            if self.stamps(found):
                self.mark.stamp(self, new)
            self.finish(self.wire.send(self.service, "PUT", self.url(), body=new).json())
        if modified:
            new = f.write(self.fields, self.changed_options(modified), {"name": self.options["name"]}, self)
            query = {"updateMask": ",".join(self.changed_places(modified))}
            self.finish(self.wire.send(self.service, "PATCH", self.url(), query=query, body=new).json())
