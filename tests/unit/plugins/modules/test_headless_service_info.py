# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for the pods behind a name, and what is said when none comes; the API server is scripted."""

from __future__ import annotations

import http.client
import typing as t

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._kubernetes import reader
from ansible_collections.gatewayops.apigee_gke.plugins.modules import headless_service_info
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.api_server import ApiServer, starter
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Script

SLICES = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3Dorders"
SERVICE = "/api/v1/namespaces/shop/services/orders"
PODS = "/api/v1/namespaces/shop/pods?labelSelector=app%3Dorders"
SELECTED = {"spec": {"selector": {"app": "orders"}}}
UNTRUSTED = reader.ssl.SSLCertVerificationError("bad")
UNTRUSTED.verify_message = "self-signed certificate"
ASKED = {"endpoint": "203.0.113.7", "services": [{"name": "orders", "namespace": "shop"}]}


def pieces(ready: bool) -> dict[str, t.Any]:
    endpoint = {"addresses": ["10.0.0.2"], "conditions": {"ready": ready}, "targetRef": {"name": "orders-1"}}
    labels = {"kubernetes.io/service-name": "orders"}
    return {"items": [{"metadata": {"namespace": "shop", "labels": labels}, "endpoints": [endpoint]}]}


def pod(**status: t.Any) -> dict[str, t.Any]:
    return {"metadata": {"name": "orders-1"}, "status": {"phase": "Pending", **status}}


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., ApiServer]:
    monkeypatch.setattr(headless_service_info, "PAUSE_SECONDS", 0.01)
    return starter(monkeypatch)


def run(fails: bool = False, **options: t.Any) -> dict[str, t.Any]:
    return Script().run(headless_service_info, fails=fails, **{**ASKED, **options})


def test_reads_once_and_takes_none_for_an_answer(serve: t.Callable[..., ApiServer]) -> None:
    server = serve(pieces(ready=False))
    assert run()["endpoints"] == {"orders": []}
    assert server.asked == [SLICES] and server.tokens == {"Bearer canary-token-4711"}


def test_waits_through_what_passes(serve: t.Callable[..., ApiServer]) -> None:
    starting = (503, {"message": "starting"})
    server = serve(ConnectionRefusedError("refused"), starting, pieces(ready=False), pieces(ready=True))
    result = run(wait_timeout=5)
    assert result["endpoints"] == {"orders": [{"address": "10.0.0.2", "pod": "orders-1"}]} and not result["changed"]
    assert server.asked == [SLICES] * 4


def with_sidecar(port: int | None) -> dict[str, t.Any]:
    status = {} if port is None else {"tls-sidecar.gatewayops.io/status": f'{{"engine": "nginx", "port": {port}}}'}
    return {"items": [{"metadata": {"name": "orders-1", "annotations": status}}]}


SIDECARS = [{"name": "orders", "namespace": "shop", "selector": {"app": "orders"}, "sidecar_port": 8443}]


def test_a_name_is_ready_when_all_of_its_pods_have_their_sidecar(serve: t.Callable[..., ApiServer]) -> None:
    ready = pieces(ready=True)
    server = serve(ready, with_sidecar(None), ready, with_sidecar(9443), ready, with_sidecar(8443))
    result = run(wait_timeout=5, services=SIDECARS)
    assert result["endpoints"] == {"orders": [{"address": "10.0.0.2", "pod": "orders-1"}]}
    assert server.asked == [SLICES, PODS] * 3


def test_pods_without_their_sidecar_are_named_with_what_to_do(
    serve: t.Callable[..., ApiServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(headless_service_info, "PAUSE_SECONDS", 2)
    serve(pieces(ready=True), with_sidecar(None), SELECTED, with_sidecar(None))
    said = " ".join(run(fails=True, wait_timeout=1, services=SIDECARS)["msg"].split())
    assert "pods behind its name lack their TLS sidecar. found orders-1 because Apigee would call port 8443" in said
    assert "kubectl --namespace shop rollout restart" in said


NO_PLACE = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}
REASONS: list[tuple[list[t.Any], str]] = [
    ([(404, {"message": "no"})], "no Service of this name"),
    ([SELECTED, {"items": []}], "no pod with the labels that the Service selects (app=orders)"),
    ([{"spec": {}}], "no pod with the labels that the Service selects (none)"),
    (
        [SELECTED, {"items": [pod(containerStatuses=[{"state": {"waiting": {"reason": "ErrImagePull"}}}])]}],
        "orders-1 Pending, ErrImagePull",
    ),
    (
        [SELECTED, {"items": [pod(conditions=[NO_PLACE])]}],
        "orders-1 Pending, Unschedulable: 0/3 nodes",
    ),
    ([(403, {"message": "pods is forbidden"})], "its pods could not be read (HTTP 403: pods is forbidden)"),
]


@pytest.mark.parametrize(("answers", "says"), REASONS)
def test_says_why_no_pod_is_ready(
    serve: t.Callable[..., ApiServer], monkeypatch: pytest.MonkeyPatch, answers: list[t.Any], says: str
) -> None:
    # Another pause would be too long: time is up after the first look.
    monkeypatch.setattr(headless_service_info, "PAUSE_SECONDS", 2)
    serve(pieces(ready=False), *answers)
    assert says in " ".join(run(fails=True, wait_timeout=1)["msg"].split())


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((403, {"message": "endpointslices is forbidden"}), "HTTP 403: endpointslices is forbidden"),
        ((401, {}), "HTTP 401: no reason given"),
        (UNTRUSTED, "its certificate is not trusted: self-signed certificate"),
    ],
)
def test_what_does_not_pass_is_not_waited_for(serve: t.Callable[..., ApiServer], answer: t.Any, says: str) -> None:
    server = serve(answer)
    assert says in run(fails=True, wait_timeout=60)["msg"]
    assert len(server.asked) == 1


def test_no_answer_until_time_is_up(serve: t.Callable[..., ApiServer]) -> None:
    serve(http.client.RemoteDisconnected("closed without a reply"))
    message = run(fails=True)["msg"]
    assert "cluster at 203.0.113.7" in message and "no answer: closed without a reply" in message


def test_a_certificate_that_is_none(serve: t.Callable[..., ApiServer]) -> None:
    serve()
    assert "ca_certificate" in run(fails=True, ca_certificate="bm9uZQ==")["msg"]
