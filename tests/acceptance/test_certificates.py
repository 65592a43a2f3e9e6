# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real cert-manager: installed, issuing, upgraded, removed and back again, without losing what it issued."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.acceptance.cloud import Cloud, Run, until

PLAYBOOK = "tests/acceptance/certificates.yml"
HOST = "orders.shop.svc.gke.acme.internal"
RELEASE = ("HelmRelease", "gke/cert-manager/cert-manager")


def play(cloud: Cloud, *arguments: str, check: bool = True, **variables: Any) -> Run:
    return cloud.play(PLAYBOOK, *arguments, "-e", json.dumps(variables), check=check)


def secret(cloud: Cloud, name: str, namespace: str) -> dict[str, bytes]:
    found = json.loads(cloud.kubectl("get", "secret", name, "-n", namespace, "-o", "json"))
    return {key: base64.b64decode(value) for key, value in found["data"].items()}


def leaf(cloud: Cloud) -> x509.Certificate:
    return x509.load_pem_x509_certificate(secret(cloud, "orders-tls", "shop")["tls.crt"])


def definitions(cloud: Cloud) -> list[str]:
    return cloud.kubectl("get", "customresourcedefinitions", "-o", "name").split()


@pytest.fixture(scope="module")
def issuing(converged: Cloud) -> Iterator[Cloud]:
    """A cluster with cert-manager, made by the role; each test begins with what it needs."""
    preview = play(converged, "--check")
    assert (*RELEASE, "created") in preview.actions
    assert ("Certificate", "gke/shop/orders-tls", "created") in preview.actions
    assert not any("cert-manager.io" in name for name in definitions(converged))
    made = play(converged)
    assert made.actions == preview.actions
    yield converged


def test_the_certificate_is_for_the_name_that_apigee_dials(issuing: Cloud) -> None:
    content = secret(issuing, "orders-tls", "shop")
    root = x509.load_pem_x509_certificate(secret(issuing, "apigee-gke-ca", "cert-manager")["tls.crt"])
    certificate = x509.load_pem_x509_certificate(content["tls.crt"])
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [HOST, "orders.shop.svc.cluster.local"]
    certificate.verify_directly_issued_by(root)
    assert x509.load_pem_x509_certificate(content["ca.crt"]) == root
    assert load_pem_private_key(content["tls.key"], None).public_key() == certificate.public_key()
    assert (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days == 90


def test_a_second_run_changes_nothing(issuing: Cloud) -> None:
    before = leaf(issuing)
    again = play(issuing)
    assert again.changed == 0 and again.actions == set()
    assert leaf(issuing) == before


def test_a_changed_value_upgrades_and_keeps_certificates(issuing: Cloud) -> None:
    before = leaf(issuing)
    upgraded = play(issuing, cert_manager_values={"global": {"logLevel": 3}})
    assert upgraded.actions == {(*RELEASE, "updated")}
    (entry,) = [entry for entry in upgraded.report if entry["action"] == "updated"]
    assert [change["field"] for change in entry["changes"]] == ["values.global.logLevel"]
    arguments = issuing.kubectl(
        "get", "deployment", "cert-manager", "-n", "cert-manager", "-o", "jsonpath={..containers[0].args}"
    )
    assert "--v=3" in arguments
    assert leaf(issuing) == before


def test_renewal_issues_anew_with_a_new_key(issuing: Cloud) -> None:
    # The shortest that cert-manager takes is an hour; it is due for renewal ten seconds after it was issued.
    play(issuing, certificates_tls={"duration": "1h0m0s", "renew_before": "59m50s"})
    first = leaf(issuing)
    until(lambda: leaf(issuing) != first, seconds=40, what="cert-manager renews by itself")
    renewed = leaf(issuing)
    assert renewed.public_key() != first.public_key()
    assert renewed.issuer == first.issuer and renewed.not_valid_before_utc > first.not_valid_before_utc


def test_what_cannot_be_issued_is_told_in_cert_managers_words(issuing: Cloud) -> None:
    missing = {"kind": "ClusterIssuer", "name": "corp", "group": "cert-manager.io"}
    failed = play(issuing, check=False, certificates_issuer=missing, headless_service_timeout=5)
    said = " ".join(failed.output.split())
    assert failed.code != 0
    assert "Certificate orders-tls (namespace shop): not issued after 5 s." in said
    assert 'Referenced "ClusterIssuer" not found' in said


def test_removal_keeps_what_was_issued(issuing: Cloud) -> None:
    play(issuing)
    before = leaf(issuing)
    removed = play(issuing, cert_manager_state="absent")
    assert removed.actions == {(*RELEASE, "deleted")}
    assert issuing.kubectl("get", "deployments", "-n", "cert-manager", "-o", "name") == ""
    assert "orders-tls" in issuing.kubectl("get", "certificates", "-n", "shop", "-o", "name")
    assert leaf(issuing) == before
    assert play(issuing, cert_manager_state="absent").changed == 0
    back = play(issuing)
    assert back.actions == {(*RELEASE, "created")}
    assert leaf(issuing) == before


def test_removal_of_everything_leaves_the_services_secrets(issuing: Cloud) -> None:
    before = leaf(issuing)
    play(issuing, cert_manager_state="absent", cert_manager_keep_certificates=False)
    assert not any("cert-manager.io" in name for name in definitions(issuing))
    assert leaf(issuing) == before
