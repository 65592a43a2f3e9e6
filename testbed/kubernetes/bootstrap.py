# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fresh cluster gets besides Kubernetes' own defaults, and when it counts as ready for use."""
from __future__ import annotations

import datetime
from typing import Any

from .client import ApiClient, ApiError
from .identities import CLIENTS
from .spec import NodeSpec

RBAC = "/apis/rbac.authorization.k8s.io/v1"


def objects(spec: NodeSpec) -> list[tuple[str, dict[str, Any]]]:
    """(collection path, object) of everything that is applied at each start."""

    def cluster_role_binding(name: str, role: str, users: list[str]) -> tuple[str, dict[str, Any]]:
        return f"{RBAC}/clusterrolebindings", {
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user} for user in users],
        }

    def granted(client: str, rules: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
        name = CLIENTS[client][0]
        role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name},
                "rules": rules}
        return [(f"{RBAC}/clusterroles", role), cluster_role_binding(name, name, [name])]

    def reader(client: str, resources: dict[str, list[str]]) -> list[tuple[str, dict[str, Any]]]:
        """A client that may list and watch, and what: API group -> resources."""
        return granted(client, [{"apiGroups": [group], "resources": each, "verbs": ["list", "watch"]}
                                for group, each in resources.items()])

    def core(resources: list[str], *verbs: str) -> dict[str, Any]:
        return {"apiGroups": [""], "resources": resources, "verbs": list(verbs)}

    wanted = granted("load-balancer", [
        core(["services"], "get", "list", "watch", "patch"), core(["services/status"], "patch"),
        core(["namespaces"], "get"), core(["events"], "create")])
    everything = ["get", "list", "watch", "create", "patch", "update"]
    wanted += granted("ingress", [
        core(["services"], "list", "watch", "patch"), core(["secrets", "namespaces"], "get"), core(["pods"], "list"),
        core(["events"], "create"),
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
        {"apiGroups": ["networking.k8s.io"], "resources": ["ingresses", "ingresses/status"], "verbs": everything},
        {"apiGroups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"], "verbs": everything},
        {"apiGroups": ["cloud.google.com", "networking.gke.io", "gateway.networking.k8s.io"], "resources": ["*"],
         "verbs": everything}])
    wanted += reader("dns", {"": ["services", "endpoints", "pods", "namespaces"],
                            "discovery.k8s.io": ["endpointslices"]})
    if spec.network_policy != "none":
        wanted += reader("network-policy", {"": ["pods", "namespaces"], "networking.k8s.io": ["networkpolicies"]})
    if spec.admin_principals:
        # On GKE the IAM role Kubernetes Engine Admin has this effect, without an object that shows it.
        wanted.append(cluster_role_binding("testbed:google-administrators", "cluster-admin",
                                           sorted(spec.admin_principals)))
    return wanted


def apply(client: ApiClient, spec: NodeSpec) -> None:
    """Apply :func:`objects`. Raises ApiError or OSError."""
    for collection, item in objects(spec):
        client.apply(f"{collection}/{item['metadata']['name']}", item)


def seconds_of(text: str | None) -> float:
    """A Kubernetes time as seconds of the epoch; 0 for none."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() if text else 0.0


def _told_before(pod: dict[str, Any], since: float) -> bool:
    """Whether the pod's status names a running container of an earlier life of the node."""
    running = (each.get("state", {}).get("running") for each in pod.get("status", {}).get("containerStatuses", []))
    return any(seconds_of(each.get("startedAt")) < since for each in running if each)


def missing(client: ApiClient, spec: NodeSpec, since: float) -> str | None:
    """What a first pod would still wait for, or None when the node is ready to run it.

    since: seconds of the epoch (whole) when this life of the node began. A resumed cluster still shows what was true
    before the stop; nobody may act on it.
    """
    try:
        node = client.get(f"/api/v1/nodes/{spec.name}")
    except ApiError as error:
        if error.status != 404:
            raise
        return "the node has not registered"
    conditions = {each["type"]: each for each in node.get("status", {}).get("conditions", [])}
    ready = conditions.get("Ready", {})
    if seconds_of(ready.get("lastHeartbeatTime")) < since:
        return "kubelet has not reported yet"
    if ready.get("status") != "True":
        return f"the node is not Ready: {ready.get('message', 'no condition yet')}"
    if any(taint["key"] == "node.kubernetes.io/not-ready" for taint in node["spec"].get("taints", [])):
        return "the node still carries the not-ready taint"
    try:
        client.get("/api/v1/namespaces/default/serviceaccounts/default")
    except ApiError as error:
        if error.status != 404:
            raise
        return "the default service account does not exist"
    pods = client.get(f"/api/v1/pods?fieldSelector=spec.nodeName={spec.name}")["items"]
    stale = [pod["metadata"]["name"] for pod in pods if _told_before(pod, since)]
    return f"pods of before the stop: {', '.join(stale)}" if stale else None
