# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Internal load balancers for Services, as GKE's controller for them gives (ingress-gce, ``pkg/l4lb``).

On GKE it runs in the control plane, not on a node; here it is two threads of the daemon for each cluster, because what
it makes are Google's objects, and those are the emulator's.
"""
