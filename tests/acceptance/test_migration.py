# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A live site gets TLS to its pods, and loses it again, under callers who notice nothing.

Apigee's times and the drain are scaled by one factor (``APIGEE_SCALE``).
"""

from __future__ import annotations

import json

from tests.acceptance.cloud import Cloud
from tests.acceptance.tls import PLAIN_PORT, TLS_PORT, load, play, pods, reached


def ports(cloud: Cloud) -> set[str]:
    """The ports that the firewall admits Apigee to."""
    rules = cloud.google("GET", "compute", "compute/v1/projects/acme-shop/global/firewalls")["items"]
    return {
        port
        for rule in rules
        if rule["name"].endswith("-apigee-to-pods")
        for allowed in rule["allowed"]
        for port in allowed["ports"]
    }


def open_ports(cloud: Cloud) -> set[int]:
    """The ports of the pods on which a connection from Apigee's network comes about."""
    address = next(iter(pods(cloud).values()))
    return {port for port in (PLAIN_PORT, TLS_PORT) if reached(cloud, address, port)}


def rolled_out(cloud: Cloud) -> None:
    cloud.kubectl("rollout", "status", "deployment/orders", "-n", "shop", "--timeout=120s")


def test_from_plain_to_tls_and_back_without_a_failed_call(running_cloud: Cloud) -> None:
    site = running_cloud
    site.reset()
    play(site, tls=False)
    assert (site.call()["tls"], ports(site)) == (None, {str(PLAIN_PORT)})

    with load(site) as there:
        play(site)
        rolled_out(site)
    print(json.dumps({"plain to TLS": there.done, "failed": len(there.failed)}))
    assert not there.failed, (len(there.failed), there.failed[:5])
    assert there.done > 100
    assert site.call(fresh=True)["tls"]["verified"] is True
    assert (ports(site), open_ports(site)) == ({str(TLS_PORT)}, {TLS_PORT})

    with load(site) as back:
        preview = play(site, "--check", "--diff", tls=False).actions
        moved = play(site, tls=False)
        rolled_out(site)
    print(json.dumps({"TLS to plain": back.done, "failed": len(back.failed)}))
    assert not back.failed, (len(back.failed), back.failed[:5])
    assert back.done > 100
    assert moved.actions == preview
    assert site.call(fresh=True)["tls"] is None
    assert (ports(site), open_ports(site)) == ({str(PLAIN_PORT)}, {PLAIN_PORT})
    assert play(site, tls=False).changed == 0
