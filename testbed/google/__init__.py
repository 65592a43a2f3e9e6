# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Google's APIs emulated: every request is checked against Google's own discovery documents."""
