# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings Google's objects to what the Ingresses of a cluster ask for, and tells the Ingresses what came of it.

The order is GKE's: a finalizer before anything is made, then Google's objects, then status and annotations; at the end
Google's objects go first and the finalizer last. As on GKE an Ingress is synchronised when it, a BackendConfig or a
FrontendConfig changes, but not when a Service is annotated (ingress-gce #1503); pods are followed all the time.
"""
from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from testbed.http_balancing.asked import DEFAULT_BACKEND, AskedBalancer, MadeBalancer
from testbed.kubernetes.client import ApiClient, ApiError
from testbed.kubernetes.mirror import Mirror
from testbed.kubernetes.spec import ClientFiles
from testbed.kubernetes.telling import Voice, finalize, patch, path_of
from testbed.world import WorldError

from . import backends, definitions
from .backends import Item, Seen, Untranslatable
from .objects import FINALIZER, STATUS_PREFIX, annotations_of, asked, scheme_of

#: Seconds after which a refusal is tried again, and the longest of them.
RETRY, LONGEST_RETRY = 0.5, 15.0
#: Seconds after which the health of backends is looked at again.
LOOK = 1.0
COMPONENT = "loadbalancer-controller"
PATHS = {
    "ingresses": "/apis/networking.k8s.io/v1/ingresses",
    "services": "/api/v1/services",
    "slices": "/apis/discovery.k8s.io/v1/endpointslices",
    "configs": "/apis/cloud.google.com/v1/backendconfigs",
    "frontends": "/apis/networking.gke.io/v1beta1/frontendconfigs",
}

log = logging.getLogger("testbed.ingress")


class Controller:
    """One cluster's. ``ensure``, ``remove`` and ``health`` are those of a BalancerMaker, called from a thread."""

    def __init__(self, cluster: tuple[str, str, str], files: ClientFiles,
                 ensure: Callable[[AskedBalancer], MadeBalancer], remove: Callable[[AskedBalancer], None],
                 health: Callable[[MadeBalancer, AskedBalancer], Mapping[str, str]]) -> None:
        self._cluster = cluster
        self._files = files
        self._ensure_objects, self._remove_objects, self._health = ensure, remove, health
        self._changed = threading.Event()
        self._mirrors = {name: Mirror(path, files, self._changed.set) for name, path in PATHS.items()}
        self._stopped = False
        self._cluster_uid = ""
        self._voice = Voice(COMPONENT)
        #: By the uid of an Ingress: what was done for it, by what it was prompted, and the Services' annotations then.
        self._done: dict[str, tuple[AskedBalancer, MadeBalancer]] = {}
        self._prompts: dict[str, str] = {}
        self._bindings: dict[str, dict[str, Mapping[str, str]]] = {}
        self._probes: dict[tuple[str, str, int], Mapping[str, Any] | None] = {}
        #: When and after what pause the next attempt is due.
        self._failed: dict[str, tuple[float, float, str]] = {}

    def start(self) -> None:
        threading.Thread(target=self._run, name=f"ingresses of {self._cluster[2]}", daemon=True).start()

    def stop(self) -> None:
        """Does not wait: the threads end when they notice, and do nothing more."""
        self._stopped = True
        for mirror in self._mirrors.values():
            mirror.stop()
        self._changed.set()

    def _run(self) -> None:
        client = ApiClient(self._files)
        while not self._stopped:
            try:
                definitions.install(client)
                break
            except (ApiError, OSError) as error:
                log.info("cluster %s: GKE's definitions cannot be installed yet: %s", self._cluster[2], error)
                time.sleep(RETRY)
        for mirror in self._mirrors.values():
            mirror.start()
        while not self._stopped:
            self._changed.wait(LOOK if self._done or self._failed else None)
            self._changed.clear()
            if not all(mirror.listed.is_set() for mirror in self._mirrors.values()):
                continue
            ingresses = self._mirrors["ingresses"].items()
            alive = {each["metadata"]["uid"] for each in ingresses}
            for memory in (self._failed, self._done, self._prompts, self._bindings):
                for gone in set(memory) - alive:
                    del memory[gone]
            for ingress in ingresses:
                if not self._stopped:
                    self._attend(client, ingress)

    def _attend(self, client: ApiClient, ingress: Item) -> None:
        """Whatever goes wrong is said in an event, and tried again."""
        uid = ingress["metadata"]["uid"]
        prompt = self._prompt(ingress)
        at, pause, failed_prompt = self._failed.get(uid, (0.0, RETRY, ""))
        if at > time.monotonic() and prompt == failed_prompt:
            return
        try:
            self._bring(client, ingress, prompt)
        except (WorldError, ApiError, OSError, Untranslatable) as error:
            if isinstance(error, ApiError) and error.status in (404, 409):
                # It has changed since; its watch tells more in a moment.
                pause = RETRY
            elif not self._stopped:
                translating = isinstance(error, Untranslatable)
                text = f"Translation failed: invalid ingress spec: {error}" if translating else (
                    f"Error syncing to GCP: error running load balancer syncing routine: {error}")
                log.info("Ingress %s of cluster %s: %s", ingress["metadata"]["name"], self._cluster[2], text)
                self._voice.tell(client, "Ingress", ingress, "Warning", "Translate" if translating else "Sync", text)
            self._failed[uid] = (time.monotonic() + pause, min(2 * pause, LONGEST_RETRY), prompt)
        else:
            self._failed.pop(uid, None)

    def _bring(self, client: ApiClient, ingress: Item, prompt: str) -> None:
        uid, metadata = ingress["metadata"]["uid"], ingress["metadata"]
        wants = "deletionTimestamp" not in metadata and scheme_of(ingress) is not None
        if not wants:
            if FINALIZER in (metadata.get("finalizers") or []):
                self._remove(client, ingress)
            return
        if FINALIZER not in (metadata.get("finalizers") or []):
            finalize(client, path_of("Ingress", ingress), FINALIZER, present=True)
        fresh = self._prompts.get(uid) != prompt
        wanted = asked(ingress, self._seen(client, {} if fresh else self._bindings.get(uid, {})),
                       _named(self._mirrors["frontends"].items()), lambda *name: _secret(client, *name),
                       self._cluster, self._uid(client))
        if fresh:
            self._voice.tell(client, "Ingress", ingress, "Normal", "Sync", "Scheduled for sync")
        done, made = self._done.get(uid, (None, None))
        if done != wanted or made is None:
            made = self._ensure_objects(wanted)
            self._done[uid] = (wanted, made)
        if fresh:
            self._prompts[uid] = prompt
            self._bindings[uid] = {_name(each): annotations_of(each) for each in self._mirrors["services"].items()}
        self._show(client, ingress, wanted, made)

    def _show(self, client: ApiClient, ingress: Item, wanted: AskedBalancer, made: MadeBalancer) -> None:
        path = path_of("Ingress", ingress)
        if _address(ingress) != made.address:
            patch(client, f"{path}/status", {"status": {"loadBalancer": {"ingress": [{"ip": made.address}]}}})
            self._voice.tell(client, "Ingress", ingress, "Normal", "IPChanged", f"IP is now {made.address}")
        health = self._health(made, wanted)
        told = {f"{STATUS_PREFIX}{name}": value for name, value in made.names.items()}
        told[f"{STATUS_PREFIX}backends"] = json.dumps(dict(sorted(health.items())), separators=(",", ":"))
        present = {key: value for key, value in annotations_of(ingress).items() if key.startswith(STATUS_PREFIX)}
        if present != told:
            patch(client, path, {"metadata": {"annotations": {**dict.fromkeys(present), **told}}})
        location = self._cluster[1]
        zone = location if location.count("-") == 2 else f"{location}-b"
        by_service: dict[tuple[str, str], dict[str, str]] = {}
        for (namespace, service, port), name in made.backends.items():
            by_service.setdefault((namespace, service), {})[str(port)] = name
        for service in self._mirrors["services"].items():
            groups = by_service.get((service["metadata"]["namespace"], service["metadata"]["name"]))
            if groups:
                text = json.dumps({"network_endpoint_groups": groups, "zones": [zone]}, separators=(",", ":"))
                said = {backends.NEG: annotations_of(service).get(backends.NEG, '{"ingress":true}'),
                        backends.NEG_STATUS: text}
                if any(annotations_of(service).get(key) != value for key, value in said.items()):
                    patch(client, path_of("Service", service), {"metadata": {"annotations": said}})

    def _remove(self, client: ApiClient, ingress: Item) -> None:
        metadata = ingress["metadata"]
        done, _made = self._done.pop(metadata["uid"], (None, None))
        scheme = scheme_of(ingress)
        for each in {scheme} if scheme else {"external", "internal", "regional-external"}:
            self._remove_objects(done or AskedBalancer(
                self._cluster, self._uid(client), metadata["namespace"], metadata["name"], each, (),
                DEFAULT_BACKEND))
        finalize(client, path_of("Ingress", ingress), FINALIZER, present=False)

    # -- what is seen -----------------------------------------------------------------------------------------------
    def _prompt(self, ingress: Item) -> str:
        """What an Ingress is synchronised for: what it says, and the configurations of its namespace."""
        namespace = ingress["metadata"]["namespace"]
        own = {key: value for key, value in annotations_of(ingress).items() if not key.startswith(STATUS_PREFIX)}
        configs = [(_name(each), each.get("spec")) for name in ("configs", "frontends")
                   for each in self._mirrors[name].items() if each["metadata"]["namespace"] == namespace]
        return json.dumps([own, ingress["spec"], ingress["metadata"].get("deletionTimestamp"),
                           sorted(configs, key=lambda each: each[0])], sort_keys=True)

    def _seen(self, client: ApiClient, bindings: Mapping[str, Mapping[str, str]]) -> Seen:
        services = _named(self._mirrors["services"].items())
        return Seen(
            services=services, slices=self._mirrors["slices"].items(), configs=_named(self._mirrors["configs"].items()),
            annotations_of=lambda each: bindings.get(_name(each), annotations_of(each)),
            probe_of=lambda service, port: self._probe(client, service, port))

    def _probe(self, client: ApiClient, service: Item, port: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The readiness probe that answers on a Service's port, as it was when it was first looked for."""
        key = (*_name(service).split("/"), port["port"])
        if key not in self._probes:
            self._probes[key] = _readiness_probe(client, service, port)
        return self._probes[key]

    def _uid(self, client: ApiClient) -> str:
        if not self._cluster_uid:
            self._cluster_uid = client.get("/api/v1/namespaces/kube-system")["metadata"]["uid"]
        return self._cluster_uid


def _name(item: Item) -> str:
    return f"{item['metadata']['namespace']}/{item['metadata']['name']}"


def _named(items: list[dict[str, Any]]) -> dict[tuple[str, str], Item]:
    return {(each["metadata"]["namespace"], each["metadata"]["name"]): each for each in items}


def _address(ingress: Item) -> str:
    found = ingress.get("status", {}).get("loadBalancer", {}).get("ingress") or [{}]
    return found[0].get("ip", "")


def _secret(client: ApiClient, namespace: str, name: str) -> Item | None:
    try:
        return client.get(f"/api/v1/namespaces/{namespace}/secrets/{name}")
    except ApiError as error:
        if error.status != 404:
            raise
        return None


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
