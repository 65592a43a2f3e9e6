# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of cert-manager that this collection makes: issuers, and the certificates of published services.

Private to this collection.
"""

from __future__ import annotations

import copy

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration import manifests

GROUP = "cert-manager.io"
API_VERSION = f"{GROUP}/v1"
CAS_GROUP = "cas-issuer.jetstack.io"
#: Issues nothing but the root; only role cert_manager refers to it.
SELF_SIGNED = "apigee-gke-self-signed"
LABELS = {manifests.OWNER_LABEL: manifests.MANAGED_BY}
#: How long certificates hold, and how long before their end they are renewed: 90 and 30 days.
DURATION, RENEW_BEFORE = "2160h0m0s", "720h0m0s"
_CLUSTER_DOMAIN = "cluster.local"


def reference(issuer: dict) -> dict[str, str]:
    """``issuerRef`` of an issuer in the shape of role cert_manager's variable."""
    if issuer.get("type") == "google_cas":
        kind = "GoogleCASIssuer" if issuer.get("kind") == "Issuer" else "GoogleCASClusterIssuer"
        return {"group": CAS_GROUP, "kind": kind, "name": issuer["name"]}
    return {
        "group": issuer.get("group") or GROUP,
        "kind": issuer.get("kind") or "ClusterIssuer",
        "name": issuer["name"],
    }


def issuers(issuer: dict, authority: dict, namespace: str) -> list[dict]:
    """What issues certificates, in an order in which it can be made; nothing for an issuer that somebody else made.

    Args:
        issuer: ``type`` (ca, existing, vault, google_cas), ``kind``, ``name``, ``namespace`` of an Issuer, and
            ``vault`` or ``google_cas`` with their settings.
        authority: of type ca, the root: ``common_name``, ``duration``, ``renew_before``.
        namespace: cert-manager's own, where ClusterIssuers find their Secrets.
    """
    kind = issuer.get("type") or "ca"
    if kind == "existing":
        return []
    if kind == "ca":
        return _own_authority(issuer, authority, namespace)
    ref = reference(issuer)
    api_version, spec = API_VERSION, {kind: copy.deepcopy(issuer.get(kind) or {})}
    if kind == "google_cas":
        api_version, spec = f"{CAS_GROUP}/v1beta1", copy.deepcopy(issuer.get(kind) or {})
    metadata = {"name": ref["name"], "labels": dict(LABELS)}
    if not ref["kind"].endswith("ClusterIssuer"):
        metadata["namespace"] = issuer["namespace"]
    return [{"apiVersion": api_version, "kind": ref["kind"], "metadata": metadata, "spec": spec}]


def _own_authority(issuer: dict, authority: dict, namespace: str) -> list[dict]:
    name = issuer["name"]

    def cluster_issuer(issuer_name: str, spec: dict) -> dict:
        metadata = {"name": issuer_name, "labels": dict(LABELS)}
        return {"apiVersion": API_VERSION, "kind": "ClusterIssuer", "metadata": metadata, "spec": spec}

    root = {
        "isCA": True,
        "commonName": authority["common_name"],
        "secretName": name,
        "secretTemplate": {"labels": dict(LABELS)},
        "duration": authority["duration"],
        "renewBefore": authority["renew_before"],
        # A renewed root keeps its key, so that what it issued before stays valid under either of the two.
        "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Never"},
        "usages": ["cert sign", "crl sign", "digital signature"],
        "issuerRef": {"group": GROUP, "kind": "ClusterIssuer", "name": SELF_SIGNED},
    }
    return [
        cluster_issuer(SELF_SIGNED, {"selfSigned": {}}),
        {
            "apiVersion": API_VERSION,
            "kind": "Certificate",
            "metadata": {"name": name, "namespace": namespace, "labels": dict(LABELS)},
            "spec": root,
        },
        cluster_issuer(name, {"ca": {"secretName": name}}),
    ]


def names(service: dict) -> list[str]:
    """The names for which a service's certificate holds: what Apigee dials, what the cluster calls it, and more asked.

    In VPC scope and in additive scope alike, Apigee dials ``host``. Pods of a StatefulSet have names of their own.
    """
    tls = service.get("tls") or {}
    inside = f"{service['name']}.{service.get('namespace') or 'default'}.svc.{_CLUSTER_DOMAIN}"
    found = [name for name in (service.get("host"), inside) if name]
    if service.get("workload_kind") == "StatefulSet":
        found += [f"*.{name}" for name in found]
    return list(dict.fromkeys([*found, *(tls.get("dns_names") or [])]))


def wanted(service: dict) -> bool:
    """Whether this service gets a Certificate; by the CSI driver each pod gets its own, without one."""
    tls = service.get("tls")
    # An empty one asks for TLS as it is by default.
    return isinstance(tls, dict) and (tls.get("mode") or "secret") == "secret"


def certificates(services_of_cluster: list[dict], issuer: dict | None = None) -> list[dict]:
    """Certificates of the services that have TLS, one for each, named ``NAME-tls`` with a Secret of that name.

    ``issuer`` is the reference for services that name none; that of role cert_manager's own authority when empty.
    """
    return [
        _certificate(service, issuer or {"name": "apigee-gke-ca"}) for service in services_of_cluster if wanted(service)
    ]


def _certificate(service: dict, issuer: dict) -> dict:
    tls = service["tls"]
    key = tls.get("private_key") or {}
    secret = tls.get("secret") or f"{service['name']}-tls"
    labels = {**LABELS, manifests.NAME_LABEL: service["name"], manifests.SERVICE_LABEL: service["name"]}
    return {
        "apiVersion": API_VERSION,
        "kind": "Certificate",
        "metadata": {
            "name": f"{service['name']}-tls",
            "namespace": service.get("namespace") or "default",
            "labels": labels,
        },
        "spec": {
            "secretName": secret,
            "secretTemplate": {"labels": labels},
            "dnsNames": names(service),
            "duration": tls.get("duration") or DURATION,
            "renewBefore": tls.get("renew_before") or RENEW_BEFORE,
            # A new key with every certificate: whoever once had the old one gains nothing from the new.
            "privateKey": {
                "algorithm": key.get("algorithm") or "ECDSA",
                "size": key.get("size") or (2048 if key.get("algorithm") == "RSA" else 256),
                "rotationPolicy": "Always",
            },
            "usages": ["digital signature", "key encipherment", "server auth"],
            "revisionHistoryLimit": 3,
            "issuerRef": reference(tls.get("issuer") or issuer),
        },
    }


def certificate_places(services_of_cluster: list[dict]) -> list[dict]:
    """Name and namespace of each Certificate, as module ``cert_manager_info`` takes them."""
    return [
        {"name": entry["metadata"]["name"], "namespace": entry["metadata"]["namespace"]}
        for entry in certificates(services_of_cluster)
    ]
