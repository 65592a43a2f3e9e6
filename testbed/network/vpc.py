# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""The VPC as a router: a namespace to which every node and Apigee's tenant network are linked.

As in Google's network a machine has a /32 address and sends everything to its subnet's gateway, so that even two
machines of one subnet meet the firewall on the way. There is no link to the host and no default route out.
"""
from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from testbed.network.firewall import APIGEE_LINK, EDGE, RESOLVER
from testbed.network.namespace import Namespace

#: The router's own end of the link to Apigee's tenant network; seen by nobody else.
PEERING_GATEWAY = "169.254.100.1"


#: Marks routes to addresses of load balancers; the number that Google's guest agent uses for them on a machine.
FORWARDED = "66"


def node_link(number: int) -> str:
    """The router's end of the link to node ``number``."""
    return f"node{number}"


def function_link(number: int) -> str:
    """The router's end of the link to the function that is running as ``number``."""
    return f"function{number}"


class Vpc:
    """The namespaces of the VPC and of Apigee's tenant network, their links and routes. Everything is idempotent."""

    def __init__(self, vpc: Namespace, apigee: Namespace) -> None:
        self.router = vpc
        self.apigee = apigee

    def create(self) -> None:
        """Make both namespaces and the link between them; nothing passes it before :meth:`peer`. Raises OSError."""
        for namespace in (self.router, self.apigee):
            namespace.create()
            self._sysctl(namespace, "ipv4/conf/all/rp_filter", "0")
            self._batch(namespace, [f"address replace {RESOLVER}/32 dev lo"])
        self._batch(self.router, [f"address replace {EDGE}/32 dev lo"])
        self._sysctl(self.router, "ipv4/ip_forward", "1")
        if APIGEE_LINK not in self._links(self.router):
            self._batch(self.router, [f"link add {APIGEE_LINK} type veth peer name eth0 netns {self.apigee.name}"])
        self._batch(self.router, [f"address replace {PEERING_GATEWAY}/32 dev {APIGEE_LINK}",
                                  f"link set {APIGEE_LINK} up"])
        self._batch(self.apigee, ["link set eth0 up"])

    def delete(self) -> None:
        self.apigee.delete()
        self.router.delete()

    # -- machines ---------------------------------------------------------------------------------------------
    def attach_machine(self, link: str, machine: Namespace, address: str, gateway: str) -> None:
        """Link a machine's namespace: its address and default route there, the route to it here.

        :param link: name of the router's end, at most 15 letters.
        """
        machine.create()
        if link not in self._links(self.router):
            self._batch(self.router, [f"link add {link} type veth peer name eth0 netns {machine.name}"])
        self._batch(self.router, [f"address replace {gateway}/32 dev {link}", f"link set {link} up",
                                  f"route replace {address}/32 dev {link} src {gateway}"])
        self._batch(machine, [f"address replace {address}/32 dev eth0", "link set eth0 up",
                              f"route replace {gateway} dev eth0 scope link",
                              f"route replace default via {gateway} dev eth0 src {address}"])

    def attach_node(self, number: int, node: Namespace, node_ip: str, gateway: str, pod_range: str) -> None:
        """Link a node's namespace as a machine's, with a route to its pods."""
        self.attach_machine(node_link(number), node, node_ip, gateway)
        self._sysctl(node, "ipv4/ip_forward", "1")
        self._batch(self.router, [f"route replace {pod_range} via {node_ip} dev {node_link(number)} src {gateway}"])

    def detach_machine(self, link: str, machine: Namespace) -> None:
        """Remove the link (its routes go with it) and the machine's namespace."""
        if self.router.exists() and link in self._links(self.router):
            self._batch(self.router, [f"link delete {link}"])
        machine.delete()

    def detach_node(self, number: int, node: Namespace) -> None:
        """Remove a node's link and namespace."""
        self.detach_machine(node_link(number), node)

    # -- load balancers ---------------------------------------------------------------------------------------
    def set_load_balancers(self, machines: Mapping[int, tuple[Namespace, str, Iterable[str]]]) -> None:
        """Deliver exactly these addresses to the nodes: number -> (namespace, the node's address, addresses).

        As on Compute Engine the packets arrive unchanged, and the machine takes the addresses for its own.
        """
        routed: dict[str, str] = {}
        for number, (node, node_ip, addresses) in machines.items():
            wanted = set(addresses)
            routed.update(dict.fromkeys(wanted, f"via {node_ip} dev {node_link(number)}"))
            present = self._forwarded(node, "local")
            self._batch(node, [f"route delete local {each} table local proto {FORWARDED}"
                               for each in sorted(present - wanted)]
                        + [f"route add local {each} dev eth0 table local proto {FORWARDED}"
                           for each in sorted(wanted - present)])
        present = self._forwarded(self.router, "main")
        self._batch(self.router, [f"route delete {each}/32 proto {FORWARDED}" for each in sorted(present - set(routed))]
                    + [f"route replace {each}/32 {way} proto {FORWARDED}" for each, way in sorted(routed.items())])

    # -- Apigee -----------------------------------------------------------------------------------------------
    def set_instances(self, hosts: Iterable[str]) -> None:
        """Give Apigee's namespace exactly these addresses.

        Its default route leads to the VPC whether peered or not: without peering packets vanish there, so that
        connections time out as they do in a tenant project that has no route to the network.
        """
        wanted = list(dict.fromkeys(hosts))
        present = self._addresses(self.apigee, "eth0")
        commands = [f"address delete {address}/32 dev eth0" for address in present if address not in wanted]
        commands += [f"address add {address}/32 dev eth0" for address in wanted if address not in present]
        if wanted:
            # Linux forgets every route of a link with its last address, the one to the gateway included.
            commands += [f"route replace {PEERING_GATEWAY} dev eth0 scope link",
                         f"route replace default via {PEERING_GATEWAY} dev eth0 src {wanted[0]}"]
        self._batch(self.apigee, commands)

    def set_endpoints(self, hosts: Iterable[str]) -> None:
        """Give Apigee's namespace exactly these addresses of Private Service Connect, beside its instances'.

        What is not among them lies behind the default route, where packets vanish: an endpoint that the producer does
        not accept lets connections time out.
        """
        wanted = set(hosts)
        present = set(self._addresses(self.apigee, "lo")) - {RESOLVER, "127.0.0.1"}
        commands = [f"address delete {address}/32 dev lo" for address in sorted(present - wanted)]
        commands += [f"address add {address}/32 dev lo" for address in sorted(wanted - present)]
        self._batch(self.apigee, commands)

    def peer(self, ranges: Iterable[str]) -> None:
        """Route exactly these ranges of Apigee instances in the VPC: the peering's exchange of routes."""
        wanted = set(ranges)
        present = self._routes(self.router, APIGEE_LINK)
        commands = [f"route delete {each} dev {APIGEE_LINK}" for each in sorted(present - wanted)]
        commands += [f"route add {each} dev {APIGEE_LINK} scope link" for each in sorted(wanted - present)]
        self._batch(self.router, commands)

    # -- names ------------------------------------------------------------------------------------------------
    def set_views(self, addresses: Iterable[str]) -> None:
        """Give the router the addresses at which its networks' names are answered."""
        self._batch(self.router, [f"address replace {address}/32 dev lo" for address in addresses])

    # -- firewall ---------------------------------------------------------------------------------------------
    def set_firewall(self, script: str) -> None:
        """Replace all rules in one transaction. Raises OSError with nft's message."""
        self.router.run(["nft", "-f", "-"], input=script)

    # -- plumbing ---------------------------------------------------------------------------------------------
    @staticmethod
    def _batch(namespace: Namespace, commands: list[str]) -> None:
        if commands:
            namespace.run(["ip", "-batch", "-"], input="\n".join(commands) + "\n")

    @staticmethod
    def _links(namespace: Namespace) -> set[str]:
        return {link["ifname"] for link in json.loads(namespace.run(["ip", "-json", "link"]))}

    @staticmethod
    def _addresses(namespace: Namespace, link: str) -> list[str]:
        shown = json.loads(namespace.run(["ip", "-json", "-4", "address", "show", "dev", link]))
        return [info["local"] for entry in shown for info in entry.get("addr_info", [])]

    @staticmethod
    def _routes(namespace: Namespace, link: str) -> set[str]:
        shown = json.loads(namespace.run(["ip", "-json", "-4", "route", "show", "dev", link]))
        return {route["dst"] for route in shown}

    @staticmethod
    def _forwarded(namespace: Namespace, table: str) -> set[str]:
        shown = json.loads(namespace.run(["ip", "-json", "-4", "route", "show", "table", table, "proto", FORWARDED]))
        return {route["dst"] for route in shown}

    @staticmethod
    def _sysctl(namespace: Namespace, name: str, value: str) -> None:
        # /proc/sys/net shows the namespace of the thread that opens it.
        namespace.inside(lambda: Path("/proc/sys/net", name).write_text(value, encoding="ascii"))
