# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What changes under callers who notice nothing: pods, certificates, and the authority that Apigee trusts.

Apigee's times and the drain are scaled by one factor (``APIGEE_SCALE``); kubelet and cert-manager keep their own pace.
"""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from tests.acceptance.cloud import Cloud, until
from tests.acceptance.tls import load, play, pods, restarts, shown, without_certificate

ENVIRONMENT = "v1/organizations/acme-shop/environments/prod"
ROLLOUTS = 3
FILE = "/var/run/tls-sidecar/certificate/tls.crt"
# Soon, because the testbed's Apigee learns of a reference at once; on a live one nobody knows (docs/tls.md).
TRUST = {"settle": 2}


@pytest.fixture(scope="module")
def site(running_cloud: Cloud) -> Cloud:
    """The testbed's site as its inventory has it."""
    running_cloud.reset()
    play(running_cloud)
    return running_cloud


def secret(cloud: Cloud, name: str, namespace: str) -> x509.Certificate | None:
    """The certificate in a Secret; None while there is none."""
    found = json.loads(cloud.kubectl("get", "secrets", "-n", namespace, "-o", "json"))["items"]
    data = next((each.get("data", {}) for each in found if each["metadata"]["name"] == name), {})
    return x509.load_pem_x509_certificate(base64.b64decode(data["tls.crt"])) if data.get("tls.crt") else None


def trusted(cloud: Cloud) -> set[bytes]:
    """The keys of the authorities that Apigee trusts."""
    keystore = cloud.google("GET", "apigee", f"{ENVIRONMENT}/references/gke-ca")["refers"]
    path = f"{ENVIRONMENT}/keystores/{keystore}/aliases"
    return {
        key(x509.load_pem_x509_certificate(
            cloud.session.get(
                f"{cloud.connection['emulator']}/apigee/{path}/{alias}/certificate",
                headers={"Authorization": f"Bearer {cloud.token()}"}, timeout=60,
            ).content
        ))
        for alias in cloud.google("GET", "apigee", path)
    }  # fmt: skip


def key(certificate: x509.Certificate) -> bytes:
    """Its public key: a renewed authority has the same, a new one has not."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return certificate.public_key().public_bytes(serialization.Encoding.DER, form)


def renew(cloud: Cloud, name: str, namespace: str) -> None:
    """Ask for a new certificate, as ``cmctl renew`` does."""
    issuing = {"type": "Issuing", "status": "True", "reason": "ManuallyTriggered", "message": "by this test"}
    patch = json.dumps({"status": {"conditions": [issuing]}})
    cloud.kubectl(
        "patch", "certificate", name, "-n", namespace, "--subresource=status", "--type=merge", "-p", patch
    )  # fmt: skip


def arrivals(cloud: Cloud, new: x509.Certificate) -> dict[str, tuple[float, float]]:
    """For each pod the seconds from now until its file, and until a new connection, have the certificate."""
    began, files, wire = time.monotonic(), {}, {}
    addresses = pods(cloud)

    def all_shown() -> bool:
        for name, address in addresses.items():
            if name not in files:
                text = cloud.kubectl("exec", name, "-n", "shop", "-c", "tls-sidecar", "--", "cat", FILE)
                if x509.load_pem_x509_certificate(text.encode()) == new:
                    files[name] = time.monotonic() - began
            if name not in wire and shown(cloud, address) == new:
                wire[name] = time.monotonic() - began
        return len(files) == len(wire) == len(addresses)

    until(all_shown, seconds=150, what="every pod shows the new certificate")
    return {name: (files[name], wire[name]) for name in addresses}


def test_a_new_authority_and_new_certificates_without_a_failed_call(site: Cloud) -> None:
    root, leaf, before = secret(site, "apigee-gke-ca", "cert-manager"), secret(site, "orders-tls", "shop"), pods(site)
    assert root and leaf and trusted(site) == {key(root)}
    started = restarts(site)
    with load(site) as calls:
        # A new root with a new key, in the place of the old one.
        site.kubectl("delete", "secret", "apigee-gke-ca", "-n", "cert-manager")
        new_root = until(lambda: secret(site, "apigee-gke-ca", "cert-manager"), seconds=30, what="a new root")
        assert key(new_root) != key(root)
        both = play(site, apigee_gke_trust=TRUST)
        assert {kind for kind, _name, _action in both.actions} == {"apigee_truststore"}
        assert trusted(site) == {key(root), key(new_root)}

        renew(site, "orders-tls", "shop")
        new_leaf = until(
            lambda: (found := secret(site, "orders-tls", "shop")) != leaf and found, seconds=30, what="a new leaf"
        )  # fmt: skip
        new_leaf.verify_directly_issued_by(new_root)
        assert key(new_leaf) != key(leaf)
        seconds = arrivals(site, new_leaf)

        retired = play(site, apigee_gke_trust={**TRUST, "retire": True})
        assert {kind for kind, _name, _action in retired.actions} == {"apigee_truststore"}
        assert trusted(site) == {key(new_root)}
        assert site.call(fresh=True)["tls"]["verified"] is True
    print(json.dumps({"calls": calls.done, "secret to file, secret to wire (s)": list(seconds.values())}))
    assert not calls.failed, (len(calls.failed), calls.failed[:5])
    assert calls.done > 200
    assert max(wire - file for file, wire in seconds.values()) < 60
    assert pods(site) == before and restarts(site) == started


def rollout(cloud: Cloud) -> None:
    """Replace all pods, and wait until the old ones are gone."""
    old = set(pods(cloud))
    cloud.kubectl("rollout", "restart", "deployment/orders", "-n", "shop")
    cloud.kubectl("rollout", "status", "deployment/orders", "-n", "shop", "--timeout=120s")
    cloud.kubectl("wait", "--for=delete", "-n", "shop", "--timeout=120s", *(f"pod/{name}" for name in sorted(old)))
    assert not old & set(pods(cloud))


def patched(cloud: Cloud, annotations: dict[str, Any], environment: dict[str, str]) -> None:
    """Change the pods of the Deployment."""
    container = {"name": "application", "env": [{"name": name, "value": text} for name, text in environment.items()]}
    template = {"metadata": {"annotations": annotations}, "spec": {"containers": [container]}}
    cloud.kubectl("patch", "deployment", "orders", "-n", "shop", "-p", json.dumps({"spec": {"template": template}}))
    cloud.kubectl("rollout", "status", "deployment/orders", "-n", "shop", "--timeout=120s")


def test_rollouts_lose_nothing_with_the_drain_and_something_without(site: Cloud) -> None:
    with load(site, callers=4, pause=0.03) as polite:
        for _each in range(ROLLOUTS):
            rollout(site)
    # Pods that end at once, as they do without the injector's part.
    patched(site, {"tls-sidecar.gatewayops.io/drain-seconds": "0"}, {"DRAIN_SECONDS": "0"})
    with load(site, callers=4, pause=0.03) as naive:
        rollout(site)
    print(json.dumps({"polite": polite.done, "naive": naive.done, "lost": len(naive.failed)}), naive.failed[:2])
    assert not polite.failed, (len(polite.failed), polite.failed[:5])
    assert polite.done > 500
    assert naive.failed


# First Apigee shows its certificate, then the pods ask for it.
SHOWN, DEMANDED = {"client_certificate": {"required": False}}, {"client_certificate": True}


def test_mutual_tls_comes_and_its_certificate_is_renewed_without_a_failed_call(site: Cloud) -> None:
    made = play(site, tls=SHOWN)
    first = {
        ("Certificate", "gke/apigee-gke/apigee-client"),
        ("ConfigMap", "gke/shop/apigee-client-ca"),
        ("apigee_client_certificate", "prod/gke-client"),
    }
    assert {(*each, "created") for each in first} <= made.actions
    answers = {without_certificate(site, address) for address in pods(site).values()}
    assert answers == {200}

    with load(site) as calls:
        demanded = play(site, tls=DEMANDED)
        assert demanded.actions == {("Deployment", "gke/shop/orders", "updated")}
        site.kubectl("rollout", "status", "deployment/orders", "-n", "shop", "--timeout=120s")
        before = secret(site, "apigee-client", "apigee-gke")
        renew(site, "apigee-client", "apigee-gke")
        until(
            lambda: secret(site, "apigee-client", "apigee-gke") not in (None, before), seconds=30, what="it is renewed"
        )  # fmt: skip
        renewed = play(site, tls=DEMANDED, apigee_gke_trust=TRUST)
        assert renewed.actions == {("apigee_client_certificate", "prod/gke-client", "updated")}
        assert site.call(fresh=True)["status"] == 200
    assert not calls.failed, (len(calls.failed), calls.failed[:5])
    assert calls.done > 200


def test_who_shows_no_certificate_is_refused_by_the_pods(site: Cloud) -> None:
    assert {without_certificate(site, address) for address in pods(site).values()} == {403}
    path = f"{ENVIRONMENT}/targetservers/orders"
    server = site.google("GET", "apigee", path)
    settings = {**server["sSLInfo"], "clientAuthEnabled": False}
    site.google("PUT", "apigee", path, json={**server, "sSLInfo": settings})
    until(lambda: site.call(fresh=True)["status"] == 403, seconds=20, what="Apigee shows nothing and is refused")
    mended = play(site, tls=DEMANDED)
    assert mended.changed_fields == {("apigee_target_server", "orders", "tls.client_auth_enabled")}
    assert site.call(fresh=True)["status"] == 200


def test_mutual_tls_goes_without_a_failed_call_and_had_cost_no_task(site: Cloud) -> None:
    settled = play(site, tls=DEMANDED)
    assert (settled.changed, settled.actions) == (0, set())
    asking = pods(site)
    with load(site) as calls:
        refused = play(site, check=False)
        assert refused.code and "ask callers for a client certificate" in refused.output
        assert all(name in refused.output for name in asking)
        # First nobody asks for it, then Apigee shows none.
        assert play(site, tls=SHOWN).actions == {("Deployment", "gke/shop/orders", "updated")}
        site.kubectl("wait", "--for=delete", "-n", "shop", "--timeout=120s", *(f"pod/{name}" for name in asking))
        gone = play(site)
        assert gone.changed_fields == {("apigee_target_server", "orders", "tls.client_auth_enabled")}
        assert site.call(fresh=True)["status"] == 200
    assert not calls.failed, (len(calls.failed), calls.failed[:5])
    assert {without_certificate(site, address) for address in pods(site).values()} == {200}
    server = site.google("GET", "apigee", f"{ENVIRONMENT}/targetservers/orders")
    assert not server["sSLInfo"].get("clientAuthEnabled")
    plain = play(site)
    assert (plain.changed, plain.actions) == (0, set())
    assert settled.tasks == plain.tasks
