# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compute Engine: networks, subnetworks, firewalls, global addresses, regions, routes, operations."""
