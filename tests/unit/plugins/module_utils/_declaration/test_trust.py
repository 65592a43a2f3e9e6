# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which objects the role makes for TLS, and what it reads for it."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration import entries, trust
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine import compare, fields, plural
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.apigee_target_server import (
    ApigeeTargetServer,
)

ROLE: dict[str, t.Any] = {
    "project": "acme-shop",
    "network": "shop-vpc",
    "organization": {"name": "acme-shop"},
    "instance": {"name": "euw1", "location": "europe-west1"},
    "environments": [{"name": "prod"}, {"name": "test"}],
}
SERVER = {"name": "orders", "environment": "prod", "host": "orders.example", "port": 8443}
TRUST = {"authorities": ["pem"], "settle": 5}
CLIENT = {"certificate": "pem", "private_key": "key"}
SHOWING = {
    "enabled": True,
    "enforce": True,
    "trust_store": "ref://gke-ca",
    "ignore_validation_errors": False,
    "common_name": {},
    "protocols": [],
    "ciphers": [],
}
ENFORCED = {**SHOWING, "client_auth_enabled": False}

SECRET = {"cluster": "shop", "namespace": "apigee-gke", "name": "apigee-client"}
STILL_TO_COME = {"client_certificate": {"secret": SECRET}}


def made(kind: str, **role: t.Any) -> list[dict]:
    result = entries.backend({**ROLE, **role})
    plural.validate(result)
    return [entry for entry in result if entry["kind"] == kind]


def test_each_environment_gets_a_truststore_and_a_client_certificate() -> None:
    stores = made("apigee_truststore", trust=TRUST)
    assert [(one["environment"], one["name"], one["settle"]) for one in stores] == [
        ("prod", "gke-ca", 5),
        ("test", "gke-ca", 5),
    ]
    assert [one["name"] for one in made("apigee_client_certificate", client_certificate=CLIENT)] == ["gke-client"] * 2
    assert made("apigee_truststore") == [] == made("apigee_client_certificate", trust=TRUST)
    assert made("apigee_truststore", trust={**TRUST, "name": "other"})[0]["name"] == "other"


@pytest.mark.parametrize(
    ("tls", "role", "wanted"),
    [
        (True, {}, ENFORCED),
        (True, {"trust": {"name": "other"}}, {**ENFORCED, "trust_store": "ref://other"}),
        (False, {}, {"enabled": False}),
        ({"protocols": ["TLSv1.3"]}, {}, {**ENFORCED, "protocols": ["TLSv1.3"]}),
        ({"enforce": False}, {}, {**ENFORCED, "enforce": False}),
        (
            {"enforce": False, "ignore_validation_errors": True, "common_name": {"value": "a.example"}},
            {},
            {**ENFORCED, "enforce": False, "ignore_validation_errors": True, "common_name": {"value": "a.example"}},
        ),
        (
            True,
            {"client_certificate": CLIENT},
            {**SHOWING, "client_auth_enabled": True, "key_store": "ref://gke-client", "key_alias": "client"},
        ),
    ],
)
def test_tls_of_target_servers(tls: t.Any, role: dict, wanted: dict) -> None:
    assert made("apigee_target_server", target_servers=[{**SERVER, "tls": tls}], **role)[0]["tls"] == wanted


@pytest.mark.parametrize(
    ("found", "changes"),
    [
        # Google leaves out what is false.
        ({}, []),
        ({"clientAuthEnabled": False}, []),
        ({"keyStore": "ref://gke-client", "keyAlias": "client"}, []),
        (
            {"clientAuthEnabled": True, "keyStore": "ref://gke-client", "keyAlias": "client"},
            [("tls.client_auth_enabled", True, False)],
        ),
        # What somebody has set by hand, which declared TLS does not mean.
        (
            {
                "commonName": {"value": "other.example", "wildcardMatch": True},
                "protocols": ["TLSv1"],
                "ciphers": ["HIGH"],
                "ignoreValidationErrors": True,
            },
            [
                ("tls.ignore_validation_errors", True, False),
                ("tls.protocols", ["TLSv1"], []),
                ("tls.ciphers", ["HIGH"], []),
                ("tls.common_name", {"value": "other.example", "wildcard_match": True}, {}),
            ],
        ),
    ],
)
def test_declared_tls_means_nothing_that_somebody_else_has_set(found: dict, changes: list) -> None:
    (server,) = made("apigee_target_server", target_servers=[{**SERVER, "tls": True}])
    tls = [field for field in ApigeeTargetServer.fields if field.name == "tls"]
    there = {"sSLInfo": {"enabled": True, "enforce": True, "trustStore": "ref://gke-ca", **found}}
    seen = compare.differences(tls, {"tls": server["tls"]}, fields.describe(tls, there, None))
    assert [(one.field, one.before, one.after) for one in seen] == changes


def test_tls_that_is_not_stated_is_left_as_it_is() -> None:
    assert "tls" not in made("apigee_target_server", target_servers=[SERVER], trust=TRUST)[0]


def test_authorities_that_were_read_stand_beside_those_that_are_stated() -> None:
    issuers = [{"authorities": [{"certificate": "new"}, {"certificate": "pem"}]}, {"skipped": True}]
    assert trust.facts({"trust": TRUST}, issuers)["trust"]["authorities"] == ["pem", "new"]
    assert trust.facts({}, [])["trust"]["authorities"] == []


def test_what_apigee_shows_is_what_the_secret_holds() -> None:
    stated = {"client_certificate": {"secret": {"name": "apigee-client"}}}
    assert trust.facts(stated, [], CLIENT)["client_certificate"] == {**stated["client_certificate"], **CLIENT}
    assert trust.facts(stated, [], {})["client_certificate"] == stated["client_certificate"]


def test_a_preview_shows_that_a_certificate_to_be_issued_will_be_shown() -> None:
    (server, *_others) = made("apigee_target_server", target_servers=[{**SERVER, "tls": True}], **STILL_TO_COME)
    assert server["tls"]["client_auth_enabled"] is True and server["tls"]["key_alias"] == "client"
    assert made("apigee_client_certificate", **STILL_TO_COME) == []


def test_each_cluster_is_read_once_and_only_if_it_can_be() -> None:
    secrets = [
        {"cluster": "shop", "namespace": "shop", "name": "orders-tls"},
        {"cluster": "shop", "namespace": "shop", "name": "orders-tls"},
        {"cluster": "shop", "name": "items-tls"},
        {"cluster": "later", "name": "x"},
    ]
    connections = {"shop": {"endpoint": "10.0.0.2", "ca_certificate": "Q0E="}}
    (place,) = trust.places({"secrets": secrets}, connections)
    assert place["cluster"] == "shop" and place["endpoint"] == "10.0.0.2"
    assert place["secrets"] == [
        {"name": "orders-tls", "namespace": "shop"},
        {"name": "items-tls", "namespace": "default"},
    ]
    assert trust.places({}, connections) == [] == trust.places({"secrets": secrets}, {})


@pytest.mark.parametrize("client", [{}, {"dns_name": "apigee.acme.example", "secret": "apigee-client"}])
def test_teardown_names_what_is_trusted_whatever_it_holds(client: dict) -> None:
    own = {"clusters": [], "peering": {}, "target_servers": [{**SERVER, "tls": True}]}
    site = {**ROLE, **own, "client_certificate": client}
    kinds = [entry["kind"] for entry in entries.teardown(site)]
    assert kinds.count("apigee_truststore") == kinds.count("apigee_client_certificate") == 2
    assert entries.teardown(site)[-1] == {
        "kind": "apigee_client_certificate",
        "project": "acme-shop",
        "organization": "acme-shop",
        "environment": "test",
        "name": "gke-client",
    }
