# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removal: the project is as it was, what is somebody else's stays, and a half-built state is no obstacle."""

from __future__ import annotations

import signal

from tests.acceptance.cloud import Cloud


def test_teardown_leaves_the_project_as_it_was_and_spares_a_strangers_objects(empty: Cloud) -> None:
    empty.google("POST", "serviceusage", "v1/projects/acme-shop/services/compute.googleapis.com:enable", json={})
    stranger = {"name": "legacy-vpc", "autoCreateSubnetworks": False}
    empty.google("POST", "compute", "compute/v1/projects/acme-shop/global/networks", json=stranger)
    rule = {
        "name": "legacy-apigee-to-pods",
        "network": "projects/acme-shop/global/networks/legacy-vpc",
        "allowed": [{"IPProtocol": "tcp", "ports": ["8080"]}],
        "sourceRanges": ["10.32.0.0/22"],
    }
    empty.google("POST", "compute", "compute/v1/projects/acme-shop/global/firewalls", json=rule)
    before = empty.state()
    empty.play()
    empty.play("playbooks/teardown.yml")
    after = empty.state()
    assert after["digest"] == before["digest"] or differences(before, after) <= {"project services"}
    again = empty.play("playbooks/teardown.yml")
    assert again.changed == 0


def differences(before: dict, after: dict) -> set[str]:
    """Which groups of objects differ; APIs that were switched on stay on, because others may have come to use them."""
    names = set(before["objects"]) ^ set(after["objects"]) | {
        key for key in before["objects"] if before["objects"][key] != after["objects"].get(key)
    }
    return {"project services" if "services" in name.split("/") else name for name in names}


def test_teardown_from_a_half_built_state(empty: Cloud) -> None:
    before = empty.state()

    def kill_after(pid: int) -> bool:
        fault = {"kind": "signal", "pid": pid, "signal": int(signal.SIGKILL), "nth": 9, "mutating": True}
        empty.control("POST", "faults", json=fault)
        return True

    assert empty.play_killed(kill_after)
    empty.control("DELETE", "faults")
    empty.play("playbooks/teardown.yml")
    assert differences(before, empty.state()) <= {"project services"}
