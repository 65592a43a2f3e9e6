# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who besides one site needs the TLS that a cluster has: another site's services, and workloads that nobody declared.

Private to this collection. Works on documents as Kubernetes gives them; makes no calls.
"""

from __future__ import annotations

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration import manifests, workloads
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._kubernetes import objects
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._kubernetes.reader import labelled

from . import definitions

_LABELLED = {"Service": "v1", "Certificate": definitions.API_VERSION}
#: What makes pods. One that another of these makes is told by that one.
_WORKLOADS = {
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "ReplicaSet": "apps/v1",
    "CronJob": "batch/v1",
    "Job": "batch/v1",
    "Pod": "v1",
}
_MOST_NAMED = 5


def lists() -> dict[str, str]:
    """Where the API server has what ``users`` looks at, by kind."""
    ours = labelled({manifests.OWNER_LABEL: manifests.MANAGED_BY})
    return {
        **{kind: f"{objects.path(version, kind)}?{ours}" for kind, version in _LABELLED.items()},
        **{kind: objects.path(version, kind) for kind, version in _WORKLOADS.items()},
    }


def users(found: dict[str, dict | None], services_of_cluster: list[dict]) -> list[dict[str, str]]:
    """Objects of a cluster that need what this collection set up for TLS, and belong to no declared service.

    Args:
        found: the list of each kind of ``lists``, None for a kind that the cluster does not have.
        services_of_cluster: declared entries with ``name`` and ``namespace``, and where they have them ``workload``,
            ``workload_kind`` and ``selector``.

    Returns:
        ``kind``, ``namespace`` and ``name`` of each.
    """
    return [
        {"kind": kind, "namespace": item["metadata"].get("namespace") or "", "name": item["metadata"]["name"]}
        for kind in lists()
        for item in (found.get(kind) or {}).get("items") or []
        if (_published(item, services_of_cluster) if kind in _LABELLED else _asking(kind, item, services_of_cluster))
    ]


def _published(item: dict, services: list[dict]) -> bool:
    """Whether a Service or Certificate of this collection is of a service that is not declared."""
    metadata = item["metadata"]
    service = (metadata.get("labels") or {}).get(manifests.SERVICE_LABEL)
    return bool(service) and (metadata.get("namespace"), service) not in {
        (one.get("namespace") or "default", one["name"]) for one in services
    }


def _asking(kind: str, item: dict, services: list[dict]) -> bool:
    """Whether pods of a workload ask for a sidecar, and no declared service publishes them."""
    metadata = item["metadata"]
    made = any(one.get("controller") and one.get("kind") in _WORKLOADS for one in metadata.get("ownerReferences") or [])
    if made or metadata.get("deletionTimestamp") or _finished(item):
        return False
    workload = {"Pod": {"spec": {"template": item}}, "CronJob": (item.get("spec") or {}).get("jobTemplate") or {}}.get(
        kind, item
    )
    place = kind, metadata.get("namespace") or "", metadata["name"]
    return bool(workloads.asked(workload)) and not any(
        workloads.named(one) == place
        or (one.get("selector") and workloads.named(one)[1] == place[1] and workloads.publishes(one, workload))
        for one in services
    )


def _finished(item: dict) -> bool:
    status = item.get("status") or {}
    return status.get("phase") in ("Succeeded", "Failed") or any(
        one.get("type") in ("Complete", "Failed") and one.get("status") == "True" for one in status.get("conditions") or []
    )


def kept(cluster: str, found: list[dict[str, str]]) -> list[dict]:
    """The report's entry for what stays in a cluster because of its ``users``; nothing when there are none."""
    if not found:
        return []
    named = [f"{one['kind']} {one['namespace']}/{one['name']}" for one in found[:_MOST_NAMED]]
    more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
    return [
        {
            "kind": "TLS",
            "name": cluster,
            "action": "kept",
            "changes": [],
            "resource": {},
            "because": "injector, cert-manager and client certificate stay as long as they are asked for by what is not"
            f" declared here: {', '.join(named)}{more}",
        }
    ]
