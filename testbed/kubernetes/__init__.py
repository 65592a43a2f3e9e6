# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real one-node Kubernetes in a network namespace: built from Go modules, started, resumed and stopped."""
