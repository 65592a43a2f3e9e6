# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Which records a cluster publishes."""
from __future__ import annotations

from typing import Any

from testbed.publishing import records


def service(name: str = "orders", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "shop"},
            "spec": {"clusterIP": "None", "ports": [{"name": "http", "port": 8080}], **spec}}


def endpoint(address: str, ready: bool | None = True, **fields: Any) -> dict[str, Any]:
    return {"addresses": [address], "conditions": {} if ready is None else {"ready": ready}, **fields}


def slices(*endpoints: dict[str, Any], owner: str = "orders", kind: str = "IPv4") -> list[dict[str, Any]]:
    return [{"metadata": {"name": f"{owner}-x", "namespace": "shop", "labels": {"kubernetes.io/service-name": owner}},
             "addressType": kind, "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
             "endpoints": list(endpoints)}]


def published(services: list, endpoints: list, *, headless_only: bool = False) -> dict[tuple[str, str], tuple]:
    found = records(services, endpoints, "gke.acme.internal", headless_only=headless_only)
    assert all(each.ttl == 10 for each in found)
    return {(each.name, each.type): each.rrdatas for each in found}


BASE = "orders.shop.svc.gke.acme.internal."


def test_a_headless_name_holds_the_ready_pods_only():
    found = published([service()], slices(endpoint("10.20.0.9"), endpoint("10.20.0.8", False),
                                          endpoint("10.20.0.7", None)))
    assert found[BASE, "A"] == ("10.20.0.7", "10.20.0.9")


def test_no_ready_pod_means_no_record():
    assert published([service()], slices(endpoint("10.20.0.9", False))) == {}


def test_publish_not_ready_addresses_publishes_draining_pods():
    found = published([service(publishNotReadyAddresses=True)], slices(endpoint("10.20.0.9", False)))
    assert found[BASE, "A"] == ("10.20.0.9",)


def test_srv_for_named_ports_and_own_names_for_pods_with_a_hostname():
    found = published([service()], slices(endpoint("10.20.0.9", hostname="orders-0"), endpoint("10.20.0.8")))
    assert found[f"orders-0.{BASE}", "A"] == ("10.20.0.9",)
    assert found[f"_http._tcp.{BASE}", "SRV"] == (f"0 100 8080 10-20-0-8.{BASE}", f"0 100 8080 orders-0.{BASE}")


def test_vpc_scope_publishes_cluster_addresses_and_additive_scope_does_not():
    plain = service(clusterIP="10.40.0.7")
    assert published([plain], [])[BASE, "A"] == ("10.40.0.7",)
    assert published([plain], [], headless_only=True) == {}


def test_external_names_and_ipv6_slices_are_left_out():
    assert published([service(type="ExternalName", clusterIP="")], []) == {}
    assert published([service()], slices(endpoint("fd00::1"), kind="IPv6")) == {}
