# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of the roles that deal with cert-manager: role variables to objects and to the plan for its release."""

from __future__ import annotations

import typing

from ansible_collections.gatewayops.apigee_gke.plugins.plugin_utils.late import Late

client = Late("_certificates.client")
definitions = Late("_certificates.definitions")
leftovers = Late("_certificates.leftovers")
release = Late("_certificates.release")

AUTHORITY = {"common_name": "apigee-gke CA", "duration": "87600h0m0s", "renew_before": "26280h0m0s"}


def _issuer(issuer: dict) -> dict:
    return {"name": "apigee-gke-ca", **{key: value for key, value in issuer.items() if value is not None}}


def issuer_reference(issuer: dict) -> dict:
    """What a Certificate refers to."""
    return definitions.reference(_issuer(issuer))


def issuer_definitions(issuer: dict, authority: dict, namespace: str, removal: bool = False) -> list[dict]:
    """Objects of the issuer; for its removal in the other order, with the Secret of a root that we made."""
    found = definitions.issuers(_issuer(issuer), {**AUTHORITY, **authority}, namespace)
    if not removal:
        return found
    secrets = [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": entry["spec"]["secretName"], "namespace": entry["metadata"]["namespace"]},
        }
        for entry in found
        if entry["kind"] == "Certificate"
    ]
    return [*reversed(found), *secrets]


def cert_manager_plan(values: dict, found: dict | None, version: str, port: int, cluster: str, namespace: str) -> dict:
    """What is to be done with the release, with the values for it."""
    wanted = cert_manager_values(values, namespace, port)
    return {**release.plan(found, version, wanted, cluster, namespace), "values": wanted}


def cert_manager_values(values: dict, namespace: str, port: int) -> dict:
    """Values of the release as it is declared."""
    return release.values(values, namespace, port)


def cert_manager_removal(cluster: str, namespace: str) -> dict:
    """The report's entry for a release that is removed."""
    return release.outcome(cluster, namespace, "deleted")


def cert_manager_namespace(namespace: str) -> list[dict]:
    """The namespace."""
    from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._certificates.definitions import LABELS

    metadata = {"name": namespace, "labels": dict(LABELS)}
    return [{"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}]


def cert_manager_manifest(documents: list[dict], namespace: str, keep: bool = False) -> list[dict]:
    """Objects of a published manifest as GKE takes them; without the definitions where those are to be kept."""
    found = release.manifest(documents, namespace)
    return [entry for entry in found if not (keep and entry["kind"] == "CustomResourceDefinition")]


class FilterModule:
    """Names of the filters."""

    def filters(self) -> dict[str, typing.Callable]:
        """All filters by name."""
        return {
            "issuer_reference": issuer_reference,
            "issuer_definitions": issuer_definitions,
            "cert_manager_plan": cert_manager_plan,
            "cert_manager_values": cert_manager_values,
            "cert_manager_removal": cert_manager_removal,
            "cert_manager_is_ours": release.ours,
            "cert_manager_namespace": cert_manager_namespace,
            "cert_manager_manifest": cert_manager_manifest,
            "certificate_definitions": definitions.certificates,
            "certificate_places": definitions.certificate_places,
            "client_certificate_definitions": client.issued,
            "client_authority_definitions": client.believed,
            "client_authority_places": client.places,
            "tls_leftovers": leftovers.of_services,
        }
