# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Application Load Balancers: what Google's objects say of them, and a real Envoy that does it."""
