# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.modules import apigee_dns_peering
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.apigee_replies import (
    HIDDEN,
    MARK,
    ORG,
    ORGANIZATION,
)
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Script

PROJECT = "v3/projects/acme-shop"
ALL = (
    "v1/services/servicenetworking.googleapis.com/projects/123456789012/global/networks/shop-vpc/peeredDnsDomains"
)  # fmt: skip
NETWORK = "compute/v1/projects/acme-shop/global/networks/shop-vpc"
DOMAIN = {"name": "shop", "dnsSuffix": "gke.acme.internal."}
OPERATION = {"name": "operations/o1"}
WANTED = {"name": "shop", "dns_suffix": "gke.acme.internal"}


def found(script: Script, *domains: dict) -> None:
    script.expect("GET", "apigee", ORG).replies(ORGANIZATION)
    script.expect("GET", "cloudresourcemanager", PROJECT).replies({"name": "projects/123456789012"})
    script.expect("GET", "servicenetworking", ALL).replies({"peeredDnsDomains": list(domains)} if domains else {})


def test_create_completes_the_dot_and_takes_the_network_from_the_organization() -> None:
    script = Script()
    found(script)
    script.expect("GET", "compute", NETWORK).replies({"name": "shop-vpc", "description": MARK})
    script.expect("POST", "servicenetworking", ALL, body=DOMAIN).replies(OPERATION)
    script.expect("GET", "servicenetworking", "v1/operations/o1").replies({**OPERATION, "done": True})
    script.expect("GET", "servicenetworking", ALL).replies({"peeredDnsDomains": [DOMAIN]})
    result = script.run(apigee_dns_peering, **WANTED)
    assert result["action"] == "created" and result["resource"]["mechanism"] == "peered_dns_domain"


@pytest.mark.parametrize("suffix", ["gke.acme.internal", "gke.acme.internal.", "GKE.acme.internal"])
def test_no_change_with_or_without_dot(suffix: str) -> None:
    script = Script()
    found(script, {"name": "other", "dnsSuffix": "other."}, DOMAIN)
    assert not script.run(apigee_dns_peering, name="shop", dns_suffix=suffix)["changed"]


def test_another_suffix_is_refused_unless_allowed() -> None:
    script = Script()
    found(script, DOMAIN)
    result = script.run(apigee_dns_peering, fails=True, name="shop", dns_suffix="new.internal")
    assert "dns_suffix cannot be changed in place" in result["msg"]
    script = Script()
    found(script, DOMAIN)
    script.expect("DELETE", "servicenetworking", f"{ALL}/shop").replies({**OPERATION, "done": True})
    script.expect("GET", "servicenetworking", ALL).replies({})
    script.expect("GET", "compute", NETWORK).replies({"description": MARK})
    body = {"name": "shop", "dnsSuffix": "new.internal."}
    script.expect("POST", "servicenetworking", ALL, body=body).replies({**OPERATION, "done": True})
    script.expect("GET", "servicenetworking", ALL).replies({"peeredDnsDomains": [body]})
    result = script.run(apigee_dns_peering, name="shop", dns_suffix="new.internal", allow_recreate=True)
    assert result["action"] == "recreated"


UNPEERED = {**ORGANIZATION, "authorizedNetwork": "", "disableVpcPeering": True, "apigeeProjectId": "acme-tp"}
ZONES = f"{ORG}/dnsZones"
ZONE = {
    "name": "organizations/acme-shop/dnsZones/shop",
    "domain": "gke.acme.internal.",
    "description": MARK,
    "state": "ACTIVE",
    "peeringConfig": {"targetProjectId": "acme-shop", "targetNetworkId": "shop-vpc"},
}
ZONE_BODY = {
    "domain": "gke.acme.internal.",
    "description": MARK,
    "peeringConfig": {"targetProjectId": "acme-shop", "targetNetworkId": "shop-vpc"},
}
ZONE_WANTED = {**WANTED, "network": "shop-vpc"}
ENDED = {"name": "organizations/acme-shop/operations/o1", "done": True}


def zones(script: Script, *found: dict) -> None:
    script.expect("GET", "apigee", ZONES).replies({"dnsZones": list(found)} if found else {})


def unpeered(*found: dict) -> Script:
    script = Script()
    script.expect("GET", "apigee", ORG).replies(UNPEERED)
    zones(script, *found)
    return script


def test_without_vpc_peering_it_is_a_dns_zone() -> None:
    script = unpeered()
    query = {"dnsZoneId": "shop"}
    script.expect("POST", "apigee", ZONES, query=query, body=ZONE_BODY).replies({**ENDED, "done": False})
    script.expect("GET", "apigee", f"v1/{ENDED['name']}").replies(ENDED)
    zones(script, {**ZONE, "state": "CREATING"})
    zones(script, ZONE)
    result = script.run(apigee_dns_peering, **ZONE_WANTED)
    assert result["action"] == "created"
    shown = {"mechanism": "dns_zone", "network": "shop-vpc", "network_project": "acme-shop", "name": "shop"}
    assert shown.items() <= result["resource"].items()
    assert result["resource"]["dns_suffix"] == "gke.acme.internal."


@pytest.mark.parametrize("network", ["shop-vpc", "projects/acme-shop/global/networks/shop-vpc"])
@pytest.mark.parametrize("target", ["shop-vpc", "projects/acme-shop/global/networks/shop-vpc"])
def test_a_zone_that_is_right_stays(network: str, target: str) -> None:
    there = {**ZONE, "peeringConfig": {"targetProjectId": "acme-shop", "targetNetworkId": target}}
    assert not unpeered(there).run(apigee_dns_peering, **{**ZONE_WANTED, "network": network})["changed"]


def test_a_zone_of_another_network_is_made_again_only_when_allowed() -> None:
    there = {**ZONE, "peeringConfig": {"targetProjectId": "acme-shop", "targetNetworkId": "old"}}
    result = unpeered(there).run(apigee_dns_peering, fails=True, **ZONE_WANTED)
    assert "network cannot be changed in place: it is acme-shop/old, wanted acme-shop/shop-vpc" in result["msg"]
    script = unpeered(there)
    script.expect("DELETE", "apigee", f"{ZONES}/shop").replies(ENDED)
    zones(script)
    script.expect("POST", "apigee", ZONES, query={"dnsZoneId": "shop"}, body=ZONE_BODY).replies(ENDED)
    zones(script, ZONE)
    result = script.run(apigee_dns_peering, allow_recreate=True, **ZONE_WANTED)
    assert result["action"] == "recreated"


def test_a_zone_is_ours_by_its_description() -> None:
    theirs = {**ZONE, "description": "theirs"}
    assert unpeered(theirs).run(apigee_dns_peering, name="shop", state="absent")["action"] == "kept"
    script = unpeered(ZONE)
    script.expect("DELETE", "apigee", f"{ZONES}/shop").replies(ENDED)
    zones(script)
    assert script.run(apigee_dns_peering, name="shop", state="absent")["action"] == "deleted"


def test_the_grant_that_is_missing_is_named() -> None:
    script = unpeered()
    refused = {"code": 7, "message": "Permission 'dns.networks.targetWithPeeringZone' denied"}
    body = {**ZONE_BODY, "peeringConfig": {"targetProjectId": "host", "targetNetworkId": "shop-vpc"}}
    query = {"dnsZoneId": "shop"}
    script.expect("POST", "apigee", ZONES, query=query, body=body).replies({**ENDED, "error": refused})
    script.expect("GET", "cloudresourcemanager", PROJECT).replies({"name": "projects/123456789012"})
    zones(script)
    options = {**WANTED, "network": "projects/host/global/networks/shop-vpc"}
    said = script.run(apigee_dns_peering, fails=True, **options)["msg"]
    assert "gcloud projects add-iam-policy-binding host" in said and "--role=roles/dns.peer" in said
    assert "service-123456789012@gcp-sa-apigee.iam.gserviceaccount.com" in said


def test_without_vpc_peering_the_network_must_be_stated() -> None:
    said = unpeered().run(apigee_dns_peering, fails=True, check=True, **WANTED)["msg"]
    assert "State network" in said and "apigee_endpoint_attachment" in said


def test_a_hybrid_organization_is_refused() -> None:
    script = Script()
    script.expect("GET", "apigee", ORG).replies({**ORGANIZATION, "authorizedNetwork": "", "runtimeType": "HYBRID"})
    said = script.run(apigee_dns_peering, fails=True, check=True, **ZONE_WANTED)["msg"]
    assert "organisation acme-shop is a hybrid one" in said and "resolver of that cluster" in said


def test_another_network_than_the_peered_one_is_refused() -> None:
    script = Script()
    script.expect("GET", "apigee", ORG).replies(ORGANIZATION)
    script.expect("GET", "cloudresourcemanager", PROJECT).replies({"name": "projects/123456789012"})
    script.expect("GET", "servicenetworking", ALL.replace("shop-vpc", "other")).replies({})
    said = script.run(apigee_dns_peering, fails=True, network="other", **WANTED)["msg"]
    assert "is peered with projects/acme-shop/global/networks/shop-vpc" in said


def test_a_missing_organization_is_predicted_in_check_mode_and_refused_otherwise() -> None:
    for check in (True, False):
        script = Script()
        script.expect("GET", "apigee", ORG).refuses(403, HIDDEN, code="PERMISSION_DENIED")
        result = script.run(apigee_dns_peering, check=check, fails=not check, **WANTED)
        assert result["action"] == "created" if check else "does not exist" in result["msg"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"dns_suffix": "shop.local"}, ".local never leave"),
        ({"dns_suffix": "no spaces"}, "Write a domain"),
        ({"name": "shop-"}, "end without a dash"),
    ],
)
def test_bad_names_are_refused_unsent(options: dict, said: str) -> None:
    assert said in Script().run(apigee_dns_peering, fails=True, **{**WANTED, **options})["msg"]


def test_delete_leaves_the_domain_of_others_alone() -> None:
    script = Script()
    found(script, DOMAIN)
    script.expect("GET", "compute", NETWORK).replies({"description": "theirs"})
    assert script.run(apigee_dns_peering, name="shop", state="absent")["action"] == "kept"
