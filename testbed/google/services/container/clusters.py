# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters: creating one starts a Kubernetes node in the world."""

from __future__ import annotations

import asyncio
import base64
import logging
import re
from typing import Any

from testbed.google.errors import GoogleError
from testbed.google.gate import service_enabled
from testbed.google.http_balancers import drop_http_balancers
from testbed.google.load_balancers import drop_load_balancers
from testbed.google.operations import Run
from testbed.google.rules import Forbidden, Pattern, Required, Said
from testbed.google.service import Call, handles, on_failure, work
from testbed.google.services.container import defaults, dns_rules, ranges
from testbed.google.services.container.common import (
    ContainerService,
    clusters,
    etag,
    node_tag,
    picture,
    public,
    token,
)
from testbed.google.services.container.firewall import close_firewall, open_firewall
from testbed.google.services.dns.managed import drop_zone, ensure_zone

log = logging.getLogger("testbed.google.container")
# A busy machine may make one start fail.
_RESTARTS = 3
_POLICY = "GKE documentation, network policy; terraform-google-kubernetes-engine #1085"
_SEEN = "google-apis.md 4.5"
_DNS = "gke-dns-path.md 1"
_DEPRECATED = [
    Forbidden(name, why="is deprecated and may not be set: the path names it", source=_SEEN)
    for name in ("projectId", "zone", "clusterId")
]


class Clusters(ContainerService):
    """projects.locations.clusters, but for updates (see cluster_update.py)."""

    @handles(
        "container.projects.locations.clusters.create",
        rules=[
            *_DEPRECATED,
            Required("cluster.name", source="container.v1, field text"),
            Pattern("cluster.name", r"[a-z](?:[-a-z0-9]{0,38}[a-z0-9])?", source="container.v1, field text"),
            Said("autopilot xor nodePools, nodePools xor initialNodeCount", source=_SEEN),
            Said("network and subnetwork exist, secondary ranges exist or are made", source=_SEEN),
            Said("dnsConfig: VPC scope not on Autopilot, domain unique in the VPC and not .local", source=_DNS),
            Said("NetworkPolicies have an effect with Dataplane V2 or the add-on only", source=_POLICY),
            Said("networkPolicy needs its add-on and excludes Dataplane V2", source=_POLICY),
        ],
    )
    def create(self, call: Call) -> dict[str, Any]:
        asked, location = call.body["cluster"], self.location(call)
        path = f"{location}/clusters/{asked['name']}"
        if call.store.exists(f"container/{path}"):
            raise GoogleError(409, f"Already exists: {path}.")
        project = call.project()
        autopilot = bool(asked.get("autopilot", {}).get("enabled"))
        pools = _check_pools(asked, autopilot=autopilot)
        _check_fields(asked, project["projectId"])
        _check_network_policy(asked, autopilot=autopilot)
        network, subnet_key = _network(call, asked, location)
        digest = token([project["number"], path])
        document = defaults.cluster(asked, location.rsplit("/", 1)[-1], project["number"], autopilot=autopilot)
        subnet = call.store.get(subnet_key) or {}
        policy = asked.get("ipAllocationPolicy", {})
        if policy.get("useRoutes"):
            raise GoogleError(501, "Routes-based clusters are not emulated by this testbed.")
        document |= {
            "_path": path,
            "_project": project["projectId"],
            "_hash": digest,
            "_number": _free_number(call),
            "_node_range": subnet["ipCidrRange"],
            "id": (token(path) * 8)[:64],
            "network": network.rsplit("/", 1)[-1],
            "subnetwork": subnet_key.rsplit("/", 1)[-1],
            "ipAllocationPolicy": ranges.assign(call, policy, subnet_key, asked["name"], digest, autopilot=autopilot),
        }
        document["networkConfig"] |= {"network": network, "subnetwork": subnet_key.removeprefix("compute/")}
        dns_rules.check_new(
            call, document["networkConfig"].get("dnsConfig", {}), autopilot=autopilot, network=network, own=path
        )
        _needs_dns_api(call, document["networkConfig"].get("dnsConfig", {}), project["number"])
        document["_made"] = document["ipAllocationPolicy"].pop("_made")
        if autopilot:
            document["workloadIdentityConfig"] = {"workloadPool": f"{project['projectId']}.svc.id.goog"}
        document["clusterIpv4Cidr"] = document["ipAllocationPolicy"]["clusterIpv4Cidr"]
        document["servicesIpv4Cidr"] = document["ipAllocationPolicy"]["servicesIpv4Cidr"]
        document["nodePools"] = [defaults.node_pool(pool, document, node_tag(document)) for pool in pools]
        document["currentNodeCount"] = _nodes(document)
        operation = self.operate(
            call, path, "CREATE_CLUSTER", "container.create", duration="container.cluster", real=True
        )
        call.store.put(f"container/{path}", document)
        return operation

    @handles("container.projects.locations.clusters.get")
    def get(self, call: Call) -> dict[str, Any]:
        return shown(self.cluster(call))

    @handles("container.projects.locations.clusters.list")
    def list(self, call: Call) -> dict[str, Any]:
        location = self.location(call)
        prefix = location if not location.endswith("/-") else location[:-1]
        found = clusters(call.store, call.project()["projectId"])
        return {"clusters": [shown(c) for c in found if c["_path"].startswith(prefix)]}

    @handles("container.projects.locations.clusters.delete")
    def delete(self, call: Call) -> dict[str, Any]:
        document = self.cluster(call)
        operation = self.operate(
            call,
            document["_path"],
            "DELETE_CLUSTER",
            "container.delete",
            duration="container.cluster_delete",
            real=True,
        )
        call.store.put(f"container/{document['_path']}", {**document, "status": "STOPPING"})
        return operation

    # -- work -------------------------------------------------------------------------------------------------------

    @work("container.create")
    async def created(self, run: Run) -> None:
        key = f"container/{run.arguments['path']}"
        document = self.emulator.store.snapshot().get(key)
        if document is None:
            raise GoogleError(404, f"Not found: {run.arguments['path']}.")
        await self.emulator.apply_network()
        access = await run.world.start_cluster(picture(document))
        async with run.transaction() as tx:
            document = tx.get(key) or document
            document |= {"status": "RUNNING", **_access(document, access)}
            document["etag"] = etag(document)
            tx.put(key, document)
            open_firewall(tx, document)
            ensure_zone(tx, document)
        await self.emulator.apply_network()

    @on_failure("container.create")
    async def failed(self, run: Run, error: dict[str, Any]) -> None:
        """A cluster that could not be made stays in ERROR for a while and is then deleted by GKE."""
        key = f"container/{run.arguments['path']}"
        async with run.transaction() as tx:
            document = tx.get(key)
            if document is None:
                return
            condition = {"code": "UNKNOWN", "canonicalCode": "INTERNAL", "message": error["message"]}
            tx.put(key, {**document, "status": "ERROR", "statusMessage": error["message"], "conditions": [condition]})
            run.emulator.operations.later(
                run, tx=tx, duration="container.autodelete", work="container.delete", arguments=run.arguments, real=True
            )

    @work("container.delete")
    async def deleted(self, run: Run) -> None:
        key = f"container/{run.arguments['path']}"
        document = self.emulator.store.snapshot().get(key)
        if document is None:
            return
        await run.world.stop_cluster(document["_project"], document["location"], document["name"])
        async with run.transaction() as tx:
            tx.delete(key)
            close_firewall(tx, document)
            drop_load_balancers(tx, document)
            drop_http_balancers(tx, document)
            drop_zone(tx, document)
            ranges.release(tx, f"compute/{document['networkConfig']['subnetwork']}", document["_made"])
        await self.emulator.apply_network()

    async def restore(self) -> None:
        """Start the clusters of the stored state again after a restart; answers do not wait for them."""
        for document in clusters(self.emulator.store.snapshot()):
            if document["status"] in ("RUNNING", "RECONCILING") or document.get("_stranded"):
                task = asyncio.create_task(self._restart(document))
                self.emulator.background.add(task)
                task.add_done_callback(self.emulator.background.discard)

    async def _restart(self, document: dict[str, Any]) -> None:
        """Resume one cluster; one that cannot be resumed now stays, for the next restart to try."""
        key = f"container/{document['_path']}"
        for attempt in range(1, _RESTARTS + 1):
            try:
                access = await self.emulator.world.start_cluster(picture(document))
            except Exception as exc:
                log.exception("Cluster %s could not be started again (%d of %d)", document["name"], attempt, _RESTARTS)
                change = {"status": "ERROR", "statusMessage": str(exc), "_stranded": True}
            else:
                change = _access(document, access)
                if document.get("_stranded"):
                    change |= {"status": "RUNNING", "statusMessage": None, "_stranded": None}
                break
        async with self.emulator.store.transaction() as tx:
            current = tx.get(key)
            if current is not None:
                tx.put(key, {name: value for name, value in (current | change).items() if value is not None})


def shown(document: dict[str, Any]) -> dict[str, Any]:
    """Return a stored cluster as GKE answers it."""
    return {**public(document), "etag": document.get("etag", "")}


def _access(document: dict[str, Any], access: Any) -> dict[str, Any]:
    certificate = base64.b64encode(access.ca_certificate_pem.encode()).decode()
    endpoints = defaults.merged(
        document["controlPlaneEndpointsConfig"], {"ipEndpointsConfig": {"publicEndpoint": access.endpoint}}
    )
    return {
        "endpoint": access.endpoint,
        "masterAuth": {"clusterCaCertificate": certificate, "clientCertificateConfig": {}},
        "controlPlaneEndpointsConfig": endpoints,
        "privateClusterConfig": {**document["privateClusterConfig"], "publicEndpoint": access.endpoint},
    }


def _nodes(document: dict[str, Any]) -> int:
    return sum(p.get("initialNodeCount", 0) * len(p["locations"]) for p in document["nodePools"])


def _free_number(call: Call) -> int:
    used = {c["_number"] for c in clusters(call.store)}
    return next(n for n in range(200) if n not in used)


def _check_pools(asked: dict[str, Any], *, autopilot: bool) -> list[dict[str, Any]]:
    pools = asked.get("nodePools") or []
    old = "initialNodeCount" in asked or asked.get("nodeConfig")
    if autopilot:
        if pools or old:
            raise GoogleError(400, "Autopilot clusters cannot have node pools, initialNodeCount or nodeConfig.")
        return []
    if pools and old:
        raise GoogleError(400, "Cluster.node_pools and Cluster.initial_node_count or node_config cannot both be set.")
    if not pools and not old:
        raise GoogleError(400, "Cluster.initial_node_count must be greater than zero.")
    if not pools:
        return [defaults.first_pool(asked)]
    names = [pool.get("name", "") for pool in pools]
    if len(set(names)) != len(names):
        raise GoogleError(400, f"Node pool names must be unique, got {', '.join(names)}.")
    for pool in pools:
        check_pool(pool)
    return pools


def check_pool(pool: dict[str, Any]) -> None:
    """Check a node pool that shall be made. Raises GoogleError 400."""
    if not re.fullmatch(r"[a-z](?:[-a-z0-9]{0,38}[a-z0-9])?", pool.get("name", "")):
        raise GoogleError(400, f"Invalid value for field 'node_pool.name': '{pool.get('name', '')}'.")
    scaling = pool.get("autoscaling", {})
    if scaling.get("enabled") and not (scaling.get("maxNodeCount") or scaling.get("totalMaxNodeCount")):
        raise GoogleError(400, "Autoscaling needs max_node_count greater than zero.")
    if scaling.get("minNodeCount", 0) > scaling.get("maxNodeCount", 10**6):
        raise GoogleError(400, "Autoscaling min_node_count must not exceed max_node_count.")
    if not pool.get("initialNodeCount") and not scaling.get("enabled"):
        raise GoogleError(400, "NodePool.initial_node_count must be greater than zero.")


def _check_fields(asked: dict[str, Any], project: str) -> None:
    identity = asked.get("workloadIdentityConfig", {}).get("workloadPool")
    if identity and identity != f"{project}.svc.id.goog":
        raise GoogleError(400, f"Workload pool '{identity}' is not supported: it must be {project}.svc.id.goog.")
    private = asked.get("privateClusterConfig", {})
    if private.get("enablePrivateEndpoint") and not private.get("enablePrivateNodes"):
        raise GoogleError(400, "enable_private_endpoint needs enable_private_nodes.")
    if "enablePrivateNodes" in private and "defaultEnablePrivateNodes" in asked.get("networkConfig", {}):
        raise GoogleError(
            400,
            "private_cluster_config.enable_private_nodes and network_config.default_enable_private_nodes exclude each "
            "other.",
        )


def _check_network_policy(asked: dict[str, Any], *, autopilot: bool) -> None:
    """Calico comes with the add-on and excludes Dataplane V2, which enforces policies by itself."""
    if not asked.get("networkPolicy", {}).get("enabled"):
        return
    if autopilot or asked.get("networkConfig", {}).get("datapathProvider") == "ADVANCED_DATAPATH":
        raise GoogleError(
            400, "Enabling NetworkPolicy for clusters with DatapathProvider=ADVANCED_DATAPATH is not allowed."
        )
    if asked.get("addonsConfig", {}).get("networkPolicyConfig", {}).get("disabled", True):
        raise GoogleError(400, "The network policy addon must be enabled before updating the nodes.")


def _network(call: Call, asked: dict[str, Any], location: str) -> tuple[str, str]:
    """Return the network's name and the subnetwork's store key. Raises GoogleError 400 when one is missing."""
    project = call.project()["projectId"]
    network = asked.get("network") or "default"
    network = network if "/" in network else f"projects/{project}/global/networks/{network}"
    if not call.store.exists(f"compute/{network}"):
        raise GoogleError(400, f'Network "{network}" does not exist.')
    region = location.rsplit("/", 1)[-1]
    region = region if region.count("-") == 1 else region.rpartition("-")[0]
    subnet = asked.get("subnetwork") or asked.get("ipAllocationPolicy", {}).get("subnetworkName")
    if asked.get("ipAllocationPolicy", {}).get("createSubnetwork"):
        raise GoogleError(501, "ipAllocationPolicy.createSubnetwork is not emulated by this testbed.")
    if not subnet:
        raise GoogleError(400, f'Network "{network.rsplit("/", 1)[-1]}" requires a subnetwork.')
    subnet = subnet if "/" in subnet else f"projects/{project}/regions/{region}/subnetworks/{subnet}"
    document = call.store.get(f"compute/{subnet}")
    if document is None or f"/regions/{region}/" not in subnet:
        raise GoogleError(400, f'Subnetwork "{subnet}" does not exist in region {region}.')
    if not document["network"].endswith(f"/{network}"):
        raise GoogleError(400, f'Subnetwork "{subnet}" is not part of network "{network}".')
    for path in (network, subnet):
        if call.operations.holder(call.store, f"compute/{path}"):
            raise GoogleError(
                400, f'Resource "{path}" is not ready.', status="FAILED_PRECONDITION", reason="resourceNotReady"
            )
    return network, f"compute/{subnet}"


def _needs_dns_api(call: Call, dns: dict[str, Any], number: str) -> None:
    wanted = dns.get("clusterDnsScope") == "VPC_SCOPE" or dns.get("additiveVpcScopeDnsDomain")
    if wanted and not service_enabled(call.store, number, "dns.googleapis.com"):
        raise GoogleError(
            400,
            f"Cloud DNS API has not been used in project {number} before or it is disabled; "
            "Cloud DNS for GKE needs it.",
            status="FAILED_PRECONDITION",
        )
