# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role api_gateway_function makes of its variables."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration.function_entries import (
    FunctionVariablesError,
    function,
)

ROLE = "api_gateway_function_"
DEFAULTS = Path(__file__).resolve().parents[5] / "roles" / "api_gateway_function" / "defaults" / "main.yml"
DIRECT = {"mode": "direct", "network": "shop-vpc", "subnet": "egress", "range": "10.9.0.0/26", "tags": ["function"]}
CONNECTOR = {"mode": "connector", "network": "shop-vpc", "connector": "shop", "range": "10.8.0.0/28"}


def entries(**changes: t.Any) -> dict[str, list[dict]]:
    """The entries by kind, of the role's own defaults and these variables."""
    defaults = {name.removeprefix(ROLE): value for name, value in yaml.safe_load(DEFAULTS.read_text()).items()}
    stated = {
        "project": "acme-shop",
        "region": "europe-west1",
        "name": "products-forward",
        "target": "http://10.1.2.3:80",
        "egress": DIRECT,
    }
    found: dict[str, list[dict]] = {}
    for entry in function({**defaults, **stated, **changes}):
        found.setdefault(entry["kind"], []).append(entry)
    return found


def test_direct_egress_makes_its_subnet_and_no_connector() -> None:
    found = entries()
    assert found["compute_subnetwork"][0]["ip_cidr_range"] == "10.9.0.0/26"
    made = found["cloud_function"][0]
    assert made["direct_vpc"] == [{"network": "shop-vpc", "subnetwork": "egress", "tags": ["function"]}]
    assert made["direct_vpc_egress"] == "VPC_EGRESS_PRIVATE_RANGES_ONLY"
    assert made["service_account"] == "products-forward@acme-shop.iam.gserviceaccount.com"
    assert "vpc_access_connector" not in found
    assert "vpcaccess.googleapis.com" not in found["project_services"][0]["services"]


def test_a_connector_is_made_where_its_range_is_stated_and_used_where_it_is_not() -> None:
    found = entries(egress={**CONNECTOR, "traffic": "all"})
    assert found["vpc_access_connector"][0]["ip_cidr_range"] == "10.8.0.0/28"
    assert "vpcaccess.googleapis.com" in found["project_services"][0]["services"]
    assert found["cloud_function"][0]["vpc_connector_egress"] == "ALL_TRAFFIC"
    used = entries(egress={**CONNECTOR, "range": ""})
    assert "vpc_access_connector" not in used and used["cloud_function"][0]["vpc_connector"] == "shop"


def test_callers_are_members_of_the_service_and_each_stated_once() -> None:
    caller = "gateway@acme-shop.iam.gserviceaccount.com"
    found = entries(invokers=[caller, caller, "user:ann@acme.example"])
    assert [one["member"] for one in found["iam_member"]] == [f"serviceAccount:{caller}", "user:ann@acme.example"]
    assert {one["run_service"] for one in found["iam_member"]} == {"products-forward"}


def test_an_account_of_another_project_is_used_and_not_made() -> None:
    found = entries(service_account="runner@other-team.iam.gserviceaccount.com")
    assert "iam_service_account" not in found
    assert found["cloud_function"][0]["service_account"] == "runner@other-team.iam.gserviceaccount.com"


def test_bodies_as_large_as_stated() -> None:
    told = entries(request_bytes=1024)["cloud_function"][0]["environment"]
    assert (told["FORWARD_REQUEST_BYTES"], told["FORWARD_RESPONSE_BYTES"]) == ("1024", "10485760")


def test_removal_leaves_apis_alone_and_an_account_that_others_need() -> None:
    assert "project_services" not in entries(state="absent")
    assert "iam_service_account" in entries(state="absent")
    assert "iam_service_account" not in entries(state="absent", keep_account=True)
    # It is made all the same.
    assert "iam_service_account" in entries(keep_account=True)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"upstream_timeout": 25}, "upstream_timeout is 25 s and timeout 25 s"),
        ({"egress": {"mode": "connector", "network": "shop-vpc"}}, "egress.connector names none"),
        ({"egress": {"network": "shop-vpc"}}, "egress.subnet names none"),
        ({"egress": {**CONNECTOR, "network": ""}}, "egress.range is stated without egress.network"),
        ({"user_info": True, "invokers": ["allUsers"]}, "allUsers may call the function"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict, said: str) -> None:
    with pytest.raises(FunctionVariablesError, match=said):
        entries(**changes)
