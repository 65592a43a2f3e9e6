# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A live site gets TLS to its pods, and loses it again, under callers who notice nothing.

Apigee's times and the drain are scaled by one factor (``APIGEE_SCALE``).
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator

from testbed.callers import Seen
from testbed.commands import common
from testbed.state import State, cache_folder
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


@contextlib.contextmanager
def callers(cloud: Cloud) -> Iterator[Seen]:
    """Load, while Apigee keeps no connection for long: an open one goes on past a firewall that has closed."""
    stop = threading.Event()
    state = State(home=cloud.home, cache=cache_folder())

    def forget() -> None:
        while not stop.wait(0.3):
            common.control(state, "DELETE", "/memory")

    thread = threading.Thread(target=forget, daemon=True)
    with load(cloud) as seen:
        thread.start()
        try:
            yield seen
        finally:
            stop.set()
            thread.join()


def slow(cloud: Cloud, method: str) -> None:
    """Let a change at Google take its time, so that whatever relied on it too early is called meanwhile."""
    cloud.control("DELETE", "faults")
    cloud.control("POST", "faults", json={"kind": "delay", "match": method, "seconds": 3})


def test_from_plain_to_tls_and_back_without_a_failed_call(running_cloud: Cloud) -> None:
    site = running_cloud
    site.reset()
    play(site, tls=False)
    assert (site.call()["tls"], ports(site)) == (None, {str(PLAIN_PORT)})

    # The old port was withdrawn before Apigee had turned: calls would fail for as long as that takes.
    slow(site, "apigee.organizations.environments.targetservers.update")
    with callers(site) as there:
        play(site)
        rolled_out(site)
    print(json.dumps({"plain to TLS": there.done, "failed": len(there.failed)}))
    assert not there.failed, (len(there.failed), there.failed[:5])
    assert there.done > 100
    assert site.call(fresh=True)["tls"]["verified"] is True
    assert (ports(site), open_ports(site)) == ({str(TLS_PORT)}, {TLS_PORT})

    # The new port was admitted after Apigee had turned.
    slow(site, "compute.firewalls.patch")
    with callers(site) as back:
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
