# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Issuers and certificates: names that Apigee dials, references, and what an own issuer becomes."""

from __future__ import annotations

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.filter import certificates as filters
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._certificates import definitions

SERVICE = {"name": "orders", "namespace": "shop", "host": "orders.shop.svc.gke.acme.internal", "tls": {}}
INSIDE = "orders.shop.svc.cluster.local"


def test_a_service_without_tls_gets_nothing() -> None:
    plain = [{**SERVICE, "tls": tls} for tls in (None, False, {"mode": "csi"})]
    assert definitions.certificates(plain) == []
    assert definitions.certificate_places([*plain, SERVICE]) == [{"name": "orders-tls", "namespace": "shop"}]


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, [SERVICE["host"], INSIDE]),
        ({"host": None}, [INSIDE]),
        # In VPC scope the cluster's own suffix may be the one that Apigee dials.
        ({"host": INSIDE}, [INSIDE]),
        ({"tls": {"dns_names": ["a.example", INSIDE]}}, [SERVICE["host"], INSIDE, "a.example"]),
        (
            {"workload_kind": "StatefulSet"},
            [SERVICE["host"], INSIDE, f"*.{SERVICE['host']}", f"*.{INSIDE}"],
        ),
    ],
)
def test_the_names_are_those_that_apigee_dials(changes: dict, names: list[str]) -> None:
    assert definitions.names({**SERVICE, **changes}) == names


def test_a_certificate_has_a_new_key_each_time_and_names_its_issuer() -> None:
    (made,) = definitions.certificates([SERVICE], {"kind": "Issuer", "name": "mine", "group": "x.example"})
    assert made["metadata"]["name"] == made["spec"]["secretName"] == "orders-tls"
    assert made["spec"]["privateKey"] == {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"}
    assert made["spec"]["issuerRef"] == {"group": "x.example", "kind": "Issuer", "name": "mine"}
    own = {"issuer": {"name": "other"}, "private_key": {"algorithm": "RSA", "size": None}, "secret": "s"}
    (made,) = definitions.certificates([{**SERVICE, "tls": own}], {"name": "mine"})
    assert made["spec"]["issuerRef"] == {"group": "cert-manager.io", "kind": "ClusterIssuer", "name": "other"}
    assert made["spec"]["privateKey"]["size"] == 2048 and made["spec"]["secretName"] == "s"


def test_the_own_root_keeps_its_key_and_can_be_found() -> None:
    first, root, issuer = filters.issuer_definitions({}, {"common_name": "Acme"}, "cert-manager")
    assert first["spec"] == {"selfSigned": {}} and issuer["spec"] == {"ca": {"secretName": "apigee-gke-ca"}}
    assert root["spec"]["isCA"] and root["spec"]["privateKey"]["rotationPolicy"] == "Never"
    assert root["spec"]["commonName"] == "Acme" and root["spec"]["duration"] == "87600h0m0s"
    assert root["spec"]["issuerRef"]["name"] == first["metadata"]["name"]
    gone = filters.issuer_definitions({}, {}, "cert-manager", removal=True)
    assert [entry["kind"] for entry in gone] == ["ClusterIssuer", "Certificate", "ClusterIssuer", "Secret"]


@pytest.mark.parametrize(
    ("issuer", "kinds", "reference"),
    [
        ({"type": "existing", "name": "corp"}, [], ("cert-manager.io", "ClusterIssuer", "corp")),
        (
            {"type": "vault", "name": "v", "kind": "Issuer", "namespace": "shop", "vault": {"server": "https://v"}},
            ["Issuer"],
            ("cert-manager.io", "Issuer", "v"),
        ),
        (
            {"type": "google_cas", "name": "cas", "google_cas": {"project": "p", "caPoolId": "pool"}},
            ["GoogleCASClusterIssuer"],
            ("cas-issuer.jetstack.io", "GoogleCASClusterIssuer", "cas"),
        ),
    ],
)
def test_an_issuer_of_the_users(issuer: dict, kinds: list[str], reference: tuple[str, str, str]) -> None:
    made = filters.issuer_definitions(issuer, {}, "cert-manager")
    assert [entry["kind"] for entry in made] == kinds
    assert tuple(filters.issuer_reference(issuer).values()) == reference
    for entry in made:
        assert entry["metadata"].get("namespace") == issuer.get("namespace")
        assert entry["spec"] in (issuer.get("google_cas"), {"vault": issuer.get("vault")})
