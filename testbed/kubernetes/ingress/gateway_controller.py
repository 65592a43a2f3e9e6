# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gateways of a cluster, and what they, their routes and their policies are told."""
from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping
from typing import Any

from testbed.http_balancing.asked import INTERNAL, AskedBalancer, MadeBalancer
from testbed.kubernetes.client import ApiClient
from testbed.kubernetes.telling import patch, path_of

from .backends import Item
from .controller import tell_services
from .gateway_definitions import OF_GATEWAYS
from .gateways import CONTROLLER, FINALIZER, Seen, asked, policy_of, routes_of, scheme_of
from .loop import Loop, by_name, region_of, secret

GKE, STANDARD = "/apis/networking.gke.io/v1", "/apis/gateway.networking.k8s.io/v1"
#: What GKE says that it has made: the end of the annotation -> the names that MadeBalancer has for it.
_SHOWN = {"forwarding-rules": ("forwarding-rule", "https-forwarding-rule"),
          "target-http-proxies": ("target-proxy",), "target-https-proxies": ("https-target-proxy",),
          "url-maps": ("url-map", "redirect-url-map"), "ssl-certificates": ("ssl-cert",)}


class GatewayController(Loop):
    """One cluster's."""

    kind, finalizer, component = "Gateway", FINALIZER, "sc-gateway-controller"
    definitions = OF_GATEWAYS
    reasons = ("SYNC", "SYNC")
    paths = {
        "items": f"{STANDARD}/gateways",
        "routes": f"{STANDARD}/httproutes",
        "services": "/api/v1/services",
        "slices": "/apis/discovery.k8s.io/v1/endpointslices",
        "policies": f"{GKE}/gcpbackendpolicies",
        "checks": f"{GKE}/healthcheckpolicies",
        "gateway_policies": f"{GKE}/gcpgatewaypolicies",
    }

    _of_moment = Seen({}, (), (), (), ())

    def wants(self, item: Item) -> bool:
        return scheme_of(item) is not None

    def prompt(self, item: Item) -> str:
        """Everything is followed all the time; this decides what is said of it."""
        return json.dumps([item["spec"], item["metadata"].get("deletionTimestamp"), *(
            each["spec"] for each in routes_of(item, self.seen("routes")))], sort_keys=True)

    def asked(self, client: ApiClient, item: Item, *, fresh: bool) -> AskedBalancer:
        # What is told afterwards is of this very moment: a policy that has come since is not attached yet.
        seen = self._of_moment = Seen(
            services=by_name(self.seen("services")), slices=self.seen("slices"), routes=self.seen("routes"),
            policies=self.seen("policies"), checks=self.seen("checks"), gateway_policies=self.seen("gateway_policies"))
        return asked(item, seen, lambda *name: secret(client, *name), self.cluster, self.uid(client))

    def show(self, client: ApiClient, item: Item, wanted: AskedBalancer, made: MadeBalancer,
             health: Mapping[str, str]) -> None:
        seen = self._of_moment
        routes = routes_of(item, seen.routes)
        self._tell(client, item, "True", "Programmed", "", address=made.address, routes=len(routes))
        place = f"/projects/{self.cluster[0]}/global"
        if wanted.scheme == INTERNAL:
            place = f"/projects/{self.cluster[0]}/regions/{region_of(self.cluster[1])}"
        told = {}
        for end, names in _SHOWN.items():
            found = [name for each in names for name in made.names.get(each, "").split(",") if name]
            collection = {"forwarding-rules": "forwardingRules", "target-http-proxies": "targetHttpProxies",
                          "target-https-proxies": "targetHttpsProxies", "url-maps": "urlMaps",
                          "ssl-certificates": "sslCertificates"}[end]
            if found:
                told[f"networking.gke.io/{end}"] = ", ".join(f"{place}/{collection}/{name}" for name in found)
        for end, collection in (("backend-services", "backendServices"), ("health-checks", "healthChecks")):
            told[f"networking.gke.io/{end}"] = ", ".join(
                f"{place}/{collection}/{name}" for name in sorted(made.backends.values()))
        present = item["metadata"].get("annotations") or {}
        if any(present.get(key) != value for key, value in told.items()):
            patch(client, path_of("Gateway", item), {"metadata": {"annotations": told}})
        for route in routes:
            self._tell_route(client, route)
        self._tell_policies(client, "GCPBackendPolicy", seen.policies, made)
        self._tell_policies(client, "HealthCheckPolicy", seen.checks, made)
        own = policy_of(seen.gateway_policies, item["metadata"]["namespace"], item["metadata"]["name"], "Gateway")
        if own is not None:
            _tell_attached(client, "GCPGatewayPolicy", own, ("Attached", "True", "Attached", ""))
        tell_services(client, self.seen("services"), made, self.cluster[1])

    def refused(self, client: ApiClient, item: Item, text: str) -> None:
        self._tell(client, item, "False", "Invalid", text)

    # -- statuses -----------------------------------------------------------------------------------------------------
    def _tell(self, client: ApiClient, gateway: Item, status: str, reason: str, text: str, address: str = "",
              routes: int = 0) -> None:
        before = gateway.get("status") or {}
        accepted = ("Accepted", "True", "Accepted", "")
        own = [accepted, ("Programmed", status, reason, text)]
        generation = gateway["metadata"]["generation"]
        listeners = []
        for each in gateway["spec"]["listeners"]:
            known = next((one for one in before.get("listeners") or [] if one["name"] == each["name"]), {})
            listeners.append({
                "name": each["name"], "attachedRoutes": routes,
                "supportedKinds": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute"}],
                "conditions": _conditions(known.get("conditions"), [*own, ("ResolvedRefs", "True", "ResolvedRefs", "")],
                                          generation)})
        addresses = [{"type": "IPAddress", "value": address}] if address else before.get("addresses") or []
        now = {"addresses": addresses, "conditions": _conditions(before.get("conditions"), own, generation),
               "listeners": listeners}
        if {key: before.get(key) for key in now} != now:
            patch(client, f"{path_of('Gateway', gateway)}/status", {"status": now})

    def _tell_route(self, client: ApiClient, route: Item) -> None:
        parents = (route.get("status") or {}).get("parents") or []
        told = []
        for reference in route["spec"].get("parentRefs") or []:
            known = next((each for each in parents if each["parentRef"] == reference), {})
            told.append({
                "parentRef": reference, "controllerName": CONTROLLER,
                "conditions": _conditions(known.get("conditions"), [
                    ("Accepted", "True", "Accepted", ""), ("ResolvedRefs", "True", "ResolvedRefs", ""),
                    ("Reconciled", "True", "ReconciliationSucceeded", "")], route["metadata"]["generation"])})
        if told != parents:
            patch(client, f"{path_of('HTTPRoute', route)}/status", {"status": {"parents": told}})

    @staticmethod
    def _tell_policies(client: ApiClient, kind: str, policies: Iterable[Item], made: MadeBalancer) -> None:
        services = {(namespace, service) for namespace, service, _port in made.backends}
        for policy in policies:
            metadata, target = policy["metadata"], policy["spec"]["targetRef"]["name"]
            if (metadata["namespace"], target) not in services:
                continue
            decides = policy_of(policies, metadata["namespace"], target)
            attached = decides is not None and decides["metadata"]["name"] == metadata["name"]
            condition = ("Attached", "True", "Attached", "") if attached else (
                "Attached", "False", "Conflicted", f"an older {kind} has Service {target}")
            _tell_attached(client, kind, policy, condition)


def _tell_attached(client: ApiClient, kind: str, policy: Item, condition: tuple[str, str, str, str]) -> None:
    before = (policy.get("status") or {}).get("conditions")
    conditions = _conditions(before, [condition], policy["metadata"]["generation"])
    if conditions != before:
        patch(client, f"{path_of(kind, policy)}/status", {"status": {"conditions": conditions}})


def _conditions(before: list[dict[str, Any]] | None, wanted: list[tuple[str, str, str, str]], generation: int
                ) -> list[dict[str, Any]]:
    """Conditions as (type, status, reason, message), with the time of the last change of each."""
    moment = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    found = []
    for type_, status, reason, message in wanted:
        known = next((each for each in before or [] if each["type"] == type_), {})
        since = known["lastTransitionTime"] if known.get("status") == status else moment
        found.append({"type": type_, "status": status, "reason": reason, "message": message,
                      "observedGeneration": generation, "lastTransitionTime": since})
    return found
