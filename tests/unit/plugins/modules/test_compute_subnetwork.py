# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.gatewayops.apigee_gke.plugins.modules import compute_subnetwork
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.google_replies import COMPUTE, MARK, write
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Script

REGION = "regions/europe-west1"
ONE = f"{COMPUTE}/{REGION}/subnetworks/shop"
SUBNET = {
    "name": "shop",
    "description": MARK,
    "network": f"https://www.googleapis.com/{COMPUTE}/global/networks/shop-vpc",
    "ipCidrRange": "10.10.0.0/20",
    "fingerprint": "abc",
    "privateIpGoogleAccess": True,
    "secondaryIpRanges": [
        {"rangeName": "pods", "ipCidrRange": "10.20.0.0/16"},
        {"rangeName": "gke-shop-services", "ipCidrRange": "10.31.0.0/20"},
    ],
}
OPTIONS = {"name": "shop", "region": "europe-west1", "network": "shop-vpc", "ip_cidr_range": "10.10.0.0/20"}
PODS = {"range_name": "pods", "ip_cidr_range": "10.20.0.0/16"}
SERVICES = {"range_name": "services", "ip_cidr_range": "10.30.0.0/20"}


def test_create() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).refuses(404)
    body = {
        "name": "shop",
        "network": "projects/acme-shop/global/networks/shop-vpc",
        "ipCidrRange": "10.10.0.0/20",
        "privateIpGoogleAccess": True,
        "secondaryIpRanges": [{"rangeName": "pods", "ipCidrRange": "10.20.0.0/16"}],
        "description": MARK,
    }
    write(script, "POST", f"{REGION}/subnetworks", body, REGION)
    script.expect("GET", "compute", ONE).replies(SUBNET)
    assert script.run(compute_subnetwork, **OPTIONS, secondary_ip_ranges=[PODS])["action"] == "created"


def test_ranges_of_others_are_no_difference() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).replies(SUBNET)
    assert not script.run(compute_subnetwork, **OPTIONS, secondary_ip_ranges=[PODS])["changed"]


def test_added_range_keeps_those_of_others_and_sends_the_fingerprint() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).replies(SUBNET)
    body = {
        "fingerprint": "abc",
        "secondaryIpRanges": [
            {"rangeName": "gke-shop-services", "ipCidrRange": "10.31.0.0/20"},
            {"rangeName": "pods", "ipCidrRange": "10.20.0.0/16"},
            {"rangeName": "services", "ipCidrRange": "10.30.0.0/20"},
        ],
    }
    write(script, "PATCH", f"{REGION}/subnetworks/shop", body, REGION)
    script.expect("GET", "compute", ONE).replies(SUBNET)
    result = script.run(compute_subnetwork, **OPTIONS, secondary_ip_ranges=[PODS, SERVICES])
    assert [change["field"] for change in result["changes"]] == ["secondary_ip_ranges[services]"]


def test_wider_range_and_access_have_calls_of_their_own() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).replies({**SUBNET, "privateIpGoogleAccess": False})
    path = f"{REGION}/subnetworks/shop"
    write(script, "POST", f"{path}/expandIpCidrRange", {"ipCidrRange": "10.10.0.0/19"}, REGION)
    write(script, "POST", f"{path}/setPrivateIpGoogleAccess", {"privateIpGoogleAccess": True}, REGION)
    script.expect("GET", "compute", ONE).replies(SUBNET)
    options = {**OPTIONS, "ip_cidr_range": "10.10.0.0/19", "private_ip_google_access": True}
    assert script.run(compute_subnetwork, **options)["action"] == "updated"


def test_smaller_range_is_refused() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).replies(SUBNET)
    result = script.run(compute_subnetwork, fails=True, **{**OPTIONS, "ip_cidr_range": "10.10.0.0/21"})
    assert "ip_cidr_range cannot be changed in place" in result["msg"]


def test_changed_secondary_range_is_refused() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).replies(SUBNET)
    moved = {**PODS, "ip_cidr_range": "10.50.0.0/16"}
    result = script.run(compute_subnetwork, fails=True, **OPTIONS, secondary_ip_ranges=[moved])
    assert "secondary_ip_ranges[pods].ip_cidr_range" in result["msg"]


def test_overlapping_and_broken_ranges_are_refused_without_a_request() -> None:
    inside = {**PODS, "ip_cidr_range": "10.10.8.0/24"}
    result = Script().run(compute_subnetwork, fails=True, **OPTIONS, secondary_ip_ranges=[inside])
    assert "overlaps" in result["msg"]
    result = Script().run(compute_subnetwork, fails=True, **{**OPTIONS, "ip_cidr_range": "10.10.0.1/20"})
    assert "is not a range" in result["msg"]


def test_addresses_of_functions_are_not_waited_for() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).replies(SUBNET)
    said = "already being used by 'projects/acme-shop/regions/europe-west1/addresses/serverless-ipv4-17'"
    script.expect("DELETE", "compute", ONE).refuses(400, said, reason="resourceInUseByAnotherResource")
    result = script.run(compute_subnetwork, fails=True, **OPTIONS, state="absent")
    assert "one to two hours" in result["msg"] and "serverless-ipv4-17" in result["msg"]
    # By this a playbook knows that the subnet can wait for a later run.
    assert "serverless-ipv4-17" in result["google_error"]["message"]


def test_delete() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).replies(SUBNET)
    write(script, "DELETE", f"{REGION}/subnetworks/shop", None, REGION)
    assert script.run(compute_subnetwork, **OPTIONS, state="absent")["action"] == "deleted"


PROXIES = {**OPTIONS, "purpose": "REGIONAL_MANAGED_PROXY", "role": "ACTIVE"}
FOR_PROXIES = {
    **{name: SUBNET[name] for name in ("name", "description", "network", "ipCidrRange", "fingerprint")},
    "purpose": "REGIONAL_MANAGED_PROXY",
    "role": "ACTIVE",
}


def test_one_for_proxies_is_made_without_what_is_for_machines() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).refuses(404)
    body = {
        "name": "shop",
        "network": "projects/acme-shop/global/networks/shop-vpc",
        "ipCidrRange": "10.10.0.0/20",
        "purpose": "REGIONAL_MANAGED_PROXY",
        "role": "ACTIVE",
        "description": MARK,
    }
    write(script, "POST", f"{REGION}/subnetworks", body, REGION)
    script.expect("GET", "compute", ONE).replies(FOR_PROXIES)
    assert script.run(compute_subnetwork, **PROXIES)["action"] == "created"


def test_a_subnet_for_proxies_can_be_put_out_of_use_and_keeps_its_purpose() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).replies(FOR_PROXIES)
    write(script, "PATCH", f"{REGION}/subnetworks/shop", {"fingerprint": "abc", "role": "BACKUP"}, REGION)
    script.expect("GET", "compute", ONE).replies({**FOR_PROXIES, "role": "BACKUP"})
    result = script.run(compute_subnetwork, **{**PROXIES, "role": "BACKUP"})
    assert [change["field"] for change in result["changes"]] == ["role"]
    script = Script()
    script.expect("GET", "compute", ONE).replies({**SUBNET, "purpose": "PRIVATE"})
    assert "purpose" in script.run(compute_subnetwork, fails=True, **PROXIES)["msg"]


def test_role_and_purpose_come_together() -> None:
    for wrong in ({"role": "ACTIVE"}, {"purpose": "REGIONAL_MANAGED_PROXY"}):
        assert "State both or neither" in Script().run(compute_subnetwork, fails=True, **OPTIONS, **wrong)["msg"]
