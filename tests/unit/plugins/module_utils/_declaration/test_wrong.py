# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every way in which a declaration can be wrong offline is named, with the key, the value and a remedy."""

from __future__ import annotations

import copy
import typing

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration import derive, problems, rules, shape

SHOP: dict[str, typing.Any] = {
    "project": "acme-shop",
    "region": "europe-west1",
    "network": "shop-vpc",
    "domain": "acme.internal",
    "environments": {"prod": {"hostnames": ["api.acme.example"]}},
    "clusters": {"shop": {"dns": "vpc_scope"}},
    "services": [{"name": "orders", "namespace": "shop", "port": 8080}],
    "proxies": [{"name": "orders", "base_path": "/orders", "service": "orders"}],
}
GOOD_BUNDLE = rules.Bundle(["/v1/orders"], ["orders"], [])
BUNDLES = {
    "./good": GOOD_BUNDLE,
    "./broken": rules.Bundle(
        [], [], ["apiproxy/policies/A.xml: the XML is malformed: no closing tag. Correct the file."]
    ),
}


def check(declaration: dict) -> list[problems.Problem]:
    def inspect(path: str) -> rules.Bundle:
        return BUNDLES[path]

    read, found = shape.read(declaration)
    site, more = derive.derive(read, inspect=inspect)
    return found + more + rules.check(read, site, inspect)


def changed(path: str, value: typing.Any) -> dict:
    """The shop with one value replaced; a value of None takes the key away."""
    result: typing.Any = copy.deepcopy(SHOP)
    *parents, last = path.split("/")
    place = result
    for part in parents:
        place = place[int(part)] if isinstance(place, list) else place.setdefault(part, {})
    if value is None:
        del place[last]
    elif isinstance(place, list):
        place.insert(int(last), value)
    else:
        place[last] = value
    return result


def test_the_shop_is_right() -> None:
    assert check(SHOP) == []


@pytest.mark.parametrize(
    ("path", "value", "where", "says"),
    [
        ("netwrk", "shop-vpc", "netwrk", "Did you mean network?"),
        ("network", None, "network", "is required"),
        ("project", "Acme", "project", "lower-case"),
        ("project", 12, "project", "must be text"),
        ("region", "europe", "region", "europe-west1"),
        ("environments", {}, "environments", "at least one environment"),
        ("environments/prod/hostnames", [], "environments.prod.hostnames", "at least one host name"),
        ("environments/prod/hostnames", ["https://api"], "environments.prod.hostnames[0]", "host name"),
        ("environments/prod/hostname", ["api.x.y"], "environments.prod.hostname", "Did you mean hostnames?"),
        (
            "environments/dev",
            {"hostnames": ["api.acme.example"]},
            "environments.dev.hostnames",
            "belongs to environment",
        ),
        ("clusters", {}, "clusters", "at least one cluster"),
        ("clusters/shop/dns", "vpcscope", "clusters.shop.dns", "Did you mean vpc_scope?"),
        ("clusters/shop/mode", "autopilot", "clusters.shop.dns", "not possible on an Autopilot cluster"),
        ("clusters/shop/suffix", "shop.local", "clusters.shop.suffix", ".local cannot be published"),
        ("domain", "acme.local", "domain", ".local cannot be published"),
        ("domain", "googleapis.com", "domain", "would cover names of googleapis.com"),
        ("clusters/b", {"suffix": "x.shop.acme.internal"}, "clusters.b.suffix", "inside each other"),
        ("clusters/shop/ranges", {"pods": "10.64.0.0/16"}, "clusters.shop.ranges.pods", "overlaps peering_range"),
        ("clusters/shop/ranges", {"pods": "10.70.0.1/16"}, "clusters.shop.ranges.pods", "is not an IPv4 range"),
        ("clusters/shop/ranges", {"pods": "34.0.0.0/16"}, "clusters.shop.ranges.pods", "must be a private range"),
        ("peering_range", "10.1.0.0/24", "peering_range", "too small"),
        ("instance", {"range": "10.9.0.0/22"}, "instance.range", "inside the peering range"),
        ("services/0/cluster", "shp", "services[orders].cluster", "Did you mean shop?"),
        ("services/0/port", 70000, "services[orders].port", "between 1 and 65535"),
        ("services/0/publish_not_ready_addresses", True, "services[orders].publish_not_ready_addresses", "is refused"),
        ("services/0/tls", {"port": 8080}, "services[orders].tls.port", "on which the application listens"),
        ("services/0/tls", {"engine": "ngnix"}, "services[orders].tls.engine", "Did you mean nginx?"),
        ("services/0/namespace", "cert-manager", "services[orders].namespace", "gets a sidecar"),
        ("tls", {"mode": "webhok"}, "tls.mode", "Did you mean webhook?"),
        ("tls", {"issuer": {"kind": "Issuer"}}, "tls.issuer.name", "is required"),
        ("services/0/namespace", "kube-system", "services[orders].namespace", "Kubernetes itself"),
        ("services/1", {"name": "orders", "port": 1}, "services[orders]", "declared twice"),
        ("proxies/0/service", "order", "proxies[orders].service", "Did you mean orders?"),
        ("proxies/0/environments", ["prdo"], "proxies[orders].environments", "Did you mean prod?"),
        ("proxies/0/products", ["partner"], "proxies[orders].products", "not supported yet"),
        ("proxies/0/base_path", None, "proxies[orders].base_path", "base_path: /orders"),
        ("proxies/1", {"name": "b", "base_path": "/orders/", "service": "orders"}, "proxies[b].base_path", "taken by"),
        ("proxies/1", {"name": "b", "bundle": "./broken"}, "proxies[b].bundle", "malformed"),
        ("proxies/1", {"name": "b", "bundle": "./good"}, "proxies[b].service", "calls target server orders"),
        (
            "proxies/1",
            {"name": "b", "bundle": "./good", "service": "orders", "base_path": "/x"},
            "proxies[b].base_path",
            "differs from the base path in the bundle",
        ),
        ("products", {"partner": {}}, "products", "not supported yet"),
    ],
)
def test_one_thing_wrong(path: str, value: typing.Any, where: str, says: str) -> None:
    found = check(changed(path, value))
    texts = {problem.path: problem.as_text() for problem in found}
    assert where in texts, texts
    assert says in " ".join(texts[where].split())


@pytest.mark.parametrize("path", ["environments/prod/hostnames", "environments", "clusters", "project"])
def test_what_is_missing_is_told_once(path: str) -> None:
    (problem,) = check(changed(path, None))
    assert problem.path == path.replace("/", ".") and problem.message == "is required."


def test_a_range_that_may_reach_the_api_server_is_one() -> None:
    (problem,) = check(changed("clusters/shop/authorized_networks", {"office": "203.0.113.7/24"}))
    assert problem.path == "clusters.shop.authorized_networks.office" and problem.found == "203.0.113.7/24"


def test_everything_wrong_is_told_at_once() -> None:
    declaration = changed("netwrk", "x")
    declaration["clusters"]["shop"]["mode"] = "autopilot"
    declaration["proxies"][0]["service"] = "order"
    assert {problem.path for problem in check(declaration)} == {
        "netwrk",
        "clusters.shop.dns",
        "proxies[orders].service",
    }


def test_one_environment_group_may_share_a_host_name() -> None:
    declaration = changed("environments/dev", {"hostnames": ["api.acme.example"], "group": "prod"})
    declaration["proxies"][0]["environments"] = ["prod"]
    assert check(declaration) == []


def test_several_clusters_must_be_named() -> None:
    found = check(changed("clusters/east", {}))
    assert [problem.path for problem in found] == ["services[orders].cluster"]


@pytest.mark.parametrize(
    "declaration", [None, [], "text", {"clusters": "x"}, {"services": {"a": 1}}, {"clusters": {"a": 3}}]
)
def test_nonsense_is_refused_and_not_crashed_upon(declaration: typing.Any) -> None:
    assert check(declaration)


def test_a_page_names_counts_and_aligns() -> None:
    page = problems.page([problems.Problem("a.b", "is V(wrong).", found="x", fix="Write V(y).")], "Title.")
    assert page.splitlines() == ["Title. (one problem)", "", "a.b: is wrong.", "  found     x", "  fix       Write y."]
