# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What follows from a declaration: names, ranges, hosts, entries and objects."""

from __future__ import annotations

import copy
import datetime
import ipaddress
import itertools

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration import (
    addresses,
    derive,
    entries,
    live,
    manifests,
    proof,
    report,
    shape,
    trust,
)
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.module_utils._declaration.declarations import (
    SHOP,
    site_of,
)
from hypothesis import given
from hypothesis import strategies as some


def with_clusters(*names: str) -> dict:
    declaration = copy.deepcopy(SHOP)
    declaration["clusters"] = {name: {} for name in names}
    declaration["services"] = declaration["proxies"] = []
    return declaration


def test_nothing_is_typed_twice() -> None:
    site = site_of(SHOP)
    assert site["services"][0]["host"] == "orders.shop.svc.shop.acme-shop.internal"
    assert site["dns_suffixes"] == [{"name": "apigee-gke-shop", "suffix": "shop.acme-shop.internal."}]
    host = "orders.shop.svc.shop.acme-shop.internal"
    assert site["target_servers"] == [
        {"name": "orders", "environment": "prod", "host": host, "port": 8443, "tls": True}
    ]
    assert site["firewall"]["ports"] == ["8443"]
    assert site["firewall"]["source_ranges"] == [site["instance"]["range"]]
    assert site["groups"] == [{"name": "prod", "hostnames": ["api.acme.example"], "environments": ["prod"]}]


def test_plain_http_by_one_word() -> None:
    site = site_of({**SHOP, "tls": False})
    assert site["services"][0]["tls"] is None
    assert "network_policy" not in site["services"][0]
    assert site["target_servers"][0]["port"] == 8080
    assert site["target_servers"][0]["tls"] is False
    assert site["firewall"]["ports"] == ["8080"]
    assert (site["trust"], site["tls"]["clusters"]) == ({}, [])


def test_one_service_may_differ_from_its_site() -> None:
    plain = {"name": "stock", "namespace": "shop", "port": 9000, "tls": False}
    own = {"name": "cart", "namespace": "shop", "port": 9001, "tls": {"port": 9443, "engine": "envoy"}}
    site = site_of({**SHOP, "services": [*SHOP["services"], plain, own]})
    assert [service["tls"] for service in site["services"]] == [
        {"port": 8443, "default_port": 8443, "engine": ""},
        None,
        {"port": 9443, "default_port": 8443, "engine": "envoy"},
    ]
    assert site["firewall"]["ports"] == ["8443", "9000", "9443"]


def test_tls_on_one_service_of_a_plain_site() -> None:
    site = site_of({**SHOP, "tls": False, "services": [{**SHOP["services"][0], "tls": True}]})
    assert site["services"][0]["tls"]["port"] == 8443
    assert site["tls"]["clusters"] == ["shop"]


def test_apigee_trusts_who_issues_and_who_has_issued() -> None:
    own = {"cluster": "shop", "namespace": "shop", "name": "orders-tls"}
    authority = {"cluster": "shop", "namespace": "cert-manager", "name": "apigee-gke-ca"}
    assert site_of(SHOP)["trust"] == {"secrets": [authority, own]}
    site = site_of({**SHOP, "tls": {"issuer": "corporate"}})
    assert site["trust"] == {"secrets": [own]}
    assert site["tls"]["issuer"] == {
        "type": "existing",
        "name": "corporate",
        "kind": "ClusterIssuer",
        "group": "cert-manager.io",
    }


def test_only_apigee_reaches_pods_with_tls_unless_asked() -> None:
    site = site_of(SHOP)
    assert site["services"][0]["network_policy"] == {"sources": [site["instance"]["range"]]}
    # Empty, so that the one of an earlier run is withdrawn.
    assert site_of({**SHOP, "tls": {"network_policy": False}})["services"][0]["network_policy"] == {}


@pytest.mark.parametrize("domain", ["gke.acme.internal", "gke.acme.internal."])
def test_a_final_dot_makes_no_difference(domain: str) -> None:
    site = site_of({**SHOP, "domain": domain})
    assert site["dns_suffixes"][0]["suffix"] == "shop.gke.acme.internal."


@given(some.integers(1, 12))
def test_ranges_never_overlap(count: int) -> None:
    site = site_of(with_clusters(*(f"c{number}" for number in range(count))))
    ranges = [site["peering"]["range"], *(text for cluster in site["clusters"] for text in cluster["ranges"].values())]
    networks = [ipaddress.ip_network(text) for text in ranges]
    assert not any(first.overlaps(second) for first, second in itertools.combinations(networks, 2))
    space = ipaddress.ip_network("10.64.0.0/10")
    assert all(network.subnet_of(space) for network in networks)


def test_a_cluster_added_before_another_moves_nothing() -> None:
    first = site_of(with_clusters("shop"))["clusters"][0]
    found = {"subnets": {first["subnetwork"]: first["ranges"]}}
    site = site_of(with_clusters("early", "shop"), found)
    ranges = {cluster["name"]: cluster["ranges"] for cluster in site["clusters"]}
    assert ranges["shop"] == first["ranges"]
    assert not ipaddress.ip_network(ranges["early"]["pods"]).overlaps(ipaddress.ip_network(ranges["shop"]["pods"]))


def test_a_full_space_is_said() -> None:
    read, _wrong = shape.read({**with_clusters("a", "b", "c", "d"), "address_space": "10.0.0.0/13"})
    _site, wrong = derive.derive(read)
    assert [problem.path for problem in wrong] == ["clusters.d"]


@pytest.mark.parametrize("space", ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "10.0.0.0/18"])
def test_small_and_large_spaces_hold_a_cluster(space: str) -> None:
    parsed = addresses.parse(space)
    assert addresses.cluster_ranges(parsed, [addresses.peering_range(parsed)])


def test_ranges_keep_clear_of_what_others_have_reserved_in_the_network() -> None:
    theirs = {"name": "google-managed", "address": "10.64.0.0", "prefixLength": 16}
    found = live.facts({"addresses": [theirs, {"name": "one-address", "address": "10.64.0.9"}]})
    site = site_of(SHOP, found)
    assert site["peering"] == {"name": "shop-vpc-apigee", "range": "10.65.0.0/20"}
    assert site["instance"]["range"] == "10.65.0.0/22"
    # Ours stays where it was made, also when the one that was in the way has gone.
    ours = {"name": "shop-vpc-apigee", "address": "10.65.0.0", "prefixLength": 20}
    assert site_of(SHOP, live.facts({"addresses": [ours]}))["peering"]["range"] == "10.65.0.0/20"
    # A range that takes the clusters' first place moves the clusters.
    large = {"name": "google-managed", "address": "10.64.0.0", "prefixLength": 12}
    moved = site_of(SHOP, live.facts({"addresses": [large]}))
    assert moved["peering"]["range"] == "10.80.0.0/20"
    ranges = [ipaddress.ip_network(text) for text in moved["clusters"][0]["ranges"].values()]
    assert not any(one.overlaps(ipaddress.ip_network("10.64.0.0/12")) for one in ranges)
    full = {"name": "google-managed", "address": "10.64.0.0", "prefixLength": 10}
    _site, wrong = derive.derive(shape.read(SHOP)[0], live.facts({"addresses": [full]}))
    assert [problem.path for problem in wrong] == ["peering_range", "clusters.shop"]


def test_an_existing_instance_is_adopted_with_its_range() -> None:
    instance = {"name": "eval", "location": "europe-west1", "ip_range": "10.9.0.0/22,10.9.4.0/28", "host": "10.9.0.2"}
    site = site_of(SHOP, {"instances": [instance]})
    assert site["instance"]["name"] == "eval"
    assert site["instance"]["range"] == ""
    assert site["firewall"]["source_ranges"] == ["10.9.0.0/22"]


def test_an_existing_organisation_is_not_told_what_it_keeps_for_life() -> None:
    site = site_of(SHOP, {"organization": {"name": "acme-shop"}})
    role = {"project": "acme-shop", "network": "shop-vpc", "organization": site["organization"]}
    assert entries.organization(role) == [
        {
            "kind": "apigee_organization",
            "project": "acme-shop",
            "name": "acme-shop",
            "authorized_network": "shop-vpc",
        }
    ]


@pytest.mark.parametrize(("state", "ready"), [("ACTIVE", True), ("CREATING", False), (None, False)])
def test_an_organisation_is_started_unless_it_is_ready(state: str | None, ready: bool) -> None:
    live = {"organization": {"name": "acme-shop", "state": state}} if state else {}
    assert site_of(SHOP, live)["organization"]["ready"] is ready


def test_objects_are_made_in_an_order_that_works() -> None:
    service = {**site_of(SHOP)["services"][0], "sample": {"image": "sample:1"}}
    definitions = manifests.services([service])
    assert [definition["kind"] for definition in definitions] == ["Namespace", "Deployment", "Service"]
    published = definitions[-1]["spec"]
    assert published["clusterIP"] == "None"
    assert published["publishNotReadyAddresses"] is False
    assert published["ports"][0]["name"]
    assert published["selector"].items() <= definitions[1]["spec"]["template"]["metadata"]["labels"].items()


def test_the_selector_is_that_of_the_workload() -> None:
    service = site_of(SHOP)["services"][0]
    workload = {"spec": {"selector": {"matchLabels": {"app": "o"}}}}
    found = [{"headless_service_entry": service, "resources": [workload]}]
    assert manifests.services([service], found)[-1]["spec"]["selector"] == {"app": "o"}


DEFINITIONS = [
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}},
    {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "orders", "namespace": "shop"}},
]


def test_a_workload_that_is_not_there_is_named_with_what_to_do() -> None:
    looked_up = [
        {"item": {"name": "a", "namespace": "shop"}, "resources": [{"kind": "Deployment"}]},
        {"item": {"name": "b", "namespace": "shop"}, "skipped": True},
        {"item": {"name": "c", "namespace": "shop", "workload": "web", "workload_kind": "StatefulSet"}},
    ]
    (said,) = manifests.unfit_workloads(looked_up, "east")
    assert said.startswith("services[c]: cluster east has no StatefulSet web in namespace shop.\n")
    assert "fix       Deploy it and run again" in said


def test_names_with_many_addresses() -> None:
    endpoints = {"a": [{}] * 3, "b": [{}]}
    assert manifests.crowded(endpoints, 2) == manifests.crowded(endpoints, "2") == ["a (3 addresses)"]


def test_without_a_cluster_everything_would_be_created() -> None:
    outcome = manifests.outcome(DEFINITIONS, {"skipped": True}, "shop")
    assert [(entry["kind"], entry["name"], entry["action"]) for entry in outcome] == [
        ("Namespace", "shop/shop", "created"),
        ("Service", "shop/shop/orders", "created"),
    ]


def test_an_object_in_a_namespace_still_to_be_made_would_be_created() -> None:
    created = {
        "changed": True,
        "method": "apply",
        "result": DEFINITIONS[0],
        "diff": {"before": {}, "after": DEFINITIONS[0]},
    }
    absent = {"changed": False, "result": {}, "error": {"msg": 'namespaces "shop" not found', "reason": "Not Found"}}
    outcome = manifests.outcome(DEFINITIONS, {"result": {"results": [created, absent]}}, "shop")
    assert [entry["action"] for entry in outcome] == ["created", "created"]


def test_a_refused_object_is_an_error() -> None:
    refused = {"changed": False, "result": {}, "error": {"msg": "spec.clusterIP: field is immutable"}}
    outcome = manifests.outcome(DEFINITIONS[1:], refused, "shop")
    assert outcome[0]["action"] == "failed"


def test_drift_names_the_field() -> None:
    diff = {"before": {"spec": {"replicas": 1}}, "after": {"spec": {"replicas": 3}, "metadata": {"generation": 2}}}
    result = {"changed": True, "method": "apply", "result": DEFINITIONS[1], "diff": diff}
    outcome = manifests.outcome(DEFINITIONS[1:], result, "shop")
    assert outcome[0]["action"] == "updated"
    assert outcome[0]["changes"] == [{"field": "spec.replicas", "before": 1, "after": 3}]


def test_only_ready_pods_count() -> None:
    piece = {
        "metadata": {"namespace": "shop", "labels": {"kubernetes.io/service-name": "orders"}},
        "endpoints": [
            {"addresses": ["10.0.0.2"], "conditions": {"ready": True}, "targetRef": {"name": "a"}},
            {"addresses": ["10.0.0.3"], "conditions": {"ready": False}},
        ],
    }
    wanted = [{"name": "orders", "namespace": "shop"}, {"name": "other", "namespace": "shop"}]
    assert manifests.ready_endpoints([piece], wanted) == {"orders": [{"address": "10.0.0.2", "pod": "a"}], "other": []}


def test_the_report_counts_once_and_keeps_what_was_done() -> None:
    def entry(action: str) -> dict:
        return {"kind": "gke_cluster", "name": "shop", "action": action, "changes": [], "waited": 1.5}

    results = [
        {"resources": [entry("created")], "requests": {"reads": 2, "writes": 1}},
        {"resources": [entry("unchanged")], "requests": {"reads": 1, "writes": 0}},
        {"skipped": True},
        manifests.outcome(DEFINITIONS, {}, "shop"),
    ]
    collected = report.collect(results)
    assert report.actions(collected)[0] == {"kind": "gke_cluster", "name": "shop", "action": "created"}
    assert len(collected["objects"]) == 3
    assert (collected["reads"], collected["writes"]) == (3, 1)
    assert "would be created" in report.lines(collected, True)[0]
    assert report.lines(report.collect([]), False) == ["nothing differs (0 objects compared, 0 reads, 0 writes)"]


def test_started_later_counts_as_what_was_done_in_the_end() -> None:
    def result(action: str) -> dict:
        return {"resources": [{"kind": "apigee_organization", "name": "a", "action": action, "changes": []}]}

    assert report.actions(report.collect([result("pending"), result("created")]))[0]["action"] == "created"


def test_the_proof_names_the_pod() -> None:
    site = site_of(SHOP)
    asked = proof.requests(site["proxies"])
    assert [request["url"] for request in asked] == ["https://api.acme.example/orders"]
    answer = {"name": asked[0]["name"], "url": asked[0]["url"], "status": 200, "milliseconds": 4.2}
    answer["json"] = {"pod": "orders-1", "pod_address": "10.0.0.2"}
    pods = {"orders": [{"address": "10.0.0.2", "pod": "orders-1"}]}
    resources = [
        {"kind": "apigee_instance", "name": "europe-west1", "resource": {"host": "10.64.0.2"}},
        {"kind": "apigee_proxy", "name": "orders", "resource": {"revision": 3}},
    ]
    text = "\n".join(proof.lines([answer], site["proxies"], site["target_servers"], pods, resources))
    assert "orders.shop.svc.shop.acme-shop.internal  ->  10.0.0.2" in text
    assert "instance europe-west1 (10.64.0.2), environment prod, proxy orders revision 3" in text
    assert "pod orders-1 on 10.0.0.2   200 in 4 ms" in text
    assert "TLS" not in text


@pytest.mark.parametrize(
    ("tls", "judged"), [(True, "verified by Apigee"), ({"enforce": False}, "not verified"), (False, None)]
)
def test_the_proof_shows_who_issued_the_certificate_and_until_when(tls: bool | dict, judged: str | None) -> None:
    site = site_of(SHOP)
    answer = {"name": "orders (prod)", "url": "https://api.acme.example/orders", "status": 200, "milliseconds": 4.0}
    expires = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=89, hours=1)
    leaf = {"subject": "no common name", "issuer": "CN=shop CA", "names": ["a.shop"], "expires": expires.isoformat()}
    targets = [{**site["target_servers"][0], "tls": tls}]
    result = {"apigee_backend_issuer": {"cluster": "shop"}, "certificates": {"shop/orders-tls": leaf}}
    read = [result, {"skipped": True}]
    for certificates in (trust.certificates(read), trust.certificates([], {"shop/shop/orders-tls": leaf})):
        text = proof.lines([answer], site["proxies"], targets, {}, [], site["services"], certificates)
        said = [line for line in text if "TLS" in line]
        wanted = f"  TLS         CN=shop CA  ->  a.shop, expires {expires:%Y-%m-%d} (in 89 d), {judged}"
        assert said == ([wanted] if judged else [])


@pytest.mark.parametrize(
    ("stated", "options"),
    [
        ({}, {}),
        ({"private_endpoint": False}, {"private_endpoint": False}),
        (
            {"private_endpoint": True, "authorized_networks": {"office": "203.0.113.0/24"}},
            {"private_endpoint": True, "authorized_networks": [{"name": "office", "range": "203.0.113.0/24"}]},
        ),
        ({"authorized_networks": {}}, {"authorized_networks": []}),
        ({"authorized_networks": None}, {}),
    ],
)
def test_who_may_reach_the_api_server_is_managed_where_it_is_stated(stated: dict, options: dict) -> None:
    (entry,) = entries.clusters(site_of({**SHOP, "clusters": {"shop": stated}}))
    names = ("private_endpoint", "authorized_networks")
    assert {name: entry[name] for name in names if name in entry} == options
