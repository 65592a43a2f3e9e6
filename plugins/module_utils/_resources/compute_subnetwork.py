# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""VPC subnetwork. Private to the collection."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from .._engine.compare import Change
from .._engine.fields import Document, Field, put
from .._engine.ownership import without_sentence
from .._engine.states import request_id
from .._google.errors import ApiError, Failure, OperationError
from .compute_common import ComputeResource, network_field

#: Addresses of Cloud Run services and functions with direct VPC egress.
_SERVERLESS = re.compile(r"addresses/serverless-ipv[46]-")

_PROXIES = "REGIONAL_MANAGED_PROXY"


class ComputeSubnetwork(ComputeResource):
    """A subnetwork with its secondary ranges.

    Secondary ranges that the user does not name stay: GKE adds its own, and Google's PATCH replaces the whole list.
    Access to Google's APIs and widening the primary range have calls of their own.
    """

    kind = "compute_subnetwork"
    title = "subnetwork"
    path = "compute/v1/projects/{project}/regions/{region}/subnetworks/{name}"
    update_method = "PATCH"
    update_carries = ("fingerprint",)
    fields = (
        Field("name", required=True, identity=True),
        Field("region", required=True, identity=True, api=None),
        network_field(required=True),
        Field("ip_cidr_range", required=True),
        Field("description", immutable=True, decode=without_sentence),
        Field(
            "secondary_ip_ranges",
            type="list",
            elements="dict",
            lists="key:range_name",
            keep_extra=True,
            fields=(Field("range_name", required=True), Field("ip_cidr_range", required=True)),
        ),
        Field("private_ip_google_access", type="bool", initial=True),
        Field("purpose", choices=("PRIVATE", _PROXIES), immutable=True),
        Field("role", choices=("ACTIVE", "BACKUP")),
        Field("self_link", output=True),
        Field("gateway_address", output=True),
    )

    def validate(self) -> list[str]:
        stated = [("ip_cidr_range", self.options["ip_cidr_range"])]
        for entry in self.options.get("secondary_ip_ranges") or []:
            stated.append((f"secondary_ip_ranges[{entry['range_name']}]", entry["ip_cidr_range"]))
        wrong: list[str] = []
        if bool(self.options.get("role")) != (self.options.get("purpose") == _PROXIES):
            wrong.append(f"role belongs to purpose {_PROXIES}, and that wants one. State both or neither.")
        ranges: list[tuple[str, t.Any]] = []
        for name, value in stated:
            try:
                ranges.append((name, ipaddress.ip_network(value)))
            except ValueError as error:
                wrong.append(f"{name} {value} is not a range ({error}). Write it like 10.10.0.0/20.")
        for position, (name, one) in enumerate(ranges):
            for other_name, other in ranges[position + 1 :]:
                if one.version == other.version and one.overlaps(other):
                    wrong.append(f"{other_name} {other} overlaps {name} {one}. Choose ranges apart from each other.")
        return wrong

    def body(self) -> Document:
        body = super().body()
        if self.options.get("purpose") == _PROXIES and self.options.get("private_ip_google_access") is None:
            # No machine is in it that could call Google's APIs.
            body.pop("privateIpGoogleAccess", None)
        return body

    def fixed(self, changes: list[Change]) -> list[Change]:
        return super().fixed(changes) + [
            change for change in changes if change.top == "ip_cidr_range" and not self._widens(change)
        ]

    def _widens(self, change: Change) -> bool:
        before, after = ipaddress.ip_network(change.before), ipaddress.ip_network(change.after)
        return before.version == after.version and before.subnet_of(after)

    def examine(self, found: Document, changes: list[Change]) -> list[str]:
        return [
            f"{change.field} cannot be changed in place: Google does not resize a secondary range. "
            "Keep the range, or add another under a new name."
            for change in changes
            if change.top == "secondary_ip_ranges" and change.before is not None and change.after is not None
        ]

    def update(self, found: Document, changes: list[Change]) -> None:
        tops = {change.top for change in changes}
        if "ip_cidr_range" in tops:
            self._call("expandIpCidrRange", {"ipCidrRange": self.options["ip_cidr_range"]})
        if "private_ip_google_access" in tops:
            wanted = self.options["private_ip_google_access"]
            self._call("setPrivateIpGoogleAccess", {"privateIpGoogleAccess": wanted})
        rest = [change for change in changes if change.top in ("secondary_ip_ranges", "role")]
        if rest:
            if len(tops) > 1:
                found = self.read() or found  # the calls above have changed the fingerprint
            if "secondary_ip_ranges" in tops and not self.options["secondary_ip_ranges"]:
                put(found, ("secondaryIpRanges",), [])
            super().update(found, rest)

    def in_use(self, error: ApiError | OperationError) -> bool:
        """Addresses of functions are given back after hours, for which no run waits."""
        return super().in_use(error) and not _SERVERLESS.search(error.said)

    def delete(self, found: Document) -> None:
        try:
            super().delete(found)
        except (ApiError, OperationError) as error:
            if not _SERVERLESS.search(error.said):
                raise
            raise Failure(
                "it still has addresses of functions or Cloud Run services with direct VPC egress. Google gives them back "
                f"one to two hours after the last of them is gone: remove it again then. ({error.message})",
                **error.facts,
            ) from error

    def _call(self, verb: str, body: Document) -> None:
        reply = self.wire.send(
            self.service, "POST", f"{self.url()}/{verb}", query={"requestId": request_id()}, body=body, repeatable=True
        )
        self.finish(reply.json())
