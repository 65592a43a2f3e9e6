# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Zones and record sets of Cloud DNS."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.modules import (
    dns_managed_zone,
    dns_managed_zone_info,
    dns_record_set,
    dns_record_set_info,
)
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.google_replies import COMPUTE, MARK
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Script

ZONES = "dns/v1/projects/acme-shop/managedZones"
ZONE = f"{ZONES}/shop"
LINK = f"https://www.googleapis.com/{COMPUTE}/global/networks/shop-vpc"
HOST_LINK = "https://www.googleapis.com/compute/v1/projects/acme-host/global/networks/shop-vpc"
THERE = {
    "kind": "dns#managedZone",
    "name": "shop",
    "dnsName": "shop.internal.",
    "description": f"names {MARK}",
    "id": "6001",
    "creationTime": "2026-11-21T09:00:00.000Z",
    "visibility": "private",
    "nameServers": ["ns-gcp-private.googledomains.com."],
    "privateVisibilityConfig": {"networks": [{"networkUrl": LINK, "kind": "x"}]},
}
OPTIONS = {"name": "shop", "dns_name": "shop.internal", "networks": ["shop-vpc"]}
SETS = f"{ZONE}/rrsets"
ONE = f"{SETS}/orders.shop.internal./A"
RECORD = {
    "kind": "dns#resourceRecordSet",
    "name": "orders.shop.internal.",
    "type": "A",
    "ttl": 300,
    "rrdatas": ["10.10.0.80", "10.10.0.81"],
    "signatureRrdatas": [],
}
GOOGLES = [{"name": "shop.internal.", "type": each, "ttl": 21600, "rrdatas": ["x."]} for each in ("NS", "SOA")]
WANTED = {"managed_zone": "shop", "name": "orders.shop.internal", "type": "A", "rrdatas": ["10.10.0.80", "10.10.0.81"]}


def test_a_zone_is_made_private_with_its_networks() -> None:
    script = Script()
    script.expect("GET", "dns", ZONE).refuses(404)
    body = {
        "name": "shop",
        "dnsName": "shop.internal.",
        "description": MARK,
        "visibility": "private",
        "privateVisibilityConfig": {"networks": [{"networkUrl": LINK}]},
    }
    script.expect("POST", "dns", ZONES, body=body).replies(THERE)
    script.expect("GET", "dns", ZONE).replies(THERE)
    result = script.run(dns_managed_zone, **OPTIONS)
    assert result["action"] == "created" and result["resource"]["id"] == "6001"


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"dns_name": "Shop.Internal."},
        {"description": "names", "visibility": "private"},
        {"networks": [LINK]},
        {"networks": ["projects/acme-shop/global/networks/shop-vpc"]},
    ],
)
def test_another_spelling_of_a_zone_is_no_change(more: dict[str, t.Any]) -> None:
    script = Script()
    script.expect("GET", "dns", ZONE).replies(THERE)
    assert not script.run(dns_managed_zone, **{**OPTIONS, **more})["changed"]


def test_a_network_of_another_project_with_the_same_short_name_is_another_one() -> None:
    script = Script()
    script.expect("GET", "dns", ZONE).replies(THERE)
    seen = {**THERE, "privateVisibilityConfig": {"networks": [{"networkUrl": LINK}, {"networkUrl": HOST_LINK}]}}
    script.expect("PUT", "dns", ZONE, body=seen).replies({"kind": "dns#operation", "id": "1", "status": "done"})
    script.expect("GET", "dns", ZONE).replies(seen)
    both = ["shop-vpc", "projects/acme-host/global/networks/shop-vpc"]
    result = script.run(dns_managed_zone, **{**OPTIONS, "networks": both})
    assert result["changes"] == [{"field": "networks", "before": ["shop-vpc"], "after": both}]
    assert result["resource"]["networks"] == both


OTHERS = {"networkUrl": LINK.replace("shop-vpc", "back-vpc"), "kind": "x"}
SHARED = {**THERE, "privateVisibilityConfig": {"networks": [{"networkUrl": LINK}, OTHERS]}}


def with_networks(*names: str) -> dict[str, t.Any]:
    """The zone as it is sent, to be seen by these networks."""
    links = [{"networkUrl": LINK.replace("shop-vpc", name)} for name in names]
    return {**THERE, "privateVisibilityConfig": {"networks": links}}


def test_networks_of_others_keep_seeing_a_shared_zone() -> None:
    script = Script()
    script.expect("GET", "dns", ZONE).replies(SHARED)
    assert not script.run(dns_managed_zone, **OPTIONS, shared=True)["changed"]
    script = Script()
    script.expect("GET", "dns", ZONE).replies({**THERE, "privateVisibilityConfig": {"networks": [OTHERS]}})
    both = with_networks("back-vpc", "shop-vpc")
    script.expect("PUT", "dns", ZONE, body=both).replies({"kind": "dns#operation", "id": "1", "status": "done"})
    script.expect("GET", "dns", ZONE).replies(both)
    result = script.run(dns_managed_zone, **OPTIONS, shared=True)
    assert result["changes"] == [{"field": "networks", "before": ["back-vpc"], "after": ["back-vpc", "shop-vpc"]}]


def test_without_sharing_the_list_is_the_whole_of_them() -> None:
    script = Script()
    script.expect("GET", "dns", ZONE).replies(SHARED)
    ours = with_networks("shop-vpc")
    script.expect("PUT", "dns", ZONE, body=ours).replies({"kind": "dns#operation", "id": "1", "status": "done"})
    script.expect("GET", "dns", ZONE).replies(ours)
    assert script.run(dns_managed_zone, **OPTIONS)["resource"]["networks"] == ["shop-vpc"]


def test_our_network_leaves_a_zone_that_others_see() -> None:
    script = Script()
    script.expect("GET", "dns", ZONE).replies(SHARED)
    theirs = with_networks("back-vpc")
    script.expect("PUT", "dns", ZONE, body=theirs).replies({"kind": "dns#operation", "id": "1", "status": "done"})
    script.expect("GET", "dns", ZONE).replies(theirs)
    result = script.run(dns_managed_zone, **OPTIONS, shared=True, state="absent")
    assert result["action"] == "updated" and "without what is ours" in result["note"]
    script = Script()
    script.expect("GET", "dns", ZONE).replies(theirs)
    kept = script.run(dns_managed_zone, **OPTIONS, shared=True, state="absent")
    assert kept["action"] == "kept" and "shared with networks that are not named" in kept["note"]


def test_our_network_stays_in_a_shared_zone_that_is_not_ours() -> None:
    script = Script()
    script.expect("GET", "dns", ZONE).replies({**SHARED, "description": "theirs"})
    kept = script.run(dns_managed_zone, **OPTIONS, shared=True, state="absent")
    assert kept["action"] == "kept" and kept["requests"]["writes"] == 0


def test_a_shared_zone_goes_with_its_last_network() -> None:
    script = Script()
    script.expect("GET", "dns", ZONE).replies(THERE)
    script.expect("GET", "dns", SETS).replies({"rrsets": GOOGLES})
    script.expect("DELETE", "dns", ZONE).replies(None, 204)
    assert script.run(dns_managed_zone, **OPTIONS, shared=True, state="absent")["action"] == "deleted"


def test_a_change_sends_the_whole_zone_and_waits() -> None:
    script = Script()
    script.expect("GET", "dns", ZONE).replies({**THERE, "labels": {"other": "x"}})
    labels = {"other": "x", "team": "shop"}
    operation = {"kind": "dns#operation", "id": "7", "status": "pending"}
    body = {**THERE, "description": f"new {MARK}", "labels": labels}
    script.expect("PUT", "dns", ZONE, body=body).replies(operation)
    script.expect("GET", "dns", f"{ZONE}/operations/7").replies({**operation, "status": "done"})
    script.expect("GET", "dns", ZONE).replies(body)
    result = script.run(dns_managed_zone, **OPTIONS, description="new", labels={"team": "shop"})
    assert result["action"] == "updated" and result["resource"]["description"] == "new"


def test_another_domain_is_refused() -> None:
    script = Script()
    script.expect("GET", "dns", ZONE).replies(THERE)
    result = script.run(dns_managed_zone, fails=True, **{**OPTIONS, "dns_name": "other.internal."})
    assert "dns_name cannot be changed in place: it is shop.internal., wanted other.internal." in result["msg"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"visibility": "public"}, "networks belong to private zones"),
        ({"dns_name": "shop..internal"}, "State a DNS name such as shop.internal"),
        ({"name": "Shop"}, "lower-case letters"),
    ],
)
def test_zones_that_cannot_be_are_refused_without_a_request(more: dict[str, t.Any], said: str) -> None:
    assert said in Script().run(dns_managed_zone, fails=True, **{**OPTIONS, **more})["msg"]


def test_a_zone_that_holds_records_of_others_stays() -> None:
    script = Script()
    script.expect("GET", "dns", ZONE).replies(THERE)
    script.expect("GET", "dns", SETS).replies({"rrsets": [*GOOGLES, RECORD]})
    kept = script.run(dns_managed_zone, **OPTIONS, state="absent")
    assert kept["action"] == "kept" and "Google deletes a zone only once it is empty" in kept["note"]


def test_a_record_that_comes_in_between_is_told_in_googles_words() -> None:
    script = Script()
    script.expect("GET", "dns", ZONE).replies(THERE)
    script.expect("GET", "dns", SETS).replies({"rrsets": GOOGLES})
    said = "The resource named 'shop' cannot be deleted because it contains one or more 'resource records'."
    script.expect("DELETE", "dns", ZONE).refuses(400, said, reason="containerNotEmpty")
    assert said in script.run(dns_managed_zone, fails=True, **OPTIONS, state="absent")["msg"]


def test_a_zone_of_ours_goes_and_one_of_others_stays() -> None:
    script = Script()
    script.expect("GET", "dns", ZONE).replies(THERE)
    script.expect("GET", "dns", SETS).replies({"rrsets": GOOGLES})
    script.expect("DELETE", "dns", ZONE).replies(None, 204)
    assert script.run(dns_managed_zone, **OPTIONS, state="absent")["action"] == "deleted"
    script = Script()
    script.expect("GET", "dns", ZONE).replies({**THERE, "description": "theirs"})
    assert script.run(dns_managed_zone, **OPTIONS, state="absent")["action"] == "kept"


def test_zones_are_read() -> None:
    script = Script()
    script.expect("GET", "dns", ZONES).replies({"managedZones": [THERE]})
    (found,) = script.run(dns_managed_zone_info)["resources"]
    assert (found["name"], found["dns_name"], found["networks"]) == ("shop", "shop.internal.", ["shop-vpc"])


def test_a_record_set_is_made() -> None:
    script = Script()
    script.expect("GET", "dns", ONE).refuses(404)
    script.expect("GET", "dns", ZONE).replies(THERE)
    body = {"name": "orders.shop.internal.", "type": "A", "ttl": 300, "rrdatas": ["10.10.0.80", "10.10.0.81"]}
    script.expect("POST", "dns", SETS, body=body).replies(RECORD)
    script.expect("GET", "dns", ONE).replies(RECORD)
    result = script.run(dns_record_set, **WANTED)
    assert result["action"] == "created"
    assert result["resource"]["rrdatas"] == ["10.10.0.80", "10.10.0.81"] and result["resource"]["ttl"] == 300


def test_order_and_a_ttl_that_nobody_states_are_no_change() -> None:
    script = Script()
    script.expect("GET", "dns", ONE).replies({**RECORD, "ttl": 5, "rrdatas": ["10.10.0.81", "10.10.0.80"]})
    assert not script.run(dns_record_set, **WANTED)["changed"]


@pytest.mark.parametrize(
    ("kind", "stated", "found"),
    [
        ("CNAME", "Gateway.shop.internal", "gateway.shop.internal."),
        ("TXT", 'say "hi"', '"say \\"hi\\""'),
        ("TXT", '"one" "two"', '"one" "two"'),
        ("AAAA", "fd00:0:0:0::1", "fd00::1"),
    ],
)
def test_another_spelling_of_data_is_no_change(kind: str, stated: str, found: str) -> None:
    script = Script()
    there = {**RECORD, "type": kind, "rrdatas": [found]}
    script.expect("GET", "dns", f"{SETS}/orders.shop.internal./{kind}").replies(there)
    assert not script.run(dns_record_set, **{**WANTED, "type": kind, "rrdatas": [stated]})["changed"]


def test_a_change_sends_the_whole_record_set() -> None:
    script = Script()
    script.expect("GET", "dns", ONE).replies(RECORD)
    body = {"name": RECORD["name"], "type": "A", "ttl": 60, "rrdatas": RECORD["rrdatas"]}
    script.expect("PATCH", "dns", ONE, body=body).replies({**RECORD, "ttl": 60})
    script.expect("GET", "dns", ONE).replies({**RECORD, "ttl": 60})
    result = script.run(dns_record_set, **WANTED, ttl=60)
    assert result["changes"] == [{"field": "ttl", "before": 300, "after": 60}]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"rrdatas": ["10.10.0.300"]}, "A record of type A holds IPv4 addresses"),
        ({"type": "AAAA"}, "A record of type AAAA holds IPv6 addresses"),
        ({"type": "CNAME", "rrdatas": ["a.example", "b.example"]}, "rrdatas holds several names"),
        ({"type": "CNAME", "rrdatas": ["not a name"]}, "State a DNS name"),
        ({"rrdatas": []}, "rrdatas is empty"),
        ({"rrdatas": None}, "rrdatas"),
        ({"name": "orders!.shop.internal"}, "State a DNS name"),
    ],
)
def test_record_sets_that_cannot_be_are_refused_without_a_request(more: dict[str, t.Any], said: str) -> None:
    options = {name: value for name, value in {**WANTED, **more}.items() if value is not None}
    assert said in Script().run(dns_record_set, fails=True, **options)["msg"]


def test_a_name_outside_the_zone_is_refused_before_any_write() -> None:
    script = Script()
    script.expect("GET", "dns", f"{SETS}/orders.other.internal./A").refuses(404)
    script.expect("GET", "dns", ZONE).replies(THERE)
    result = script.run(dns_record_set, fails=True, **{**WANTED, "name": "orders.other.internal"})
    assert "name orders.other.internal. is not inside shop.internal., the domain of the DNS zone shop" in result["msg"]


def test_a_record_set_goes_with_our_zone_alone() -> None:
    script = Script()
    script.expect("GET", "dns", ONE).replies(RECORD)
    script.expect("GET", "dns", ZONE).replies(THERE)
    script.expect("DELETE", "dns", ONE).replies({})
    gone = {name: value for name, value in WANTED.items() if name != "rrdatas"}
    assert script.run(dns_record_set, **gone, state="absent")["action"] == "deleted"
    script = Script()
    script.expect("GET", "dns", ONE).replies(RECORD)
    script.expect("GET", "dns", ZONE).replies({**THERE, "description": "theirs"})
    assert script.run(dns_record_set, **gone, state="absent")["action"] == "kept"


def test_record_sets_are_read() -> None:
    script = Script()
    own = {**RECORD, "type": "NS", "name": "shop.internal.", "rrdatas": ["ns-gcp-private.googledomains.com."]}
    script.expect("GET", "dns", SETS).replies({"rrsets": [own, RECORD]})
    (found,) = script.run(dns_record_set_info, managed_zone="shop", type="A")["resources"]
    assert (found["name"], found["type"], found["rrdatas"]) == ("orders.shop.internal.", "A", RECORD["rrdatas"])
