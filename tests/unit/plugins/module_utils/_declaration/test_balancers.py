# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Internal load balancers: what is refused, and which objects follow."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration import balancers, ownership

CONNECTIONS = {"shop": {"endpoint": "203.0.113.7"}}
DECLARED = {
    "name": "products",
    "namespace": "shop",
    "cluster": "shop",
    "region": "europe-west1",
    "subnetwork": "shop-vpc-shop",
    "target_port": 3000,
    "selector": {"app": "products"},
}
ROLE = {"project": "acme-shop", "network": "shop-vpc", "domain": "shop.internal"}
NEW, OLD = {"server_version": "v1.36.2-gke.1203000"}, {"server_version": "v1.32.4-gke.1"}


def products(**fields: t.Any) -> dict[str, t.Any]:
    return balancers.declared([{**DECLARED, **fields}])[0]


def role(*services: dict[str, t.Any], **fields: t.Any) -> dict[str, t.Any]:
    return {**ROLE, "services": list(services), **fields}


def definition(found: dict[str, t.Any] | None, subsetting: bool = False, **fields: t.Any) -> dict[str, t.Any]:
    return balancers.definitions([products(**fields)], found, {"products": "10.10.0.80"}, subsetting)[-1]


def test_what_is_right_is_not_refused() -> None:
    right = products(
        address="10.10.0.80",
        source_ranges=["10.8.0.0/28"],
        client_regions=["europe-west1"],
        host="products.shop.internal",
    )
    far = products(name="far", global_access=True, client_regions=["us-east1"])
    assert balancers.problems([right, far], CONNECTIONS, "shop.internal.") == []


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"cluster": "none"}, "cluster: is a cluster that is not known"),
        ({"port": 0}, "port: is no port"),
        ({"target_port": 70000}, "target_port: is no port"),
        ({"address": "203.0.113"}, "address: is no private IPv4 address"),
        ({"address": "8.8.8.8"}, "address: is no private IPv4 address"),
        ({"source_ranges": ["10.8.0.1/28"]}, "source_ranges[0]: is no IPv4 range"),
        ({"client_regions": ["europe-west1", "us-east1"]}, "global_access: clients in us-east1 would not reach it"),
        ({"host": "products.other.internal"}, "host: is not inside the zone"),
    ],
)
def test_what_is_wrong_is_named_with_what_to_do(fields: dict[str, t.Any], words: str) -> None:
    (problem,) = balancers.problems([products(**fields)], CONNECTIONS, "shop.internal")
    assert problem.startswith(f"internal_load_balancer_services[0].{words}") and "  fix " in problem


def test_a_cluster_that_is_not_there_yet_or_any_more_is_no_mistake() -> None:
    assert balancers.problems([products()], {}, clusters_missing=True) == []


def test_what_is_wrong_among_several() -> None:
    one = products(address="10.10.0.80")
    twice, taken = balancers.problems([one, one, {**one, "name": "orders"}], CONNECTIONS)
    assert "is declared twice" in twice and "products is to have it" in taken
    (nowhere,) = balancers.problems([products(host="products.shop.internal")], CONNECTIONS)
    assert "Set internal_load_balancer_domain" in nowhere


@pytest.mark.parametrize(
    ("found", "subsetting", "by_class", "by_name"),
    [
        (NEW, False, True, True),
        (None, False, True, True),
        (OLD, False, False, False),
        (OLD, True, False, True),
        ({"server_version": "v1.33.1-gke.1779000"}, True, True, True),
        ({"server_version": "v1.33.1-gke.1778999"}, True, False, True),
        ({"server_version": "v1.35.4-gke.1312000"}, False, False, False),
    ],
)
def test_class_and_address_by_the_version_of_the_cluster(
    found: dict[str, t.Any] | None, subsetting: bool, by_class: bool, by_name: bool
) -> None:
    made = definition(found, subsetting)
    notes, spec = made["metadata"]["annotations"], made["spec"]
    assert ("loadBalancerClass" in spec) is by_class is (balancers.TYPE not in notes)
    assert (balancers.ADDRESSES in notes) is by_name is ("loadBalancerIP" not in spec)
    assert notes.get(balancers.ADDRESSES, spec.get("loadBalancerIP")) in ("products", "10.10.0.80")


@pytest.mark.parametrize("own", ["", balancers.LOAD_BALANCER_CLASS])
def test_a_load_balancer_that_is_there_keeps_its_class_or_has_none(own: str) -> None:
    there = {"name": "products", "namespace": "shop", "is_load_balancer": True, "load_balancer_class": own}
    for version in (NEW, OLD):
        assert definition({**version, "services": [there]})["spec"].get("loadBalancerClass", "") == own
    not_yet = {**there, "is_load_balancer": False, "load_balancer_class": ""}
    assert "loadBalancerClass" in definition({**NEW, "services": [not_yet]})["spec"]


def test_global_access_and_ranges_are_said_either_way() -> None:
    open_, closed = definition(NEW, global_access=True), definition(NEW, source_ranges=["10.8.0.0/28"])
    assert open_["metadata"]["annotations"][balancers.GLOBAL_ACCESS] == "true"
    assert closed["metadata"]["annotations"][balancers.GLOBAL_ACCESS] == "false"
    assert "loadBalancerSourceRanges" not in open_["spec"]
    assert closed["spec"]["loadBalancerSourceRanges"] == ["10.8.0.0/28"]


def test_a_sample_is_what_is_selected() -> None:
    sample = products(sample={"image": "docker.io/example/app:1"})
    namespace, deployment, service = balancers.definitions([sample], NEW, {})
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert namespace["metadata"]["name"] == "shop" and service["spec"]["selector"] == labels
    assert {"name": "PORT", "value": "3000"} in deployment["spec"]["template"]["spec"]["containers"][0]["env"]
    assert service["spec"]["ports"][0]["targetPort"] == 3000 and service["spec"]["ports"][0]["port"] == 80


def test_somebody_elses_service_serves_only_if_it_is_such_a_load_balancer() -> None:
    wanted = definition(OLD)
    theirs = {**wanted, "metadata": {**wanted["metadata"], "labels": {}}}
    standing = ownership.standing(wanted, theirs)
    assert (standing["owner"], standing["same"], standing["differences"]) == ("theirs", True, [])
    external = {**theirs, "metadata": {**theirs["metadata"], "annotations": {}}}
    other_port = {**theirs, "spec": {**theirs["spec"], "ports": [{"port": 81}]}}
    for one in (external, other_port):
        found = ownership.standing(wanted, one)
        assert not found["same"]
        (problem,) = ownership.conflicts([wanted], [found], "shop")
        assert problem.fix.startswith("Give the load balancer another name, or hand it over")


def test_addresses_zone_and_names() -> None:
    fixed = products(name="orders", address="10.10.0.90", address_name="orders-address")
    asked = role(products(host="products.shop.internal"), fixed)
    first, second, zone = balancers.reservations(asked)
    assert (first["name"], first["subnetwork"], "address" in first) == ("products", "shop-vpc-shop", False)
    assert (second["name"], second["address"]) == ("orders-address", "10.10.0.90")
    assert (zone["name"], zone["dns_name"], zone["networks"]) == ("shop-internal", "shop.internal.", ["shop-vpc"])
    assert zone["shared"] is True
    assert [entry["kind"] for entry in balancers.reservations(asked, True)] == ["compute_address"] * 2
    assert [entry["kind"] for entry in balancers.reservations(role(fixed))] == ["compute_address"]

    reserved = {"name": "products", "region": "https://x/regions/europe-west1", "address": "10.10.0.80"}
    known = balancers.addresses(
        asked["services"], [{"kind": "compute_address", "resource": reserved}, {"kind": "other"}]
    )
    assert known == {"products": "10.10.0.80", "orders": "10.10.0.90"}
    (record,) = balancers.records(asked, known)
    assert (record["managed_zone"], record["name"]) == ("shop-internal", "products.shop.internal.")
    assert (record["type"], record["rrdatas"]) == ("A", ["10.10.0.80"])
    zone, gone = balancers.records(asked, {}, True)
    assert "rrdatas" not in gone and gone["name"] == record["name"]
    assert (zone["kind"], zone["name"], zone["shared"]) == ("dns_managed_zone", "shop-internal", True)


def test_what_check_mode_does_not_know_yet() -> None:
    asked = role(products(host="products.shop.internal"))
    known = balancers.addresses(asked["services"], [{"kind": "compute_address", "resource": {"name": "products"}}])
    assert known == {"products": balancers.UNKNOWN}
    zone, record = balancers.records(asked, known, False, True)
    assert zone["kind"] == "dns_managed_zone" and record["rrdatas"] == [balancers.UNKNOWN]


@pytest.mark.parametrize(
    ("ranges", "before", "asked"),
    [
        ([], {}, True),
        (["10.20.0.0/16"], {}, True),
        (["10.8.0.0/28"], {}, False),
        ([], {"address": "10.10.0.80", "endpoints": [{}]}, False),
        ([], {"address": "10.10.0.80", "endpoints": []}, True),
    ],
)
def test_new_ones_are_asked_where_pods_are_admitted(ranges: list[str], before: dict[str, t.Any], asked: bool) -> None:
    name = {"name": "products", "namespace": "shop"}
    found = {"services": [{**name, "address": "10.10.0.80", "endpoints": [{"address": "10.20.0.9"}]}]}
    service = products(source_ranges=ranges)
    earlier = {"services": [{**name, **before}]} if before else {}
    assert balancers.probed([service], found, earlier) == ([service] if asked else [])


@pytest.mark.parametrize(
    ("line", "answered"),
    [
        ("404 0.001 0.002 0 ", True),
        ("000 0.001 0.002 56 Recv failure", True),
        ("000 0.000 10.0 28 timed out", False),
        ("000 0.000 0.1 7 refused", False),
    ],
)
def test_whatever_answers_counts(line: str, answered: bool) -> None:
    assert balancers.answered(f"body\nmark {line}\n", "mark") is answered
    assert not balancers.answered("", "mark")


def test_only_what_was_removed_is_waited_for() -> None:
    places = [{"name": name, "namespace": "shop"} for name in ("products", "theirs")]
    outcomes = [
        {"kind": "Service", "name": "gke/shop/products", "action": "deleted"},
        {"kind": "Service", "name": "gke/shop/theirs", "action": "kept"},
        {"kind": "Deployment", "name": "gke/shop/theirs", "action": "deleted"},
    ]
    assert balancers.removed(places, outcomes, "gke") == places[:1]


def test_what_had_its_address_and_a_pod_is_not_waited_for() -> None:
    name = {"name": "products", "namespace": "shop"}
    known = {"products": "10.10.0.80"}
    good = {**name, "address": "10.10.0.80", "endpoints": [{}]}
    assert balancers.places([products()], known, {"services": [good]}) == []
    for before in ({**good, "address": "10.10.0.81"}, {**good, "endpoints": []}, None):
        looked = {"services": [before] if before else []}
        assert balancers.places([products()], known, looked) == [{**name, "address": "10.10.0.80"}]


@pytest.mark.parametrize(
    ("sample", "found", "disputable"),
    [
        ({}, {"exists": False, "ours": False}, False),
        ({}, {"exists": True, "ours": False}, True),
        ({"image": "docker.io/example/app:1"}, {"exists": False, "ours": False}, True),
        ({"image": "docker.io/example/app:1"}, {"exists": True, "ours": True}, False),
    ],
)
def test_whose_objects_are_is_asked_where_they_could_be_somebody_elses(
    sample: dict[str, t.Any], found: dict[str, t.Any], disputable: bool
) -> None:
    looked = {"services": [{"name": "products", "namespace": "shop", **found}]}
    assert balancers.disputable([products(sample=sample)], looked) is disputable
