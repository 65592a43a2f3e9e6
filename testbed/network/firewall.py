# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""VPC firewall rules as nftables, rendered whole and replaced in one transaction.

What Google's firewall does and this renders: rules apply in order of priority, a deny before an allow of the same
priority; answers to accepted connections always pass; egress is allowed and ingress denied unless a rule says
otherwise. Denied packets are dropped, not refused: the caller sees a connection that times out. Google shows no
implied rule for it, so none is listed. Networks are isolated from each other; peering with Apigee joins exactly one
side to the other and shares no firewall rules (reference gke-dns-path.md 3.2).
"""
from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from testbed.world import FirewallRule, LoadBalancer, Network

from .nftables import address_set, disjoint, merged_ports

APIGEE_LINK = "apigee"
#: Google's front ends come from here; they belong to no network, and rules must let them in.
INTERNET_LINK = "internet"
#: The proxies of internal load balancers. Rules of a network are not about them, but about what they call.
PROXIES_LINK = "proxies"
NODE_LINKS, FUNCTION_LINKS = "node*", "function*"
RESOLVER = "169.254.169.254"
#: Apigee Edge's public cloud, in a range for tests (RFC 2544), which nobody else here uses.
EDGE = "198.18.0.10"
#: Each network's own view of the resolver has an address in here, which its machines are led to.
VIEWS = "169.254.171.0/24"
ANY = "0.0.0.0/0"

#: Names that Compute Engine takes for protocols, as IANA numbers.
PROTOCOLS = {"tcp": 6, "udp": 17, "icmp": 1, "esp": 50, "ah": 51, "sctp": 132, "ipip": 4}
WITH_PORTS = {6: "tcp", 17: "udp", 132: "sctp"}

log = logging.getLogger("testbed.firewall")


@dataclass(frozen=True)
class Machine:
    """What a rule can aim at: a node with its pods, or a function with its way into the network, which has none.

    Pods of VPC-native clusters carry their node's tags. Or the proxies of internal load balancers in a network and a
    region (``proxies``), with the address from which they call and those at which they are called.

    ``link`` is the router's end of its link, ``view`` the address at which its network's names are answered. Packets to
    a load balancer reach the node unchanged, and the rules that aim at the node judge them.
    """

    network: str
    node_ip: str
    node_range: str
    pod_range: str
    tags: tuple[str, ...] = ()
    link: str = ""
    view: str = ""
    load_balancers: tuple[LoadBalancer, ...] = ()
    proxies: bool = False

    @property
    def addresses(self) -> tuple[str, ...]:
        pods = (self.pod_range,) if self.pod_range else ()
        return (self.node_ip, *pods, *(each.address for each in self.load_balancers))


def render(networks: Sequence[Network], machines: Sequence[Machine], instance_ranges: dict[str, Sequence[str]],
           instance_regions: Mapping[str, str] | None = None) -> str:
    """The script for ``nft -f``. ``instance_ranges``: per network the ranges of the Apigee instances it would peer;
    ``instance_regions``: where each of those ranges is."""
    peered = {network.name: tuple(instance_ranges.get(network.name, ())) for network in networks
              if network.peered_to_apigee}
    lines = [
        "table inet testbed", "delete table inet testbed", "table inet testbed {",
        "  chain prerouting {",
        "    type nat hook prerouting priority dstnat; policy accept;",
        *(f'    iifname "{each.link}" ip daddr {RESOLVER} meta l4proto {{ tcp, udp }} th dport 53 '
          f"dnat ip to {each.view}" for each in machines if each.link and each.view),
        "  }",
        "  chain input {",
        "    type filter hook input priority filter; policy drop;",
        '    iifname "lo" accept',
        "    ct state established,related accept",
        *(f'    iifname "{links}" ip daddr {{ {RESOLVER}, {VIEWS} }} meta l4proto {{ tcp, udp }} th dport 53 accept'
          for links in (NODE_LINKS, FUNCTION_LINKS)),
        *(line for links in (NODE_LINKS, FUNCTION_LINKS)
          for line in (f'    iifname "{links}" ip daddr {EDGE} tcp dport 443 jump egress',
                       f'    iifname "{links}" ip daddr {EDGE} tcp dport 443 accept')),
        f'    iifname "{NODE_LINKS}" meta l4proto icmp accept',
        "  }",
        "  chain output {",
        "    type filter hook output priority filter; policy accept;",
        # In Google's network what leads nowhere is lost; this router would say so.
        f'    oifname "{FUNCTION_LINKS}" icmp type destination-unreachable drop',
        "  }",
        "  chain forward {",
        "    type filter hook forward priority filter; policy drop;",
        "    ct state established,related accept",
        "    ct state invalid drop",
        f'    iifname != "{INTERNET_LINK}" jump isolation',
        "    jump egress",
        f'    iifname != "{INTERNET_LINK}" oifname "{PROXIES_LINK}" accept',
        *_to_apigee(peered, machines),
        "    jump ingress",
        "  }",
        "  chain isolation {", *_isolation(networks, peered, machines),
        *_regions(networks, peered, machines, instance_regions or {}), "  }",
        "  chain egress {", *_rules(networks, machines, "EGRESS"), "  }",
        "  chain ingress {", *_rules(networks, machines, "INGRESS"), "  }",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _to_apigee(peered: dict[str, tuple[str, ...]], machines: Sequence[Machine]) -> list[str]:
    """Peered networks reach the instances: Apigee's side of the peering has no rules of ours."""
    lines = []
    for network, ranges in sorted(peered.items()):
        sources = [address for machine in machines if machine.network == network for address in machine.addresses]
        if ranges and sources:
            lines.append(f'    oifname "{APIGEE_LINK}" ip saddr {address_set(sources)} '
                         f"ip daddr {address_set(ranges)} accept")
    return lines


def _isolation(networks: Sequence[Network], peered: dict[str, tuple[str, ...]],
               machines: Sequence[Machine]) -> list[str]:
    """A network's machines are reached from the same network and from the instances peered with it, else not."""
    subnets = {network.name: [each for places in _places(network).values() for each in places] for network in networks}
    lines = []
    for network in sorted({machine.network for machine in machines}):
        own = [machine for machine in machines if machine.network == network]
        targets = [address for machine in own for address in machine.addresses]
        sources = [each for machine in own for each in (machine.node_range, machine.pod_range) if each]
        sources += [*subnets.get(network, ()), *peered.get(network, ())]
        lines.append(f"    ip daddr {address_set(targets)} ip saddr != {address_set(sources)} drop")
    return lines


def _places(network: Network) -> dict[str, list[str]]:
    """Per region the ranges in which clients of a network have their addresses."""
    places: dict[str, list[str]] = {}
    for subnet in network.subnets:
        places.setdefault(subnet.region, []).extend((subnet.range, *subnet.secondary.values()))
    return places


def _regions(networks: Sequence[Network], peered: dict[str, tuple[str, ...]], machines: Sequence[Machine],
             instance_regions: Mapping[str, str]) -> list[str]:
    """Without global access a load balancer answers clients in its region alone (VPC documentation)."""
    lines = []
    for network in sorted(networks, key=lambda each: each.name):
        places = _places(network)
        for each in (balancer for machine in machines if machine.network == network.name
                     for balancer in machine.load_balancers if not balancer.global_access):
            near = [*places.get(each.region, ()), *(range_ for range_ in peered.get(network.name, ())
                                                   if instance_regions.get(range_) == each.region)]
            others = f"ip saddr != {address_set(near)} " if near else ""
            lines.append(f"    ip daddr {each.address} {others}drop")
    return lines


def _rules(networks: Sequence[Network], machines: Sequence[Machine], direction: str) -> list[str]:
    lines = []
    for network in sorted(networks, key=lambda each: each.name):
        own = [machine for machine in machines if machine.network == network.name and not machine.proxies]
        rules = [rule for rule in network.firewall_rules if rule.direction == direction and not rule.disabled]
        for rule in sorted(rules, key=lambda each: (each.priority, not each.deny, each.name)):
            try:
                lines += _rule(rule, own)
            except ValueError as error:
                # One that cannot be rendered must not take the whole firewall with it.
                log.error("firewall rule %s is left out: %s", rule.name, error)
    return lines


def _rule(rule: FirewallRule, machines: Sequence[Machine]) -> list[str]:
    """Lines of one rule; none when it aims at no machine or only at IPv6, which the testbed's VPC does not carry."""
    wanted = set(rule.target_tags)
    targets = [address for machine in machines if not wanted or wanted & set(machine.tags)
               for address in machine.addresses]
    others = disjoint(rule.source_ranges or (ANY,))
    if not targets or not others:
        return []
    ingress = rule.direction == "INGRESS"
    near, far = ("daddr", "saddr") if ingress else ("saddr", "daddr")
    ends = f"ip {near} {address_set(targets)}"
    if ANY not in others:
        ends += f" ip {far} {address_set(others)}"
    if ingress and rule.destination_ranges and ANY not in rule.destination_ranges:
        ends += f" ip {near} {address_set(rule.destination_ranges)}"
    # An allowed egress still has to pass the ingress rules of where it goes.
    allowed = "accept" if ingress else "return"
    verdict, entries = ("drop", rule.deny) if rule.deny else (allowed, rule.allow)
    lines = []
    for protocol, ports in entries:
        match = _protocol(protocol, ports)
        lines.append(f"    {ends} {match}{verdict} comment \"{rule.name}\"")
    return lines


def _protocol(name: str, ports: Sequence[str]) -> str:
    """The match of a protocol and its ports, with a space behind it; empty for ``all``."""
    if name.lower() == "all":
        return ""
    number = PROTOCOLS[name.lower()] if name.lower() in PROTOCOLS else int(name)
    if ports and number in WITH_PORTS:
        return f"{WITH_PORTS[number]} dport {{ {', '.join(merged_ports(ports))} }} "
    return f"meta l4proto {number} "
