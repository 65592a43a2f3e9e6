# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A gateway as objects in a cluster: what rolls its pods, who may call whom, and where its secret stands."""

from __future__ import annotations

import base64
import json
import typing as t

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration import microgateway as declaration
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._microgateway import gateway, objects

KEY, SECRET = "a" * 64, "b" * 64
PLACE = {
    "name": "edge-microgateway",
    "namespace": "gateways",
    "image": "example.com/gateway:1",
    "targets": [{"name": "orders", "namespace": "shop", "selector": {"app": "orders"}, "port": 8080, "protect": None}],
}


def declared(**changes: t.Any) -> gateway.Gateway:
    health = {"name": "edgemicro_health", "base_path": "/healthcheck"}
    orders = {"name": "edgemicro_orders", "base_path": "/orders", "target": "http://orders.shop:8080"}
    return gateway.read({"mode": "service", "organization": "acme", "environment": "test", "proxies": [orders, health],
                         "plugins": ["healthcheck", "oauth"], **changes})


def made(gateway_changes: dict[str, t.Any] | None = None, **place: t.Any) -> dict[tuple[str, str], t.Any]:
    """Everything by kind and name."""
    where, wanted = objects.place({**PLACE, **place}), declared(**(gateway_changes or {}))
    secret = objects.secret(where, wanted, KEY, SECRET)
    everything = [secret, *objects.definitions(where, wanted, secret["metadata"]["name"])]
    return {(one["kind"], one["metadata"]["name"]): one for one in everything}


def only(found: dict[tuple[str, str], t.Any], kind: str) -> t.Any:
    (one,) = (value for (its, _name), value in found.items() if its == kind)
    return one


def checksum(found: dict[tuple[str, str], t.Any]) -> str:
    return only(found, "Deployment")["spec"]["template"]["metadata"]["annotations"][objects.CHECKSUM]


def test_the_secret_holds_everything_and_its_configuration_is_encoded_twice() -> None:
    data = only(made(), "Secret")["data"]
    assert base64.b64decode(data["mgw-key"]).decode() == KEY
    configuration = json.loads(base64.b64decode(base64.b64decode(data["mgw-config"])))
    assert configuration["edgemicro"]["proxies"] == ["edgemicro_orders", "edgemicro_health"]


def test_key_and_secret_stand_nowhere_else() -> None:
    others = {place: one for place, one in made().items() if place[0] != "Secret"}
    assert KEY not in json.dumps(list(others.values())) and SECRET not in json.dumps(list(others.values()))
    assert base64.b64encode(SECRET.encode()).decode() not in json.dumps(list(others.values()))


def test_a_new_content_is_a_new_name_and_rolls_the_pods() -> None:
    first, same, other = made(), made(), made({"log_level": "warn"})
    assert first == same
    assert only(first, "Secret")["metadata"]["name"] != only(other, "Secret")["metadata"]["name"]
    assert only(first, "Secret")["immutable"] is True
    assert checksum(first) != checksum(other)


def test_there_is_never_one_pod_less_than_wanted() -> None:
    spec = only(made(drain_seconds=40), "Deployment")["spec"]
    assert spec["replicas"] == 2
    assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    pod = spec["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] > 40
    assert pod["containers"][0]["lifecycle"]["preStop"] == {"sleep": {"seconds": 40}}
    assert pod["automountServiceAccountToken"] is False


@pytest.mark.parametrize(("standing", "expected"), [(0, 2), (4, 4), (9, 5)])
def test_how_many_pods_there_are_is_left_to_the_autoscaler(standing: int, expected: int) -> None:
    found = made(max_replicas=5, cpu_percent=60, standing=standing)
    assert only(found, "Deployment")["spec"]["replicas"] == expected
    scaler = only(found, "HorizontalPodAutoscaler")["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (2, 5)
    assert scaler["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "edge-microgateway"}
    assert scaler["metrics"][0]["resource"]["target"] == {"type": "Utilization", "averageUtilization": 60}
    # A share of what the container asks for, so that it has to ask for something.
    (container,) = only(found, "Deployment")["spec"]["template"]["spec"]["containers"]
    assert container["resources"]["requests"]["cpu"]


def test_without_an_autoscaler_there_are_as_many_pods_as_declared() -> None:
    found = made(standing=4)
    assert only(found, "Deployment")["spec"]["replicas"] == 2
    assert not [kind for kind, _name in found if kind == "HorizontalPodAutoscaler"]


@pytest.mark.parametrize(("change", "said"), [
    ({"image": ""}, "image is not said"),
    ({"max_replicas": 1}, "1 pods at most and 2 at least"),
])
def test_a_place_that_cannot_be_is_refused_with_what_to_do(change: dict[str, t.Any], said: str) -> None:
    assert objects.problems(objects.place(PLACE)) == []
    (found,) = objects.problems(objects.place({**PLACE, **change}))
    assert said in found


def test_what_the_container_names_is_made_with_it() -> None:
    found = made(trust="-----BEGIN CERTIFICATE-----")
    pod = only(found, "Deployment")["spec"]["template"]["spec"]
    names = [volume["configMap"]["name"] for volume in pod["volumes"] if "configMap" in volume]
    assert len(names) == 2
    for name in names:
        assert found["ConfigMap", name]["immutable"] is True
    assert objects.secret_of(only(found, "Deployment")) == only(found, "Secret")["metadata"]["name"]


def test_nobody_gets_around_the_gateway_and_it_goes_nowhere_else() -> None:
    found = made(edge_ranges=["203.0.113.0/24"])
    own = found["NetworkPolicy", "edge-microgateway"]["spec"]
    assert own["policyTypes"] == ["Ingress", "Egress"]
    sources = own["ingress"][0]["from"]
    assert {"ipBlock": {"cidr": "35.191.0.0/16"}} in sources and {} not in sources
    out = {json.dumps(rule["to"]): [port["port"] for port in rule["ports"]] for rule in own["egress"] if "to" in rule}
    assert out[json.dumps([{"ipBlock": {"cidr": "203.0.113.0/24"}}])] == [443]
    assert [port["port"] for rule in own["egress"] if "to" not in rule for port in rule["ports"]] == [53, 53]
    closed = found["NetworkPolicy", "edge-microgateway-orders"]
    assert closed["metadata"]["namespace"] == "shop"
    assert closed["spec"]["podSelector"] == {"matchLabels": {"app": "orders"}}
    (peer,) = closed["spec"]["ingress"][0]["from"]
    assert peer["namespaceSelector"] == {"matchLabels": {"kubernetes.io/metadata.name": "gateways"}}
    assert peer["podSelector"] == {"matchLabels": {"app": "edge-microgateway"}}


def test_a_target_that_others_call_too_is_left_open() -> None:
    targets = [{**PLACE["targets"][0], "protect": False}]
    assert ("NetworkPolicy", "edge-microgateway-orders") not in made(targets=targets)


def test_the_pair_of_the_pods_is_found_again() -> None:
    found = made()
    other = objects.secret(objects.place(PLACE), declared(), "c" * 64, "d" * 64)
    secrets = [other, only(found, "Secret")]
    assert objects.current(secrets, only(found, "Deployment")) == {"key": KEY, "secret": SECRET}
    assert objects.current(secrets, None) == objects.current([other], only(found, "Deployment")) == {}


def test_a_gateway_of_the_same_name_elsewhere_bears_other_labels() -> None:
    here, there = made(), made(namespace="elsewhere")
    assert all(one["metadata"]["labels"][objects.NAMESPACE_LABEL] == "gateways" for one in here.values())
    assert all(one["metadata"]["labels"][objects.NAMESPACE_LABEL] == "elsewhere" for one in there.values())


def test_only_what_is_wanted_no_more_is_left() -> None:
    wanted = list(made().values())
    before = [objects.named(one["kind"], one) for one in made({"log_level": "warn"}).values()]
    left = objects.left(before, wanted)
    assert [one["kind"] for one in left] == ["Secret"]
    assert left[0]["apiVersion"] == "v1" and "data" not in left[0]
    assert objects.left([objects.named(one["kind"], one) for one in wanted], wanted) == []


DONE = {"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2, "observedGeneration": 3}


@pytest.mark.parametrize(("status", "pods", "expected"), [
    (DONE, ["new", "new"], True),
    ({**DONE, "observedGeneration": 2}, ["new", "new"], False),
    ({**DONE, "replicas": 3}, ["new", "new"], False),
    ({**DONE, "availableReplicas": None}, ["new", "new"], False),
    # One that ends still has the pair of before.
    (DONE, ["new", "new", "old"], False),
])
def test_when_a_change_has_reached_every_pod(status: dict[str, t.Any], pods: list[str], expected: bool) -> None:
    deployment = {**only(made(), "Deployment"), "status": status}
    deployment["metadata"] = {**deployment["metadata"], "generation": 3}
    marks = {"new": checksum(made()), "old": "0"}
    there = [{"metadata": {"annotations": {objects.CHECKSUM: marks[one]}}} for one in pods]
    assert objects.rolled_out(deployment, there) is expected


def test_nothing_is_rolled_out_where_there_is_no_deployment() -> None:
    assert objects.rolled_out(None, []) is False


def test_network_and_cluster_follow_from_the_declaration() -> None:
    facts = declaration.site({"project": "acme-shop", "region": "europe-west1", "network": "shop-vpc",
                              "clusters": {"gke": {"dns": "vpc_scope"}},
                              "services": [{"name": "orders", "namespace": "shop", "port": 8080}]}, {})
    assert [one["name"] for one in facts["clusters"]] == ["gke"]
    assert facts["services"][0]["cluster"] == "gke"


@pytest.mark.parametrize(("clusters", "said"), [
    ({"one": {"dns": "vpc_scope"}, "two": {"dns": "vpc_scope"}}, "must be one"),
    ({"Not A Name": {}}, "Not A Name"),
])
def test_a_declaration_that_cannot_be_is_refused_with_what_to_do(clusters: dict[str, t.Any], said: str) -> None:
    told = {"project": "acme-shop", "region": "europe-west1", "network": "shop-vpc", "clusters": clusters}
    with pytest.raises(ValueError, match=said):
        declaration.site(told, {})
