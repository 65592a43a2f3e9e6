# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The forwarding function: what a Cloud Function runs between API Gateway and a private Service.

Standard library alone (Flask comes with the functions-framework), BSD-2-Clause, as it runs in users' projects.
``_function.package`` puts this folder into the function's source as the package ``forwarding``.
"""
