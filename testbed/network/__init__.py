# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""The testbed's network: namespaces, the VPC with its firewall and resolver, the peering with Apigee."""
