# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A policy that lets in an instance's NAT addresses, by the modules against the emulator: who comes before whom."""

from __future__ import annotations

import typing as t

import pytest

from tests.testbed.emulated_cloud import Cloud

ACTIVATE = "apigee.organizations.instances.natAddresses.activate"
RESERVE = "apigee.organizations.instances.natAddresses.create"
GIVE_BACK = "apigee.organizations.instances.natAddresses.delete"
LET_IN = ("compute.securityPolicies.insert", "compute.securityPolicies.addRule", "compute.securityPolicies.patchRule")
PLACE: list[dict[str, t.Any]] = [
    {"kind": "project_services", "services": ["apigee", "compute"]},
    {
        "kind": "apigee_organization",
        "name": "acme-shop",
        "billing_type": "EVALUATION",
        "analytics_region": "europe-west1",
        "disable_vpc_peering": True,
    },
    {"kind": "apigee_instance", "name": "eu", "location": "europe-west1"},
]


def site(*names: str) -> list[dict[str, t.Any]]:
    """Addresses of these names in use, and a policy that lets in them and our own office."""
    office = {"action": "allow", "source_ranges": ["192.0.2.0/24", "2001:db8::/48"], "description": "Office"}
    apigee = {"action": "allow", "apigee_nat_addresses": [f"eu/{name}" for name in names], "description": "Apigee"}
    return [
        {"kind": "compute_security_policy", "name": "shop", "rules": [apigee, office]},
        *({"kind": "apigee_nat_address", "instance": "eu", "name": name, "active": True} for name in names),
    ]


@pytest.fixture
def place(cloud: Cloud) -> Cloud:
    """An organisation with an instance, and nothing else."""
    cloud.control("reset", "POST")
    cloud.run(PLACE)
    cloud.control("requests", "DELETE")
    return cloud


def writes(cloud: Cloud) -> list[str]:
    """Mutating calls since the log was cleared, without those for records of ownership."""
    calls = [call["method"] for call in cloud.control("requests")["requests"] if call["mutating"]]
    return [call for call in calls if "keyvaluemaps" not in call and not call.endswith(".wait")]


def let_in(cloud: Cloud) -> set[str]:
    """Whom the policy lets in."""
    (found,) = cloud.module("compute_security_policy_info", name="shop")["resources"]
    return {text for rule in found["rules"] for text in rule["source_ranges"]}


def addresses(cloud: Cloud) -> dict[str, tuple[str, str]]:
    found = cloud.module("apigee_nat_address_info", instance="eu")["resources"]
    return {one["name"]: (one["ip_address"], one["state"]) for one in found}


def test_whole_life(cloud: Cloud) -> None:
    cloud.control("reset", "POST")
    listed = [*PLACE, *site("nat-1", "nat-2")]
    predicted, first = cloud.run(listed, check=True), cloud.run(listed)
    assert [one["action"] for one in predicted["resources"]] == [one["action"] for one in first["resources"]]
    for before, after in zip(predicted["resources"], first["resources"], strict=True):
        assert before["resource"].keys() == after["resource"].keys()
    second = cloud.run(listed)
    assert not second["changed"] and second["requests"]["writes"] == 0
    removed = cloud.run(site("nat-1", "nat-2"), state="absent")
    assert {one["action"] for one in removed["resources"]} == {"deleted"}
    assert not cloud.run(site("nat-1", "nat-2"), state="absent")["changed"]


@pytest.mark.parametrize("names", [("nat-1",), tuple(f"nat-{number}" for number in range(1, 13))])
def test_no_address_is_used_before_the_policy_lets_it_in(place: Cloud, names: tuple[str, ...]) -> None:
    place.run(site(*names))
    order = writes(place)
    assert order.count(RESERVE) == order.count(ACTIVATE) == len(names)
    reserved = max(index for index, method in enumerate(order) if method == RESERVE)
    admitted = max(index for index, method in enumerate(order) if method in LET_IN)
    assert reserved < admitted < order.index(ACTIVATE)
    found = addresses(place)
    assert {state for _address, state in found.values()} == {"ACTIVE"}
    assert let_in(place) == {f"{address}/32" for address, _state in found.values()} | {"192.0.2.0/24", "2001:db8::/48"}


def test_one_more_and_one_less(place: Cloud) -> None:
    place.run(site("nat-1"))
    place.control("requests", "DELETE")
    place.run(site("nat-1", "nat-2"))
    patched = "compute.securityPolicies.patchRule"
    assert writes(place) == [RESERVE, patched, ACTIVATE]
    before = addresses(place)
    place.control("requests", "DELETE")
    fewer = [*site("nat-2"), {"kind": "apigee_nat_address", "instance": "eu", "name": "nat-1", "state": "absent"}]
    assert {one["action"] for one in place.run(fewer)["resources"]} == {"updated", "unchanged", "deleted"}
    assert writes(place) == [GIVE_BACK, patched]
    assert let_in(place) == {f"{before['nat-2'][0]}/32", "192.0.2.0/24", "2001:db8::/48"}


def test_interrupted_at_every_write_the_next_run_ends_with_everything(cloud: Cloud) -> None:
    def begin() -> None:
        cloud.control("reset", "POST")
        cloud.run([*PLACE, *site("nat-1")])

    listed = site("nat-1", "nat-2")
    begin()
    total = cloud.run(listed)["requests"]["writes"]
    assert total > 3
    for number in range(1, total + 1):
        begin()
        cloud.run(listed, die_after=number)
        found = addresses(cloud)
        in_use = {f"{address}/32" for address, state in found.values() if state == "ACTIVE"}
        assert in_use <= let_in(cloud), f"interrupted after write {number}"
        cloud.run(listed)
        assert not cloud.run(listed)["changed"], f"interrupted after write {number}"
        assert {state for _address, state in addresses(cloud).values()} == {"ACTIVE"}


def test_by_hand_is_drift_and_is_mended(place: Cloud) -> None:
    place.run(site("nat-1"))
    project = "compute/v1/projects/acme-shop/global"
    everybody = {"versionedExpr": "SRC_IPS_V1", "config": {"srcIpRanges": ["*"]}}
    added = {"priority": 5, "action": "allow", "match": everybody}
    operation = place.client.send("compute", "POST", f"{project}/securityPolicies/shop/addRule", body=added).json()
    place.client.send("compute", "POST", f"{project}/operations/{operation['name']}/wait")
    assert "*" in let_in(place)
    result = place.run(site("nat-1"), diff=True)
    assert [one["action"] for one in result["resources"]] == ["updated", "unchanged"]
    assert [change["field"] for change in result["resources"][0]["changes"]] == ["rules[5]"]
    assert "*" not in let_in(place) and not place.run(site("nat-1"))["changed"]


def test_nobody_waits(place: Cloud) -> None:
    """What is left to itself is finished by later runs, and still in that order."""
    place.control("durations", "PUT", {"scale": 0.005})
    listed = site("nat-1")
    rounds = 0
    while (result := place.run([*PLACE, *listed], wait=False))["changed"] or result["pending"]:
        rounds += 1
        assert rounds < 40, result["pending"]
        for address, state in addresses(place).values():
            assert state != "ACTIVE" or f"{address}/32" in let_in(place)
    place.control("durations", "PUT", {"scale": 0})
    assert [state for _address, state in addresses(place).values()] == ["ACTIVE"]
