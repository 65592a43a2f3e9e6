# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Application Load Balancers for Ingresses, as GKE's controller for them gives (ingress-gce).

On GKE it runs in the control plane, as the add-on for HTTP load balancing; here it is threads of the daemon for each
cluster that has the add-on, because what it makes are Google's objects, and those are the emulator's.
"""
