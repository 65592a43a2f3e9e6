# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Apigee answers that several tests share."""

from __future__ import annotations

import typing as t

MARK = "Managed by gatewayops.apigee_gke"
#: The mark of kinds that have attributes.
MARKED = {"name": "managed-by", "value": "gatewayops-apigee-gke"}
ORG = "v1/organizations/acme-shop"
HIDDEN = 'Permission denied on resource "organizations/acme-shop" (or it may not exist)'
OPERATION = {"name": "organizations/acme-shop/operations/o1", "metadata": {"state": "IN_PROGRESS"}}
DONE = {**OPERATION, "done": True, "response": {}}
ORGANIZATION = {
    "name": "acme-shop",
    "runtimeType": "CLOUD",
    "billingType": "EVALUATION",
    "analyticsRegion": "europe-west1",
    "authorizedNetwork": "projects/acme-shop/global/networks/shop-vpc",
    "state": "ACTIVE",
}
ENVIRONMENT = {"name": "prod", "description": MARK, "state": "ACTIVE", "deploymentType": "PROXY", "createdAt": "1"}
LOCKED = "the resource is locked by another operation"


def with_description(document: dict[str, t.Any], text: str = MARK) -> dict[str, t.Any]:
    """The object as if this collection had made it."""
    return {**document, "description": text}
