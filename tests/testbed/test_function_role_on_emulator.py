# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role api_gateway_function, as Ansible runs it, against the emulator."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.testbed.emulated_cloud import Cloud

ROOT = Path(__file__).resolve().parents[2]
REGION = "europe-west1"
CALLER = "products-gateway@acme-shop.iam.gserviceaccount.com"
BEFORE: list[dict[str, t.Any]] = [
    {"kind": "project_services", "services": ["compute", "iam"]},
    {"kind": "compute_network", "name": "shop-vpc"},
    {"kind": "iam_service_account", "name": "products-gateway"},
]
VARIABLES: dict[str, t.Any] = {
    "project": "acme-shop",
    "region": REGION,
    "name": "products-forward",
    "target": "http://products.shop.internal",
    "paths": ["/products"],
    "invokers": [CALLER],
    "egress": {"mode": "connector", "network": "shop-vpc", "connector": "shop", "range": "10.8.0.0/28"},
}
PLACE = f"projects/acme-shop/locations/{REGION}"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    started = Cloud(tmp_path_factory.mktemp("cloud"))
    yield started
    started.stop()


def play(cloud: Cloud, folder: Path, *options: str, fails: bool = False, **changes: t.Any) -> tuple[int, dict]:
    """Run the role. Returns how many tasks changed something, and the facts it leaves."""
    variables = {f"api_gateway_function_{name}": value for name, value in {**VARIABLES, **changes}.items()}
    variables = {name: value for name, value in variables.items() if value is not None}
    role = {"ansible.builtin.include_role": {"name": "gatewayops.apigee_gke.api_gateway_function"}, "vars": variables}
    shown = {"content": "{{ api_gateway_function_facts | default({}) | to_json }}", "dest": str(folder / "facts")}
    said = {"ansible.builtin.copy": {**shown, "mode": "0600"}, "changed_when": False, "check_mode": False}
    defaults = {"group/gatewayops.apigee_gke.google": {**cloud.access, "auth_kind": "serviceaccount"}}
    head = {"hosts": "localhost", "connection": "local", "gather_facts": False, "module_defaults": defaults}
    (folder / "play.yml").write_text(yaml.safe_dump([{**head, "tasks": [role, said]}]))
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", str(folder / "play.yml")]
    command += ["-e", f"ansible_python_interpreter={sys.executable}", *options]
    extra = {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_LOCAL_TEMP": str(folder / "temp")}
    done = subprocess.run(
        command, env={**os.environ, **extra}, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    if fails:
        assert done.returncode != 0, done.stdout
        return 0, {"said": done.stdout}
    assert done.returncode == 0, done.stdout + done.stderr
    counted = re.search(r"changed=(\d+)", done.stdout)
    assert counted
    return int(counted[1]), json.loads((folder / "facts").read_text())


def test_whole_life(cloud: Cloud, tmp_path: Path) -> None:
    cloud.run(BEFORE)
    cloud.control("requests", "DELETE")
    changed, predicted = play(cloud, tmp_path, "--check")
    assert changed == 1 and cloud.writes() == 0
    changed, facts = play(cloud, tmp_path)
    assert changed == 1
    assert facts == predicted == {
        "url": f"https://{REGION}-acme-shop.cloudfunctions.net/products-forward",
        "run_service": f"{PLACE}/services/products-forward",
        "service_account": "products-forward@acme-shop.iam.gserviceaccount.com",
    }  # fmt: skip
    (found,) = cloud.module("cloud_function_info", name="products-forward", region=REGION)["resources"]
    assert found["environment"]["THREADS"] == "16" and found["vpc_connector"].endswith("/connectors/shop")
    cloud.control("requests", "DELETE")
    assert play(cloud, tmp_path) == (0, facts) and cloud.writes() == 0
    assert play(cloud, tmp_path, state="absent") == (1, {})
    assert not cloud.module("cloud_function_info", region=REGION)["resources"]
    assert cloud.module("iam_service_account_info", name="products-gateway")["resources"]


def test_deadlines_that_do_not_agree_are_refused_before_any_write(cloud: Cloud, tmp_path: Path) -> None:
    cloud.control("requests", "DELETE")
    said = play(cloud, tmp_path, fails=True, upstream_timeout=25)[1]["said"]
    assert "upstream_timeout is 25 s and timeout 25 s" in said and cloud.writes() == 0
