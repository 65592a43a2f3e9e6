# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What follows from tls.client_certificate: what Apigee shows, and what the pods ask for."""

from __future__ import annotations

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration import manifests
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.module_utils._declaration.declarations import (
    SHOP,
    site_of,
)

AUTHORITY = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"


def test_mutual_tls_by_one_word() -> None:
    site = site_of({**SHOP, "tls": {"client_certificate": True}})
    client = site["client_certificate"]
    assert client == {
        "dns_name": "apigee.acme-shop.internal",
        "namespaces": {"shop": ["shop"]},
        "cluster": "shop",
        "namespace": "apigee-gke",
        "secret": "apigee-client",
        "secrets": [
            {"namespace": "cert-manager", "name": "apigee-gke-ca"},
            {"namespace": "apigee-gke", "name": "apigee-client"},
        ],
    }
    # nginx does not see names.
    assert site["services"][0]["tls"]["client"] == {"config_map": "apigee-client-ca", "names": []}
    assert manifests.annotations(site["services"][0]) == {
        "tls-sidecar.gatewayops.io/service": "orders",
        "tls-sidecar.gatewayops.io/client-ca-config-map": "apigee-client-ca",
    }


def test_mutual_tls_looks_at_the_name_where_the_engine_can() -> None:
    own = {"name": "cart", "namespace": "shop", "port": 9001, "tls": {"engine": "nginx"}}
    plain = {"name": "stock", "namespace": "stock", "port": 9000, "tls": False}
    declared = {"engine": "envoy", "client_certificate": {"name": "gateway.acme.example"}}
    site = site_of({**SHOP, "tls": declared, "services": [*SHOP["services"], plain, own]})
    names = [service["tls"] and service["tls"]["client"]["names"] for service in site["services"]]
    assert names == [["gateway.acme.example"], None, []]
    asked = manifests.annotations(site["services"][0])
    assert asked["tls-sidecar.gatewayops.io/client-names"] == "gateway.acme.example"
    assert site["client_certificate"]["namespaces"] == {"shop": ["shop"]}


@pytest.mark.parametrize(
    ("declared", "shown", "demanded"),
    [
        ({}, False, False),
        ({"client_certificate": False}, False, False),
        ({"client_certificate": {}}, False, False),
        ({"client_certificate": {"required": False}}, True, False),
        ({"client_certificate": {"name": "gateway.acme.example"}}, True, True),
        ({"enabled": False, "client_certificate": True}, False, False),
    ],
)
def test_apigee_can_show_its_certificate_before_anybody_asks(declared: dict, shown: bool, demanded: bool) -> None:
    site = site_of({**SHOP, "tls": declared})
    assert bool(site["client_certificate"]) is shown
    assert bool((site["services"][0]["tls"] or {}).get("client")) is demanded


def test_a_client_certificate_of_ones_own_is_issued_nowhere() -> None:
    site = site_of({**SHOP, "tls": {"client_certificate": {"authority": AUTHORITY}}})
    assert site["client_certificate"] == {
        "dns_name": "apigee.acme-shop.internal",
        "namespaces": {"shop": ["shop"]},
        "authorities": [AUTHORITY],
    }


def test_an_issuer_of_a_namespace_issues_there() -> None:
    site = site_of({**SHOP, "tls": {"client_certificate": True, "issuer": {"name": "corp", "kind": "Issuer"}}})
    assert site["client_certificate"]["namespace"] == "shop"
    assert site["client_certificate"]["secrets"] == [{"namespace": "shop", "name": "apigee-client"}]
