# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A static internal address and its private name against the emulator: made, changed, interrupted, removed."""

from __future__ import annotations

import typing as t

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration import balancers

from tests.testbed.emulated_cloud import Cloud

RESOURCES: list[dict[str, t.Any]] = [
    {
        "kind": "compute_address",
        "name": "orders",
        "region": "europe-west1",
        "subnetwork": "shop",
        "address": "10.10.0.80",
        "labels": {"team": "shop"},
    },
    {
        "kind": "dns_record_set",
        "managed_zone": "shop-internal",
        "name": "orders.shop.internal",
        "type": "A",
        "ttl": 60,
        "rrdatas": ["10.10.0.80"],
    },
    {
        "kind": "dns_managed_zone",
        "name": "shop-internal",
        "dns_name": "shop.internal",
        "networks": ["shop-vpc"],
        "labels": {"team": "shop"},
    },
    {"kind": "project_services", "services": ["compute", "dns"]},
    {
        "kind": "compute_subnetwork",
        "name": "shop",
        "network": "shop-vpc",
        "region": "europe-west1",
        "ip_cidr_range": "10.10.0.0/20",
    },
    {"kind": "compute_network", "name": "shop-vpc"},
]


def actions(result: dict[str, t.Any]) -> dict[str, str]:
    return {one["kind"]: one["action"] for one in result["resources"]}


def test_whole_life(cloud: Cloud) -> None:
    made, _again = cloud.whole_life(RESOURCES)
    assert {name: action for name, action in actions(made).items() if name != "project_services"} == {
        one["kind"]: "created" for one in RESOURCES if one["kind"] != "project_services"
    }
    assert not cloud.run(RESOURCES, state="absent")["changed"]


def test_changes_are_made_in_place_and_records_of_others_keep_the_zone(cloud: Cloud) -> None:
    cloud.control("reset", "POST")
    cloud.run(RESOURCES)
    record, zone = ({**one} for one in RESOURCES if one["kind"].startswith("dns_"))
    record["rrdatas"], zone["description"], zone["labels"] = ["10.10.0.81", "10.10.0.80"], "names", {}
    changed = cloud.run([record, zone])
    assert [one["action"] for one in changed["resources"]] == ["updated", "updated"]
    assert not cloud.run([record, zone])["changed"]
    second = {**record, "name": "alias.shop.internal", "type": "CNAME", "rrdatas": ["orders.shop.internal"]}
    assert cloud.run([second])["changed"] and not cloud.run([second])["changed"]
    kept = cloud.run([record, zone], state="absent", check=True)
    assert [one["action"] for one in kept["resources"]] == ["deleted", "kept"]
    removed = cloud.run([record, zone, second], state="absent")
    assert {one["action"] for one in removed["resources"]} == {"deleted"}


def test_two_declarations_of_one_domain_leave_each_others_network(cloud: Cloud) -> None:
    cloud.control("reset", "POST")
    services, networks = [{"kind": "project_services", "services": ["compute", "dns"]}], ("shop-vpc", "back-vpc")
    cloud.run([*services, *({"kind": "compute_network", "name": name} for name in networks)])

    def entries(network: str, removal: bool = False) -> list[dict[str, t.Any]]:
        """Zone and name as the role asks for them; the address has no part in this."""
        service = {"name": network, "host": f"{network}.shop.internal", "region": "europe-west1", "subnetwork": "shop"}
        role = {"project": cloud.connection["project"], "network": network, "domain": "shop.internal"}
        return balancers.records({**role, "services": [service]}, {network: "10.10.0.80"}, removal, True)

    shop, back = (entries(network) for network in networks)
    assert set(actions(cloud.run(shop)).values()) == {"created"}
    assert actions(cloud.run(back)) == {"dns_managed_zone": "updated", "dns_record_set": "created"}
    for declared in (shop, back):
        assert not cloud.run(declared)["changed"]
    gone = entries("shop-vpc", True)
    predicted = cloud.run(gone, state="absent", check=True)
    removed = cloud.run(gone, state="absent")
    assert actions(predicted) == actions(removed) == {"dns_managed_zone": "updated", "dns_record_set": "deleted"}
    assert not cloud.run(gone, state="absent")["changed"] and not cloud.run(back)["changed"]
    (zone,) = cloud.module("dns_managed_zone_info", name="shop-internal")["resources"]
    assert zone["networks"] == ["back-vpc"]
    assert set(actions(cloud.run(entries("back-vpc", True), state="absent")).values()) == {"deleted"}


def test_interrupted_at_every_write_the_next_run_ends_in_the_same_state(cloud: Cloud) -> None:
    cloud.converges_after_every_write(RESOURCES)
