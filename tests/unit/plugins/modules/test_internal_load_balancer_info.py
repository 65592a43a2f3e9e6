# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for load balancers, and what is said when none comes; the API server is scripted."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.modules import internal_load_balancer_info
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.api_server import ApiServer, starter
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Script

SERVICE = "/api/v1/namespaces/shop/services/products"
SLICES = (
    "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3Dproducts"
)
VERSION = {"gitVersion": "v1.36.2-gke.1203000"}
ABSENT = (404, {"message": "not found"})
ASKED = {"endpoint": "203.0.113.7", "services": [{"name": "products", "namespace": "shop"}]}


def service(address: str = "", **spec: t.Any) -> dict[str, t.Any]:
    ingress = {"ingress": [{"ip": address}]} if address else {}
    return {"spec": {"type": "LoadBalancer", **spec}, "status": {"loadBalancer": ingress}}


def pieces(ready: bool) -> dict[str, t.Any]:
    endpoint = {"addresses": ["10.20.0.9"], "conditions": {"ready": ready}, "targetRef": {"name": "products-1"}}
    labels = {"kubernetes.io/service-name": "products"}
    return {"items": [{"metadata": {"namespace": "shop", "labels": labels}, "endpoints": [endpoint]}]}


def events(*messages: str) -> dict[str, t.Any]:
    return {"items": [{"type": "Warning", "message": each, "lastTimestamp": str(n)} for n, each in enumerate(messages)]}


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., ApiServer]:
    monkeypatch.setattr(internal_load_balancer_info, "PAUSE_SECONDS", 0.01)
    return starter(monkeypatch)


def run(fails: bool = False, **options: t.Any) -> dict[str, t.Any]:
    return Script().run(internal_load_balancer_info, fails=fails, **{**ASKED, **options})


def test_reads_once_and_takes_none_for_an_answer(serve: t.Callable[..., ApiServer]) -> None:
    server = serve(ABSENT, VERSION)
    result = run()
    (found,) = result["services"]
    assert not found["exists"] and not found["is_load_balancer"] and not found["address"] and not found["endpoints"]
    assert result["server_version"] == VERSION["gitVersion"] and server.asked == [SERVICE, "/version"]


def test_waits_for_the_address_and_a_pod(serve: t.Callable[..., ApiServer]) -> None:
    own = service("10.10.0.80", loadBalancerClass="networking.gke.io/l4-regional-internal")
    server = serve(service(), pieces(True), own, pieces(False), own, pieces(True), VERSION)
    (found,) = run(wait_timeout=5)["services"]
    assert found["address"] == "10.10.0.80" and found["endpoints"][0]["address"] == "10.20.0.9"
    assert found["load_balancer_class"] == "networking.gke.io/l4-regional-internal"
    assert server.asked == [SERVICE, SLICES] * 3 + ["/version"]


@pytest.mark.parametrize(
    ("answers", "address", "words"),
    [
        ([service(), pieces(True)], None, "has no address after"),
        ([service("10.10.0.81"), pieces(True)], "10.10.0.80", "has another address than 10.10.0.80"),
        ([service("10.10.0.80"), pieces(False)], None, "has no ready pod after"),
        ([ABSENT], None, "is not there"),
    ],
)
def test_says_what_gke_says(
    serve: t.Callable[..., ApiServer],
    monkeypatch: pytest.MonkeyPatch,
    answers: list[t.Any],
    address: str | None,
    words: str,
) -> None:
    monkeypatch.setattr(internal_load_balancer_info, "PAUSE_SECONDS", 10)
    server = serve(*answers, VERSION, events("earlier", "the address is in use", "the address is in use"))
    asked = {"name": "products", "namespace": "shop", "address": address}
    message = run(fails=True, wait_timeout=1, services=[asked])["msg"]
    assert message.startswith("Service shop/products: ") and words in message
    assert ("GKE says: the address is in use" in message) is ("address" in words)
    assert "involvedObject.name%3Dproducts" in server.asked[-1]


def test_waits_until_it_is_gone(serve: t.Callable[..., ApiServer]) -> None:
    serve(service("10.10.0.80"), pieces(False), ABSENT, VERSION)
    assert not run(wait_timeout=5, state="absent")["services"][0]["exists"]


def test_says_what_keeps_it(serve: t.Callable[..., ApiServer], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(internal_load_balancer_info, "PAUSE_SECONDS", 10)
    serve(service("10.10.0.80"), pieces(False), VERSION, events("quota"))
    message = run(fails=True, wait_timeout=1, state="absent")["msg"]
    assert "is not gone after 1 s" in message and "GKE says: quota" in message


def test_an_api_server_that_refuses_is_named(serve: t.Callable[..., ApiServer]) -> None:
    serve((403, {"message": "services is forbidden"}))
    message = run(fails=True)["msg"]
    assert "203.0.113.7" in message and "services is forbidden" in message
