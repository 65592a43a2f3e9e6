# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What API Gateway makes of an OpenAPI document. A double: Google's own gateway is not to be had."""
