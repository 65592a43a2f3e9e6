# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cloud that fits on a laptop: a real Kubernetes node, and Google's APIs emulated with their consequences."""
