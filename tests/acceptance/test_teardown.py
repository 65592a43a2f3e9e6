# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removal: the project is as it was, what is somebody else's stays, and a half-built state is no obstacle."""

from __future__ import annotations

import signal
from typing import Any

from tests.acceptance.cloud import Cloud, until

TEARDOWN = "playbooks/teardown.yml"
WITH_APIS = ("-e", "apigee_gke_teardown_apis=true")
NETWORK = "projects/acme-shop/global/networks/shop-vpc"
COMPUTE = "compute/v1/projects/acme-shop/global"
ORGANIZATION = "v1/organizations/acme-shop"


def differences(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    """Which objects are not as they were.

    Google tells of an API that was switched off and of one that never was on the same; and switching on Compute Engine
    switches on OS Login beside it, which nobody asked for and nobody takes back.
    """

    def comparable(state: dict[str, Any]) -> dict[str, Any]:
        return {
            key: document
            for key, document in state["objects"].items()
            if not (key.startswith("serviceusage/") and document.get("state") == "DISABLED")
            and not key.endswith("/services/oslogin.googleapis.com")
        }

    old, new = comparable(before), comparable(after)
    return {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}


def done(cloud: Cloud, service: str, operation: dict[str, Any]) -> None:
    """Wait for a long operation, and raise AssertionError when it fails."""
    if service == "compute":
        path = f"{COMPUTE}/operations/{operation['name']}/wait"
        finished = cloud.google("POST", service, path)
        assert finished["status"] == "DONE" and "error" not in finished, finished
        return
    finished = until(
        lambda: (found := cloud.google("GET", service, f"v1/{operation['name']}")).get("done") and found,
        seconds=30,
        what=operation["name"],
    )
    assert "error" not in finished, finished


def what_a_stranger_has(cloud: Cloud) -> None:
    """An organisation with its network and environment, in which we shall be guests, and objects shaped like ours.

    The reserved range has the very name that we would give it.
    """
    number = cloud.connection["project_number"]
    apis = [f"{name}.googleapis.com" for name in ("compute", "servicenetworking", "container", "dns", "apigee")]
    body: dict[str, Any] = {"serviceIds": apis}
    cloud.google("POST", "serviceusage", "v1/projects/acme-shop/services:batchEnable", json=body)
    body = {"name": "shop-vpc", "autoCreateSubnetworks": False}
    done(cloud, "compute", cloud.google("POST", "compute", f"{COMPUTE}/networks", json=body))
    body = {
        "name": "shop-vpc-apigee", "purpose": "VPC_PEERING", "addressType": "INTERNAL", "prefixLength": 20,
        "network": NETWORK,
    }  # fmt: skip
    done(cloud, "compute", cloud.google("POST", "compute", f"{COMPUTE}/addresses", json=body))
    body = {
        "name": "legacy-apigee-to-pods", "network": NETWORK, "sourceRanges": ["10.32.0.0/22"],
        "allowed": [{"IPProtocol": "tcp", "ports": ["8080"]}],
    }  # fmt: skip
    done(cloud, "compute", cloud.google("POST", "compute", f"{COMPUTE}/firewalls", json=body))

    service = "v1/services/servicenetworking.googleapis.com"
    network = f"projects/{number}/global/networks/shop-vpc"
    body = {"network": network, "reservedPeeringRanges": ["shop-vpc-apigee"]}
    connected = cloud.google("POST", "servicenetworking", f"{service}/connections", json=body)
    done(cloud, "servicenetworking", connected)
    body = {"name": "legacy", "dnsSuffix": "legacy.example.com."}
    domain = cloud.google("POST", "servicenetworking", f"{service}/{network}/peeredDnsDomains", json=body)
    done(cloud, "servicenetworking", domain)

    body = {
        "runtimeType": "CLOUD", "billingType": "EVALUATION", "analyticsRegion": "europe-west1",
        "authorizedNetwork": "shop-vpc",
    }  # fmt: skip
    made = cloud.google("POST", "apigee", "v1/organizations?parent=projects/acme-shop", json=body)
    done(cloud, "apigee", made)
    done(cloud, "apigee", cloud.google("POST", "apigee", f"{ORGANIZATION}/environments", json={"name": "prod"}))
    body = {"name": "legacy", "host": "10.1.2.3", "port": 8080, "isEnabled": True}
    cloud.google("POST", "apigee", f"{ORGANIZATION}/environments/prod/targetservers", json=body)


def test_teardown_leaves_the_project_as_it_was(empty: Cloud) -> None:
    before = empty.state()
    empty.play()
    assert differences(before, empty.state())
    # APIs stay on unless one says so, because others may have come to use them. Here nobody has.
    removed = empty.play(TEARDOWN, *WITH_APIS)
    assert removed.changed
    assert differences(before, empty.state()) == set()
    assert empty.play(TEARDOWN, *WITH_APIS).changed == 0


def test_what_a_stranger_made_stays(empty: Cloud) -> None:
    what_a_stranger_has(empty)
    before = empty.state()
    empty.play()
    assert empty.call()["status"] == 200
    empty.play(TEARDOWN)
    after = empty.state()
    assert differences(before, after) == set()
    assert f"apigee/{ORGANIZATION.removeprefix('v1/')}" in {key.rstrip("/") for key in after["objects"]}


def test_teardown_from_a_half_built_state(empty: Cloud) -> None:
    before = empty.state()

    def kill_after(pid: int) -> bool:
        fault = {"kind": "signal", "pid": pid, "signal": int(signal.SIGKILL), "nth": 9, "mutating": True}
        empty.control("POST", "faults", json=fault)
        return True

    assert empty.play_killed(kill_after)
    empty.control("DELETE", "faults")
    assert differences(before, empty.state())
    empty.play(TEARDOWN, *WITH_APIS)
    assert differences(before, empty.state()) == set()
