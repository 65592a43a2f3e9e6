# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What converges, admissions and engines cost beside what they are compared with. Run it with ``make bench``."""
