# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""The internet of a testbed: a namespace with Google's front ends, callers, and the way out of Apigee's tenant project.

Its addresses are those that RFC 5737 and RFC 3849 keep for documentation. Nothing leads from it to the host, nor from
machines of a VPC to it; only Google's front ends reach those, from the ranges that Google publishes.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from testbed.network.firewall import INTERNET_LINK
from testbed.network.namespace import Namespace

#: Where load balancers and their health checks call backends from (VPC firewall documentation, health checks).
FRONT_ENDS = ("130.211.0.0/22", "35.191.0.0/16")
FRONT_END = "35.191.0.1"
#: External addresses, callers outside, and NAT addresses that Apigee reserved; the emulator gives them out.
EXTERNAL, CALLERS, RESERVED = "203.0.113.0/24", "192.0.2.0/25", "198.51.100.0/24"
#: IPv6 addresses of both load balancers and callers.
SIXTH = "2001:db8::/32"
#: Where Apigee's calls come from as long as nothing is reserved: addresses that may change at any time.
PASSING, PASSING_ADDRESS = "192.0.2.128/25", "192.0.2.200"

_TO_VPC, _TO_APIGEE, _OF_APIGEE = "vpc", "apigee", "internet"
_VPC_ENDS, _APIGEE_ENDS = ("169.254.102.1", "169.254.102.2"), ("169.254.103.1", "169.254.103.2")


class Internet:
    """The namespace, its links to the VPC's router and to Apigee's tenant network. Everything is idempotent."""

    def __init__(self, namespace: Namespace, router: Namespace, tenant: Namespace) -> None:
        self.namespace = namespace
        self._router = router
        self._tenant = tenant

    def create(self) -> None:
        """Make it; the router and the tenant network must be there. Raises OSError."""
        self.namespace.create()
        # A local route makes an IPv4 address one's own; for IPv6 that must be said.
        for name, value in (("ipv4/conf/all/rp_filter", "0"), ("ipv6/ip_nonlocal_bind", "1")):
            self._set(name, value)
        if not self._has_link(self._router, INTERNET_LINK):
            self._router.run(["ip", "link", "add", INTERNET_LINK, "type", "veth", "peer", "name", _TO_VPC,
                              "netns", self.namespace.name])
        if not self._has_link(self._tenant, _OF_APIGEE):
            self._tenant.run(["ip", "link", "add", _OF_APIGEE, "type", "veth", "peer", "name", _TO_APIGEE,
                              "netns", self.namespace.name])
        # Whole ranges are local: load balancers and callers have any address of theirs.
        local = [f"route replace local {each} dev lo" for each in (*FRONT_ENDS, EXTERNAL, CALLERS)]
        self._batch(self.namespace, [
            f"address replace {_VPC_ENDS[1]}/30 dev {_TO_VPC}", f"link set {_TO_VPC} up",
            f"address replace {_APIGEE_ENDS[0]}/30 dev {_TO_APIGEE}", f"link set {_TO_APIGEE} up", *local,
            f"route replace default via {_VPC_ENDS[0]}",
            *(f"route replace {each} via {_APIGEE_ENDS[1]}" for each in (RESERVED, PASSING))])
        self.namespace.run(["ip", "-6", "route", "replace", "local", SIXTH, "dev", "lo"])
        self._batch(self._router, [
            f"address replace {_VPC_ENDS[0]}/30 dev {INTERNET_LINK}", f"link set {INTERNET_LINK} up",
            *(f"route replace {each} via {_VPC_ENDS[1]}" for each in FRONT_ENDS)])
        self._batch(self._tenant, [
            f"address replace {_APIGEE_ENDS[1]}/30 dev {_OF_APIGEE}", f"link set {_OF_APIGEE} up",
            f"route replace {EXTERNAL} via {_APIGEE_ENDS[0]}"])
        self.set_egress({})

    def delete(self) -> None:
        self.namespace.delete()

    def set_egress(self, addresses: Mapping[str, Sequence[str]]) -> None:
        """Have an instance's calls to the internet come from these addresses in turn: instance's host -> addresses.

        Those of an instance without any come from an address that nobody reserved.
        """
        lines = ["table ip egress", "delete table ip egress", "table ip egress {", "  chain postrouting {",
                 "    type nat hook postrouting priority srcnat; policy accept;"]
        for index, (host, found) in enumerate(sorted(addresses.items())):
            # Sockets that the runtime binds to no instance have the link's own address; they are the first one's.
            sources = host if index else f"{{ {host}, {_APIGEE_ENDS[1]} }}"
            if found:
                turns = ", ".join(f"{number} : {address}" for number, address in enumerate(found))
                lines.append(f'    oifname "{_OF_APIGEE}" ip saddr {sources} '
                             f"snat to numgen inc mod {len(found)} map {{ {turns} }}")
        lines += [f'    oifname "{_OF_APIGEE}" snat to {PASSING_ADDRESS}', "  }", "}"]
        self._tenant.run(["nft", "-f", "-"], input="\n".join(lines) + "\n")

    def _set(self, name: str, value: str) -> None:
        self.namespace.inside(lambda: Path("/proc/sys/net", name).write_text(value, encoding="ascii"))

    @staticmethod
    def _has_link(namespace: Namespace, name: str) -> bool:
        return name in namespace.run(["ip", "-brief", "link", "show"]).replace("@", " ").split()

    @staticmethod
    def _batch(namespace: Namespace, commands: list[str]) -> None:
        namespace.run(["ip", "-batch", "-"], input="\n".join(commands) + "\n")
