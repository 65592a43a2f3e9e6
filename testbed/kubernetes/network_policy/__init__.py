# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Enforces Kubernetes' NetworkPolicies on the node, as GKE's dataplane does: a process beside kubelet and kube-proxy.

``python -m testbed.kubernetes.network_policy STATE`` watches policies, pods and namespaces, renders one table of
nftables from all of them and replaces it in one transaction. Standard library only, so that it starts in a tenth of a
second.
"""
