# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""VPC firewall rule. Private to the collection."""

from __future__ import annotations

import ipaddress

from .._engine import normalise
from .._engine.compare import Change
from .._engine.fields import Document, Field
from .._engine.ownership import without_sentence
from .compute_common import ComputeResource, network_field

_RULES = (
    # Capital letters as Google writes them; protocols are told apart without regard to case.
    Field("protocol", api="IPProtocol", required=True, same=normalise.lower),
    Field("ports", type="list", elements="str", lists="set", same=normalise.text),
)


def _ranges(name: str) -> Field:
    return Field(name, type="list", elements="str", lists="set")


class ComputeFirewall(ComputeResource):
    """A firewall rule of a network."""

    kind = "compute_firewall"
    title = "firewall rule"
    path = "compute/v1/projects/{project}/global/firewalls/{name}"
    update_method = "PATCH"
    fields = (
        Field("name", required=True, identity=True),
        network_field(required=True),
        Field("description", decode=without_sentence),
        Field("direction", choices=("INGRESS", "EGRESS"), immutable=True, initial="INGRESS", default="INGRESS"),
        Field("priority", type="int", default=1000),
        Field("allowed", type="list", elements="dict", lists="set", fields=_RULES),
        Field("denied", type="list", elements="dict", lists="set", fields=_RULES),
        _ranges("source_ranges"),
        _ranges("destination_ranges"),
        Field("source_tags", type="list", elements="str", lists="set"),
        Field("target_tags", type="list", elements="str", lists="set"),
        Field("source_service_accounts", type="list", elements="str", lists="set"),
        Field("target_service_accounts", type="list", elements="str", lists="set"),
        Field("disabled", type="bool"),
        Field("log", type="bool", api="logConfig.enable"),
        Field("self_link", output=True),
    )
    mutually_exclusive = (("allowed", "denied"), ("target_tags", "target_service_accounts"))

    def validate(self) -> list[str]:
        wrong: list[str] = []
        for name in ("source_ranges", "destination_ranges"):
            for value in self.options.get(name) or []:
                try:
                    ipaddress.ip_network(value)
                except ValueError as error:
                    wrong.append(f"{name}: {value} is not a range ({error}). Write it like 10.10.0.0/20.")
        return wrong

    def examine(self, found: Document, changes: list[Change]) -> list[str]:
        kinds = {change.top for change in changes}
        for wanted, there in (("allowed", "denied"), ("denied", "allowed")):
            if wanted in kinds and found.get(there):
                return [
                    f"the rule has {there}, wanted {wanted}: Google does not turn one into the other. "
                    "Delete the rule first, or give the new one another name."
                ]
        return []
