# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""NetworkPolicies as one table of nftables: a pure function of policies, pods and namespaces.

Kubernetes' own rules (documentation "Network Policies"): a pod that no policy selects for a direction is open in it;
one that is selected gets exactly what all its policies together allow; a connection needs the consent of both ends;
answers pass; a pod always reaches itself; its own node always reaches it. The node's own packets never pass the chain
that forwards, so the last needs no rule. Every packet towards a pod is judged, not only the first of a connection, as
Cilium does under GKE's Dataplane V2: a policy that closes a port ends what runs through it.

A pod whose address is not known yet takes nothing while any policy for ingress exists: Kubernetes wants a policy in
force before the pod starts, and its address is seen only a moment later.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from testbed.network.nftables import address_set, merged_ports

from .objects import Pod, selects

TABLE = "network_policy"
#: nftables' limit is 128 bytes.
COMMENT = 120
#: Removes the table whether there is one or not.
REMOVAL = f"table ip {TABLE}\ndelete table ip {TABLE}\n"

Policy = Mapping[str, Any]
Isolation = dict[Pod, list[Policy]]


def isolated(policies: Sequence[Policy], pods: Sequence[Pod], direction: str) -> Isolation:
    """The pods that policies select for a direction (``Ingress``, ``Egress``), with those policies."""
    found: Isolation = {}
    for policy in sorted(policies, key=_full_name):
        if direction not in _types(policy["spec"]):
            continue
        for pod in pods:
            if pod.namespace == policy["metadata"]["namespace"] and selects(
                    policy["spec"].get("podSelector"), pod.labels):
                found.setdefault(pod, []).append(policy)
    return found


class Ruleset:
    """Renders the whole table.

    namespaces: name -> labels. pod_range: the cluster's own pods. blocks_match_pods: whether an ipBlock also matches
    pods of the cluster; with Calico it does, with Cilium (Dataplane V2) only selectors do (cilium issue 9209).
    """

    def __init__(self, policies: Sequence[Policy], pods: Sequence[Pod], namespaces: Mapping[str, Mapping[str, str]],
                 pod_range: str, *, blocks_match_pods: bool) -> None:
        self._policies = policies
        self._pods = pods
        self._namespaces = namespaces
        self._pod_range = pod_range
        self._blocks_match_pods = blocks_match_pods

    def render(self) -> str:
        """The script for ``nft -f``, which replaces the table in one transaction."""
        inbound = isolated(self._policies, self._pods, "Ingress")
        outbound = isolated(self._policies, self._pods, "Egress")
        closed = any("Ingress" in _types(each["spec"]) for each in self._policies)
        known = [pod.address for pod in self._pods]
        unknown = [f"    ip daddr {self._pod_range}{_other_than('daddr', known)} drop"] if closed else []
        answers = ["    ct state related accept", "    ct direction reply accept"]
        lines = [
            REMOVAL + f"table ip {TABLE} {{",
            *(line for pod, policies in outbound.items() for line in self._chain(pod, policies, "Egress")),
            *(line for pod, policies in inbound.items() for line in self._chain(pod, policies, "Ingress")),
            "  chain forward {",
            "    type filter hook forward priority filter; policy accept;",
            *answers, *_jumps("saddr", outbound, "egress"), *_jumps("daddr", inbound, "ingress"), *unknown,
            "  }",
            # What a pod sends to its node (the API server, the node's resolver) is not forwarded.
            "  chain input {",
            "    type filter hook input priority filter; policy accept;",
            *answers, *_jumps("saddr", outbound, "egress"),
            "  }",
            "}",
        ]
        return "\n".join(lines) + "\n"

    def _chain(self, pod: Pod, policies: Sequence[Policy], direction: str) -> list[str]:
        section, near, far = ("ingress", "daddr", "saddr") if direction == "Ingress" else ("egress", "saddr", "daddr")
        comment = _text(pod.namespace, pod.name)
        lines = [f"  chain {_chain_name(section, pod)} {{",
                 f'    ip {near} {pod.address} ip {far} {pod.address} return comment "{comment}"']
        for policy in policies:
            comment = _text(*_full_name(policy))
            for rule in policy["spec"].get(section) or []:
                for match in self._matches(rule, policy["metadata"]["namespace"], pod, section):
                    lines.append(f'    {match}return comment "{comment}"')
        return [*lines, "    drop", "  }"]

    def _matches(self, rule: Mapping[str, Any], namespace: str, pod: Pod, section: str) -> Iterator[str]:
        """Matches of nftables, any of which the rule allows, each with a space behind it; "" is everything."""
        far = "saddr" if section == "ingress" else "daddr"
        peers = rule.get("from" if section == "ingress" else "to")
        ports = rule.get("ports")
        chosen = self._chosen(peers, namespace) if peers else list(self._pods)
        ends = [self._block(peer["ipBlock"], far) for peer in peers or [] if "ipBlock" in peer]
        ends = [each for each in ends if each]
        if peers and chosen:
            ends.append(f"ip {far} {address_set(each.address for each in chosen)} ")
        if not peers:
            ends.append("")
        for end in ends:
            for port in _ports(ports, pod if section == "ingress" else None):
                yield end + port
        if section == "egress":
            # A name means another number on every pod that is called.
            for port in ports or []:
                if isinstance(port.get("port"), str):
                    for each in chosen:
                        yield from (f"ip daddr {each.address} {match}" for match in _ports([port], each))

    def _chosen(self, peers: Sequence[Mapping[str, Any]], namespace: str) -> list[Pod]:
        """The pods that any of the peers selects."""
        return [pod for pod in self._pods if any(self._is_peer(peer, pod, namespace) for peer in peers)]

    def _is_peer(self, peer: Mapping[str, Any], pod: Pod, namespace: str) -> bool:
        if "ipBlock" in peer:
            return False
        if "namespaceSelector" in peer:
            home = selects(peer["namespaceSelector"], self._namespaces.get(pod.namespace, {}))
        else:
            home = pod.namespace == namespace
        return home and selects(peer.get("podSelector"), pod.labels)

    def _block(self, block: Mapping[str, Any], far: str) -> str | None:
        """The match of an ipBlock; None for one of IPv6, which the testbed's VPC does not carry."""
        if ":" in block["cidr"]:
            return None
        excepted = [each for each in block.get("except") or [] if ":" not in each]
        if not self._blocks_match_pods:
            excepted.append(self._pod_range)
        return f"ip {far} {block['cidr']}{_other_than(far, excepted)} "


def _types(spec: Mapping[str, Any]) -> Sequence[str]:
    """policyTypes, or the API server's default for it."""
    return spec.get("policyTypes") or (["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])


def _ports(ports: Sequence[Mapping[str, Any]] | None, named: Pod | None) -> list[str]:
    """Matches of a rule's ports, each with a space behind it. Names are those of the pod, and match nothing if it has
    no such port or there is no pod."""
    if not ports:
        return [""]
    whole: set[str] = set()
    numbers: dict[str, list[str]] = {}
    for entry in ports:
        protocol, port = entry.get("protocol", "TCP"), entry.get("port")
        if port is None:
            whole.add(protocol)
        elif isinstance(port, str):
            number = named.ports.get((protocol, port)) if named else None
            numbers.setdefault(protocol, []).extend([str(number)] if number else [])
        else:
            numbers.setdefault(protocol, []).append(f"{port}-{entry.get('endPort', port)}")
    matches = [f"meta l4proto {protocol.lower()} " for protocol in sorted(whole)]
    matches += [f"{protocol.lower()} dport {{ {', '.join(merged_ports(found))} }} "
                for protocol, found in sorted(numbers.items()) if found and protocol not in whole]
    return matches


def _other_than(end: str, ranges: Iterable[str]) -> str:
    ranges = list(ranges)
    return f" ip {end} != {address_set(ranges)}" if ranges else ""


def _jumps(end: str, pods: Isolation, section: str) -> list[str]:
    if not pods:
        return []
    jumps = ", ".join(f"{pod.address} : jump {_chain_name(section, pod)}" for pod in pods)
    return [f"    ip {end} vmap {{ {jumps} }}"]


def _chain_name(section: str, pod: Pod) -> str:
    return f"{section}-{pod.address.replace('.', '-')}"


def _full_name(policy: Policy) -> tuple[str, str]:
    return policy["metadata"]["namespace"], policy["metadata"]["name"]


def _text(namespace: str, name: str) -> str:
    return f"{namespace}/{name}"[:COMMENT]
