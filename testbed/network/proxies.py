# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Where the proxies of internal load balancers are: a namespace beside the VPC's router, and reached through it alone.

It has the addresses of the load balancers, and of each subnet for proxies the one from which backends are called. As
at Google no firewall rule is about the proxies themselves; what they call is judged like any call in the network.
"""
from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from testbed.network.firewall import PROXIES_LINK
from testbed.network.namespace import Namespace

#: The router's own end of the link.
_GATEWAY = "169.254.104.1"


class Proxies:
    """The namespace and its link to the VPC's router. Everything is idempotent."""

    def __init__(self, namespace: Namespace, router: Namespace) -> None:
        self.namespace = namespace
        self._router = router

    def create(self) -> None:
        """Make it; the router must be there. Raises OSError."""
        self.namespace.create()
        self.namespace.inside(
            lambda: Path("/proc/sys/net/ipv4/conf/all/rp_filter").write_text("0", encoding="ascii"))
        links = json.loads(self._router.run(["ip", "-json", "link"]))
        if PROXIES_LINK not in {link["ifname"] for link in links}:
            self._router.run(["ip", "link", "add", PROXIES_LINK, "type", "veth", "peer", "name", "eth0",
                              "netns", self.namespace.name])
        _batch(self._router, [f"address replace {_GATEWAY}/32 dev {PROXIES_LINK}", f"link set {PROXIES_LINK} up"])
        _batch(self.namespace, ["link set lo up", "link set eth0 up"])

    def delete(self) -> None:
        self.namespace.delete()

    def set_addresses(self, addresses: Iterable[str]) -> None:
        """Give it exactly these addresses, and lead the VPC's packets to them here. Raises OSError."""
        wanted = set(addresses)
        present = {info["local"] for entry in json.loads(self.namespace.run(
            ["ip", "-json", "-4", "address", "show", "dev", "eth0"])) for info in entry.get("addr_info", [])}
        commands = [f"address add {each}/32 dev eth0" for each in sorted(wanted - present)]
        commands += [f"address delete {each}/32 dev eth0" for each in sorted(present - wanted)]
        if wanted:
            # Linux forgets every route of a link with its last address.
            commands += [f"route replace {_GATEWAY} dev eth0 scope link",
                         f"route replace default via {_GATEWAY} dev eth0"]
        _batch(self.namespace, commands)
        routed = {route["dst"] for route in json.loads(self._router.run(
            ["ip", "-json", "-4", "route", "show", "dev", PROXIES_LINK]))}
        _batch(self._router, [f"route delete {each} dev {PROXIES_LINK}" for each in sorted(routed - wanted)]
               + [f"route replace {each} dev {PROXIES_LINK} scope link" for each in sorted(wanted)])


def _batch(namespace: Namespace, commands: list[str]) -> None:
    if commands:
        namespace.run(["ip", "-batch", "-"], input="\n".join(commands) + "\n")
