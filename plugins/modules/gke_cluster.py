#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gke_cluster
short_description: Manage a GKE cluster
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Creates, changes and deletes a Standard or Autopilot cluster, always VPC-native, with its node pools.
  - Google changes one thing at a time; each is done in place where that is possible. What would make the cluster
    again is refused, naming the field.
  - Creating a cluster takes minutes. With O(wait=false) it is started, and a later run joins it.
options:
  name:
    description: Name of the cluster.
    type: str
    required: true
  location:
    description: Region or zone of the cluster.
    type: str
    required: true
  description:
    description: What the cluster is for.
    type: str
  network:
    description: The network it is in, by name or URL.
    type: str
  subnetwork:
    description: The subnetwork its nodes are in, by name or URL.
    type: str
  autopilot:
    description: Whether Google manages the nodes.
    type: bool
  version:
    description: Kubernetes version of the control plane, whole or in part (V(1.36) is content with every 1.36). It is
      upgraded in place.
    type: str
  release_channel:
    description: Channel that upgrades come from; V(REGULAR) for new clusters.
    type: str
    choices: [UNSPECIFIED, RAPID, REGULAR, STABLE, EXTENDED]
  pods_range_name:
    description: Secondary range of the subnetwork for pods.
    type: str
  services_range_name:
    description: Secondary range of the subnetwork for Services.
    type: str
  pods_range:
    description: Range for pods, or its size (V(/14)), where no secondary range is named.
    type: str
  services_range:
    description: Range for Services, or its size, where no secondary range is named.
    type: str
  dns:
    description:
      - How names are resolved, and published outside of the cluster.
      - "What is possible later: switching a Standard cluster from kube-dns to Cloud DNS, and the additive domain of a
        Standard cluster. Its nodes must be made again before pods use another provider."
      - The scope of a cluster that uses Cloud DNS, and all of this on an Autopilot cluster, never change.
    type: dict
    suboptions:
      provider:
        description: Who answers.
        type: str
        choices: [PLATFORM_DEFAULT, CLOUD_DNS, KUBE_DNS]
      scope:
        description: V(VPC_SCOPE) publishes every Service in the whole VPC under O(dns.domain) (Standard only);
          V(CLUSTER_SCOPE) nothing.
        type: str
        choices: [CLUSTER_SCOPE, VPC_SCOPE]
      domain:
        description: Domain of the cluster with O(dns.scope=VPC_SCOPE). It has to differ from that of every other
          cluster in the VPC. A final dot does not matter.
        type: str
      additive_domain:
        description: With O(dns.scope=CLUSTER_SCOPE), the domain under which headless Services are published in the
          VPC. An empty string switches it off.
        type: str
  datapath_provider:
    description: Data plane; V(ADVANCED_DATAPATH), which enforces network policies, for new Standard clusters.
    type: str
    choices: [LEGACY_DATAPATH, ADVANCED_DATAPATH]
  gateway_api_channel:
    description: Whether Gateway API objects are served.
    type: str
    choices: [CHANNEL_DISABLED, CHANNEL_EXPERIMENTAL, CHANNEL_STANDARD]
  private_nodes:
    description: Whether nodes have no public address.
    type: bool
  private_endpoint:
    description: Whether the control plane has no public address.
    type: bool
  authorized_networks:
    description: Ranges that may reach the control plane by address. An empty list lifts the restriction.
    type: list
    elements: dict
    suboptions:
      range:
        description: The range.
        type: str
        required: true
      name:
        description: What the range is.
        type: str
  dns_endpoint:
    description: Whether the control plane can be reached by its DNS name from outside.
    type: bool
  control_plane_range:
    description: Range of the control plane, a /28, for clusters of the older private kind.
    type: str
  workload_identity:
    description: Whether pods can act as service accounts through the project's pool; they can in new Standard
      clusters.
    type: bool
  addons:
    description: Parts of the cluster that Google runs.
    type: dict
    suboptions:
      http_load_balancing:
        description: Whether Ingress and Gateway objects get Google load balancers.
        type: bool
      horizontal_pod_autoscaling:
        description: Whether horizontal pod autoscaling works.
        type: bool
      dns_cache:
        description: Whether every node has a DNS cache.
        type: bool
      persistent_disk_csi_driver:
        description: Whether persistent disks can be mounted.
        type: bool
      filestore_csi_driver:
        description: Whether Filestore shares can be mounted.
        type: bool
      gcs_fuse_csi_driver:
        description: Whether buckets can be mounted.
        type: bool
  labels:
    description: Labels; those not named are left alone.
    type: dict
  node_pools:
    description: Node pools. Those not named are left alone, and none is ever removed. A new Standard cluster without
      any gets one, V(default-pool).
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the pool.
        type: str
        required: true
      nodes:
        description: Number of nodes in each zone. A new pool has three in a zonal cluster and one for each zone in a
          regional one.
        type: int
      min_nodes:
        description: Fewest nodes in each zone; with O(node_pools[].max_nodes) switches autoscaling on.
        type: int
      max_nodes:
        description: Most nodes in each zone. V(0) switches autoscaling off.
        type: int
      machine_type:
        description: Machine type of the nodes; V(e2-standard-2) for new pools.
        type: str
      image_type:
        description: Image of the nodes; V(COS_CONTAINERD) for new pools.
        type: str
      disk_size_gb:
        description: Size of the boot disk.
        type: int
      disk_type:
        description: Type of the boot disk.
        type: str
      spot:
        description: Whether the nodes are Spot machines. Their shutdown leaves pods little time.
        type: bool
      service_account:
        description: Service account of the nodes.
        type: str
      oauth_scopes:
        description: OAuth scopes of the nodes.
        type: list
        elements: str
      tags:
        description: Network tags of the nodes.
        type: list
        elements: str
      labels:
        description: Kubernetes labels of the nodes; those not named are left alone.
        type: dict
      taints:
        description: Kubernetes taints of the nodes.
        type: list
        elements: dict
        suboptions:
          key:
            description: Key of the taint.
            type: str
            required: true
          value:
            description: Value of the taint.
            type: str
          effect:
            description: Effect of the taint.
            type: str
            required: true
            choices: [NO_SCHEDULE, PREFER_NO_SCHEDULE, NO_EXECUTE]
      auto_repair:
        description: Whether Google repairs nodes; it does in new pools.
        type: bool
      auto_upgrade:
        description: Whether Google upgrades nodes; it does in new pools.
        type: bool
      max_pods_per_node:
        description: Most pods on one node.
        type: int
      locations:
        description: Zones of the pool.
        type: list
        elements: str
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.change
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.resources
"""

EXAMPLES = r"""
- name: A cluster whose names the whole VPC resolves
  gatewayops.apigee_gke.gke_cluster:
    project: acme-shop
    name: shop
    location: europe-west1
    network: shop-vpc
    subnetwork: shop-europe-west1
    pods_range_name: pods
    services_range_name: services
    dns:
      provider: CLOUD_DNS
      scope: VPC_SCOPE
      domain: shop.gke.acme.internal

- name: An Autopilot cluster that publishes headless Services
  gatewayops.apigee_gke.gke_cluster:
    project: acme-shop
    name: shop
    location: europe-west1
    autopilot: true
    dns:
      additive_domain: shop.gke.acme.internal
"""

RETURN = r"""
action:
  description:
    - What was or would be done.
    - One of V(created), V(updated), V(recreated), V(deleted), V(unchanged), V(kept) (not ours, left alone) and
      V(pending).
  returned: success
  type: str
  sample: created
changes:
  description: What differed, field by field.
  returned: success
  type: list
  elements: dict
  contains:
    field:
      description: Dotted name of the option.
      type: str
    before:
      description: What was found.
      type: raw
    after:
      description: What is wanted.
      type: raw
requests:
  description: Calls made.
  returned: success
  type: dict
  contains:
    reads:
      description: Calls that changed nothing.
      type: int
    writes:
      description: Calls that changed something.
      type: int
waited:
  description: Seconds spent waiting for Google.
  returned: success
  type: float
resource:
  description: The cluster, and what a Kubernetes client needs to reach it, in the words of the options, with what
    only Google knows. In check mode, as it would be.
  returned: success
  type: dict
  contains:
    status:
      description: Google's word for the state.
      type: str
    endpoint:
      description: Address of the control plane.
      type: str
    ca_certificate:
      description: The control plane's CA certificate, PEM in Base64.
      type: str
    dns_endpoint_host:
      description: DNS name of the control plane.
      type: str
    current_version:
      description: Kubernetes version of the control plane.
      type: str
    self_link:
      description: Google's URL of the cluster.
      type: str
    context:
      description: Name that gcloud gives the context of this cluster in a kubeconfig.
      type: str
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.gke_cluster import GkeCluster


def main() -> None:
    """One call: the engine does the rest."""
    run(GkeCluster)


if __name__ == "__main__":
    main()
