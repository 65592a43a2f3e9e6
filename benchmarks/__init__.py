# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a converge costs beside bare HTTP calls and gcloud. Run it with ``make bench``."""
