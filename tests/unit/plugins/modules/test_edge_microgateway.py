# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking at a gateway in a cluster, and calling it through its Service; the API server is scripted."""

from __future__ import annotations

import base64
import json
import typing as t

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._microgateway import objects
from ansible_collections.gatewayops.apigee_gke.plugins.modules import edge_microgateway_info, edge_microgateway_request
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.api_server import ApiServer, starter
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Script

ASKED = {"endpoint": "203.0.113.7", "namespace": "gateways", "name": "edge"}
PROXY = "/api/v1/namespaces/gateways/services/edge:8000/proxy"
LABELS = objects.labels("edge", "gateways")
CANARY = "canary-of-the-gateway"


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., ApiServer]:
    for module in (edge_microgateway_info, edge_microgateway_request):
        monkeypatch.setattr(module, "PAUSE_SECONDS", 0.01)
    return starter(monkeypatch)


def ask(fails: bool = False, **options: t.Any) -> dict[str, t.Any]:
    return Script().run(edge_microgateway_request, fails=fails, **{**ASKED, "path": "/orders/42", **options})


def look(fails: bool = False, **options: t.Any) -> dict[str, t.Any]:
    return Script().run(edge_microgateway_info, fails=fails, **{**ASKED, **options})


def test_a_call_goes_through_the_api_servers_proxy(serve: t.Callable[..., ApiServer]) -> None:
    server = serve({"pod": "orders-1"})
    result = ask()
    assert (result["status"], json.loads(result["body"])) == (200, {"pod": "orders-1"})
    assert server.asked == [PROXY + "/orders/42"] and server.tokens == {"Bearer canary-token-4711"}


def test_it_is_repeated_until_the_answer_is_the_wanted_one(serve: t.Callable[..., ApiServer]) -> None:
    server = serve(ConnectionRefusedError("refused"), (503, {}), (401, {}))
    assert ask(status=[401], wait_timeout=5)["status"] == 401
    assert len(server.asked) == 3


def test_another_answer_fails_with_what_was_wanted_and_found(serve: t.Callable[..., ApiServer]) -> None:
    serve((403, {"error": "access_denied"}))
    result = ask(fails=True, key="canary-key")
    assert result["status"] == 403
    assert "was to be answered with a status below 400" in result["msg"] and "access_denied" in result["msg"]
    assert "canary-key" not in json.dumps(result)


def deployment(available: int = 1) -> dict[str, t.Any]:
    reference = {"secretKeyRef": {"name": "mgwsecret-1", "key": "mgw-key"}}
    template = {
        "metadata": {"annotations": {objects.CHECKSUM: "now"}},
        "spec": {"containers": [{"env": [{"name": "EDGEMICRO_KEY", "valueFrom": reference}]}]},
    }
    status = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": available}
    return {"metadata": {"generation": 1}, "spec": {"replicas": 1, "template": template}, "status": status}


def pods(*marks: str) -> dict[str, t.Any]:
    waiting = [{"ready": False, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]
    return {"items": [{"metadata": {"name": f"edge-{mark}", "annotations": {objects.CHECKSUM: mark}},
                       "status": {"containerStatuses": waiting}} for mark in marks]}


def listed(name: str) -> dict[str, t.Any]:
    data = {"mgw-key": CANARY, "mgw-secret": CANARY}
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {"items": [{"metadata": {"name": name, "namespace": "gateways", "labels": LABELS}, "data": encoded}]}


EMPTY: dict[str, t.Any] = {"items": []}
# All kinds before the Secret.
LISTS = [EMPTY] * (len(objects.KINDS) - 1)


def test_it_names_what_bears_the_label_and_no_content(serve: t.Callable[..., ApiServer]) -> None:
    server = serve(deployment(), *LISTS, listed("mgwsecret-1"), pods("now"))
    result = look()
    assert result["rolled_out"] is True
    assert result["objects"] == [{"apiVersion": "v1", "kind": "Secret", "metadata": {
        "name": "mgwsecret-1", "namespace": "gateways", "labels": LABELS}}]
    assert CANARY not in json.dumps(result) and "credentials" not in result
    assert result["replicas"] == 1
    asked = "/apis/apps/v1/deployments?labelSelector=app.kubernetes.io%2Fmanaged-by"
    assert any(one.startswith(asked) for one in server.asked)


def test_the_pair_is_shown_where_it_is_asked_for(serve: t.Callable[..., ApiServer]) -> None:
    serve(deployment(), *LISTS, listed("mgwsecret-1"), pods("now"))
    assert look(show_credentials=True)["credentials"] == {"key": CANARY, "secret": CANARY}


def test_it_waits_until_the_last_pod_of_before_is_gone(serve: t.Callable[..., ApiServer]) -> None:
    serve(pods("now", "before"), deployment(), pods("now"), deployment(), deployment(), *LISTS, EMPTY, pods("now"))
    assert look(wait_for="rolled_out", wait_timeout=5)["rolled_out"] is True


def test_pods_that_do_not_come_up_are_named_with_what_they_wait_for(serve: t.Callable[..., ApiServer]) -> None:
    serve(pods("now"), deployment(available=0), pods("now"), deployment(0), *LISTS, EMPTY, pods("now"))
    result = look(fails=True, wait_for="rolled_out", wait_timeout=0)
    assert "edge-now: CrashLoopBackOff" in result["msg"] and "Edge does not answer" in result["msg"]


def test_it_waits_until_nothing_is_left(serve: t.Callable[..., ApiServer]) -> None:
    serve(pods("now"), EMPTY, (404, {}), *LISTS, EMPTY, EMPTY)
    result = look(wait_for="gone", wait_timeout=5)
    assert (result["rolled_out"], result["replicas"], result["objects"]) == (False, 0, [])


def test_a_cluster_that_lets_nobody_read_says_so(serve: t.Callable[..., ApiServer]) -> None:
    serve((403, {"message": "forbidden"}))
    assert "could not be read" in look(fails=True)["msg"]
