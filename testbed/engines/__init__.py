# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidecar's engines outside of a cluster, between callers and an application. For tests and measurements."""
