# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""NetworkPolicies as nftables' text: which pods, which peers, which ports. nftables itself checks each table."""
from __future__ import annotations

import subprocess
from typing import Any

import pytest

from testbed.kubernetes.network_policy.objects import Pod, pods_with_addresses, selects
from testbed.kubernetes.network_policy.rules import REMOVAL, Ruleset

ORDERS = Pod("shop", "orders", "10.20.0.2", {"app": "orders"}, {("TCP", "https"): 8443, ("UDP", "dns"): 53})
CALLER = Pod("partners", "caller", "10.20.0.3", {"app": "caller"}, {("TCP", "https"): 9443})
OTHER = Pod("shop", "other", "10.20.0.4", {"app": "other"}, {})
NAMESPACES = {"shop": {"name": "shop"}, "partners": {"trusted": "yes"}}
KNOWN = "ip daddr 10.20.0.0/16 ip daddr != { 10.20.0.2/31, 10.20.0.4/32 } drop"


def policy(namespace: str = "shop", pods: dict[str, Any] | None = None, **sections: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": namespace, "name": "p"}, "spec": {
        "podSelector": {"matchLabels": {"app": "orders"}} if pods is None else pods,
        "policyTypes": [each.capitalize() for each in sections], **sections}}


def table(*policies: dict[str, Any], calico: bool = False) -> list[str]:
    text = Ruleset(policies, [ORDERS, CALLER, OTHER], NAMESPACES, "10.20.0.0/16", blocks_match_pods=calico).render()
    # Its own network namespace: nothing of it is ever in force here.
    done = subprocess.run(["unshare", "--net", "nft", "--file", "-"], input=text + REMOVAL, capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stderr + text
    return [line.strip() for line in text.splitlines()]


def allowed(*policies: dict[str, Any], chain: str = "ingress-10-20-0-2", **options: Any) -> list[str]:
    """What the pod's chain lets pass, besides the pod itself."""
    lines = table(*policies, **options)
    begin = lines.index(f"chain {chain} {{")
    end = lines.index("}", begin)
    assert lines[end - 1] == "drop"
    return [line.rpartition("return")[0].strip() for line in lines[begin + 2:end - 1]]


@pytest.mark.testbed
@pytest.mark.parametrize(("rule", "matches"), [
    ({}, [""]),
    ({"from": []}, [""]),
    ({"ports": [{"port": 8443}]}, ["tcp dport { 8443 }"]),
    ({"ports": [{"port": "https"}]}, ["tcp dport { 8443 }"]),
    ({"ports": [{"port": "http"}]}, []),
    ({"ports": [{"port": "dns"}]}, []),
    ({"ports": [{"port": "dns", "protocol": "UDP"}]}, ["udp dport { 53 }"]),
    ({"ports": [{"port": 80, "endPort": 90}, {"port": 85}, {"port": 91}]}, ["tcp dport { 80-91 }"]),
    ({"ports": [{"protocol": "UDP"}, {"port": 53, "protocol": "UDP"}, {"port": 9, "protocol": "SCTP"}]},
     ["meta l4proto udp", "sctp dport { 9 }"]),
    ({"from": [{"ipBlock": {"cidr": "10.40.0.0/22", "except": ["10.40.1.0/24"]}}], "ports": [{"port": 1}]},
     ["ip saddr 10.40.0.0/22 ip saddr != { 10.20.0.0/16, 10.40.1.0/24 } tcp dport { 1 }"]),
    ({"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}, ["ip saddr 0.0.0.0/0 ip saddr != { 10.20.0.0/16 }"]),
    ({"from": [{"ipBlock": {"cidr": "::/0"}}]}, []),
    ({"from": [{"podSelector": {}}]}, ["ip saddr { 10.20.0.2/32, 10.20.0.4/32 }"]),
    ({"from": [{"podSelector": {"matchLabels": {"app": "caller"}}}]}, []),
    ({"from": [{"namespaceSelector": {}}]}, ["ip saddr { 10.20.0.2/31, 10.20.0.4/32 }"]),
    ({"from": [{"namespaceSelector": {"matchLabels": {"trusted": "yes"}}}]}, ["ip saddr { 10.20.0.3/32 }"]),
    ({"from": [{"namespaceSelector": {"matchLabels": {"trusted": "yes"}},
                "podSelector": {"matchLabels": {"app": "orders"}}}]}, []),
    ({"from": [{"podSelector": {"matchLabels": {"app": "other"}}}, {"ipBlock": {"cidr": "10.0.0.0/30"}}]},
     ["ip saddr 10.0.0.0/30 ip saddr != { 10.20.0.0/16 }", "ip saddr { 10.20.0.4/32 }"]),
])
def test_an_ingress_rule_is_what_it_says(rule, matches):
    assert allowed(policy(ingress=[rule])) == matches


@pytest.mark.testbed
def test_egress_rules_name_the_ports_of_each_pod_called():
    peers = [{"namespaceSelector": {}}]
    found = allowed(policy(egress=[{"to": peers, "ports": [{"port": "https"}, {"port": 80}]}]),
                    chain="egress-10-20-0-2")
    assert found == ["ip daddr { 10.20.0.2/31, 10.20.0.4/32 } tcp dport { 80 }",
                     "ip daddr 10.20.0.2 tcp dport { 8443 }", "ip daddr 10.20.0.3 tcp dport { 9443 }"]


@pytest.mark.testbed
def test_an_ip_block_matches_pods_with_calico_only():
    rule = {"from": [{"ipBlock": {"cidr": "10.20.0.0/24"}}]}
    assert allowed(policy(ingress=[rule]), calico=True) == ["ip saddr 10.20.0.0/24"]
    assert allowed(policy(ingress=[rule])) == ["ip saddr 10.20.0.0/24 ip saddr != { 10.20.0.0/16 }"]


@pytest.mark.testbed
def test_policies_of_a_pod_add_up_and_none_leaves_it_open():
    first, second = policy(ingress=[{"ports": [{"port": 1}]}]), policy(pods={}, ingress=[{"ports": [{"port": 2}]}])
    assert allowed(first, second) == ["tcp dport { 1 }", "tcp dport { 2 }"]
    lines = table(first)
    assert "ip daddr vmap { 10.20.0.2 : jump ingress-10-20-0-2 }" in lines and KNOWN in lines
    assert not any("egress-" in line or "10-20-0-4" in line for line in lines)
    assert not any("jump" in line or "drop" in line for line in table())


@pytest.mark.testbed
def test_default_deny_and_the_types_that_were_left_out():
    assert allowed(policy(ingress=[])) == []
    left_out = policy(egress=[{}])
    del left_out["spec"]["policyTypes"]
    assert allowed(left_out) == [] and allowed(left_out, chain="egress-10-20-0-2") == [""]
    lines = table(policy(egress=[]))
    assert KNOWN not in lines and lines.count("ip saddr vmap { 10.20.0.2 : jump egress-10-20-0-2 }") == 2


@pytest.mark.parametrize(("selector", "result"), [
    (None, True), ({}, True), ({"matchLabels": {"a": "1"}}, True), ({"matchLabels": {"a": "2"}}, False),
    ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]}, True),
    ({"matchExpressions": [{"key": "b", "operator": "In", "values": ["1"]}]}, False),
    ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, False),
    ({"matchExpressions": [{"key": "b", "operator": "NotIn", "values": ["1"]}]}, True),
    ({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, True),
    ({"matchExpressions": [{"key": "b", "operator": "DoesNotExist"}, {"key": "c", "operator": "Exists"}]}, False),
])
def test_selectors(selector, result):
    assert selects(selector, {"a": "1"}) is result


def item(name: str, address: str | None, phase: str = "Running", **changes: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": "shop", "name": name, **changes.pop("metadata", {})},
            "spec": {"containers": [{"name": "app"}], **changes}, "status": {"phase": phase, "podIP": address}}


def test_only_pods_with_an_address_of_their_own_count():
    going = item("going", "10.20.0.9", metadata={"deletionTimestamp": "2026-11-21T04:00:00Z"})
    found = pods_with_addresses([
        item("new", "10.20.0.9"), going, item("ended", "10.20.0.5", "Succeeded"), item("waiting", None, "Pending"),
        item("node", "10.10.0.2", hostNetwork=True)])
    assert [(each.name, each.address) for each in found] == [("new", "10.20.0.9")]


def test_native_sidecars_have_named_ports_and_other_init_containers_do_not():
    tls = {"name": "tls", "restartPolicy": "Always", "ports": [{"name": "https", "containerPort": 8443}]}
    setup = {"name": "setup", "ports": [{"name": "setup", "containerPort": 1}]}
    [pod] = pods_with_addresses([item("orders", "10.20.0.2", initContainers=[setup, tls])])
    assert pod.ports == {("TCP", "https"): 8443}
