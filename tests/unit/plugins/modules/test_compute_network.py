# Copyright: (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.gatewayops.apigee_gke.plugins.modules import compute_network
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Script

ALL = "compute/v1/projects/acme-shop/global/networks"
ONE = f"{ALL}/shop-vpc"
OPERATION = {
    "kind": "compute#operation",
    "name": "operation-1",
    "status": "RUNNING",
    "selfLink": "https://www.googleapis.com/compute/v1/projects/acme-shop/global/operations/operation-1",
}
NETWORK = {
    "kind": "compute#network",
    "name": "shop-vpc",
    "description": "Managed by gatewayops.apigee_gke",
    "selfLink": "https://www.googleapis.com/compute/v1/projects/acme-shop/global/networks/shop-vpc",
    "routingConfig": {"routingMode": "REGIONAL"},
}


def test_create() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).refuses(404, "not found", reason="notFound")
    script.expect(
        "POST",
        "compute",
        ALL,
        body={
            "name": "shop-vpc",
            "autoCreateSubnetworks": False,
            "description": "Managed by gatewayops.apigee_gke",
        },
    ).replies(OPERATION)
    script.expect("POST", "compute", "compute/v1/projects/acme-shop/global/operations/operation-1/wait").replies(
        {**OPERATION, "status": "DONE"}
    )
    script.expect("GET", "compute", ONE).replies(NETWORK)
    result = script.run(compute_network, name="shop-vpc")
    assert result["changed"] and result["action"] == "created"
    assert result["resource"]["self_link"].endswith("/shop-vpc")
    assert result["requests"] == {"reads": 3, "writes": 1}


def test_no_change() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).replies(NETWORK)
    result = script.run(compute_network, name="shop-vpc", routing_mode="REGIONAL", mtu=1460)
    assert not result["changed"] and result["action"] == "unchanged"
