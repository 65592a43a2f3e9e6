# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Services say of their load balancers."""
from __future__ import annotations

from typing import Any

import pytest

from testbed.kubernetes.load_balancer import services

CLUSTER = ("acme-shop", "europe-west1", "shop")
ANNOTATED = {"networking.gke.io/load-balancer-type": "Internal"}


def service(annotations: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": "shop", "name": "orders", "annotations": annotations or {}},
            "spec": {"type": "LoadBalancer", "ports": [{"port": 443}, {"port": 80}], **spec}}


@pytest.mark.parametrize(("item", "classes", "wants"), [
    (service(ANNOTATED), False, True),
    (service({"cloud.google.com/load-balancer-type": "internal"}), False, True),
    (service(), True, False),
    (service(ANNOTATED, type="ClusterIP"), True, False),
    (service(loadBalancerClass=services.CLASS), True, True),
    (service(loadBalancerClass=services.CLASS), False, False),
    (service(ANNOTATED, loadBalancerClass="example.com/own"), True, False),
])
def test_who_wants_an_internal_load_balancer(item: dict[str, Any], classes: bool, wants: bool):
    assert services.wants_one(item, classes=classes) is wants


def test_what_is_asked_for():
    asked = services.asked(service({
        services.GLOBAL_ACCESS: "true", services.ADDRESSES: "orders, orders-six,third",
        "networking.gke.io/internal-load-balancer-subnet": "old", "networking.gke.io/load-balancer-subnet": "new",
    }, loadBalancerSourceRanges=["10.8.0.0/28"], loadBalancerIP="10.10.0.80"), CLUSTER, "uid")
    assert (asked.protocol, asked.ports, asked.source_ranges) == ("TCP", (80, 443), ("10.8.0.0/28",))
    assert (asked.global_access, asked.subnet, asked.address) == (True, "new", "10.10.0.80")
    assert asked.address_names == ("orders", "orders-six")


def test_nothing_is_asked_for_by_default():
    asked = services.asked(service(), CLUSTER, "uid")
    assert (asked.global_access, asked.subnet, asked.address, asked.address_names) == (False, "", "", ())


def test_annotations_of_a_status_are_brought_to_what_was_made():
    item = service({**ANNOTATED, "service.kubernetes.io/firewall-rule": "old"})
    made = {"service.kubernetes.io/backend-service": "new"}
    assert services.annotations_after(item, made) == {"service.kubernetes.io/firewall-rule": None, **made}
    assert services.annotations_after(item, {"service.kubernetes.io/firewall-rule": "old"}) == {}
    assert services.annotations_after(item, {}) == {"service.kubernetes.io/firewall-rule": None}
