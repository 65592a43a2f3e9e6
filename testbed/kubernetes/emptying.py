# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Empties a cluster, so that its node can stand in for the node of a new one: a second instead of a boot.

Gone is everything that was made after the node was ready: whole namespaces, and single objects in the namespaces of
Kubernetes itself and outside of any. What stays differs from a new node's in what no user writes: events, leases,
resource versions, and images that were pulled.
"""
from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from .bootstrap import seconds_of
from .client import ApiClient, ApiError

#: Namespaces that every cluster has; they are emptied object by object.
KEPT = frozenset({"default", "kube-system", "kube-public", "kube-node-lease"})
#: What Kubernetes' own parts write all the time, and what goes with the object that it belongs to.
OWN = frozenset({"events", "leases", "nodes", "csinodes", "namespaces", "apiservices"})
#: Made anew by a controller wherever it is missing.
REMADE = frozenset({"configmaps/kube-root-ca.crt", "serviceaccounts/default"})
PATIENCE = 30.0
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


class NotEmpty(Exception):
    """Something is still there; the message names it."""


def empty(client: ApiClient, since: float) -> None:
    """Remove all that was made after ``since`` (seconds of the epoch).

    Raises NotEmpty when something does not go in time, ApiError or OSError when the API server does not answer so.
    """
    namespaced, global_ = _kinds(client)
    doomed = [name for name in _names(client, "/api/v1/namespaces") if name not in KEPT]
    # Webhooks would be asked about what goes, by pods that go.
    global_.sort(key=lambda place: "webhook" not in place)
    going = [place for place in global_ if _remove_all(client, place, since)]
    for name in doomed:
        # From here on nothing is made in it, so what is removed below does not come back.
        client.request("DELETE", f"/api/v1/namespaces/{name}", {"propagationPolicy": "Background"})
    for name in sorted(KEPT):
        for root, plural in namespaced:
            _remove_all(client, f"{root}/namespaces/{name}/{plural}", since)
    deadline = time.monotonic() + PATIENCE
    for name in doomed:
        _empty_namespace(client, name, namespaced, deadline)
        # Its controller would look again only after five seconds; it is empty now.
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}, "spec": {"finalizers": []}}
        _sent(client, "PUT", f"/api/v1/namespaces/{name}/finalize", body)
    _until_gone(lambda: [place for place in going if _younger(client, place, since)], deadline)


def _empty_namespace(client: ApiClient, name: str, namespaced: list[tuple[str, str]], deadline: float) -> None:
    places = [f"{root}/namespaces/{name}/{plural}" for root, plural in namespaced]

    def left() -> list[str]:
        for place in places:
            _sent(client, "DELETE", place, {"propagationPolicy": "Background", "gracePeriodSeconds": 0})
        places[:] = [place for place in places if _names(client, place)]
        return places

    _until_gone(left, deadline)


def _until_gone(left: Callable[[], list[str]], deadline: float) -> None:
    while there := left():
        if time.monotonic() > deadline:
            raise NotEmpty(", ".join(there))
        time.sleep(0.05)


def _kinds(client: ApiClient) -> tuple[list[tuple[str, str]], list[str]]:
    """(root, plural) of what lives in namespaces, and the collections of what does not: all that can be removed."""
    namespaced, global_ = [], []
    for group, version, resource in _resources(client):
        plural, verbs = resource["resource"], resource.get("verbs", [])
        if plural in OWN or not {"list", "delete", "deletecollection"} <= set(verbs):
            continue
        root = f"/apis/{group}/{version}" if group else f"/api/{version}"
        if resource["scope"] == "Namespaced":
            namespaced.append((root, plural))
        else:
            global_.append(f"{root}/{plural}")
    return namespaced, global_


def _resources(client: ApiClient) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(group, preferred version, resource) of everything that the API server has."""
    for path in ("/api", "/apis"):
        for group in client.request("GET", path, accept=AGGREGATED)["items"]:
            for version in group["versions"][:1]:
                for resource in version.get("resources", []):
                    yield group["metadata"].get("name", ""), version["version"], resource


def _list(client: ApiClient, place: str) -> list[dict[str, Any]]:
    """Metadata of what is there; nothing where the kind is gone with its definition."""
    return [item["metadata"] for item in (_sent(client, "GET", place) or {"items": []})["items"]]


def _names(client: ApiClient, place: str) -> list[str]:
    return [metadata["name"] for metadata in _list(client, place)]


def _younger(client: ApiClient, place: str, since: float) -> list[str]:
    return [metadata["name"] for metadata in _list(client, place)
            if seconds_of(metadata.get("creationTimestamp")) > since]


def _remove_all(client: ApiClient, place: str, since: float) -> bool:
    """Remove what is younger than ``since``; whether there was something."""
    plural = place.rpartition("/")[2]
    doomed = [name for name in _younger(client, place, since) if f"{plural}/{name}" not in REMADE]
    for name in doomed:
        _sent(client, "DELETE", f"{place}/{name}", {"propagationPolicy": "Background", "gracePeriodSeconds": 0})
    return bool(doomed)


def _sent(client: ApiClient, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """The answer; None where there is no such thing (any more)."""
    try:
        return client.request(method, path, body)
    except ApiError as error:
        if error.status != 404:
            raise
        return None
