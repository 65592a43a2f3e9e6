# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for cert-manager, and its own reasons when it is not ready; the API server is scripted."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.modules import cert_manager_info
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.api_server import ApiServer, starter
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Script

PROBE = "/apis/cert-manager.io/v1/namespaces/cert-manager/issuers?dryRun=All"
DENIED = (403, {"message": 'admission webhook "webhook.cert-manager.io" denied the request: spec: Forbidden'})
CERTIFICATES = [{"name": "orders-tls", "namespace": "shop"}]
NO_PODS: dict[str, t.Any] = {"items": []}


def certificate(generation: int = 1, **conditions: tuple[str, str, str]) -> dict[str, t.Any]:
    """A Certificate with conditions given as (status, reason, message), looked at in its first generation."""
    found = [
        {"type": name, "status": status, "reason": reason, "message": message, "observedGeneration": 1}
        for name, (status, reason, message) in conditions.items()
    ]
    return {
        "metadata": {"generation": generation},
        "spec": {"secretName": "orders-tls", "dnsNames": ["a"], "issuerRef": {"name": "ca"}},
        "status": {"conditions": found, "revision": 1},
    }


READY = certificate(Ready=("True", "Ready", "up to date"))


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., ApiServer]:
    monkeypatch.setattr(cert_manager_info, "FIRST_PAUSE_SECONDS", 0.01)
    return starter(monkeypatch)


def run(fails: bool = False, **options: t.Any) -> dict[str, t.Any]:
    return Script().run(cert_manager_info, fails=fails, endpoint="203.0.113.7", **options)


def says(result: dict[str, t.Any]) -> str:
    return " ".join(result["msg"].split())


def test_only_a_refusal_proves_that_the_webhook_answers(serve: t.Callable[..., ApiServer]) -> None:
    server = serve(
        (404, {"message": "the server could not find the requested resource"}),
        (500, {"message": "failed calling webhook: x509: certificate signed by unknown authority"}),
        (201, {"kind": "Issuer"}),
        DENIED,
    )
    assert run(webhook=True, wait_timeout=10)["webhook"] == {"ready": True, "reason": ""}
    assert server.asked == [PROBE] * 4


def test_a_webhook_that_does_not_answer_is_explained(
    serve: t.Callable[..., ApiServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Another pause would be too long: time is up after the first look.
    monkeypatch.setattr(cert_manager_info, "FIRST_PAUSE_SECONDS", 2)
    waiting = {"waiting": {"reason": "CrashLoopBackOff"}}
    pod = {"metadata": {"name": "cert-manager-1"}, "status": {"containerStatuses": [{"state": waiting}]}}
    serve((500, {"message": "failed calling webhook: dial tcp: i/o timeout"}), {"items": [pod]})
    message = says(run(fails=True, webhook=True, wait_timeout=1))
    assert "after 1 s its webhook does not answer" in message and "i/o timeout" in message
    assert "10250" in message and "cert-manager-1 Unknown, CrashLoopBackOff" in message


def test_who_may_not_ask_is_told_at_once(serve: t.Callable[..., ApiServer]) -> None:
    serve((403, {"message": "issuers is forbidden"}))
    assert "HTTP 403: issuers is forbidden" in run(fails=True, webhook=True, wait_timeout=60)["msg"]


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        ((404, {"message": "not found"}), "there is no such Certificate"),
        (certificate(), "cert-manager has not looked at it yet"),
        (certificate(2, Ready=("True", "Ready", "")), "cert-manager has not looked at the last change yet"),
        (certificate(Ready=("False", "DoesNotExist", "no Secret")), "DoesNotExist: no Secret"),
        (
            certificate(Ready=("True", "Ready", ""), Issuing=("True", "Renewing", "is due")),
            "Renewing: is due",
        ),
    ],
)
def test_a_certificate_is_waited_for(serve: t.Callable[..., ApiServer], first: t.Any, reason: str) -> None:
    serve(first)
    assert run(certificates=CERTIFICATES)["certificates"][0]["reason"] == reason
    serve(first, READY)
    (found,) = run(certificates=CERTIFICATES, wait_timeout=10)["certificates"]
    assert found["ready"] and found["dns_names"] == ["a"] and found["secret"] == "orders-tls"


def test_a_certificate_that_is_not_issued_is_told_in_its_own_words(
    serve: t.Callable[..., ApiServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cert_manager_info, "FIRST_PAUSE_SECONDS", 2)
    said = 'Referenced "ClusterIssuer" not found'
    condition = {"type": "Ready", "status": "False", "reason": "Pending", "message": said}
    requests = [
        {
            "metadata": {
                "name": f"orders-tls-{day}",
                "creationTimestamp": f"2026-11-2{day}T00:00:00Z",
                "annotations": {"cert-manager.io/certificate-name": name},
            },
            "status": {"conditions": [condition]},
        }
        for day, name in ((1, "orders-tls"), (2, "orders-tls"), (3, "other"))
    ]
    unissued = certificate(Ready=("False", "DoesNotExist", "no Secret"))
    serve(unissued, {"items": requests}, NO_PODS)
    message = says(run(fails=True, certificates=CERTIFICATES, wait_timeout=1))
    assert "Certificate orders-tls (namespace shop): not issued after 1 s." in message
    assert 'CertificateRequest orders-tls-2: Pending: Referenced "ClusterIssuer" not found' in message


def test_issuers_of_any_group_are_found_by_their_kind(serve: t.Callable[..., ApiServer]) -> None:
    group = {"preferredVersion": {"groupVersion": "cas.example/v1beta1"}}
    kinds = {"resources": [{"name": "things", "kind": "Thing", "namespaced": True}]}
    ready = {"metadata": {}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    server = serve(group, kinds, ready)
    issuer = {"name": "x", "kind": "Thing", "group": "cas.example", "namespace": "shop"}
    assert run(issuers=[issuer])["issuers"][0]["ready"]
    assert server.asked[-1] == "/apis/cas.example/v1beta1/namespaces/shop/things/x"
    serve((404, {}))
    assert "its controller is not installed" in run(issuers=[issuer])["issuers"][0]["reason"]
    serve(group, kinds, (404, {"message": "not found"}))
    assert run(issuers=[issuer])["issuers"][0]["reason"] == "there is no such issuer"


def test_a_cluster_without_a_release(serve: t.Callable[..., ApiServer]) -> None:
    server = serve(NO_PODS)
    assert run(release=True)["release"] is None
    assert server.asked == [
        "/api/v1/namespaces/cert-manager/secrets?labelSelector=name%3Dcert-manager%2Cowner%3Dhelm"
    ]
