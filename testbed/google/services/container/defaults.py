# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What GKE adds to a cluster or node pool beyond what was asked for."""

from __future__ import annotations

from typing import Any

from testbed.google.service import now
from testbed.google.services.compute.common import ZONES
from testbed.google.services.container.common import HOST, VERSION, etag, token

_SCOPES = [
    "https://www.googleapis.com/auth/devstorage.read_only",
    "https://www.googleapis.com/auth/logging.write",
    "https://www.googleapis.com/auth/monitoring",
    "https://www.googleapis.com/auth/service.management.readonly",
    "https://www.googleapis.com/auth/servicecontrol",
    "https://www.googleapis.com/auth/trace.append",
]


def zones(location: str) -> list[str]:
    """Return the zones in which a cluster of a location has nodes by default."""
    return [f"{location}-{letter}" for letter in ZONES[location][:3]] if location in ZONES else [location]


def merged(default: dict[str, Any], given: dict[str, Any] | None) -> dict[str, Any]:
    """Return given laid over default, objects merged field by field."""
    result = dict(default)
    for key, value in (given or {}).items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result


def cluster(asked: dict[str, Any], location: str, number: str, *, autopilot: bool) -> dict[str, Any]:
    """Return a new cluster with GKE's defaults; networks, ranges and node pools are added by the caller."""
    name = asked["name"]
    components = ["SYSTEM_COMPONENTS", "WORKLOADS"]
    default: dict[str, Any] = {
        "addonsConfig": {
            "httpLoadBalancing": {},
            "horizontalPodAutoscaling": {},
            "kubernetesDashboard": {"disabled": True},
            "networkPolicyConfig": {"disabled": True},
            "dnsCacheConfig": {"enabled": True} if autopilot else {},
            "gcePersistentDiskCsiDriverConfig": {"enabled": True},
        },
        "autopilot": {"enabled": True} if autopilot else {},
        "autoscaling": {"autoscalingProfile": "OPTIMIZE_UTILIZATION" if autopilot else "BALANCED"},
        "databaseEncryption": {"state": "DECRYPTED", "currentState": "CURRENT_STATE_DECRYPTED"},
        "defaultMaxPodsConstraint": {"maxPodsPerNode": "110"},
        "legacyAbac": {},
        "locations": zones(location),
        "loggingService": "logging.googleapis.com/kubernetes",
        "monitoringService": "monitoring.googleapis.com/kubernetes",
        "loggingConfig": {"componentConfig": {"enableComponents": components}},
        "monitoringConfig": {
            "componentConfig": {"enableComponents": ["SYSTEM_COMPONENTS"]},
            "managedPrometheusConfig": {"enabled": True},
        },
        "maintenancePolicy": {"resourceVersion": "e3b0c442"},
        "networkConfig": {
            "defaultSnatStatus": {},
            "serviceExternalIpsConfig": {},
            "datapathProvider": "ADVANCED_DATAPATH" if autopilot else "LEGACY_DATAPATH",
        },
        "notificationConfig": {"pubsub": {}},
        "privateClusterConfig": {},
        "releaseChannel": {"channel": "REGULAR"},
        "securityPostureConfig": {"mode": "BASIC", "vulnerabilityMode": "VULNERABILITY_MODE_UNSPECIFIED"},
        "shieldedNodes": {"enabled": True},
        "nodePoolDefaults": {"nodeConfigDefaults": {"loggingConfig": {"variantConfig": {"variant": "DEFAULT"}}}},
        "controlPlaneEndpointsConfig": {
            "dnsEndpointConfig": {
                "endpoint": f"gke-{token([number, location, name])}{token(name)}-{number}.{location}.gke.goog",
            },
            "ipEndpointsConfig": {"enabled": True, "enablePublicEndpoint": True},
        },
    }
    if autopilot:
        default["verticalPodAutoscaling"] = {"enabled": True}
        default["workloadIdentityConfig"] = {}
        default["networkConfig"]["dnsConfig"] = {"clusterDns": "CLOUD_DNS", "clusterDnsScope": "CLUSTER_SCOPE"}
    left_out = ("nodePools", "nodeConfig", "initialNodeCount", "network", "subnetwork", "ipAllocationPolicy")
    document = merged(default, {k: v for k, v in asked.items() if k not in left_out})
    document |= {
        "selfLink": f"{HOST}projects/{number}/locations/{location}/clusters/{name}",
        "zone": location,
        "location": location,
        "createTime": now(),
        "status": "PROVISIONING",
        "initialClusterVersion": VERSION,
        "currentMasterVersion": VERSION,
        "currentNodeVersion": VERSION,
        "labelFingerprint": token(asked.get("resourceLabels", {})),
    }
    return document


def node_pool(asked: dict[str, Any], cluster_document: dict[str, Any], tag: str) -> dict[str, Any]:
    """Return a new node pool with GKE's defaults."""
    private = bool(cluster_document.get("privateClusterConfig", {}).get("enablePrivateNodes"))
    private = private or bool(cluster_document["networkConfig"].get("defaultEnablePrivateNodes"))
    policy = cluster_document["ipAllocationPolicy"]
    default: dict[str, Any] = {
        "config": {
            "machineType": "e2-medium",
            "diskSizeGb": 100,
            "diskType": "pd-balanced",
            "imageType": "COS_CONTAINERD",
            "metadata": {"disable-legacy-endpoints": "true"},
            "oauthScopes": _SCOPES,
            "serviceAccount": "default",
            "shieldedInstanceConfig": {"enableIntegrityMonitoring": True},
            "effectiveCgroupMode": "EFFECTIVE_CGROUP_MODE_V2",
        },
        "initialNodeCount": 0,
        "autoscaling": {},
        "management": {"autoRepair": True, "autoUpgrade": True},
        "maxPodsConstraint": {"maxPodsPerNode": "110"},
        "networkConfig": {
            "podRange": policy["clusterSecondaryRangeName"],
            "podIpv4CidrBlock": policy["clusterIpv4Cidr"],
            "enablePrivateNodes": private,
        },
        "podIpv4CidrSize": 24,
        "upgradeSettings": {"maxSurge": 1, "strategy": "SURGE"},
        "locations": cluster_document["locations"],
        "version": VERSION,
        "status": "RUNNING",
    }
    if cluster_document.get("workloadIdentityConfig", {}).get("workloadPool"):
        default["config"]["workloadMetadataConfig"] = {"mode": "GKE_METADATA"}
    pool = merged(default, asked)
    location = cluster_document["location"]
    pool["selfLink"] = f"{cluster_document['selfLink']}/nodePools/{asked['name']}"
    zone = zones(location)[0]
    pool["instanceGroupUrls"] = [
        f"https://www.googleapis.com/compute/v1/projects/{cluster_document['_project']}/zones/{zone}"
        f"/instanceGroupManagers/{tag.removesuffix('-node')}-grp"
    ]
    pool["etag"] = etag(pool)
    return pool


def first_pool(asked: dict[str, Any]) -> dict[str, Any]:
    """Return the pool that the deprecated cluster-level fields describe."""
    return {
        "name": "default-pool",
        "initialNodeCount": asked.get("initialNodeCount", 3),
        "config": asked.get("nodeConfig", {}),
    }
