# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutual TLS: the certificate that Apigee shows, and whom sidecars believe while the authority changes."""

from __future__ import annotations

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._certificates import client
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.certificates import (
    EXPIRED_CA,
    NEW_CA,
    OLD_CA,
)

CLIENT = {
    "dns_name": "apigee.acme.example",
    "namespaces": {"shop": ["cart", "shop"], "east": ["stock"]},
    "cluster": "shop",
    "namespace": "apigee-gke",
    "secret": "apigee-client",
}


def named(*authorities: str) -> dict:
    return {"authorities": [{"certificate": one} for one in authorities]}


def bundles(definitions: list[dict]) -> dict[str, str]:
    maps = [one for one in definitions if one["kind"] == "ConfigMap"]
    return {one["metadata"]["namespace"]: one["data"]["ca.crt"] for one in maps}


def test_the_certificate_is_for_clients_and_its_key_is_new_each_time() -> None:
    namespace, certificate = client.issued(CLIENT, {"name": "corp", "kind": "Issuer"})
    assert (namespace["kind"], namespace["metadata"]["name"]) == ("Namespace", "apigee-gke")
    assert certificate["metadata"]["namespace"] == "apigee-gke"
    spec = certificate["spec"]
    assert (spec["dnsNames"], spec["secretName"]) == (["apigee.acme.example"], "apigee-client")
    assert "client auth" in spec["usages"] and "server auth" not in spec["usages"]
    assert spec["privateKey"]["rotationPolicy"] == "Always"
    assert spec["issuerRef"] == {"group": "cert-manager.io", "kind": "Issuer", "name": "corp"}
    assert client.issued({"authorities": [OLD_CA]}) == [] == client.issued({})


def test_each_namespace_of_the_cluster_is_told() -> None:
    told = client.believed(CLIENT, "shop", named(OLD_CA))
    assert [one["kind"] for one in told] == ["Namespace", "ConfigMap"] * 2
    assert bundles(told) == {"cart": OLD_CA, "shop": OLD_CA}
    assert client.places(CLIENT, "east") == [{"name": "apigee-client-ca", "namespace": "stock"}]
    assert client.believed(CLIENT, "elsewhere", named(OLD_CA)) == [] == client.believed({}, "shop")


@pytest.mark.parametrize(
    ("before", "retire", "wanted"),
    [
        ([], False, {NEW_CA}),
        ([OLD_CA], False, {OLD_CA, NEW_CA}),
        ([OLD_CA, NEW_CA], False, {OLD_CA, NEW_CA}),
        ([OLD_CA], True, {NEW_CA}),
        ([EXPIRED_CA], False, {NEW_CA}),
    ],
)
def test_who_was_believed_stays_until_expiry_or_retirement(before: list[str], retire: bool, wanted: set[str]) -> None:
    present = {"config_maps": {"stock/apigee-client-ca": before}}
    told = bundles(client.believed({**CLIENT, "retire": retire}, "east", named(NEW_CA), present))["stock"]
    assert all(one in told for one in wanted)
    assert told.count("BEGIN CERTIFICATE") == len(wanted)


def test_an_authority_that_is_stated_needs_no_cluster() -> None:
    own = {"namespaces": {"shop": ["shop"]}, "authorities": [OLD_CA]}
    assert bundles(client.believed(own, "shop")) == {"shop": OLD_CA}
