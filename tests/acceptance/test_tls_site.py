# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The site as it is by default, with TLS to the pods: what is open, and what Apigee verifies."""

from __future__ import annotations

import datetime
import subprocess

import pytest

from tests.acceptance.cloud import Cloud, until
from tests.acceptance.test_converge import resource_versions
from tests.acceptance.tls import HOST, PLAIN_PORT, TLS_PORT, items, play, pods, reached

FIREWALL = "compute/v1/projects/acme-shop/global/firewalls/shop-vpc-apigee-to-pods"
IMAGE = "docker.io/gatewayops/tls-nginx:1"


@pytest.fixture(scope="module")
def site(running_cloud: Cloud) -> Cloud:
    """The testbed's site as its inventory has it."""
    running_cloud.reset()
    play(running_cloud)
    return running_cloud


def test_a_second_run_changes_nothing_and_writes_nothing(site: Cloud) -> None:
    versions, before = resource_versions(site), site.counters()
    second = play(site)
    assert (second.changed, second.actions) == (0, set())
    assert site.counters()["mutating"] == before["mutating"]
    assert resource_versions(site) == versions
    assert site.control("GET", "violations")["violations"] == []


def test_apigee_verifies_the_certificate_of_the_pod_that_answers(site: Cloud) -> None:
    answer = site.call(fresh=True)
    assert answer["status"] == 200 and answer["answered"]["pod"] in pods(site)
    seen = answer["tls"]
    assert seen["verified"] is True and seen["protocol"] == "TLSv1.3"
    assert seen["issuer"] == "CN=apigee-gke CA"
    assert seen["names"] == [HOST, "orders.shop.svc.cluster.local"]
    left = datetime.datetime.fromisoformat(seen["expires"]) - datetime.datetime.now(datetime.timezone.utc)
    assert 88 < left.days <= 90


def from_another_pod(cloud: Cloud, address: str, port: int) -> bool:
    """Whether a connection comes about from a pod of somebody else."""
    asked = subprocess.run(
        ["kubectl", "exec", "stranger", "--", "nc", "-w", "2", address, str(port)],
        env=cloud.shell_environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert asked.returncode == 0 or "timed out" in asked.stderr, asked.stderr
    return asked.returncode == 0


def test_the_plain_port_is_closed_twice_and_to_other_pods(site: Cloud) -> None:
    address = next(iter(pods(site).values()))
    site.kubectl("run", "stranger", f"--image={IMAGE}", "--grace-period=0", "--command", "--", "sleep", "600")
    site.kubectl("wait", "--for=condition=Ready", "pod/stranger", "--timeout=60s")
    allowed = site.google("GET", "compute", FIREWALL)["allowed"]
    assert allowed == [{"IPProtocol": "tcp", "ports": [str(TLS_PORT)]}]
    assert reached(site, address, TLS_PORT) and not reached(site, address, PLAIN_PORT)
    assert not from_another_pod(site, address, PLAIN_PORT)

    # Without the firewall rule's part, the policy holds ...
    site.google("PATCH", "compute", FIREWALL, json={"allowed": [{"IPProtocol": "tcp", "ports": ["8080", "8443"]}]})
    assert not reached(site, address, PLAIN_PORT)
    # ... and without the policy the way is open, which shows that it was closed by what it seems.
    (policy,) = items(site, "networkpolicies", "-n", "shop")
    site.kubectl("delete", "networkpolicy", "-n", "shop", policy["metadata"]["name"])
    until(lambda: reached(site, address, PLAIN_PORT), seconds=20, what="the policy alone closes it")
    assert from_another_pod(site, address, PLAIN_PORT)
    site.google("PATCH", "compute", FIREWALL, json={"allowed": allowed})
    play(site)
    site.kubectl("delete", "pod", "stranger", "--now")
