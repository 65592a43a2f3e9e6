# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking at a workload and the gateway beside its application; the API server is scripted."""

from __future__ import annotations

import base64
import json
import typing as t

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._microgateway import beside, objects
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.fields import PREFIX
from ansible_collections.gatewayops.apigee_gke.plugins.modules import edge_microgateway_workload_info
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.api_server import ApiServer, starter
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Script

ASKED = {"endpoint": "203.0.113.7", "namespace": "shop", "name": "orders", "gateway": "orders-gateway"}
LABELS = beside.labels("orders-gateway")
EMPTY: dict[str, t.Any] = {"items": []}
# NetworkPolicy, Service, ConfigMap.
LISTS = [EMPTY] * 3


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., ApiServer]:
    monkeypatch.setattr(edge_microgateway_workload_info, "PAUSE_SECONDS", 0.01)
    return starter(monkeypatch)


def look(fails: bool = False, **options: t.Any) -> dict[str, t.Any]:
    return Script().run(edge_microgateway_workload_info, fails=fails, **{**ASKED, **options})


def deployment(asks: str = "now") -> dict[str, t.Any]:
    template = {"metadata": {"annotations": {PREFIX + "gateway": asks}}, "spec": {"containers": [{"name": "app"}]}}
    selector = {"matchLabels": {"app": "orders"}}
    metadata = {"name": "orders", "namespace": "shop", "uid": "1"}
    return {"metadata": metadata, "spec": {"replicas": 1, "selector": selector, "template": template}, "status": {}}


def pod(name: str, asks: str = "now", ready: bool = True, gateway: bool = True, **fields: t.Any) -> dict[str, t.Any]:
    status = {"conditions": [{"type": "Ready", "status": str(ready)}], **fields.pop("status", {})}
    spec = {"initContainers": [{"name": "edge-microgateway"}] if gateway else [], "containers": [{"name": "app"}]}
    metadata = {"name": name, "annotations": {PREFIX + "gateway": asks}, **fields}
    return {"metadata": metadata, "spec": spec, "status": status}


def secrets(*names: str, further: dict[str, str] | None = None) -> dict[str, t.Any]:
    found = []
    for name in names:
        data = {key: base64.b64encode(f"{name} {key}".encode()).decode() for key in ("mgw-key", "mgw-secret")}
        metadata = {"name": name, "namespace": "shop", "labels": {**LABELS, **(further or {})}}
        found.append({"metadata": metadata, "data": data})
    return {"items": found}


def test_it_shows_the_workload_and_what_bears_the_label_and_no_content(serve: t.Callable[..., ApiServer]) -> None:
    server = serve(*LISTS, secrets("now", "before"), deployment())
    result = look()
    assert result["workload"] == {
        "metadata": {"name": "orders", "namespace": "shop"},
        "spec": deployment()["spec"],
    }
    assert [one["metadata"]["name"] for one in result["objects"]] == ["now", "before"]
    assert "mgw" not in json.dumps(result["objects"]) and not {"credentials", "pairs"} & set(result)
    assert [path.partition("?")[0] for path in server.asked] == [
        "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies", "/api/v1/namespaces/shop/services",
        "/api/v1/namespaces/shop/configmaps", "/api/v1/namespaces/shop/secrets",
        "/apis/apps/v1/namespaces/shop/deployments/orders"]  # fmt: skip


def test_the_pairs_are_shown_where_they_are_asked_for(serve: t.Callable[..., ApiServer]) -> None:
    serve(*LISTS, secrets("now", "before"), deployment())
    result = look(show_credentials=True)
    assert result["credentials"] == {"key": "now mgw-key", "secret": "now mgw-secret"}
    assert [one["key"] for one in result["pairs"]] == ["now mgw-key", "before mgw-key"]


def test_a_gateway_as_a_service_of_the_same_name_is_another(serve: t.Callable[..., ApiServer]) -> None:
    serve(*LISTS, secrets("now", further={objects.NAMESPACE_LABEL: "shop"}), (404, {}))
    result = look(show_credentials=True)
    assert (result["workload"], result["objects"], result["credentials"], result["pairs"]) == ({}, [], {}, [])


def test_a_pod_is_made_in_a_dry_run_alone(serve: t.Callable[..., ApiServer]) -> None:
    server = serve(*LISTS, EMPTY, deployment(), pod("orders-probe"))
    assert look(pod={"kind": "Pod"})["made"] == pod("orders-probe")
    assert server.asked[-1] == "/api/v1/namespaces/shop/pods?dryRun=All"


def test_a_pod_that_is_refused_says_why(serve: t.Callable[..., ApiServer]) -> None:
    serve(*LISTS, EMPTY, deployment(), (422, {"message": "gateway-port is none, but must be a port"}))
    assert "gateway-port is none, but must be a port" in look(fails=True, pod={"kind": "Pod"})["msg"]


def test_it_waits_until_every_pod_has_its_gateway_and_none_of_before_is_left(serve: t.Callable[..., ApiServer]) -> None:
    live, ended = deployment(), pod("orders-0", asks="before", status={"phase": "Failed"})
    before = [
        [],
        [pod("orders-1", asks="before")],
        [pod("orders-2", gateway=False)],
        [pod("orders-2"), pod("orders-1", deletionTimestamp="now")],
    ]
    script = [step for pods in before for step in (live, {"items": pods})]
    server = serve(*script, live, {"items": [pod("orders-2"), ended]}, *LISTS, EMPTY, live)
    assert "workload" not in look(wait_for="served", asked="now", wait_timeout=5)
    assert len(server.asked) == 2 * 5 + 5


@pytest.mark.parametrize(("found", "text"), [
    (pod("orders-1", asks="before"), "orders-1 is of before"),
    (pod("orders-1", gateway=False), "orders-1 was made without its gateway"),
    (pod("orders-1", ready=False, status={"initContainerStatuses": [
        {"ready": False, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}), "is not ready (CrashLoopBackOff)"),
])  # fmt: skip
def test_pods_that_do_not_come_up_are_named(serve: t.Callable[..., ApiServer], found: t.Any, text: str) -> None:
    serve(deployment(), {"items": [found]})
    result = look(fails=True, wait_for="served", asked="now", wait_timeout=0)
    assert text in result["msg"] and "Edge does not answer" in result["msg"]


def test_it_waits_until_the_last_gateway_is_gone(serve: t.Callable[..., ApiServer]) -> None:
    server = serve(deployment(), {"items": [pod("orders-1")]}, (404, {}), *LISTS, EMPTY, (404, {}))
    look(wait_for="gone", wait_timeout=5)
    # A workload that is gone has no pods.
    assert len(server.asked) == 3 + 5


def test_a_gateway_that_stays_is_named(serve: t.Callable[..., ApiServer]) -> None:
    serve(deployment(), {"items": [pod("orders-1"), pod("orders-2", gateway=False)]})
    assert "orders-1 has its gateway still" in look(fails=True, wait_for="gone", wait_timeout=0)["msg"]


def test_a_cluster_that_lets_nobody_read_says_so(serve: t.Callable[..., ApiServer]) -> None:
    serve((403, {"message": "forbidden"}))
    assert "could not be read" in look(fails=True)["msg"]


def test_an_authority_that_is_none_is_named() -> None:
    assert "ca_certificate is no certificate" in look(fails=True, ca_certificate="bm9uZQ==")["msg"]
