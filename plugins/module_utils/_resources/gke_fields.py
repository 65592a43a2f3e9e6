# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of a GKE cluster and its node pools we manage. Private to the collection.

Places and rules: GKE's API, v1. Flags that Google writes the other way round ("disabled") are turned.
"""

from __future__ import annotations

import typing as t

from .._engine import normalise
from .._engine.fields import Field
from .._engine.ownership import LABEL
from .compute_common import network_field


def bare(value: t.Any) -> t.Any:
    """A DNS domain without final dot, in lower case: cluster domains are written so."""
    return value.strip(".").lower() if isinstance(value, str) else value


def without_mark(value: dict[str, str] | None, resource: t.Any) -> dict[str, str]:
    """The user's labels. (A ``decode`` function.)"""
    return {key: text for key, text in (value or {}).items() if key != LABEL and not key.startswith("goog-")}


NODE_POOL = (
    Field("name", required=True),
    # GKE counts nodes per zone; setSize changes this very number.
    Field("nodes", type="int", api="initialNodeCount", update="size"),
    Field("min_nodes", type="int", api="autoscaling.minNodeCount", update="autoscaling"),
    Field("max_nodes", type="int", api="autoscaling.maxNodeCount", update="autoscaling"),
    Field("machine_type", api="config.machineType", initial="e2-standard-2", update="pool"),
    Field("image_type", api="config.imageType", initial="COS_CONTAINERD", same=normalise.lower, update="pool"),
    Field("disk_size_gb", type="int", api="config.diskSizeGb", update="pool"),
    Field("disk_type", api="config.diskType", update="pool"),
    Field("spot", type="bool", api="config.spot", immutable=True),
    Field("service_account", api="config.serviceAccount", same=normalise.service_account, immutable=True),
    Field("oauth_scopes", type="list", elements="str", api="config.oauthScopes", lists="set", immutable=True),
    Field("tags", type="list", elements="str", api="config.tags", lists="set", update="pool"),
    Field("labels", type="dict", api="config.labels", keep_extra=True, update="pool"),
    Field(
        "taints",
        type="list",
        elements="dict",
        api="config.taints",
        lists="set",
        update="pool",
        fields=(
            Field("key", required=True, secret=False),
            Field("value"),
            Field("effect", required=True, choices=("NO_SCHEDULE", "PREFER_NO_SCHEDULE", "NO_EXECUTE")),
        ),
    ),
    Field("auto_repair", type="bool", api="management.autoRepair", initial=True, update="management"),
    Field("auto_upgrade", type="bool", api="management.autoUpgrade", initial=True, update="management"),
    Field("max_pods_per_node", type="int", api="maxPodsConstraint.maxPodsPerNode", int64=True, immutable=True),
    Field("locations", type="list", elements="str", lists="set", update="pool"),
)

DNS = (
    Field(
        "provider",
        api="clusterDns",
        choices=("PLATFORM_DEFAULT", "CLOUD_DNS", "KUBE_DNS"),
        default="PLATFORM_DEFAULT",
    ),
    Field("scope", api="clusterDnsScope", choices=("CLUSTER_SCOPE", "VPC_SCOPE"), default="CLUSTER_SCOPE"),
    Field("domain", api="clusterDnsDomain", same=bare, encode=lambda value, resource: bare(value)),
    Field(
        "additive_domain",
        api="additiveVpcScopeDnsDomain",
        same=bare,
        encode=lambda value, resource: bare(value),
    ),
)

ADDONS = (
    Field("http_load_balancing", type="bool", api="httpLoadBalancing.disabled", invert=True),
    Field("horizontal_pod_autoscaling", type="bool", api="horizontalPodAutoscaling.disabled", invert=True),
    Field("dns_cache", type="bool", api="dnsCacheConfig.enabled"),
    Field("persistent_disk_csi_driver", type="bool", api="gcePersistentDiskCsiDriverConfig.enabled"),
    Field("filestore_csi_driver", type="bool", api="gcpFilestoreCsiDriverConfig.enabled"),
    Field("gcs_fuse_csi_driver", type="bool", api="gcsFuseCsiDriverConfig.enabled"),
)

_IP_ENDPOINTS = "controlPlaneEndpointsConfig.ipEndpointsConfig"


def _workload_pool(value: bool, resource: t.Any) -> str:
    return f"{resource.project}.svc.id.goog" if value else ""


def _has_workload_pool(value: t.Any, resource: t.Any) -> bool:
    return bool(value)


CLUSTER = (
    Field("name", required=True, identity=True),
    Field("location", required=True, identity=True, api=None),
    Field("description", immutable=True),
    network_field(),
    Field(
        "subnetwork",
        immutable=True,
        reference="compute_subnetwork",
        same=normalise.short_name,
        encode=lambda value, resource: normalise.subnetwork_path(value, resource.project, resource.region),
    ),
    Field("autopilot", type="bool", api="autopilot.enabled", immutable=True),
    Field("version", api="initialClusterVersion", update="version"),
    Field(
        "release_channel",
        api="releaseChannel.channel",
        choices=("UNSPECIFIED", "RAPID", "REGULAR", "STABLE", "EXTENDED"),
        initial="REGULAR",
        default="UNSPECIFIED",
        update="desiredReleaseChannel",
    ),
    Field("pods_range_name", api="ipAllocationPolicy.clusterSecondaryRangeName", immutable=True),
    Field("services_range_name", api="ipAllocationPolicy.servicesSecondaryRangeName", immutable=True),
    Field("pods_range", api="ipAllocationPolicy.clusterIpv4CidrBlock", immutable=True),
    Field("services_range", api="ipAllocationPolicy.servicesIpv4CidrBlock", immutable=True),
    Field("dns", type="dict", api="networkConfig.dnsConfig", fields=DNS, update="desiredDnsConfig"),
    Field(
        "datapath_provider",
        api="networkConfig.datapathProvider",
        choices=("LEGACY_DATAPATH", "ADVANCED_DATAPATH"),
        default="LEGACY_DATAPATH",
        immutable=True,
    ),
    Field(
        "gateway_api_channel",
        api="networkConfig.gatewayApiConfig.channel",
        choices=("CHANNEL_DISABLED", "CHANNEL_EXPERIMENTAL", "CHANNEL_STANDARD"),
        default="CHANNEL_DISABLED",
        update="desiredGatewayApiConfig",
    ),
    Field(
        "private_nodes",
        type="bool",
        api="networkConfig.defaultEnablePrivateNodes",
        update="desiredDefaultEnablePrivateNodes",
    ),
    Field(
        "private_endpoint",
        type="bool",
        api=f"{_IP_ENDPOINTS}.enablePublicEndpoint",
        # Missing means that Google's own choice stands, which is a public endpoint.
        encode=lambda value, resource: not value,
        decode=lambda value, resource: value is False,
        update="desiredControlPlaneEndpointsConfig",
    ),
    Field(
        "authorized_networks",
        type="list",
        elements="dict",
        api=f"{_IP_ENDPOINTS}.authorizedNetworksConfig.cidrBlocks",
        lists="set",
        update="desiredControlPlaneEndpointsConfig",
        fields=(Field("range", api="cidrBlock", required=True), Field("name", api="displayName")),
    ),
    Field(
        "dns_endpoint",
        type="bool",
        api="controlPlaneEndpointsConfig.dnsEndpointConfig.allowExternalTraffic",
        update="desiredControlPlaneEndpointsConfig",
    ),
    Field("control_plane_range", api="privateClusterConfig.masterIpv4CidrBlock", immutable=True),
    Field(
        "workload_identity",
        type="bool",
        api="workloadIdentityConfig.workloadPool",
        encode=_workload_pool,
        decode=_has_workload_pool,
        update="desiredWorkloadIdentityConfig",
    ),
    Field("addons", type="dict", api="addonsConfig", fields=ADDONS, update="desiredAddonsConfig"),
    Field("labels", type="dict", api="resourceLabels", keep_extra=True, decode=without_mark, update="labels"),
    Field(
        "node_pools",
        type="list",
        elements="dict",
        lists="key:name",
        keep_extra=True,
        fields=NODE_POOL,
        update="node_pools",
    ),
    Field("status", output=True),
    Field("endpoint", output=True),
    Field("ca_certificate", api="masterAuth.clusterCaCertificate", output=True),
    Field("dns_endpoint_host", api="controlPlaneEndpointsConfig.dnsEndpointConfig.endpoint", output=True),
    Field("current_version", api="currentMasterVersion", output=True),
    Field("self_link", output=True),
)
