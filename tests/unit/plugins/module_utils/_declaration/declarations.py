# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A declaration that tests share, and the facts that follow from one."""

from __future__ import annotations

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration import derive, shape

SHOP = {
    "project": "acme-shop",
    "region": "europe-west1",
    "network": "shop-vpc",
    "environments": {"prod": {"hostnames": ["api.acme.example"]}},
    "clusters": {"shop": {"dns": "vpc_scope"}},
    "services": [{"name": "orders", "namespace": "shop", "port": 8080}],
    "proxies": [{"name": "orders", "base_path": "/orders", "service": "orders"}],
}


def site_of(declaration: dict, found: dict | None = None) -> dict:
    read, wrong = shape.read(declaration)
    assert wrong == []
    site, wrong = derive.derive(read, found)
    assert wrong == []
    return site
