# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""VPC network. Private to the collection."""

from __future__ import annotations

from .._engine.fields import Field
from .._engine.ownership import without_sentence
from .compute_common import ComputeResource


class ComputeNetwork(ComputeResource):
    """A VPC network with subnetworks of its own choice (never an automatic or a legacy one by accident)."""

    kind = "compute_network"
    title = "network"
    path = "compute/v1/projects/{project}/global/networks/{name}"
    update_method = "PATCH"
    fields = (
        Field("name", required=True, identity=True),
        Field("description", immutable=True, decode=without_sentence),
        # Must be sent: Google takes its absence as a wish for a legacy network.
        Field("auto_create_subnetworks", type="bool", initial=False, immutable=True),
        Field("routing_mode", api="routingConfig.routingMode", choices=("REGIONAL", "GLOBAL"), default="REGIONAL"),
        Field("mtu", type="int", immutable=True, default=1460),
        Field("self_link", output=True),
        Field("subnetworks", type="list", elements="str", output=True),
        Field("peerings", type="list", elements="dict", output=True),
    )
