# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters for gateways beside applications: a workload to what it needs, or to why it cannot have one."""

from __future__ import annotations

import typing

from ansible.errors import AnsibleFilterError


def edge_microgateway_beside_problems(declared: dict, told: dict, live: dict) -> list[str]:
    """Everything that is refused of a gateway beside a workload; empty for one that may run."""
    # Where it is used: Ansible loads this file to look for any filter (see plugin_utils/late.py).
    from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.errors import InvalidError
    from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._microgateway import beside, gateway, rules

    try:
        read = gateway.read(declared)
        return [*rules.problems(read), *beside.problems(beside.workload(told, live), read)]
    except InvalidError as error:
        return [str(error)]


def edge_microgateway_beside(declared: dict, told: dict, live: dict, key: str, secret: str) -> dict:
    """What a workload needs: Secret, other objects, what closes the way around, and annotations of its pods."""
    from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.errors import InvalidError
    from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._microgateway import beside, gateway

    try:
        read, workload = gateway.read(declared), beside.workload(told, live)
        first, *others = beside.objects(workload, read, key, secret)
    except InvalidError as error:
        raise AnsibleFilterError(str(error)) from error
    name = first["metadata"]["name"]
    return {
        "name": name,
        "service": workload.name,
        "secret": first,
        "objects": [one for one in others if one["kind"] != "NetworkPolicy"],
        "closing": [one for one in others if one["kind"] == "NetworkPolicy"],
        "annotations": beside.annotations(workload, read, name),
        "selector": [f"{label}={value}" for label, value in sorted(workload.selector.items())],
    }


class FilterModule:
    """Names of the filters."""

    def filters(self) -> dict[str, typing.Callable]:
        """All filters by name."""
        return {
            "edge_microgateway_beside": edge_microgateway_beside,
            "edge_microgateway_beside_problems": edge_microgateway_beside_problems,
        }
