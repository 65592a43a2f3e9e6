# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NetworkPolicies of published services: who may call which port of their pods.

Private to this collection.
"""

from __future__ import annotations

from . import manifests


def definitions(services_of_cluster: list[dict], workloads: list[dict] | None = None) -> list[dict]:
    """A policy for each service that asks for one, which selects the very pods that its name gives.

    What a policy does not name is closed, the plain port behind a TLS sidecar above all. Probes need no rule: a pod's
    own node always reaches it.

    Args:
        services_of_cluster: entries as for ``manifests.services``; ``network_policy`` has ``sources`` (ranges that may
            call ``port``) and ``allow`` (further rules, as Kubernetes writes them).
        workloads: as for ``manifests.services``.
    """
    wanted = [service for service in services_of_cluster if service.get("network_policy")]
    return [_policy(service) for service in manifests.selecting(wanted, workloads)]


def withdrawn(services_of_cluster: list[dict]) -> list[dict]:
    """What names the policies of services that want none any more, which say so by an empty ``network_policy``."""
    return [identity(service) for service in services_of_cluster if service.get("network_policy") == {}]


def identity(service: dict) -> dict:
    """What names the policy of a service, and marks it as ours."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {
            "name": service["name"],
            "namespace": service["namespace"],
            "labels": manifests.labels(service),
        },
    }


def _policy(service: dict) -> dict:
    policy = service["network_policy"]
    published = {
        "from": [{"ipBlock": {"cidr": source}} for source in policy.get("sources") or []],
        "ports": [{"port": manifests.dialled_port(service), "protocol": "TCP"}],
    }
    return {
        **identity(service),
        "spec": {
            "podSelector": {"matchLabels": manifests.selector(service)},
            "policyTypes": ["Ingress"],
            # A rule that names nobody would admit everybody.
            "ingress": [*([published] if published["from"] else []), *(policy.get("allow") or [])],
        },
    }
