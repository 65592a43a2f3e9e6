# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ingresses of a cluster, and what they are told: an address, the names of what was made, and the health of it.

As on GKE an Ingress is synchronised when it, a BackendConfig or a FrontendConfig changes, but not when a Service is
annotated (ingress-gce #1503); pods are followed all the time.
"""
from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from testbed.http_balancing.asked import AskedBalancer, MadeBalancer
from testbed.kubernetes.client import ApiClient
from testbed.kubernetes.spec import ClientFiles
from testbed.kubernetes.telling import patch, path_of

from . import backends, definitions
from .backends import Item, Seen
from .loop import Loop, Maker, by_name, name_of, secret
from .objects import (
    FINALIZER,
    PRE_SHARED,
    STATUS_PREFIX,
    annotations_of,
    asked,
    certificate_name,
    managed_of,
    names_in,
    scheme_of,
)


class Controller(Loop):
    """One cluster's."""

    kind, finalizer, component = "Ingress", FINALIZER, "loadbalancer-controller"
    definitions = definitions.OF_INGRESSES
    paths = {
        "items": "/apis/networking.k8s.io/v1/ingresses",
        "services": "/api/v1/services",
        "slices": "/apis/discovery.k8s.io/v1/endpointslices",
        "configs": "/apis/cloud.google.com/v1/backendconfigs",
        "frontends": "/apis/networking.gke.io/v1beta1/frontendconfigs",
        "managed": "/apis/networking.gke.io/v1/managedcertificates",
    }

    def __init__(self, cluster: tuple[str, str, str], files: ClientFiles, maker: Maker) -> None:
        super().__init__(cluster, files, maker)
        #: By the uid of an Ingress the annotations of Services when it was synchronised.
        self._bindings: dict[str, dict[str, Mapping[str, str]]] = {}
        self._probes: dict[tuple[str, int], Mapping[str, Any] | None] = {}

    def wants(self, item: Item) -> bool:
        return scheme_of(item) is not None

    def prompt(self, item: Item) -> str:
        """What it says itself, and the configurations of its namespace."""
        namespace = item["metadata"]["namespace"]
        own = {key: value for key, value in annotations_of(item).items() if not key.startswith(STATUS_PREFIX)}
        configs = [(name_of(each), each.get("spec")) for name in ("configs", "frontends", "managed")
                   for each in self.seen(name) if each["metadata"]["namespace"] == namespace]
        return json.dumps([own, item["spec"], item["metadata"].get("deletionTimestamp"),
                           sorted(configs, key=lambda each: each[0])], sort_keys=True)

    def asked(self, client: ApiClient, item: Item, *, fresh: bool) -> AskedBalancer:
        bindings = {} if fresh else self._bindings.get(item["metadata"]["uid"], {})
        seen = Seen(
            services=by_name(self.seen("services")), slices=self.seen("slices"), configs=by_name(self.seen("configs")),
            annotations_of=lambda each: bindings.get(name_of(each), annotations_of(each)),
            probe_of=lambda service, port: self._probe(client, service, port))
        return asked(item, seen, by_name(self.seen("frontends")), lambda *name: secret(client, *name),
                     self.cluster, self.uid(client), by_name(self.seen("managed")))

    def synchronised(self, item: Item) -> None:
        self._bindings[item["metadata"]["uid"]] = {name_of(each): annotations_of(each)
                                                   for each in self.seen("services")}

    def show(self, client: ApiClient, item: Item, wanted: AskedBalancer, made: MadeBalancer,
             health: Mapping[str, str]) -> None:
        path = path_of("Ingress", item)
        shown = item.get("status", {}).get("loadBalancer", {}).get("ingress") or [{}]
        if shown[0].get("ip") != made.address:
            patch(client, f"{path}/status", {"status": {"loadBalancer": {"ingress": [{"ip": made.address}]}}})
            self.voice.tell(client, "Ingress", item, "Normal", "IPChanged", f"IP is now {made.address}")
        self._tell_managed(client, item)
        told = {f"{STATUS_PREFIX}{name}": value for name, value in made.names.items()}
        told[f"{STATUS_PREFIX}backends"] = json.dumps(dict(sorted(health.items())), separators=(",", ":"))
        present = {key: value for key, value in annotations_of(item).items() if key.startswith(STATUS_PREFIX)}
        if present != told:
            patch(client, path, {"metadata": {"annotations": {**dict.fromkeys(present), **told}}})
        tell_services(client, self.seen("services"), made, self.cluster[1])

    def _tell_managed(self, client: ApiClient, item: Item) -> None:
        """What gke-managed-certs says: names on the Ingress, states on the ManagedCertificates."""
        found = managed_of(item, by_name(self.seen("managed")))
        if not found:
            return
        named = names_in(annotations_of(item).get(PRE_SHARED, ""))
        managed = [certificate_name(each) for each in found]
        wanted = ",".join([*(each for each in named if not each.startswith("mcrt-")), *managed])
        if wanted != ",".join(named):
            patch(client, path_of("Ingress", item), {"metadata": {"annotations": {PRE_SHARED: wanted}}})
        for each, name in zip(found, managed, strict=True):
            states = [{"domain": domain, "status": "Active"} for domain in each["spec"]["domains"]]
            status = {"certificateName": name, "certificateStatus": "Active", "domainStatus": states}
            if each.get("status") != status:
                patch(client, f"{path_of('ManagedCertificate', each)}/status", {"status": status})

    def _probe(self, client: ApiClient, service: Item, port: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The readiness probe that answers on a Service's port, as it was when it was first looked for."""
        key = (name_of(service), port["port"])
        if key not in self._probes:
            self._probes[key] = _readiness_probe(client, service, port)
        return self._probes[key]


def tell_services(client: ApiClient, services: list[dict[str, Any]], made: MadeBalancer, location: str) -> None:
    """Write into Services which groups they have. Raises ApiError or OSError."""
    zone = location if location.count("-") == 2 else f"{location}-b"
    groups: dict[tuple[str, str], dict[str, str]] = {}
    for (namespace, service, port), name in made.backends.items():
        groups.setdefault((namespace, service), {})[str(port)] = name
    for service in services:
        own = groups.get((service["metadata"]["namespace"], service["metadata"]["name"]))
        if own:
            text = json.dumps({"network_endpoint_groups": own, "zones": [zone]}, separators=(",", ":"))
            said = {backends.NEG: annotations_of(service).get(backends.NEG, '{"ingress":true}'),
                    backends.NEG_STATUS: text}
            if any(annotations_of(service).get(key) != value for key, value in said.items()):
                patch(client, path_of("Service", service), {"metadata": {"annotations": said}})


def _readiness_probe(client: ApiClient, service: Item, port: Mapping[str, Any]) -> Mapping[str, Any] | None:
    selector = service["spec"].get("selector")
    if not selector:
        return None
    labels = ",".join(f"{key}%3D{value}" for key, value in sorted(selector.items()))
    pods = client.get(f"/api/v1/namespaces/{service['metadata']['namespace']}/pods?labelSelector={labels}")["items"]
    target = port.get("targetPort", port["port"])
    for container in (each for pod in pods for each in pod["spec"]["containers"]):
        ports = container.get("ports") or []
        number = next((each["containerPort"] for each in ports if each.get("name") == target), target)
        get = (container.get("readinessProbe") or {}).get("httpGet") or {}
        asked_port = next((each["containerPort"] for each in ports if each.get("name") == get.get("port")),
                          get.get("port"))
        if get and asked_port == number and any(each["containerPort"] == number for each in ports):
            return container["readinessProbe"]
    return None
