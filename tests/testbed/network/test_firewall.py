# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""How VPC firewall rules become nftables."""
from __future__ import annotations

import dataclasses

import pytest

from testbed.network.firewall import Machine, render
from testbed.world import FirewallRule, LoadBalancer, Network, Subnet

NODE = Machine("shop-vpc", "10.10.0.2", "10.10.0.0/24", "10.20.0.0/16", ("gke-shop",))
OTHER = Machine("other-vpc", "10.50.0.2", "10.50.0.0/24", "10.60.0.0/16", ("gke-shop",))
RANGES = {"shop-vpc": ["10.30.0.0/22"]}


def rule(name: str = "r", **fields: object) -> FirewallRule:
    return FirewallRule(**{"name": name, "network": "shop-vpc", "allow": (("tcp", ("8080",)),),
                           "source_ranges": ("10.30.0.0/22",), **fields})


def ingress(*rules: FirewallRule, machines: tuple[Machine, ...] = (NODE,), chain: str = "ingress") -> list[str]:
    script = render([Network("shop-vpc", firewall_rules=rules, peered_to_apigee=True)], machines, RANGES)
    body = script.split(f"  chain {chain} {{\n")[1].split("  }\n")[0]
    return [line.strip() for line in body.splitlines()]


def test_a_rule_names_targets_sources_and_ports():
    assert ingress(rule(target_tags=("gke-shop", "else"))) == [
        "ip daddr { 10.10.0.2/32, 10.20.0.0/16 } ip saddr { 10.30.0.0/22 } tcp dport { 8080 } accept comment \"r\""]


def test_no_rule_aims_at_machines_without_its_tags():
    assert ingress(rule(target_tags=("bastion",))) == []


def test_without_tags_every_machine_of_the_network_and_none_of_another_is_aimed_at():
    (line,) = ingress(rule(), machines=(NODE, OTHER))
    assert "10.20.0.0/16" in line
    assert "10.60.0.0/16" not in line


def test_disabled_rules_are_left_out():
    assert ingress(rule(disabled=True)) == []


def test_priority_decides_and_at_equal_priority_deny_comes_first():
    deny = {"allow": (), "deny": (("all", ()),)}
    lines = ingress(rule("late", priority=2000), rule("b-allow"), rule("a-deny", **deny), rule("first", priority=10))
    assert [line.rpartition(" ")[2] for line in lines] == ['"first"', '"a-deny"', '"b-allow"', '"late"']
    assert " drop " in lines[1]


def test_no_source_range_means_anywhere():
    (line,) = ingress(rule(source_ranges=()))
    assert "saddr" not in line


def test_an_egress_allow_still_has_to_pass_the_other_side():
    (line,) = ingress(rule(direction="EGRESS"), chain="egress")
    assert line.startswith("ip saddr { 10.10.0.2/32, 10.20.0.0/16 } ip daddr { 10.30.0.0/22 }")
    assert " return " in line


def test_ranges_of_ipv6_alone_aim_at_nothing():
    assert ingress(rule(source_ranges=("fd00::/8",))) == []


@pytest.mark.parametrize(("entry", "expected"), [
    (("tcp", ("443", "8000-8090", "8080", "8091")), "tcp dport { 443, 8000-8091 }"),
    (("tcp", ()), "meta l4proto 6"),
    (("udp", ("53",)), "udp dport { 53 }"),
    (("icmp", ()), "meta l4proto 1"),
    (("ipip", ()), "meta l4proto 4"),
    (("47", ()), "meta l4proto 47"),
])
def test_protocols(entry: tuple[str, tuple[str, ...]], expected: str):
    (line,) = ingress(rule(allow=(entry,)))
    assert f"{expected} accept" in line


def test_all_protocols_match_without_a_word():
    (line,) = ingress(rule(allow=(("all", ()),)))
    assert "{ 10.30.0.0/22 } accept" in line


def test_apigee_is_reached_and_let_in_only_while_peered():
    def isolation(peered: bool) -> str:
        return render([Network("shop-vpc", peered_to_apigee=peered)], [NODE], RANGES)

    assert 'oifname "apigee" ip saddr' in isolation(True)
    assert 'oifname "apigee"' not in isolation(False)
    assert "ip saddr != { 10.10.0.0/24, 10.20.0.0/16, 10.30.0.0/22 } drop" in isolation(True)
    assert "ip saddr != { 10.10.0.0/24, 10.20.0.0/16 } drop" in isolation(False)


def test_a_rule_that_makes_no_sense_harms_no_other():
    (line,) = ingress(rule("bad", allow=(("no-such-protocol", ()),)), rule("worse", source_ranges=("10.0.0.0/99",)),
                      rule("good"))
    assert line.endswith('comment "good"')


def test_machines_are_led_to_their_networks_view_of_the_resolver():
    machine = dataclasses.replace(NODE, link="node0", view="169.254.171.1")
    (line,) = [each for each in ingress(rule(), machines=(machine,), chain="prerouting") if "dnat" in each]
    assert line.startswith('iifname "node0" ip daddr 169.254.169.254')
    assert line.endswith("th dport 53 dnat ip to 169.254.171.1")


BALANCED = dataclasses.replace(NODE, load_balancers=(
    LoadBalancer("orders", "10.10.0.80", "europe-west1", ("acme-shop", "europe-west1", "shop")),))
SUBNETS = (Subnet("near", "shop-vpc", "europe-west1", "10.10.0.0/24", {"pods": "10.20.0.0/16"}),
           Subnet("far", "shop-vpc", "us-east1", "10.11.0.0/24"))


def isolation(machine: Machine, peered: bool = False) -> list[str]:
    script = render([Network("shop-vpc", subnets=SUBNETS, peered_to_apigee=peered)], [machine], RANGES,
                    {"10.30.0.0/22": "us-east1"})
    return [line.strip() for line in script.split("  chain isolation {\n")[1].split("  }\n")[0].splitlines()]


def test_a_load_balancer_is_reached_from_its_region_alone_or_with_global_access_from_all_of_the_network():
    of_the_network, of_the_region = isolation(BALANCED)
    assert of_the_network == ("ip daddr { 10.10.0.2/32, 10.10.0.80/32, 10.20.0.0/16 } "
                              "ip saddr != { 10.10.0.0/24, 10.11.0.0/24, 10.20.0.0/16 } drop")
    assert of_the_region == "ip daddr 10.10.0.80 ip saddr != { 10.10.0.0/24, 10.20.0.0/16 } drop"
    everywhere = dataclasses.replace(BALANCED.load_balancers[0], global_access=True)
    assert isolation(dataclasses.replace(BALANCED, load_balancers=(everywhere,))) == [of_the_network]


@pytest.mark.parametrize(("region", "reached"), [("us-east1", True), ("europe-west1", False)])
def test_apigee_reaches_a_load_balancer_from_the_instances_own_region(region: str, reached: bool):
    balancer = dataclasses.replace(BALANCED.load_balancers[0], region=region)
    line = isolation(dataclasses.replace(BALANCED, load_balancers=(balancer,)), peered=True)[1]
    assert ("10.30.0.0/22" in line) is reached


def test_a_rule_for_one_destination_opens_no_other_address_of_the_machine():
    (line,) = ingress(rule(destination_ranges=("10.10.0.80",)), machines=(BALANCED,))
    assert "ip daddr { 10.10.0.80/32 } tcp dport { 8080 } accept" in line
