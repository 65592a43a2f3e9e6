# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Ingress before a gateway of Apigee Edge: what follows from its declaration, what is refused, what it comes to."""

from __future__ import annotations

import typing

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration import (
    ingress,
    ingress_manifests,
    microgateway,
)
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._microgateway import gateway as declared_gateway
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._microgateway import objects

GATEWAY = {"mode": "service", "name": "partners", "namespace": "edge", "port": "8000"}
RANGES = ["203.0.113.0/24", "2001:db8:7::/64"]


def site(front: typing.Any, **gateway: typing.Any) -> dict[str, typing.Any]:
    declaration = {
        "project": "acme-shop",
        "region": "europe-west1",
        "network": "shop-vpc",
        "clusters": {"gke": {"location": "europe-west1-b"}},
        "ingress": front,
    }
    return microgateway.site(declaration, {**GATEWAY, **gateway})


def refused(front: typing.Any, **gateway: typing.Any) -> str:
    """What is said of it, in one line."""
    with pytest.raises(ValueError, match="Nothing has been changed") as refusal:
        site(front, **gateway)
    return " ".join(str(refusal.value).split())


def made(role: dict[str, typing.Any]) -> dict[tuple[str, str], dict[str, typing.Any]]:
    return {(one["kind"], one["metadata"]["name"]): one for one in ingress_manifests.definitions(role)}


def test_without_one_there_is_none() -> None:
    assert site(None)["ingress"] == site({})["ingress"] == {}


def test_callers_come_from_anywhere_unless_ranges_are_given() -> None:
    role = site({"hosts": ["api.acme.example"], "certificate": {"secret": "tls"}})["ingress"]
    assert (role["state"], role["name"], role["namespace"], role["address_name"]) == (
        "present", "partners", "edge", "partners")  # fmt: skip
    assert (role["location"], role["region"]) == ("europe-west1-b", "europe-west1")
    assert [entry["kind"] for entry in ingress.reservations(role)] == ["compute_global_address"]
    found = made(role)
    # An empty name takes away a policy of before.
    assert found["BackendConfig", "partners-front"]["spec"]["securityPolicy"] == {"name": ""}


def test_ranges_become_a_policy_on_both_backends() -> None:
    role = site({"http": "plain", "allowed_source_ranges": RANGES, "preview": True, "address": "doors"})["ingress"]
    policy, address = ingress.reservations(role)
    (rule,) = policy["rules"]
    assert (policy["name"], policy["default_action"], policy["default_preview"]) == ("partners", "deny(403)", True)
    assert (rule["source_ranges"], rule["description"]) == (RANGES, "Declared ranges")
    assert address["name"] == "doors"
    found = made(role)
    for name in ("partners-front", "partners-nothing"):
        assert found["BackendConfig", name]["spec"]["securityPolicy"] == {"name": "partners"}


def test_its_service_leads_to_the_gateways_pods_and_is_none_of_the_gateways_objects() -> None:
    role = site({"http": "plain"}, port=8080)["ingress"]
    found = made(role)
    front = found["Service", "partners-front"]
    place = objects.place({"name": "partners", "namespace": "edge", "image": "engine", "replicas": 2})
    stated = {"mode": "service", "organization": "acme", "environment": "prod", "port": 8080,
              "plugins": ["healthcheck", "oauth"],
              "proxies": [{"name": "edgemicro_orders", "base_path": "/orders", "target": "http://orders:8080"},
                          {"name": "edgemicro_health", "base_path": "/healthcheck"}]}  # fmt: skip
    gateways = {(one["kind"], one["metadata"]["name"]): one
                for one in objects.definitions(place, declared_gateway.read(stated), "secret")}  # fmt: skip
    assert not set(gateways) & set(found)
    labels = gateways["Deployment", "partners"]["spec"]["template"]["metadata"]["labels"]
    assert front["spec"]["selector"].items() <= labels.items()
    assert front["spec"]["ports"][0]["targetPort"] == gateways["Service", "partners"]["spec"]["ports"][0]["targetPort"]
    # By that label a gateway finds what is its own, to remove it.
    assert not {objects.GATEWAY_LABEL, objects.NAMESPACE_LABEL} & set(front["metadata"]["labels"])
    nobody = found["Service", "partners-nothing"]["spec"]["selector"]
    assert not nobody.items() <= labels.items()


def test_health_is_what_the_gateway_tells_and_not_the_path_that_needs_a_key() -> None:
    check = made(site({"http": "plain"})["ingress"])["BackendConfig", "partners-front"]["spec"]["healthCheck"]
    assert (check["type"], check["requestPath"], check["port"]) == ("HTTP", "/healthcheck", 8000)


def test_an_internal_one_admits_the_subnet_for_proxies_to_the_pods() -> None:
    role = site({"exposure": "internal", "http": "plain", "proxy_ranges": ["10.129.0.0/23"]})["ingress"]
    spec = made(role)["NetworkPolicy", "partners-front-balancer"]["spec"]
    assert spec["podSelector"] == {"matchLabels": {"app": "partners"}}
    assert {"ipBlock": {"cidr": "10.129.0.0/23"}} in spec["ingress"][0]["from"]
    assert ingress.reservations(role)[0]["purpose"] == "SHARED_LOADBALANCER_VIP"
    assert not any(kind == "NetworkPolicy" for kind, _name in made(site({"http": "plain"})["ingress"]))


def test_one_that_is_not_enabled_is_taken_away() -> None:
    assert site({"http": "plain", "enabled": False})["ingress"]["state"] == "absent"


@pytest.mark.parametrize(
    ("front", "gateway", "said"),
    [
        ({"hosts": ["a.example"]}, {}, ["ingress.certificate: is required"]),
        ({"http": "redirect"}, {}, ["ingress.http: is redirect, and there is no certificate"]),
        ({"http": "plain", "hosts": ["https://a.example"]}, {}, ["ingress.hosts[0]: must be a host name"]),
        ({"certificate": {"managed": True}}, {}, ["ingress.hosts: must name every host"]),
        ({"http": "plain", "host": "a.example"}, {}, ["ingress.host: is not a key", "Did you mean hosts?"]),
        (
            {"http": "plain", "allowed_source_ranges": ["0.0.0.0/0"]},
            {},
            ["ingress.allowed_source_ranges[0]: is everybody", "leave it out to let in callers from anywhere"],
        ),
        (
            {"http": "plain", "allowed_source_ranges": ["1.2.3.4/8"]},
            {},
            ["ingress.allowed_source_ranges[0]: is no range"],
        ),
        ({"http": "plain", "preview": True}, {}, ["ingress.preview: there is nobody"]),
        (
            {"http": "plain", "exposure": "internal", "allowed_source_ranges": RANGES},
            {},
            ["ingress.allowed_source_ranges: an internal load balancer keeps", "ingress.proxy_ranges: is needed"],
        ),
        ({"http": "plain", "name": "Partners"}, {}, ["ingress.name: must be 1 to 50"]),
        ({"http": "plain"}, {"name": "p" * 51}, ["ingress.name: must be 1 to 50"]),
        ({"http": "plain"}, {"port": "http"}, ["edge_microgateway_settings.port: is no port"]),
        ({"http": "plain"}, {"mode": "sidecar"}, ["ingress: is for a gateway that is a Service", "playbook ingress"]),
    ],
)
def test_what_is_refused(front: typing.Any, gateway: dict[str, str], said: list[str]) -> None:
    page = refused(front, **gateway)
    assert [text for text in said if text not in page] == [], page
    assert "Apigee" not in page


def test_all_problems_are_said_at_once() -> None:
    page = refused({"hosts": ["A"], "preview": "often", "exposure": "internal"})
    assert "(4 problems)" in page, page
