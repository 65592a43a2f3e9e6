# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of the role edge_microgateway for gateways beside applications: a workload to what it needs, and back."""

from __future__ import annotations

import typing

from ansible.errors import AnsibleFilterError
from ansible_collections.gatewayops.apigee_gke.plugins.plugin_utils.late import Late

beside = Late("_microgateway.beside")
gateway = Late("_microgateway.gateway")
rules = Late("_microgateway.rules")


def _read(declared: dict) -> typing.Any:
    return gateway.read(gateway.stated(declared))


def edge_microgateway_beside_problems(declared: dict, told: dict, live: dict) -> list[str]:
    """Everything that is refused of a gateway beside a workload; empty for one that may run."""
    # Where it is used: Ansible loads this file to look for any filter (see plugin_utils/late.py).
    from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.errors import InvalidError

    try:
        read = _read(declared)
        return [*rules.problems(read), *beside.problems(beside.workload(told, live), read)]
    except InvalidError as error:
        return [str(error)]


def edge_microgateway_beside(declared: dict, told: dict, live: dict, key: str, secret: str) -> dict:
    """What a workload needs: Secret, other objects, what closes the way around, and annotations of its pods."""
    from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.errors import InvalidError

    try:
        read, workload = _read(declared), beside.workload(told, live)
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


def edge_microgateway_beside_patch(annotations: dict, live: dict) -> dict:
    """What is merged into a workload so that its pods ask for a gateway as these annotations say, or for none."""
    told = {**beside.withdrawn(live, annotations), **annotations}
    return {"spec": {"template": {"metadata": {"annotations": told}}}}


def edge_microgateway_beside_probe(wanted: dict, live: dict) -> dict:
    """A pod like those of the workload, for a dry run that shows whether anything adds gateways to pods."""
    from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.fields import PREFIX

    template = live["spec"]["template"]
    annotations = {**((template.get("metadata") or {}).get("annotations") or {}), **wanted["annotations"]}
    annotations = {name: value for name, value in annotations.items() if name.startswith(PREFIX)}
    metadata = {"name": f"{wanted['service']}-probe", "namespace": live["metadata"]["namespace"], "annotations": annotations}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def edge_microgateway_beside_faults(pod: dict, declared: dict) -> list[str]:
    """What is wrong with a pod as the cluster would make it."""
    return beside.probe_faults(pod, _read(declared))


class FilterModule:
    """Names of the filters."""

    def filters(self) -> dict[str, typing.Callable]:
        """All filters by name."""
        return {
            "edge_microgateway_beside": edge_microgateway_beside,
            "edge_microgateway_beside_problems": edge_microgateway_beside_problems,
            "edge_microgateway_beside_patch": edge_microgateway_beside_patch,
            "edge_microgateway_beside_probe": edge_microgateway_beside_probe,
            "edge_microgateway_beside_faults": edge_microgateway_beside_faults,
        }
