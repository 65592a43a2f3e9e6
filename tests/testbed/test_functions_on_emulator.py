# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A function and its way into the network, made by the modules against the emulator."""

from __future__ import annotations

import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml

from tests.testbed.emulated_cloud import Cloud

ROOT = Path(__file__).resolve().parents[2]
REGION = {"region": "europe-west1"}
FUNCTION: dict[str, t.Any] = {
    "name": "products", **REGION, "forwarding": True, "vpc_connector": "shop", "cpu": "1", "concurrency": 8,
    "environment": {"FORWARD_TO": "http://products.shop.internal", "FORWARD_TIMEOUT": 15},
}  # fmt: skip
RESOURCES: list[dict[str, t.Any]] = [
    {"kind": "project_services", "services": ["compute", "vpcaccess", "cloudfunctions"]},
    {"kind": "compute_network", "name": "shop-vpc"},
    {"kind": "compute_subnetwork", "name": "nodes", **REGION, "network": "shop-vpc", "ip_cidr_range": "10.10.0.0/20"},
    {"kind": "vpc_access_connector", "name": "shop", **REGION, "network": "shop-vpc", "ip_cidr_range": "10.8.0.0/28"},
    {"kind": "cloud_function", **FUNCTION},
]


@pytest.fixture
def made(cloud: Cloud) -> Cloud:
    """Everything, made once."""
    cloud.control("reset", "POST")
    cloud.run(RESOURCES)
    cloud.control("requests", "DELETE")
    return cloud


def test_whole_life(cloud: Cloud) -> None:
    cloud.whole_life(RESOURCES)
    assert not cloud.run(RESOURCES, state="absent")["changed"]


def test_unchanged_source_is_neither_uploaded_nor_built(made: Cloud) -> None:
    assert not made.module("cloud_function", **FUNCTION)["changed"] and made.writes() == 0
    environment = {**FUNCTION["environment"], "FORWARD_PATHS": "/products"}
    assert made.module("cloud_function", **{**FUNCTION, "environment": environment})["changed"]
    methods = [call["method"] for call in made.control("requests")["requests"] if call["mutating"]]
    assert methods == ["cloudfunctions.projects.locations.functions.patch"]
    (found,) = made.module("cloud_function_info", name="products", **REGION)["resources"]
    assert found["environment"] == {**environment, "FORWARD_TIMEOUT": "15", "THREADS": "8", "LOG_EXECUTION_ID": "true"}


def test_a_function_of_ones_own_fails_and_is_mended(made: Cloud, tmp_path: Path) -> None:
    own = {"name": "own", **REGION, "source": str(tmp_path), "runtime": "python311", "entry_point": "serve"}
    (tmp_path / "main.py").write_text("def other(request):\n    return 'ok'\n")
    said = made.module("cloud_function", fails=True, **own)["msg"]
    assert "main.py does not define function 'serve'" in said
    (tmp_path / "main.py").write_text("def serve(request):\n    return 'ok'\n")
    assert made.module("cloud_function", **own)["action"] == "updated"
    assert not made.module("cloud_function", **own)["changed"]


def test_interrupted_at_every_write_the_next_run_ends_with_everything(cloud: Cloud) -> None:
    cloud.control("reset", "POST")
    writes = cloud.run(RESOURCES)["requests"]["writes"]
    for number in range(1, writes + 1):
        cloud.control("reset", "POST")
        cloud.run(RESOURCES, die_after=number)
        cloud.run(RESOURCES)
        assert not cloud.run(RESOURCES)["changed"], f"interrupted after write {number}"


def test_from_the_connector_to_the_network_itself_and_back(made: Cloud) -> None:
    direct = {key: value for key, value in FUNCTION.items() if key != "vpc_connector"}
    direct["direct_vpc"] = [{"network": "shop-vpc", "subnetwork": "nodes", "tags": ["function"]}]
    for options in (direct, FUNCTION):
        assert made.module("cloud_function", **options)["action"] == "updated"
        assert not made.module("cloud_function", **options)["changed"]


def test_a_subnet_of_its_own_comes_before_the_function_and_outlives_it(cloud: Cloud) -> None:
    """Stated the other way round: what refers to what decides."""
    cloud.control("reset", "POST")
    own = {"name": "egress", **REGION, "network": "shop-vpc", "ip_cidr_range": "10.9.0.0/26"}
    direct = {key: value for key, value in FUNCTION.items() if key != "vpc_connector"}
    direct["direct_vpc"] = [{"network": "shop-vpc", "subnetwork": "egress"}]
    stated = [{"kind": "cloud_function", **direct}, {"kind": "compute_subnetwork", **own}]
    stated += [one for one in RESOURCES if one["kind"] in ("project_services", "compute_network")]
    cloud.run(stated)
    assert not cloud.run(stated)["changed"]
    # At this scale the addresses are held for 29 s, for which nobody waits.
    cloud.control("durations", "PUT", {"scale": 0.004})
    left = cloud.run(stated, state="absent", fails=True)
    cloud.control("durations", "PUT", {"scale": 0})
    assert "one to two hours" in left["msg"] and "compute_subnetwork egress failed" in left["msg"]
    assert not cloud.module("cloud_function_info", **REGION)["resources"]


def test_the_module_as_ansible_packs_it(made: Cloud, tmp_path: Path) -> None:
    """The source comes out of the module's own zip, and is the same there."""
    task = {"gatewayops.apigee_gke.cloud_function": {**made.access, "auth_kind": "serviceaccount", **FUNCTION}}
    play = [{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": [task]}]
    (tmp_path / "play.yml").write_text(yaml.safe_dump(play))
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", str(tmp_path / "play.yml")]
    extra = {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_LOCAL_TEMP": str(tmp_path / "temp")}
    told = [*command, "-e", f"ansible_python_interpreter={sys.executable}"]
    done = subprocess.run(told, env={**os.environ, **extra}, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "changed=0" in done.stdout
