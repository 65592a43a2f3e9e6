# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The engine against the emulator: first run, second run, check mode, interruption at every write, removal."""

from __future__ import annotations

import json
import subprocess
import sys
import typing as t
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
RESOURCES: list[dict[str, t.Any]] = [
    {"kind": "project_services", "services": ["compute", "container", "dns", "servicenetworking"]},
    {
        "kind": "gke_cluster",
        "name": "shop",
        "location": "europe-west1-b",
        "network": "shop-vpc",
        "subnetwork": "shop",
        "pods_range_name": "pods",
        "services_range_name": "services",
        "dns": {"provider": "CLOUD_DNS", "scope": "VPC_SCOPE", "domain": "shop.acme.internal."},
        "node_pools": [{"name": "one"}, {"name": "two", "nodes": 1}],
    },
    {"kind": "compute_network", "name": "shop-vpc"},
    {
        "kind": "compute_subnetwork",
        "name": "shop",
        "network": "shop-vpc",
        "region": "europe-west1",
        "ip_cidr_range": "10.10.0.0/20",
        "secondary_ip_ranges": [
            {"range_name": "pods", "ip_cidr_range": "10.20.0.0/16"},
            {"range_name": "services", "ip_cidr_range": "10.30.0.0/20"},
        ],
    },
    {
        "kind": "compute_global_address",
        "name": "psa",
        "network": "shop-vpc",
        "purpose": "VPC_PEERING",
        "prefix_length": 21,
        "address": "10.40.0.0",
        "labels": {"team": "shop"},
    },
    {"kind": "service_networking_connection", "network": "shop-vpc", "reserved_peering_ranges": ["psa"]},
    {
        "kind": "compute_firewall",
        "name": "apigee",
        "network": "shop-vpc",
        "source_ranges": ["10.40.0.0/22"],
        "allowed": [{"protocol": "tcp", "ports": ["8443"]}],
    },
]


class Cloud:
    """An emulator of its own, and the module run against it."""

    def __init__(self, state: Path) -> None:
        self.state = state
        command = [sys.executable, "-m", "testbed.google", "--port", "0", "--state", str(state)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = t.cast(t.IO[str], self.process.stdout).readline().strip()
        self.connection = json.loads((state / "connection.json").read_text())

    def control(self, path: str, method: str = "GET") -> dict[str, t.Any]:
        data = b"{}" if method == "POST" else None
        request = urllib.request.Request(f"{self.url}/_testbed/{path}", data, method=method)
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request) as reply:
            return json.load(reply)

    def run(self, die_after: int = 0, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        arguments = {
            "endpoints": self.connection["endpoints"],
            "service_account_file": self.connection["service_account_file"],
            "project": self.connection["project"],
            "resources": RESOURCES,
            **options,
            "_ansible_check_mode": check,
            "_ansible_remote_tmp": str(self.state),
            "_ansible_keep_remote_files": False,
        }
        path = self.state / "arguments.json"
        path.write_text(json.dumps(arguments))
        command = [sys.executable, str(HERE / "resources_run.py"), str(path), str(die_after)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        if die_after:
            assert done.returncode == 137, done.stdout + done.stderr
            return {}
        result = json.loads(done.stdout)
        assert not result.get("failed"), result["msg"]
        return result


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    started = Cloud(tmp_path_factory.mktemp("cloud"))
    yield started
    started.process.terminate()
    started.process.wait(20)


def actions(result: dict[str, t.Any]) -> list[tuple[str, str, str]]:
    return [(one["kind"], one["name"], one["action"]) for one in result["resources"]]


def test_whole_life(cloud: Cloud) -> None:
    cloud.control("reset", "POST")
    predicted = cloud.run(check=True)
    first = cloud.run()
    assert actions(predicted) == actions(first)
    for before, after in zip(predicted["resources"], first["resources"], strict=True):
        assert before["resource"].keys() == after["resource"].keys()
    second = cloud.run()
    assert not second["changed"] and second["requests"]["writes"] == 0 and second["requests"]["reads"] <= 8
    removed = cloud.run(state="absent")
    assert {one["action"] for one in removed["resources"]} == {"deleted"}
    assert not cloud.run(state="absent")["changed"]


def test_interrupted_at_every_write_the_next_run_ends_in_the_same_state(cloud: Cloud) -> None:
    cloud.control("reset", "POST")
    writes = cloud.run()["requests"]["writes"]
    wanted = cloud.control("state")["digest"]
    assert writes >= len(RESOURCES)
    for number in range(1, writes + 1):
        cloud.control("reset", "POST")
        cloud.run(die_after=number)
        cloud.run()
        assert cloud.control("state")["digest"] == wanted, f"interrupted after write {number}"
