# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What make calls: preparing the machine and the checkout, the demo, the gates. Standard library only, so that it
runs before anything is installed."""
