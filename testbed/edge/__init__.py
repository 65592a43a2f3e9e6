# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Edge Microgateway: the real engine from npm, and a double of the Apigee Edge organisation that it asks."""
