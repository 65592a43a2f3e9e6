# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Regional address. Private to the collection."""

from __future__ import annotations

import ipaddress

from .._engine import normalise
from .._engine.fields import Document, Field
from .._engine.ownership import without_sentence
from .compute_common import LabelledAfterwards


class ComputeAddress(LabelledAfterwards):
    """An address of a region; with ``subnetwork`` an internal one, as an internal load balancer keeps it."""

    kind = "compute_address"
    title = "address"
    path = "compute/v1/projects/{project}/regions/{region}/addresses/{name}"
    fields = (
        Field("name", required=True, identity=True),
        Field("region", required=True, identity=True, api=None),
        Field("description", immutable=True, decode=without_sentence),
        Field("address", immutable=True),
        Field("address_type", choices=("INTERNAL", "EXTERNAL"), immutable=True, default="EXTERNAL"),
        Field("purpose", choices=("GCE_ENDPOINT", "SHARED_LOADBALANCER_VIP"), immutable=True),
        Field(
            "subnetwork",
            immutable=True,
            reference="compute_subnetwork",
            same=normalise.short_name,
            encode=lambda value, resource: normalise.subnetwork_path(
                value, resource.project, resource.options["region"]
            ),
        ),
        Field("labels", type="dict", keep_extra=True),
        Field("self_link", output=True),
        Field("status", output=True),
        Field("users", type="list", elements="str", output=True),
    )
    required_if = (("address_type", "INTERNAL", ("subnetwork",)),)

    def validate(self) -> list[str]:
        """An address that is none, an internal one in another region, fields of the wrong kind of address."""
        wrong = []
        address, subnetwork = self.options.get("address"), str(self.options.get("subnetwork") or "")
        if address is not None:
            try:
                ipaddress.IPv4Address(address)
            except ValueError:
                wrong.append(f"address is {address!r}. State one IPv4 address, such as 10.10.0.80, without a length.")
        if self.options.get("address_type") == "EXTERNAL":
            wrong.extend(
                f"{name} belongs to internal addresses. Leave it out, or state address_type INTERNAL."
                for name in ("subnetwork", "purpose")
                if self.options.get(name)
            )
        elif self.options.get("purpose") and not subnetwork:
            wrong.append("purpose belongs to internal addresses. State the subnetwork that the address is in.")
        parts = normalise.relative(subnetwork).split("/")
        if "regions" in parts[:-1] and (there := parts[parts.index("regions") + 1]) != self.options["region"]:
            wrong.append(
                f"subnetwork {parts[-1]} is in region {there}, the address in {self.options['region']}. "
                "State a subnetwork of the same region."
            )
        return wrong

    def body(self) -> Document:
        body = super().body()
        if body.get("subnetwork"):
            body.setdefault("addressType", "INTERNAL")
        return body
