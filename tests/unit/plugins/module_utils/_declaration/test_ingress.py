# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An Ingress that admits Apigee alone: what follows from its declaration, what is refused, the objects that are made.

Each trap of GKE's that other-systems.md 4.3 lists and that rendering can avoid has its test here.
"""

from __future__ import annotations

import copy
import itertools
import json
import typing

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration import (
    entries,
    ingress,
    ingress_derive,
    ingress_manifests,
    ingress_rules,
    ingress_schema,
    live,
    ownership,
    proof,
    shape,
)

GOOD: dict[str, typing.Any] = {
    "project": "acme-shop",
    "region": "europe-west1",
    "network": "shop-vpc",
    "environments": {"prod": {"hostnames": ["api.acme.example"]}},
    "clusters": {"gke": {}},
    "services": [{"name": "products", "port": 8080}],
    "ingress": {"name": "shop", "hosts": ["shop.acme.example"], "certificate": {"secret": "shop-tls"}},
    "proxies": [{"name": "products", "base_path": "/products", "spike_arrest": "20ps", "quota": "1000/hour"}],
}
EDGE = {"environments": {}, "proxies": [], "apigee_source_ranges": ["198.51.100.0/28", "2001:db8:7::/64"]}
TWO = [{"name": "products", "port": 8080}, {"name": "orders", "port": 8081}]
PEM = "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n"


def declared(**parts: typing.Any) -> dict[str, typing.Any]:
    """The good declaration with other parts; a dict goes into the part that is there, unless it is empty."""
    found = copy.deepcopy(GOOD)
    for key, value in parts.items():
        found[key] = shape.merged(found.get(key) or {}, value) if isinstance(value, dict) and value else value
    return found


def judged(stated: dict[str, typing.Any], live: dict | None = None) -> tuple[dict, list]:
    value, problems = shape.read(stated, ingress_schema.DECLARATION, "ingress_gke")
    facts, more = ingress_derive.site(value, live)
    return facts, problems + more + ingress_rules.check(value, facts)


def role(**parts: typing.Any) -> dict[str, typing.Any]:
    """What the role is given by a good declaration with other parts."""
    facts, problems = judged(declared(**parts))
    assert problems == []
    return facts["ingress"]


def made(facts: dict[str, typing.Any], kind: str) -> list[dict[str, typing.Any]]:
    return [one for one in ingress_manifests.definitions(facts) if one["kind"] == kind]


# -- what follows --------------------------------------------------------------------------------------------------


def test_what_follows_from_the_shortest_declaration() -> None:
    facts, problems = judged(GOOD)
    assert problems == []
    found = facts["ingress"]
    assert found["nat_addresses"] == [{"instance": "europe-west1", "name": "shop-1"}]
    assert found["protected"] and found["policy"] == "shop" and found["address_name"] == "shop"
    assert found["paths"] == [{"path": "/", "path_type": "Prefix", "service": "products"}]
    assert found["http"] == "none" and found["cluster"] == "gke" and found["region"] == "europe-west1"
    nat, policy, address = ingress.reservations(found)
    assert (nat["kind"], nat["active"]) == ("apigee_nat_address", True)
    assert policy["default_action"] == "deny(403)" and policy["default_preview"] is False
    (rule,) = policy["rules"]
    full = "organizations/acme-shop/instances/europe-west1/natAddresses/shop-1"
    assert rule["action"] == "allow" and rule["apigee_nat_addresses"] == [full]
    assert address["kind"] == "compute_global_address"
    (proxy,) = facts["proxies"]
    assert proxy["quota"] == {"limit": 1000, "interval": 1, "time_unit": "hour"} and proxy["spike_arrest"] == "20ps"
    assert facts["firewall"] == {} and facts["dns_suffixes"] == []


def test_an_instance_that_exists_keeps_its_name_in_the_names_of_addresses() -> None:
    live = {"instances": [{"name": "eu", "location": "europe-west1", "ip_range": "10.0.0.0/22", "host": "10.0.0.2"}]}
    facts, _problems = judged(GOOD, live)
    assert facts["ingress"]["nat_addresses"][0]["instance"] == "eu"


@pytest.mark.parametrize("count", [1, 9, 10])
def test_names_of_nat_addresses_stay_within_twenty_characters(count: int) -> None:
    found = role(ingress={"name": "a-very-long-name-of-an-ingress", "nat_addresses": count})
    names = [one["name"] for one in found["nat_addresses"]]
    assert len(set(names)) == count and all(ingress.NAT_NAME.fullmatch(name) for name in names)


def test_edge_is_admitted_by_the_ranges_that_are_given() -> None:
    facts, problems = judged(declared(**EDGE))
    assert problems == [] and not facts["apigee"]
    assert facts["ingress"]["nat_addresses"] == [] and facts["ingress"]["organization"] == ""
    policy, _address = ingress.reservations(facts["ingress"])
    assert policy["rules"][0]["source_ranges"] == EDGE["apigee_source_ranges"]
    assert "apigee.googleapis.com" not in facts["apis"] and facts["peering"]["range"] == ""


def test_ranges_and_addresses_of_apigee_x_go_together_where_both_are_stated() -> None:
    found = role(ingress={"nat_addresses": 2}, apigee_source_ranges=["198.51.100.0/28"])
    rule = ingress.policy(found)["rules"][0]
    assert len(rule["apigee_nat_addresses"]) == 2 and rule["source_ranges"] == ["198.51.100.0/28"]


def test_apigee_calls_the_address_and_asks_for_the_host() -> None:
    facts, _problems = judged(GOOD)
    found = ingress_derive.backend(facts, "203.0.113.10")
    (server,) = found["target_servers"]
    assert (server["host"], server["port"], server["environment"]) == ("203.0.113.10", 443, "prod")
    assert server["tls"]["common_name"] == {"value": "shop.acme.example", "wildcard_match": False}
    assert server["tls"]["trust_store"] == "", "a public authority is trusted without a truststore"
    (proxy,) = found["proxies"]
    assert proxy["target_host"] == "shop.acme.example" and proxy["service"] == "shop"
    whole = {**facts, **found}
    (entry,) = [one for one in entries.backend(whole) if one["kind"] == "apigee_proxy"]
    assert entry["spike_arrest"] == "20ps" and entry["quota"]["limit"] == 1000
    assert entry["target_host"] == "shop.acme.example" and entry["target_servers"] == ["shop"]


def test_an_authority_of_ones_own_is_trusted_by_the_truststore() -> None:
    facts, _problems = judged(declared(ingress={"certificate": {"authority": PEM}}))
    server = ingress_derive.backend({**facts, "authority": PEM}, "203.0.113.10")["target_servers"][0]
    assert "trust_store" not in server["tls"]


def test_the_proof_says_that_a_load_balancer_was_called() -> None:
    response = {"name": "products (prod)", "url": "https://api.acme.example/products", "status": 200, "milliseconds": 4}
    facts, _problems = judged(GOOD)
    found = ingress_derive.backend(facts, "203.0.113.10")
    lines = proof.lines([response], found["proxies"], found["target_servers"], {}, [])
    assert "  target      203.0.113.10:443, a load balancer" in lines
    assert not any("No load balancer" in line for line in lines)


@pytest.mark.parametrize(
    ("text", "limit", "interval", "unit"),
    [("100/minute", 100, 1, "minute"), ("5/6 hours", 5, 6, "hour"), ("7/days", 7, 1, "day")],
)
def test_a_quota_is_written_as_people_say_it(text: str, limit: int, interval: int, unit: str) -> None:
    assert ingress_derive.quota({"rate": text}) == {"limit": limit, "interval": interval, "time_unit": unit}


def test_a_gateway_has_the_cluster_learn_of_gateways() -> None:
    facts, problems = judged(declared(ingress={"form": "gateway"}))
    assert problems == []
    (cluster,) = entries.clusters(facts)
    assert cluster["gateway_api_channel"] == "CHANNEL_STANDARD"


# -- what is refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "path", "words"),
    [
        ({"ingress": {"certificate": None}}, "ingress.certificate", "plain text"),
        ({"ingress": {"certificate": None, "http": "redirect"}}, "ingress.http", "no certificate"),
        ({"ingress": {"certificate": {"managed": True}}}, "ingress.certificate", "exclude each other"),
        ({"ingress": {"certificate": {"secret": None, "authority": PEM}}}, "ingress.certificate", "plain text"),
        (
            {"ingress": {"certificate": {"secret": None, "managed": True}, "hosts": ["*.acme.example"]}},
            "ingress.hosts",
            "must name every host",
        ),
        (
            {"ingress": {"certificate": {"secret": None, "managed": True}, "form": "gateway"}},
            "ingress.certificate.managed",
            "form ingress alone",
        ),
        ({"ingress": {"nat_addresses": 0}}, "apigee_source_ranges", "nobody would be admitted"),
        ({"apigee_source_ranges": ["0.0.0.0/0"]}, "apigee_source_ranges[0]", "everybody"),
        ({"apigee_source_ranges": ["::/0"]}, "apigee_source_ranges[0]", "everybody"),
        ({"apigee_source_ranges": ["198.51.100.1/28"]}, "apigee_source_ranges[0]", "no range"),
        ({"apigee_source_ranges": ["apigee.com"]}, "apigee_source_ranges[0]", "must be an IPv4 or IPv6 range"),
        ({**EDGE, "ingress": {"nat_addresses": 1}}, "ingress.nat_addresses", "Apigee X"),
        ({**EDGE, "proxies": GOOD["proxies"]}, "proxies", "environment of Apigee X"),
        ({"services": TWO}, "ingress.paths", "several services"),
        ({"ingress": {"default_service": "nobody"}}, "ingress.default_service", "no service that is declared"),
        ({"ingress": {"paths": [{"path": "/", "service": "nobody"}]}}, "ingress.paths[/].service", "no service"),
        ({"services": [*TWO[:1], *TWO[:1]]}, "services[products]", "declared twice"),
        (
            {"services": [{**TWO[0], "health_check": {"timeout": 9}}]},
            "services[products].health_check.timeout",
            "longer than the interval",
        ),
        ({"ingress": {"exposure": "internal", "nat_addresses": 1}}, "ingress.exposure", "cannot tell Apigee"),
        ({"ingress": {"exposure": "internal", "ssl_policy": "new"}}, "ingress.ssl_policy", "Gateways alone"),
        ({"ingress": {"exposure": "internal", "preview": True}}, "ingress.preview", "has none"),
        (
            {"ingress": {"certificate": {"secret": None}, "http": "plain", "ssl_policy": "new"}},
            "ingress.ssl_policy",
            "for HTTPS",
        ),
        ({"ingress": {"proxy_subnet": "10.12.0.0/23"}}, "ingress.proxy_subnet", "internal load balancers"),
        ({"ingress": {"proxy_subnet": "10.12.0.0"}}, "ingress.proxy_subnet", "an IPv4 range"),
        (
            {"ingress": {"exposure": "internal", "proxy_subnet": "10.64.0.0/10"}},
            "ingress.proxy_subnet",
            "overlaps nodes of cluster gke",
        ),
        (
            {"ingress": {"exposure": "internal"}, "clusters": {"gke": {"location": "us-east1"}}},
            "ingress.exposure",
            "would call from europe-west1",
        ),
        ({"ingress": {"cluster": "gek"}}, "ingress.cluster", "no cluster gek"),
        ({"clusters": {"other": {}}}, "ingress.cluster", "several clusters"),
        ({"ingress": {"hots": []}}, "ingress.hots", "not a key"),
        ({"proxies": [{**GOOD["proxies"][0], "spike_arrest": "20"}]}, "proxies[products].spike_arrest", "30ps"),
        ({"proxies": [{**GOOD["proxies"][0], "quota": "lots"}]}, "proxies[products].quota.rate", "100/minute"),
        ({"proxies": GOOD["proxies"] * 2}, "proxies[products]", "declared twice"),
        ({"environments": {"prod": {"hostnames": []}}}, "environments.prod.hostnames", "at least one host name"),
    ],
)
def test_what_is_wrong_is_refused_before_any_call(parts: dict, path: str, words: str) -> None:
    _facts, problems = judged(declared(**parts))
    found = [one for one in problems if one.path == path]
    assert found, [(one.path, one.message) for one in problems]
    assert any(words in f"{one.message} {one.because}" for one in found) and all(one.fix for one in found)


def test_a_cluster_without_the_add_on_is_refused() -> None:
    facts, _problems = judged(GOOD)
    cluster = {"name": "gke", "location": "europe-west1", "addonsConfig": {"httpLoadBalancing": {"disabled": True}}}
    documents = {"project": {"name": "projects/1"}, "clusters": {"clusters": [cluster]}}
    found = ingress_rules.check_live(facts, documents)
    assert any("HTTP load balancing is off" in one.message and "update-addons" in one.fix for one in found)
    cluster["addonsConfig"] = {"httpLoadBalancing": {}}
    assert not any("HTTP load balancing" in one.message for one in ingress_rules.check_live(facts, documents))


def test_the_role_alone_refuses_the_same_cluster_and_one_that_knows_no_gateways() -> None:
    off = {"name": "gke", "addons": {"http_load_balancing": False}, "gateway_api_channel": "CHANNEL_DISABLED"}
    assert any("add-on" in text for text in ingress.problems(role(), off))
    on = {**off, "addons": {"http_load_balancing": True}}
    assert ingress.problems(role(), on) == []
    assert any(
        "does not know the kind Gateway" in text for text in ingress.problems(role(ingress={"form": "gateway"}), on)
    )


def test_the_roles_problems_name_its_variables() -> None:
    (text,) = ingress.problems({**role(), "nat_addresses": [], "sources": []})
    assert text.startswith("cloud_armor_ingress_sources: nobody would be admitted.")


# -- traps ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["ingress", "gateway"])
def test_trap_1_what_no_rule_matches_goes_to_a_protected_service_that_has_no_pods(form: str) -> None:
    found = role(ingress={"form": form})
    nothing = next(one for one in made(found, "Service") if one["metadata"]["name"] == "shop-nothing")
    assert nothing["spec"]["selector"] == {"app.kubernetes.io/name": "shop-nothing"}
    if form == "ingress":
        (own,) = made(found, "Ingress")
        assert own["spec"]["defaultBackend"]["service"]["name"] == "shop-nothing"
        guarded = {
            one["metadata"]["name"]: one["spec"]["securityPolicy"]["name"] for one in made(found, "BackendConfig")
        }
    else:
        others = made(found, "HTTPRoute")[1]["spec"]
        assert "hostnames" not in others and others["rules"][0]["backendRefs"][0]["name"] == "shop-nothing"
        guarded = {
            one["spec"]["targetRef"]["name"]: one["spec"]["default"]["securityPolicy"]
            for one in made(found, "GCPBackendPolicy")
        }
    assert guarded == {"products": "shop", "shop-nothing": "shop"}


def test_trap_1_a_default_service_of_the_users_is_protected_too() -> None:
    found = role(
        services=TWO, ingress={"default_service": "orders", "paths": [{"path": "/products", "service": "products"}]}
    )
    assert {one["metadata"]["name"] for one in made(found, "BackendConfig")} == {"products", "orders"}
    assert made(found, "Ingress")[0]["spec"]["defaultBackend"]["service"]["name"] == "orders"


def test_trap_2_whatever_is_named_is_made_before_what_names_it() -> None:
    kinds = [one["kind"] for one in ingress_manifests.definitions(role(ingress={"ssl_policy": "modern"}))]
    order = [kind for kind, _group in itertools.groupby(kinds)]
    assert order == ["BackendConfig", "FrontendConfig", "Service", "Ingress"]
    gateway = [one["kind"] for one in ingress_manifests.definitions(role(ingress={"form": "gateway"}))]
    assert gateway.index("Gateway") > max(index for index, kind in enumerate(gateway) if kind == "GCPBackendPolicy")
    assert gateway[-1] == "HTTPRoute"
    (service, _nothing) = made(role(), "Service")
    assert json.loads(service["metadata"]["annotations"]["cloud.google.com/backend-config"]) == {"default": "products"}
    assert json.loads(service["metadata"]["annotations"]["cloud.google.com/neg"]) == {"ingress": True}


def test_trap_2_somebody_elses_service_without_the_settings_does_not_serve() -> None:
    (service, _nothing) = made(role(), "Service")
    theirs = copy.deepcopy(service)
    theirs["metadata"] = {"name": "products", "namespace": "default"}
    found = ownership.standing(service, theirs)
    assert found["owner"] == ownership.THEIRS and not found["same"]
    theirs["metadata"]["annotations"] = service["metadata"]["annotations"]
    assert ownership.standing(service, theirs)["same"]


def test_trap_3_a_policy_is_taken_away_by_an_empty_name() -> None:
    found = role(ingress={"protect": False})
    assert found["nat_addresses"] == [] and not found["protected"]
    assert all(one["spec"]["securityPolicy"] == {"name": ""} for one in made(found, "BackendConfig"))
    assert [one["kind"] for one in ingress.reservations(found)] == ["compute_global_address"]


def test_trap_4_only_the_stable_version_is_used() -> None:
    assert {one["apiVersion"] for one in made(role(), "BackendConfig")} == {"cloud.google.com/v1"}


def subnet(name: str, purpose: str, region: str = "europe-west1") -> dict[str, typing.Any]:
    return {
        "name": name,
        "ipCidrRange": "10.12.0.0/23",
        "purpose": purpose,
        "role": "ACTIVE",
        "region": f"https://www.googleapis.com/compute/v1/projects/acme-shop/regions/{region}",
    }


def judged_live(stated: dict[str, typing.Any], **documents: typing.Any) -> tuple[dict, list]:
    """Facts and problems where this exists."""
    documents = {"project": {"name": "projects/1"}, "clusters": {}, **documents}
    facts, problems = judged(stated, live.facts(documents))
    return facts, problems + ingress_rules.check_live(facts, documents)


def test_an_internal_one_needs_a_subnet_for_proxies() -> None:
    inside = declared(ingress={"exposure": "internal", "network_policy": True})
    makes = declared(ingress={"exposure": "internal", "proxy_subnet": "10.12.0.0/23"})
    elsewhere = {"subnets us-east1": [subnet("far", "REGIONAL_MANAGED_PROXY", "us-east1")]}
    for documents in ({}, elsewhere, {"subnets europe-west1": [subnet("nodes", "PRIVATE")]}):
        _facts, problems = judged_live(inside, **documents)
        assert [one.path for one in problems] == ["ingress.exposure"]
        assert "proxy_subnet" in problems[0].fix and "no subnet for proxies in europe-west1" in problems[0].message
    # The run makes it.
    facts, problems = judged_live(makes)
    assert problems == [] and facts["ingress"]["proxy_ranges"] == ["10.12.0.0/23"]
    network = {"project": "acme-shop", "name": "shop-vpc", "subnets": facts["proxy_subnets"]}
    assert entries.network(network)[-1] == {
        "kind": "compute_subnetwork",
        "project": "acme-shop",
        "name": "shop-vpc-proxies",
        "region": "europe-west1",
        "network": "shop-vpc",
        "ip_cidr_range": "10.12.0.0/23",
        "purpose": "REGIONAL_MANAGED_PROXY",
        "role": "ACTIVE",
    }
    assert entries.network(network)[-1] in entries.teardown(facts)
    # It is there: what the run made, and what somebody else did.
    own, other = (
        {"subnets europe-west1": [subnet(name, "REGIONAL_MANAGED_PROXY")]} for name in ("shop-vpc-proxies", "theirs")
    )
    assert judged_live(makes, **own)[1] == []
    facts, problems = judged_live(inside, **other)
    assert problems == [] and facts["proxy_subnets"] == []
    (policy,) = made(facts["ingress"], "NetworkPolicy")
    assert {"ipBlock": {"cidr": "10.12.0.0/23"}} in policy["spec"]["ingress"][0]["from"]
    (problem,) = judged_live(makes, **other)[1]
    assert (problem.path, problem.found) == ("ingress.proxy_subnet", "theirs, 10.12.0.0/23")
    taken = {"subnets europe-west1": [{**subnet("others", "PRIVATE"), "ipCidrRange": "10.12.1.0/24"}]}
    assert [one.path for one in judged_live(makes, **taken)[1]] == ["ingress.proxy_subnet"]


def test_an_organisation_without_peering_calls_over_the_internet_as_well() -> None:
    """Of it the addresses are needed, which its instances have with and without peering."""
    organization = {"name": "acme-shop", "state": "ACTIVE", "disableVpcPeering": True}
    facts, problems = judged_live(GOOD, organization=organization)
    assert problems == [] and facts["ingress"]["nat_addresses"]
    assert facts["peering"]["range"] == "" and facts["instance"]["range"] == ""
    found = entries.backend({**facts, **ingress_derive.backend(facts, "203.0.113.9")})
    (own,) = (one for one in found if one["kind"] == "apigee_organization")
    assert own["disable_vpc_peering"] is True and "authorized_network" not in own
    assert not [one for one in entries.teardown(facts) if one["kind"] == "service_networking_connection"]
    # Through the peering there is no way in.
    inside = declared(ingress={"exposure": "internal", "proxy_subnet": "10.12.0.0/23"})
    assert any("is not VPC-peered" in one.message for one in judged_live(inside, organization=organization)[1])


def test_trap_5_an_internal_ingress_is_given_no_global_policy() -> None:
    found = role(ingress={"exposure": "internal"})
    assert not found["protected"] and found["nat_addresses"] == []
    assert all("securityPolicy" not in one["spec"] for one in made(found, "BackendConfig"))
    (own,) = made(found, "Ingress")
    notes = own["metadata"]["annotations"]
    assert notes["kubernetes.io/ingress.class"] == "gce-internal"
    assert notes["kubernetes.io/ingress.regional-static-ip-name"] == "shop"
    (address,) = ingress.reservations(found)
    assert (address["kind"], address["address_type"]) == ("compute_address", "INTERNAL")
    assert address["subnetwork"] == "shop-vpc-gke"


def test_trap_7_pods_that_are_closed_stay_open_to_googles_front_ends_and_health_checks() -> None:
    (policy,) = made(role(ingress={"network_policy": True}), "NetworkPolicy")
    (rule,) = policy["spec"]["ingress"]
    assert [one["ipBlock"]["cidr"] for one in rule["from"]] == list(ingress.GOOGLE_RANGES)
    assert rule["ports"] == [{"protocol": "TCP", "port": 8080}]
    internal = role(ingress={"network_policy": True, "exposure": "internal", "proxy_ranges": ["10.96.0.0/23"]})
    (policy,) = made(internal, "NetworkPolicy")
    assert {"ipBlock": {"cidr": "10.96.0.0/23"}} in policy["spec"]["ingress"][0]["from"]


@pytest.mark.parametrize("form", ["ingress", "gateway"])
def test_trap_8_the_health_check_is_stated_in_full(form: str) -> None:
    found = role(ingress={"form": form}, services=[{**TWO[0], "health_check": {"path": "/ready", "port": 9000}}])
    if form == "ingress":
        assert made(found, "BackendConfig")[0]["spec"]["healthCheck"] == {
            "type": "HTTP", "requestPath": "/ready", "port": 9000, "checkIntervalSec": 5, "timeoutSec": 3,
            "healthyThreshold": 1, "unhealthyThreshold": 2,
        }  # fmt: skip
    else:
        check = made(found, "HealthCheckPolicy")[0]["spec"]["default"]
        assert check["config"] == {"type": "HTTP", "httpHealthCheck": {"port": 9000, "requestPath": "/ready"}}


def test_the_class_is_an_annotation_because_gke_passes_over_the_field_alone() -> None:
    (own,) = made(role(), "Ingress")
    assert own["metadata"]["annotations"]["kubernetes.io/ingress.class"] == "gce"
    assert "ingressClassName" not in own["spec"]
    assert own["metadata"]["annotations"]["kubernetes.io/ingress.allow-http"] == "false"
    assert own["metadata"]["annotations"]["kubernetes.io/ingress.global-static-ip-name"] == "shop"
    assert own["spec"]["tls"] == [{"secretName": "shop-tls"}]


# -- forms and certificates ----------------------------------------------------------------------------------------


def test_certificates_of_google_and_of_compute_engine() -> None:
    managed = role(ingress={"certificate": {"secret": None, "managed": True}, "http": "redirect"})
    (certificate,) = made(managed, "ManagedCertificate")
    assert certificate["spec"] == {"domains": ["shop.acme.example"]}
    (own,) = made(managed, "Ingress")
    assert own["metadata"]["annotations"]["networking.gke.io/managed-certificates"] == "shop"
    assert own["metadata"]["annotations"]["networking.gke.io/v1beta1.FrontendConfig"] == "shop"
    assert made(managed, "FrontendConfig")[0]["spec"]["redirectToHttps"]["enabled"] is True
    shared = role(ingress={"certificate": {"secret": None, "pre_shared": "shop"}})
    assert made(shared, "Ingress")[0]["metadata"]["annotations"]["ingress.gcp.kubernetes.io/pre-shared-cert"] == "shop"


def test_a_gateway_with_a_redirect() -> None:
    found = role(ingress={"form": "gateway", "http": "redirect"})
    (gateway,) = made(found, "Gateway")
    assert gateway["spec"]["gatewayClassName"] == "gke-l7-global-external-managed"
    assert gateway["spec"]["addresses"] == [{"type": "NamedAddress", "value": "shop"}]
    assert [one["name"] for one in gateway["spec"]["listeners"]] == ["https", "http"]
    routes = {one["metadata"]["name"]: one["spec"] for one in made(found, "HTTPRoute")}
    assert set(routes) == {"shop", "shop-others", "shop-redirect"}
    assert routes["shop-redirect"]["parentRefs"][0]["sectionName"] == "http"
    assert routes["shop"]["parentRefs"] == [{"kind": "Gateway", "name": "shop", "sectionName": "https"}]


@pytest.mark.parametrize("form", ["ingress", "gateway"])
def test_a_removal_names_all_that_was_ever_made_and_first_what_takes_calls(form: str) -> None:
    """As long as its load balancer is there, what keeps others out stays."""
    sampled = [{**TWO[0], "sample": {"image": "app:1"}}]
    found = role(ingress={"form": form, "ssl_policy": "modern", "network_policy": True}, services=sampled)
    fronts, behind = ingress_manifests.fronts(found, form), ingress_manifests.behind(found)

    def named(definitions: list[dict]) -> set[tuple[str, str]]:
        return {(one["kind"], one["metadata"]["name"]) for one in definitions}

    assert named(ingress_manifests.definitions(found)) - {("Namespace", "shop")} <= named(fronts + behind)
    assert {one["kind"] for one in fronts} == ({"Ingress"} if form == "ingress" else {"HTTPRoute", "Gateway"})
    assert not {"Ingress", "HTTPRoute", "Gateway"} & {one["kind"] for one in behind}
    assert len(behind) == len({(one["kind"], one["metadata"]["name"]) for one in behind}), "each once"
    assert not any("spec" in one for one in fronts + behind)


def test_another_form_takes_the_first_away_and_leaves_what_both_use() -> None:
    kinds = {one["kind"] for one in ingress_manifests.other_form(role(ingress={"form": "gateway"}))}
    assert kinds == {"BackendConfig", "FrontendConfig", "ManagedCertificate"}
    kinds = {one["kind"] for one in ingress_manifests.other_form(role())}
    assert kinds == {"GCPBackendPolicy", "HealthCheckPolicy", "GCPGatewayPolicy"}


def test_a_policy_that_was_lost_and_came_back_is_told_as_a_change() -> None:
    found = role()
    before = {"backends": [{"name": "k8s1-a", "policy": "shop"}, {"name": "k8s1-b", "policy": ""}]}
    after = {"backends": [{"name": "k8s1-a", "policy": "shop"}, {"name": "k8s1-b", "policy": "shop"}]}
    (entry,) = ingress.attachment(found, before, after)
    assert entry["action"] == "updated" and entry["name"] == "gke/default/shop"
    assert entry["changes"] == [{"field": "securityPolicy of k8s1-b", "before": None, "after": "shop"}]
    (same,) = ingress.attachment(found, after, after)
    assert same["action"] == "unchanged" and same["changes"] == []
    (preview,) = ingress.attachment(found, before, before, preview=True)
    assert preview["action"] == "updated"
    (new,) = ingress.attachment(found, {}, after)
    assert new["action"] == "created"
