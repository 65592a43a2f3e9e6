# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which environment of a group a request goes to, and what one of several instances serves."""
from __future__ import annotations

from types import SimpleNamespace

import pytest

from testbed.apigee.router import Group, Router
from testbed.apigee_instances import share
from testbed.world import Instance

CONFIGURATION = {
    "organization": "acme",
    "environment_groups": [{
        "name": "shop", "hostnames": ["api.acme.example"], "environments": ["blue", "green"],
        "routing_rules": [{"basepath": "/orders", "environment": "green"},
                          {"basepath": "/stock", "environment": "blue"}]}],
    "environments": {"blue": {"instances": ["euw1", "use1"], "deployments": []},
                     "green": {"instances": ["use1"], "deployments": []}},
}


def deployment(environment: str, *base_paths: str, share: int = 100) -> SimpleNamespace:
    endpoints = {path: SimpleNamespace(base_path=path) for path in base_paths}
    return SimpleNamespace(
        environment=environment, proxy=environment, share=share, bundle=SimpleNamespace(proxy_endpoints=endpoints))


def test_replicas_with_the_old_and_the_new_revision_answer_by_turns():
    old, new = deployment("blue", "/stock", share=70), deployment("blue", "/stock", share=20)
    router = Router([Group.from_json(each) for each in CONFIGURATION["environment_groups"]], {"blue": [old, new]})
    routes = [router.route("api.acme.example", "/stock/1") for _ in range(200)]
    served = [route.deployment if route else None for route in routes]
    assert (served.count(old), served.count(new), served.count(None)) == (140, 40, 20)


@pytest.mark.parametrize(("path", "served"), [
    ("/orders/42", "green"), ("/stock", "blue"), ("/only/green", "green"), ("/only/blue", "blue"), ("/none", None)])
def test_the_routing_table_of_the_group_decides(path: str, served: str | None):
    router = Router([Group.from_json(each) for each in CONFIGURATION["environment_groups"]], {
        "blue": [deployment("blue", "/orders", "/stock", "/only/blue")],
        "green": [deployment("green", "/orders/", "/stock", "/only/green")]})
    route = router.route("API.acme.example.", path)
    assert (route.deployment.environment if route else None) == served
    assert router.route("other.example", path) is None


@pytest.mark.parametrize(("path", "owner"), [("/orders/42", "green"), ("/stock", "blue"), ("/other", None)])
def test_a_path_belongs_to_an_environment_by_the_table_alone(path: str, owner: str | None):
    router = Router([Group.from_json(each) for each in CONFIGURATION["environment_groups"]], {})
    assert router.owner("api.acme.example", path) == owner
    assert router.owner("other.example", path) is None


def test_an_instance_serves_what_is_attached_to_it():
    def own(name: str) -> dict:
        return share(CONFIGURATION, Instance("acme", name, "europe-west1", "10.30.0.0/22", "shop-vpc", "10.30.0.2"))

    assert own("use1")["environments"] == CONFIGURATION["environments"]
    parts = [{"proxy": "orders", "revision": "2", "instances": ["use1"]}, {"proxy": "orders", "revision": "1"}]
    one = {**CONFIGURATION, "environments": {"blue": {"instances": ["euw1"], "deployments": parts}}}
    euw1 = share(one, Instance("acme", "euw1", "europe-west1", "10.30.0.0/22", "shop-vpc", "10.30.0.2"))
    assert euw1["environments"]["blue"]["deployments"] == parts[1:]
    lesser = own("euw1")
    assert list(lesser["environments"]) == ["blue"]
    assert lesser["environment_groups"][0]["environments"] == ["blue"]
    assert [rule["basepath"] for rule in lesser["environment_groups"][0]["routing_rules"]] == ["/stock"]
    assert lesser["instance"]["name"] == "euw1"
    assert own("none")["environments"] == {}
