# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.modules import compute_address, compute_address_info
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.google_replies import COMPUTE, MARK, write
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Script

REGION = "regions/europe-west1"
ALL = f"{COMPUTE}/{REGION}/addresses"
ONE = f"{ALL}/orders"
ADDRESS = {
    "name": "orders",
    "description": MARK,
    "address": "10.10.0.80",
    "addressType": "INTERNAL",
    "purpose": "GCE_ENDPOINT",
    "subnetwork": f"https://www.googleapis.com/{COMPUTE}/{REGION}/subnetworks/nodes",
    "region": f"https://www.googleapis.com/{COMPUTE}/{REGION}",
    "status": "IN_USE",
    "users": [f"https://www.googleapis.com/{COMPUTE}/{REGION}/forwardingRules/orders"],
    "labelFingerprint": "xyz",
}
OPTIONS = {"name": "orders", "region": "europe-west1", "subnetwork": "nodes"}


def test_create_then_labels() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).refuses(404)
    body = {
        "name": "orders",
        "description": MARK,
        "addressType": "INTERNAL",
        "subnetwork": "projects/acme-shop/regions/europe-west1/subnetworks/nodes",
    }
    write(script, "POST", f"{REGION}/addresses", body, where=REGION)
    script.expect("GET", "compute", ONE).replies(ADDRESS)
    labels = {"labels": {"team": "shop"}, "labelFingerprint": "xyz"}
    write(script, "POST", f"{REGION}/addresses/orders/setLabels", labels, where=REGION)
    script.expect("GET", "compute", ONE).replies({**ADDRESS, "labels": {"team": "shop"}})
    result = script.run(compute_address, **OPTIONS, labels={"team": "shop"})
    assert result["action"] == "created" and result["resource"]["labels"] == {"team": "shop"}
    assert result["resource"]["address"] == "10.10.0.80"


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"address": "10.10.0.80", "address_type": "INTERNAL", "purpose": "GCE_ENDPOINT"},
        {"subnetwork": "projects/acme-shop/regions/europe-west1/subnetworks/nodes"},
        {"subnetwork": ADDRESS["subnetwork"]},
    ],
)
def test_no_change(more: dict[str, t.Any]) -> None:
    script = Script()
    script.expect("GET", "compute", ONE).replies(ADDRESS)
    result = script.run(compute_address, **{**OPTIONS, **more})
    assert not result["changed"]
    assert result["resource"]["status"] == "IN_USE" and result["resource"]["users"] == ADDRESS["users"]


def test_another_address_is_refused() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).replies(ADDRESS)
    result = script.run(compute_address, fails=True, **OPTIONS, address="10.10.0.81")
    assert "address cannot be changed in place: it is 10.10.0.80, wanted 10.10.0.81" in result["msg"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"address": "10.10.0.80/32"}, "State one IPv4 address"),
        ({"address_type": "EXTERNAL"}, "subnetwork belongs to internal addresses"),
        ({"subnetwork": None, "purpose": "GCE_ENDPOINT"}, "State the subnetwork"),
        ({"subnetwork": None, "address_type": "INTERNAL"}, "subnetwork"),
        (
            {"subnetwork": "projects/acme-shop/regions/us-east1/subnetworks/nodes"},
            "subnetwork nodes is in region us-east1, the address in europe-west1",
        ),
    ],
)
def test_what_cannot_be_right_is_refused_without_a_request(more: dict[str, t.Any], said: str) -> None:
    options = {name: value for name, value in {**OPTIONS, **more}.items() if value is not None}
    assert said in Script().run(compute_address, fails=True, **options)["msg"]


def test_delete() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).replies(ADDRESS)
    write(script, "DELETE", f"{REGION}/addresses/orders", where=REGION)
    assert script.run(compute_address, **OPTIONS, state="absent")["action"] == "deleted"


def test_one_of_somebody_else_stays() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).replies({**ADDRESS, "description": "theirs"})
    assert script.run(compute_address, **OPTIONS, state="absent")["action"] == "kept"


def test_info() -> None:
    script = Script()
    script.expect("GET", "compute", ALL).replies({"items": [ADDRESS]})
    (found,) = script.run(compute_address_info, region="europe-west1")["resources"]
    assert (found["name"], found["address"], found["region"]) == ("orders", "10.10.0.80", "europe-west1")
