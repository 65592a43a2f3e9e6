# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cloud DNS: private zones, record sets, changes, response policies, quota."""
