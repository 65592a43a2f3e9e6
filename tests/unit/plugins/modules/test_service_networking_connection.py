# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.gatewayops.apigee_gke.plugins.modules import service_networking_connection
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.google_replies import (
    COMPUTE,
    MARK,
    finished,
)
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Script

PATH = "v1/services/servicenetworking.googleapis.com/connections"
PEERING = f"{PATH}/servicenetworking-googleapis-com"
NETWORK = "projects/123456789012/global/networks/shop-vpc"
CONNECTION = {
    "network": NETWORK,
    "peering": "servicenetworking-googleapis-com",
    "reservedPeeringRanges": ["psa"],
    "service": "services/servicenetworking.googleapis.com",
}
OPTIONS = {"network": "shop-vpc", "reserved_peering_ranges": ["psa"]}


def listing(script: Script, *connections: dict, number: bool = True) -> None:
    if number:
        script.expect("GET", "cloudresourcemanager", "v3/projects/acme-shop").replies({"name": "projects/123456789012"})
    script.expect("GET", "servicenetworking", PATH, query={"network": NETWORK}).replies(
        {"connections": list(connections)} if connections else {}
    )


def test_create_by_project_number() -> None:
    script = Script()
    listing(script)
    script.expect(
        "POST", "servicenetworking", PATH, body={"network": NETWORK, "reservedPeeringRanges": ["psa"]}
    ).replies({"name": "operations/op-1"})
    script.expect("GET", "servicenetworking", "v1/operations/op-1").replies({"name": "operations/op-1"})
    script.expect("GET", "servicenetworking", "v1/operations/op-1").replies(finished())
    listing(script, CONNECTION, number=False)
    result = script.run(service_networking_connection, **OPTIONS)
    assert result["action"] == "created" and result["resource"]["peering"] == "servicenetworking-googleapis-com"


def test_no_change() -> None:
    script = Script()
    listing(script, {**CONNECTION, "reservedPeeringRanges": ["other", "psa"]})
    assert not script.run(service_networking_connection, **OPTIONS)["changed"]


def test_added_range_is_sent_with_those_of_others() -> None:
    script = Script()
    listing(script, {**CONNECTION, "reservedPeeringRanges": ["other"]})
    script.expect(
        "PATCH",
        "servicenetworking",
        PEERING,
        query={"updateMask": "reservedPeeringRanges", "force": "true"},
        body={"network": NETWORK, "reservedPeeringRanges": ["other", "psa"]},
    ).replies(finished())
    listing(script, CONNECTION, number=False)
    assert script.run(service_networking_connection, **OPTIONS)["action"] == "updated"


def test_create_that_finds_a_connection_patches_it() -> None:
    """A connection made meanwhile ends the create's operation with code 9: ranges cannot be modified in create."""
    script = Script()
    listing(script)
    script.expect(
        "POST", "servicenetworking", PATH, body={"network": NETWORK, "reservedPeeringRanges": ["psa"]}
    ).replies(finished(error={"code": 9, "message": "Cannot modify allocated ranges in CreateConnection."}))
    listing(script, {**CONNECTION, "reservedPeeringRanges": ["other"]}, number=False)
    script.expect(
        "PATCH",
        "servicenetworking",
        PEERING,
        query={"updateMask": "reservedPeeringRanges", "force": "true"},
        body={"network": NETWORK, "reservedPeeringRanges": ["other", "psa"]},
    ).replies(finished())
    listing(script, CONNECTION, number=False)
    assert script.run(service_networking_connection, **OPTIONS)["changed"]


def test_delete_waits_for_producers() -> None:
    script = Script()
    listing(script, CONNECTION)
    script.expect("GET", "compute", f"{COMPUTE}/global/networks/shop-vpc").replies({"description": MARK})
    busy = finished(error={"code": 9, "message": "Producer services still use this connection."})
    script.expect("POST", "servicenetworking", PEERING, body={"consumerNetwork": NETWORK}).replies(busy)
    script.expect("POST", "servicenetworking", PEERING, body={"consumerNetwork": NETWORK}).replies(finished())
    assert script.run(service_networking_connection, **OPTIONS, state="absent")["action"] == "deleted"
    assert sum(script.slept) >= 10


def addresses(script: Script, **descriptions: str) -> None:
    """The network is somebody else's; these are the ranges reserved in it."""
    script.expect("GET", "compute", f"{COMPUTE}/global/networks/shop-vpc").replies({"description": "by hand"})
    for name, description in descriptions.items():
        script.expect("GET", "compute", f"{COMPUTE}/global/addresses/{name}").replies({"description": description})


def test_connection_of_anothers_network_is_left_alone() -> None:
    script = Script()
    listing(script, CONNECTION)
    addresses(script, psa="theirs")
    assert script.run(service_networking_connection, **OPTIONS, state="absent")["action"] == "kept"


def test_connection_of_anothers_network_goes_when_all_its_ranges_are_ours() -> None:
    script = Script()
    listing(script, CONNECTION)
    addresses(script, psa=MARK)
    script.expect("POST", "servicenetworking", PEERING, body={"consumerNetwork": NETWORK}).replies(finished())
    assert script.run(service_networking_connection, **OPTIONS, state="absent")["action"] == "deleted"


def test_our_range_leaves_a_connection_that_others_use() -> None:
    script = Script()
    both = {**CONNECTION, "reservedPeeringRanges": ["theirs", "psa"]}
    listing(script, both)
    addresses(script, theirs="by hand", psa=MARK)
    patch = {
        "query": {"updateMask": "reservedPeeringRanges", "force": "true"},
        "body": {"network": NETWORK, "reservedPeeringRanges": ["theirs"]},
    }
    busy = finished(error={"code": 9, "message": "A producer still uses the range."})
    script.expect("PATCH", "servicenetworking", PEERING, **patch).replies(busy)
    script.expect("PATCH", "servicenetworking", PEERING, **patch).replies(finished())
    listing(script, {**both, "reservedPeeringRanges": ["theirs"]}, number=False)
    result = script.run(service_networking_connection, **OPTIONS, state="absent")
    assert result["action"] == "updated" and result["changes"][0]["after"] == ["theirs"]


def test_busy_peering_is_waited_for() -> None:
    script = Script()
    listing(script)
    body = {"network": NETWORK, "reservedPeeringRanges": ["psa"]}
    script.expect("POST", "servicenetworking", PATH, body=body).refuses(
        400, "There is a peering operation in progress on the local or peer network.", code="FAILED_PRECONDITION"
    )
    script.expect("POST", "servicenetworking", PATH, body=body).replies(finished())
    listing(script, CONNECTION, number=False)
    assert script.run(service_networking_connection, **OPTIONS)["action"] == "created"
