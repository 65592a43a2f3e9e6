# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings Google's objects to what the Services of a cluster ask for, and tells the Services what came of it.

The order is GKE's: a finalizer before anything is made, then Google's objects, then the status and the annotations; at
the end Google's objects go first and the finalizer last, so that nothing is left that nobody knows of.
"""
from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from testbed.kubernetes.client import ApiClient, ApiError
from testbed.kubernetes.mirror import Mirror
from testbed.kubernetes.spec import ClientFiles
from testbed.kubernetes.telling import Voice, finalize, patch, path_of
from testbed.world import BalancedAddress, BalancedService, WorldError

from .services import (
    FINALIZER,
    Service,
    address_of,
    annotations_after,
    asked,
    has_one,
    wants_one,
)

#: Seconds after which a refusal is tried again, and the longest of them.
RETRY, LONGEST_RETRY = 0.5, 30.0
#: Who speaks in the events.
COMPONENT = "loadbalancer-controller"

log = logging.getLogger("testbed.load_balancer")


class Controller:
    """One cluster's. ``balance`` and ``unbalance`` make and remove Google's objects, ``classes`` says whether the
    cluster looks at ``spec.loadBalancerClass``; all are called from a thread."""

    def __init__(self, cluster: tuple[str, str, str], files: ClientFiles, classes: Callable[[], bool],
                 balance: Callable[[BalancedService], BalancedAddress],
                 unbalance: Callable[[BalancedService], None]) -> None:
        self._cluster = cluster
        self._classes = classes
        self._files = files
        self._balance = balance
        self._unbalance = unbalance
        self._changed = threading.Event()
        self._services = Mirror("/api/v1/services", files, self._changed.set)
        self._stopped = False
        self._cluster_uid = ""
        #: By the uid of a Service: what was done for it.
        self._done: dict[str, tuple[BalancedService, BalancedAddress]] = {}
        #: When and after what pause the next attempt is due, if the Service is still of that version.
        self._failed: dict[str, tuple[float, float, str]] = {}
        self._voice = Voice(COMPONENT)

    def start(self) -> None:
        self._services.start()
        threading.Thread(target=self._run, name=f"load balancers of {self._cluster[2]}", daemon=True).start()

    def stop(self) -> None:
        """Does not wait: the threads end when they notice, and do nothing more."""
        self._stopped = True
        self._services.stop()
        self._changed.set()

    def _run(self) -> None:
        client = ApiClient(self._files)
        while not self._stopped:
            due = min((at for at, _pause, _version in self._failed.values()), default=None)
            self._changed.wait(max(due - time.monotonic(), 0.0) if due is not None else None)
            self._changed.clear()
            services = self._services.items()
            for gone in set(self._failed) - {each["metadata"]["uid"] for each in services}:
                del self._failed[gone]
            for service in services:
                if self._stopped:
                    return
                self._attend(client, service)

    def _attend(self, client: ApiClient, service: Service) -> None:
        """Whatever goes wrong is said in an event, and tried again."""
        uid, version = service["metadata"]["uid"], service["metadata"]["resourceVersion"]
        at, pause, failed_version = self._failed.get(uid, (0.0, RETRY, ""))
        if at > time.monotonic() and version == failed_version:
            return
        try:
            self._bring(client, service)
        except (WorldError, ApiError, OSError) as error:
            if isinstance(error, ApiError) and error.status in (404, 409):
                # The Service has changed since; its watch tells more in a moment.
                pause = RETRY
            elif not self._stopped:
                log.info("Service %s of cluster %s: %s", service["metadata"]["name"], self._cluster[2], error)
                self._tell(client, service, "Warning", "SyncLoadBalancerFailed",
                           f"Error syncing load balancer: {error}")
            self._failed[uid] = (time.monotonic() + pause, min(2 * pause, LONGEST_RETRY), version)
        else:
            self._failed.pop(uid, None)

    def _bring(self, client: ApiClient, service: Service) -> None:
        uid, going = service["metadata"]["uid"], "deletionTimestamp" in service["metadata"]
        wants = not going and wants_one(service, classes=self._classes())
        if has_one(service) and not wants:
            self._remove(client, service)
        elif wants:
            wanted = asked(service, self._cluster, self._uid(client))
            done, outcome = self._done.get(uid, (None, None))
            if done != wanted or outcome is None or not self._shows(service, outcome):
                self._ensure(client, service, wanted)

    def _ensure(self, client: ApiClient, service: Service, wanted: BalancedService) -> None:
        finalize(client, path_of("Service", service), FINALIZER, present=True)
        made = self._balance(wanted)
        self._done[service["metadata"]["uid"]] = (wanted, made)
        path = path_of("Service", service)
        if address_of(service) != made.address:
            patch(client, f"{path}/status", {"status": {"loadBalancer": {"ingress": [{"ip": made.address}]}}})
        if changes := annotations_after(service, made.annotations):
            patch(client, path, {"metadata": {"annotations": changes}})
        self._tell(client, service, "Normal", "SyncLoadBalancerSuccessful",
                   "Successfully ensured load balancer resources")

    def _remove(self, client: ApiClient, service: Service) -> None:
        path, name = path_of("Service", service), f"{service['metadata']['namespace']}/{service['metadata']['name']}"
        self._tell(client, service, "Normal", "DeletingLoadBalancer", f"Deleting load balancer for {name}")
        self._unbalance(asked(service, self._cluster, self._uid(client)))
        self._done.pop(service["metadata"]["uid"], None)
        if address_of(service):
            patch(client, f"{path}/status", {"status": {"loadBalancer": {"ingress": None}}})
        if changes := annotations_after(service, {}):
            patch(client, path, {"metadata": {"annotations": changes}})
        self._tell(client, service, "Normal", "DeletedLoadBalancer", "Deleted load balancer")
        finalize(client, path_of("Service", service), FINALIZER, present=False)

    # -- the API server -------------------------------------------------------------------------------------------
    def _uid(self, client: ApiClient) -> str:
        if not self._cluster_uid:
            self._cluster_uid = client.get("/api/v1/namespaces/kube-system")["metadata"]["uid"]
        return self._cluster_uid

    @staticmethod
    def _shows(service: Service, made: BalancedAddress) -> bool:
        return address_of(service) == made.address and not annotations_after(service, made.annotations)

    def _tell(self, client: ApiClient, service: Service, kind: str, reason: str, message: str) -> None:
        self._voice.tell(client, "Service", service, kind, reason, message)
