# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""VPC firewall rule. Private to the collection."""

from __future__ import annotations

import ipaddress

from .._engine import normalise
from .._engine.compare import Change
from .._engine.fields import Document, Field, Options
from .._engine.ownership import without_sentence
from .compute_common import ComputeResource, network_field

_RULES = (
    # Capital letters as Google writes them; protocols are told apart without regard to case.
    Field("protocol", api="IPProtocol", required=True, same=normalise.lower),
    Field("ports", type="list", elements="str", lists="set", same=normalise.text),
)


def _ranges(name: str) -> Field:
    return Field(name, type="list", elements="str", lists="set")


def _flat(rules: list[Options]) -> list[tuple[str, str]]:
    """Protocol and port, each pair once; the port is empty where all are meant."""
    return list(dict.fromkeys((rule["protocol"].lower(), str(port)) for rule in rules for port in rule.get("ports") or [""]))


def _rules(pairs: list[tuple[str, str]]) -> list[Options]:
    """The same as rules, one for each protocol."""
    ports: dict[str, list[str]] = {}
    for protocol, port in pairs:
        ports.setdefault(protocol, []).append(port)
    return [
        {"protocol": protocol} if "" in listed else {"protocol": protocol, "ports": listed}
        for protocol, listed in ports.items()
    ]


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
        Field("retain", type="bool", api=None),
        Field("self_link", output=True),
    )
    mutually_exclusive = (("allowed", "denied"), ("target_tags", "target_service_accounts"))
    _retained: tuple[str, ...] = ()

    def validate(self) -> list[str]:
        wrong: list[str] = []
        for name in ("source_ranges", "destination_ranges"):
            for value in self.options.get(name) or []:
                try:
                    ipaddress.ip_network(value)
                except ValueError as error:
                    wrong.append(f"{name}: {value} is not a range ({error}). Write it like 10.10.0.0/20.")
        return wrong

    def difference(self, found: Document) -> list[Change]:
        """As for all; with ``retain``, what the rule admits already is wanted too."""
        if self.options.get("retain"):
            there = self.describe(found)
            self._retained = (*self._keep_allowed(there.get("allowed") or []), *self._keep_ranges(there))
        return super().difference(found)

    def _keep_allowed(self, there: list[Options]) -> list[str]:
        """Want what is allowed already as well; gives in words what of it is not stated."""
        if self.options.get("allowed") is None:
            return []
        stated, present = _flat(self.options["allowed"]), _flat(there)
        more = [pair for pair in present if pair not in stated]
        # In Google's own form where nothing is missing, so that no other form of the same is a change.
        self.options["allowed"] = there if not set(stated) - set(present) else _rules([*stated, *more])
        return [" ".join(pair).strip() for pair in more]

    def _keep_ranges(self, there: Options) -> list[str]:
        stated = self.options.get("source_ranges")
        more = [one for one in there.get("source_ranges") or [] if stated is not None and one not in stated]
        if more:
            self.options["source_ranges"] = [*(stated or []), *more]
        return more

    def remark(self, action: str) -> str:
        """What is admitted beyond what is stated."""
        return f"still admits {', '.join(self._retained)}" if self._retained else ""

    def examine(self, found: Document, changes: list[Change]) -> list[str]:
        kinds = {change.top for change in changes}
        for wanted, there in (("allowed", "denied"), ("denied", "allowed")):
            if wanted in kinds and found.get(there):
                return [
                    f"the rule has {there}, wanted {wanted}: Google does not turn one into the other. "
                    "Delete the rule first, or give the new one another name."
                ]
        return []
