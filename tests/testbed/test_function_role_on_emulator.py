# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role api_gateway_function, as Ansible runs it, against the emulator."""

from __future__ import annotations

import typing as t
from pathlib import Path

from tests.testbed import role_play
from tests.testbed.emulated_cloud import Cloud

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


def play(cloud: Cloud, folder: Path, *options: str, fails: bool = False, **changes: t.Any) -> tuple[int, dict]:
    """Run the role. Returns how many tasks changed something, and the facts it leaves."""
    variables = {**VARIABLES, **changes}
    fact = "api_gateway_function_facts"
    done = role_play.play(cloud, folder, "api_gateway_function", variables, *options, fact=fact, fails=fails)
    return (0, {"said": done.said}) if fails else (done.changed, done.fact)


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
