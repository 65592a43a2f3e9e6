# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.gatewayops.apigee_gke.plugins.modules import (
    compute_global_address,
    compute_global_address_info,
)
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.google_replies import COMPUTE, MARK, write
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Script

ONE = f"{COMPUTE}/global/addresses/psa"
ADDRESS = {
    "name": "psa",
    "description": MARK,
    "address": "10.40.0.0",
    "prefixLength": 21,
    "purpose": "VPC_PEERING",
    "addressType": "INTERNAL",
    "network": f"https://www.googleapis.com/{COMPUTE}/global/networks/shop-vpc",
    "labelFingerprint": "xyz",
}
OPTIONS = {"name": "psa", "network": "shop-vpc", "purpose": "VPC_PEERING", "prefix_length": 21}


def test_create_then_labels() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).refuses(404)
    body = {
        "name": "psa",
        "description": MARK,
        "prefixLength": 21,
        "purpose": "VPC_PEERING",
        "addressType": "INTERNAL",
        "network": "projects/acme-shop/global/networks/shop-vpc",
    }
    write(script, "POST", "global/addresses", body)
    script.expect("GET", "compute", ONE).replies(ADDRESS)
    write(script, "POST", "global/addresses/psa/setLabels", {"labels": {"team": "shop"}, "labelFingerprint": "xyz"})
    script.expect("GET", "compute", ONE).replies({**ADDRESS, "labels": {"team": "shop"}})
    result = script.run(compute_global_address, **OPTIONS, labels={"team": "shop"})
    assert result["action"] == "created" and result["resource"]["labels"] == {"team": "shop"}


def test_no_change() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).replies({**ADDRESS, "labels": {"other": "x"}})
    assert not script.run(compute_global_address, **OPTIONS)["changed"]


def test_labels_of_others_stay() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).replies({**ADDRESS, "labels": {"other": "x"}})
    labels = {"other": "x", "team": "shop"}
    write(script, "POST", "global/addresses/psa/setLabels", {"labels": labels, "labelFingerprint": "xyz"})
    script.expect("GET", "compute", ONE).replies({**ADDRESS, "labels": labels})
    result = script.run(compute_global_address, **OPTIONS, labels={"team": "shop"})
    assert result["changes"] == [{"field": "labels.team", "before": None, "after": "shop"}]


def test_another_length_is_refused() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).replies(ADDRESS)
    result = script.run(compute_global_address, fails=True, **{**OPTIONS, "prefix_length": 20})
    assert "prefix_length cannot be changed in place: it is 21, wanted 20" in result["msg"]


def test_range_too_small_for_apigee_is_refused_without_a_request() -> None:
    result = Script().run(compute_global_address, fails=True, **{**OPTIONS, "prefix_length": 24})
    assert "/24 is too small" in result["msg"]


def test_delete() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).replies(ADDRESS)
    write(script, "DELETE", "global/addresses/psa")
    assert script.run(compute_global_address, **OPTIONS, state="absent")["action"] == "deleted"


def test_info() -> None:
    script = Script()
    script.expect("GET", "compute", f"{COMPUTE}/global/addresses").replies({"items": [ADDRESS]})
    assert script.run(compute_global_address_info)["resources"][0]["address"] == "10.40.0.0"
