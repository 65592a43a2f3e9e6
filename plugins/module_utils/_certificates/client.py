# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutual TLS in clusters: the certificate that Apigee shows, and whom sidecars believe that it is Apigee.

Private to this collection.
"""

from __future__ import annotations

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._apigee import certificates
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration import manifests

from . import definitions


def issued(client: dict, issuer: dict | None = None) -> list[dict]:
    """Namespace and Certificate of what Apigee shows; nothing for a certificate that the user has.

    Args:
        client: ``dns_name``, ``namespace`` and ``secret``, as role headless_service takes them.
        issuer: as for ``definitions.certificates``.
    """
    if not client.get("secret"):
        return []
    labels = dict(definitions.LABELS)
    certificate = {
        "apiVersion": definitions.API_VERSION,
        "kind": "Certificate",
        "metadata": {"name": client["secret"], "namespace": client["namespace"], "labels": labels},
        "spec": {
            "secretName": client["secret"],
            "secretTemplate": {"labels": labels},
            "dnsNames": [client["dns_name"]],
            "duration": definitions.DURATION,
            "renewBefore": definitions.RENEW_BEFORE,
            "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
            # Not for servers: with it nobody can pretend to be a service.
            "usages": ["digital signature", "client auth"],
            "revisionHistoryLimit": 3,
            "issuerRef": definitions.reference(issuer or {"name": "apigee-gke-ca"}),
        },
    }
    return [_namespace(client["namespace"]), certificate]


def places(client: dict, cluster: str) -> list[dict]:
    """Name and namespace of each ConfigMap of a cluster that says whom sidecars believe."""
    namespaces = (client.get("namespaces") or {}).get(cluster) or []
    return [{"name": manifests.CLIENT_AUTHORITIES, "namespace": namespace} for namespace in namespaces]


def believed(client: dict, cluster: str, read: dict | None = None, present: dict | None = None) -> list[dict]:
    """The ConfigMaps of a cluster, each behind its namespace.

    An authority that was believed before stays so until it expires, or ``client.retire`` ends it. Otherwise Apigee would be
    refused between a change of the authority and the exchange of its certificate.

    Args:
        client: ``namespaces`` of each cluster, ``authorities`` (PEM) that are stated, ``retire``.
        cluster: name of the cluster.
        read: result of the module certificate_authority_info about who issues Apigee's certificate.
        present: result of the same module about the ConfigMaps that are there.
    """
    wanted = [*(client.get("authorities") or []), *(one["certificate"] for one in (read or {}).get("authorities") or [])]
    before = {} if client.get("retire") else (present or {}).get("config_maps") or {}
    result = []
    for place in places(client, cluster):
        bundle = _bundle(wanted, before.get(f"{place['namespace']}/{place['name']}") or [])
        result += [
            _namespace(place["namespace"]),
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {**place, "labels": dict(definitions.LABELS)},
                "data": {"ca.crt": bundle},
            },
        ]
    return result


def _namespace(name: str) -> dict:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": dict(definitions.LABELS)}}


def _bundle(wanted: list[str], before: list[str]) -> str:
    kept = [one.pem for one in certificates.distinct(before) if not one.expired()]
    return "".join(one.pem for one in certificates.distinct([*wanted, *kept]))
