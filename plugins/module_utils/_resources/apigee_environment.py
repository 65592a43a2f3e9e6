# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Apigee environment. Private to the collection."""

from __future__ import annotations

import re
import typing as t

from .._engine import fields as f
from .._engine.compare import Change
from .._engine.fields import Document, Field
from .._engine.ownership import without_sentence
from .apigee_common import (
    ORGANIZATION,
    ORGANIZATION_LOCK,
    ApigeeResource,
    properties_from_google,
    properties_to_google,
    writable,
)
from .apigee_model import hybrid_has_none, refusals
from .apigee_ownership import EnvironmentMark

_FORWARD_PROXY = re.compile(r"^http://[^/:\s]+:\d+$")


def _resolution_to_google(value: dict[str, t.Any], resource: t.Any) -> Document:
    """Header and index as Google nests them; nothing stated means none."""
    if not value:
        return {}
    return {"headerIndexAlgorithm": {"ipHeaderName": value["header_name"], "ipHeaderIndex": value["header_index"]}}


def _resolution_from_google(value: t.Any, resource: t.Any) -> dict[str, t.Any] | None:
    """The reverse; an index of 0 is left out by Google."""
    header = (value or {}).get("headerIndexAlgorithm")
    if not header:
        return None
    return {"header_name": header.get("ipHeaderName"), "header_index": int(header.get("ipHeaderIndex") or 0)}


class ApigeeEnvironment(ApigeeResource):
    """``organizations.environments``: PUT replaces at once; node counts and the type go by PATCH, which takes time."""

    kind = "apigee_environment"
    title = "environment"
    names_only = True
    path = "v1/organizations/{organization}/environments/{name}"
    update_method = "PUT"
    state_place = "state"
    mark = EnvironmentMark()
    contents = (
        "apigee_debug_mask",
        "apigee_flow_hook",
        "apigee_key_value_map",
        "apigee_keystore",
        "apigee_reference",
        "apigee_resource_file",
        "apigee_target_server",
    )
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
            fields=(
                Field("min_node_count", type="int", int64=True),
                Field("max_node_count", type="int", int64=True),
                Field("current_aggregate_node_count", type="int", int64=True, output=True),
            ),
            update="modify",
        ),
        Field("forward_proxy_uri"),
        Field(
            "client_ip_resolution",
            type="dict",
            api="clientIpResolutionConfig",
            fields=(Field("header_name"), Field("header_index", type="int")),
            encode=_resolution_to_google,
            decode=_resolution_from_google,
        ),
        Field("properties", type="dict", encode=properties_to_google, decode=properties_from_google),
        Field("has_attached_flow_hooks", type="bool", output=True),
        Field("state", output=True),
    )

    def validate(self) -> list[str]:
        """What Google would refuse."""
        problems = super().validate()
        kinds = (self.options.get("deployment_type", "PROXY"), self.options.get("api_proxy_type", "PROGRAMMABLE"))
        if kinds == ("PROXY", "CONFIGURABLE"):
            problems.append("api_proxy_type CONFIGURABLE needs deployment_type ARCHIVE. Leave one of them out.")
        proxy = self.options.get("forward_proxy_uri")
        if proxy and not _FORWARD_PROXY.match(str(proxy)):
            problems.append(f"forward_proxy_uri is {proxy!r}. Write http://HOST:PORT; Apigee knows no other scheme.")
        resolution = self.options.get("client_ip_resolution") or {}
        if resolution and ("header_name" not in resolution or "header_index" not in resolution):
            problems.append("client_ip_resolution needs header_name and header_index; {} removes it.")
        nodes = self.options.get("node_config") or {}
        low, high = nodes.get("min_node_count"), nodes.get("max_node_count")
        if low is not None and high is not None and low > high:
            problems.append(f"node_config: min_node_count {low} is more than max_node_count {high}.")
        return problems

    def examine(self, found: Document, changes: list[Change]) -> list[str]:
        """Size and nodes belong to runtimes that Google runs."""
        sized = [change.field for change in changes if change.top in ("type", "node_config")]
        rule = hybrid_has_none(" or ".join(sized), "Leave them out, and scale the runtime in its overrides file.")
        return refusals(self, self.organization, (rule,)) if sized else []

    def update(self, found: Document, changes: list[Change]) -> None:
        """First what is quick and whole (PUT), then what Google takes time for (PATCH with a mask)."""
        places = {field.name: field for field in self.fields}
        modified = [change for change in changes if places[change.top].update == "modify"]
        replaced = [change for change in changes if change not in modified]
        if replaced or self.adopting:
            base = writable(found)
            if "nodeConfig" in base:
                # Google wants it back with a new forward proxy, without the number that it counts itself.
                base["nodeConfig"] = {k: v for k, v in base["nodeConfig"].items() if k != "currentAggregateNodeCount"}
            new = f.write(self.fields, self.changed_options(replaced), base, self)
            if self.stamps(found):
                self.mark.stamp(self, new)
            self.finish(self.wire.send(self.service, "PUT", self.url(), body=new).json())
        if modified:
            new = f.write(self.fields, self.changed_options(modified), {"name": self.options["name"]}, self)
            query = {"updateMask": ",".join(self.changed_places(modified))}
            self.finish(self.wire.send(self.service, "PATCH", self.url(), query=query, body=new).json())
