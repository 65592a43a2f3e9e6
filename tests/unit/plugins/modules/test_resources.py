# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import typing as t

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine import registry, spec
from ansible_collections.gatewayops.apigee_gke.plugins.modules import resources, resources_info
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.google_replies import (
    COMPUTE,
    MARK,
    finished,
    write,
)
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import ANY, Script

NETWORK = f"{COMPUTE}/global/networks/shop-vpc"
SUBNET = f"{COMPUTE}/regions/europe-west1/subnetworks/shop"
LINK = f"https://www.googleapis.com/{NETWORK}"
THERE = {"name": "shop-vpc", "description": MARK, "selfLink": LINK}
SUBNET_THERE = {"name": "shop", "description": MARK, "network": LINK, "ipCidrRange": "10.10.0.0/20"}
ENTRIES: list[dict[str, t.Any]] = [
    # Deliberately before what it needs: order in the list does not matter.
    {
        "kind": "compute_subnetwork",
        "name": "shop",
        "region": "europe-west1",
        "network": "shop-vpc",
        "ip_cidr_range": "10.10.0.0/20",
    },
    {"kind": "compute_network", "name": "shop-vpc"},
]


def actions(result: dict[str, t.Any]) -> list[tuple[str, str, str]]:
    return [(one["kind"], one["name"], one["action"]) for one in result["resources"]]


CREATED = [("compute_subnetwork", "shop", "created"), ("compute_network", "shop-vpc", "created")]


def test_creates_in_dependency_order_and_does_not_ask_for_what_cannot_exist() -> None:
    script = Script()
    script.expect("GET", "compute", NETWORK).refuses(404)
    write(script, "POST", "global/networks", ANY)
    script.expect("GET", "compute", NETWORK).replies(THERE)
    write(script, "POST", "regions/europe-west1/subnetworks", ANY, "regions/europe-west1")
    script.expect("GET", "compute", SUBNET).replies(SUBNET_THERE)
    result = script.run(resources, resources=ENTRIES)
    assert actions(result) == CREATED
    assert result["requests"] == {"reads": 5, "writes": 2}
    assert [one["after_header"] for one in result["diff"]] == ["compute_subnetwork shop", "compute_network shop-vpc"]


def test_check_mode_predicts_the_same_actions() -> None:
    script = Script()
    script.expect("GET", "compute", NETWORK).refuses(404)
    result = script.run(resources, check=True, resources=ENTRIES)
    assert actions(result) == CREATED


def test_a_new_range_for_a_connection_that_exists_updates_it() -> None:
    entries = [
        {
            "kind": "compute_global_address",
            "name": "ours",
            "network": "shop-vpc",
            "purpose": "VPC_PEERING",
            "address_type": "INTERNAL",
            "prefix_length": 20,
        },
        {"kind": "service_networking_connection", "network": "shop-vpc", "reserved_peering_ranges": ["ours"]},
    ]
    script = Script()
    script.expect("GET", "compute", "compute/v1/projects/acme-shop/global/addresses/ours").refuses(404)
    script.expect("GET", "cloudresourcemanager", "v3/projects/acme-shop").replies({"name": "projects/123456789012"})
    script.expect(
        "GET",
        "servicenetworking",
        "v1/services/servicenetworking.googleapis.com/connections",
        query={"network": "projects/123456789012/global/networks/shop-vpc"},
    ).replies({"connections": [{"reservedPeeringRanges": ["theirs"]}]})
    result = script.run(resources, check=True, resources=entries)
    assert [one["action"] for one in result["resources"]] == ["created", "updated"]


def test_no_change() -> None:
    script = Script()
    script.expect("GET", "compute", NETWORK).replies(THERE)
    script.expect("GET", "compute", SUBNET).replies(SUBNET_THERE)
    assert not script.run(resources, resources=ENTRIES)["changed"]


def test_absent_deletes_in_reverse() -> None:
    script = Script()
    with script.together():
        script.expect("GET", "compute", NETWORK).replies(THERE)
        script.expect("GET", "compute", SUBNET).replies(SUBNET_THERE)
    write(script, "DELETE", "regions/europe-west1/subnetworks/shop", None, "regions/europe-west1")
    write(script, "DELETE", "global/networks/shop-vpc")
    result = script.run(resources, resources=ENTRIES, state="absent")
    assert [one["action"] for one in result["resources"]] == ["deleted", "deleted"]


def test_everything_is_refused_before_the_first_write() -> None:
    script = Script()
    script.expect("GET", "compute", NETWORK).replies(THERE)
    with script.together():
        script.expect("GET", "compute", SUBNET).replies({**SUBNET_THERE, "ipCidrRange": "10.99.0.0/20"})
        script.expect("GET", "compute", f"{COMPUTE}/global/firewalls/f").refuses(404)
    firewall = {"kind": "compute_firewall", "name": "f", "network": "shop-vpc"}
    network = {**ENTRIES[1], "routing_mode": "GLOBAL"}
    result = script.run(resources, fails=True, resources=[firewall, ENTRIES[0], network])
    assert "subnetwork shop: ip_cidr_range cannot be changed in place" in result["msg"]
    assert result["refused"] and not result.get("changed")


def test_all_errors_of_all_entries_at_once_with_the_nearest_word() -> None:
    given = [
        {"kind": "compute_netwrk", "name": "a"},
        {"kind": "compute_network", "name": "b", "routing_mod": "GLOBAL"},
        {"kind": "compute_network"},
        {"kind": "compute_network", "name": "c", "mtu": "large"},
        {"kind": "gke_cluster", "name": "d", "location": "x", "dns": {"providr": "CLOUD_DNS"}},
        {"name": "e"},
    ]
    message = Script().run(resources, fails=True, resources=given)["msg"]
    assert (
        "entry 0 (compute_netwrk a): compute_netwrk is not a kind of resource. Did you mean compute_network?" in message
    )
    assert (
        "entry 1 (compute_network b): routing_mod is not an option of compute_network. Did you mean routing_mode?"
        in message
    )
    assert "entry 2 (compute_network): missing required arguments: name" in message
    assert "entry 3 (compute_network c)" in message and "mtu" in message
    assert "dns.providr is not an option of gke_cluster. Did you mean provider?" in message
    assert "entry 5 (e): kind is missing" in message
    assert len(message.splitlines()) == 6


def test_secrets_under_unknown_keys_stay_hidden() -> None:
    given = [
        {"kind": "compute_network", "name": "a", "acess_token": "canary-4712", "options": {"password": "canary-4713"}}
    ]
    result = Script().run(resources, fails=True, resources=given)
    assert "canary" not in json.dumps(result)
    assert "acess_token is not an option" in result["msg"]


def test_declared_twice() -> None:
    result = Script().run(resources, fails=True, resources=[ENTRIES[1], ENTRIES[1]])
    assert "declared twice (entries 0 and 1)" in result["msg"]


def test_entries_may_differ_from_the_task() -> None:
    script = Script()
    with script.together():
        script.expect("GET", "compute", NETWORK).replies(THERE)
        script.expect("GET", "compute", "compute/v1/projects/other/global/networks/old").refuses(404)
    given = [ENTRIES[1], {"kind": "compute_network", "name": "old", "project": "other", "state": "absent"}]
    assert not script.run(resources, resources=given)["changed"]


def test_one_failure_skips_what_needs_it_and_finishes_the_rest() -> None:
    script = Script()
    with script.together():
        script.expect("GET", "compute", NETWORK).refuses(404)
        script.expect("GET", "compute", f"{COMPUTE}/global/networks/other").replies({"name": "other"})
    with script.together():
        script.expect("POST", "compute", f"{COMPUTE}/global/networks", body=ANY).refuses(403, "quota", reason="quota")
        script.expect("PATCH", "compute", f"{COMPUTE}/global/networks/other", body=ANY).replies(
            {"kind": "compute#operation", "name": "o", "status": "DONE"}
        )
        script.expect("GET", "compute", f"{COMPUTE}/global/networks/other").replies({"name": "other"})
    other = {"kind": "compute_network", "name": "other", "routing_mode": "GLOBAL"}
    result = script.run(resources, fails=True, resources=[*ENTRIES, other])
    assert "network shop-vpc: Google answered quota" in result["msg"]
    assert "subnetwork shop: not attempted, because compute_network shop-vpc failed" in result["msg"]
    assert [one["action"] for one in result["resources"]] == ["failed", "failed", "updated"]


def test_apis_just_enabled_get_time_to_be_noticed() -> None:
    disabled = {"status": 403, "message": "not enabled", "code": "PERMISSION_DENIED", "reason": "SERVICE_DISABLED"}
    names = {"names": "projects/acme-shop/services/compute.googleapis.com"}
    look = "v1/projects/acme-shop/services:batchGet"
    script = Script()
    script.expect("GET", "serviceusage", look, query=names).replies({"services": []})
    script.expect("GET", "compute", NETWORK).refuses(**disabled)
    script.expect("POST", "serviceusage", "v1/projects/acme-shop/services:batchEnable", body=ANY).replies(finished())
    enabled = {"services": [{"name": "projects/1/services/compute.googleapis.com", "state": "ENABLED"}]}
    script.expect("GET", "serviceusage", look, query=names).replies(enabled)
    script.expect("GET", "compute", NETWORK).refuses(**disabled)
    script.expect("GET", "compute", NETWORK).refuses(404)
    write(script, "POST", "global/networks", ANY)
    script.expect("GET", "compute", NETWORK).replies(THERE)
    services = {"kind": "project_services", "services": ["compute"]}
    result = script.run(resources, resources=[services, ENTRIES[1]])
    assert [one["action"] for one in result["resources"]] == ["created", "created"]


def test_info_says_ready_pending_and_absent() -> None:
    cluster = "v1/projects/acme-shop/locations/europe-west1/clusters/shop"
    script = Script()
    with script.together():
        script.expect("GET", "compute", NETWORK).replies(THERE)
        script.expect("GET", "compute", SUBNET).refuses(404)
        script.expect("GET", "container", cluster).replies({"name": "shop", "status": "PROVISIONING"})
    given = [*ENTRIES, {"kind": "gke_cluster", "name": "shop", "location": "europe-west1"}]
    result = script.run(resources_info, resources=given)
    assert [one["state"] for one in result["resources"]] == ["absent", "ready", "pending"]
    assert result["pending"] == [{"kind": "gke_cluster", "name": "shop"}]
    assert result["absent"] == [{"kind": "compute_subnetwork", "name": "shop"}]


def test_every_kind_loads_and_is_packed() -> None:
    """What the registry imports by name must stand in the import that packs it into the module's payload."""
    with open(registry.__file__, encoding="utf-8") as file:
        text = file.read()
    for kind in registry.KINDS:
        resource = registry.load(kind)
        assert resource.kind == kind
        assert f"        {kind},\n" in text
        options = spec.of(resource.fields)
        assert not [name for name, option in options.items() if "default" in option]
        clash = (spec.common().keys() | spec.change().keys() | {"kind"}) & options.keys()
        assert clash <= {"timeout"}
