# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Global address or reserved range. Private to the collection."""

from __future__ import annotations

from .._engine.fields import Document, Field
from .._engine.ownership import without_sentence
from .compute_common import LabelledAfterwards, network_field


class ComputeGlobalAddress(LabelledAfterwards):
    """A global address; with ``purpose: VPC_PEERING`` the range that Google's services get inside the VPC.

    Google changes nothing of it in place but labels.
    """

    kind = "compute_global_address"
    title = "global address"
    path = "compute/v1/projects/{project}/global/addresses/{name}"
    fields = (
        Field("name", required=True, identity=True),
        Field("description", immutable=True, decode=without_sentence),
        Field("address", immutable=True),
        Field("prefix_length", type="int", immutable=True),
        Field("address_type", choices=("INTERNAL", "EXTERNAL"), immutable=True, default="EXTERNAL"),
        Field("purpose", choices=("VPC_PEERING", "PRIVATE_SERVICE_CONNECT"), immutable=True),
        network_field(),
        Field("labels", type="dict", keep_extra=True),
        Field("self_link", output=True),
        Field("status", output=True),
    )
    required_if = (("purpose", "VPC_PEERING", ("prefix_length", "network")),)

    def validate(self) -> list[str]:
        length = self.options.get("prefix_length")
        if self.options.get("purpose") == "VPC_PEERING" and length is not None and length > 22:
            return [
                f"prefix_length /{length} is too small: an Apigee instance needs a /22 and a /28 of it. "
                "Use /21 or a larger range for one instance."
            ]
        return []

    def body(self) -> Document:
        body = super().body()
        if body.get("purpose") == "VPC_PEERING":
            body.setdefault("addressType", "INTERNAL")
        return body
