# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long Google takes, in seconds, for a scale of 1.

Sources: google-apis.md section 3 (budgets and observations of mature clients); where only a budget is known, the
usual observation of the public documentation is taken.
"""

from __future__ import annotations

DURATIONS: dict[str, float] = {
    "instant": 0,
    "compute": 8,
    "compute.network": 15,
    "compute.subnetwork": 20,
    "compute.delete": 20,
    "dns.change": 5,
    "serviceusage.enable": 25,
    "servicenetworking.connection": 60,
    "servicenetworking.peered_dns_domain": 45,
    "container.cluster": 300,
    "container.cluster_update": 120,
    "container.cluster_delete": 180,
    "container.node_pool": 90,
    "container.labels": 10,
    "container.autodelete": 60,
    "container.dns_resync": 30,
    "apikeys.key": 3,
    "apigee.organization": 1500,
    "apigee.instance": 1800,
    "apigee.instance_delete": 900,
    "apigee.attachment": 300,
    "apigee.environment": 30,
    "apigee.environment_group": 5,
    "apigee.environment_group_attachment": 20,
    "apigee.dns_zone": 60,
    "apigee.endpoint_attachment": 120,
    "apigee.nat_address": 60,
    "apigee.deployment": 30,
    "apigee.undeployment": 15,
    "apigateway.api": 20,
    "apigateway.config": 105,
    "apigateway.gateway": 150,
    "apigateway.gateway_update": 60,
    "vpcaccess.connector": 120,
    "vpcaccess.connector_delete": 60,
    "cloudfunctions.deploy": 90,
    "cloudfunctions.delete": 30,
    "cloudfunctions.addresses": 7200,
}
