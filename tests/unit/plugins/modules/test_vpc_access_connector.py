# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connectors: made in a free range, changed in place, and ours where the network is."""

from __future__ import annotations

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.modules import vpc_access_connector, vpc_access_connector_info
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.google_replies import COMPUTE, MARK
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Script

PLACE = "projects/acme-shop/locations/europe-west1"
ALL = f"v1/{PLACE}/connectors"
ONE = f"{ALL}/shop"
SUBNETWORKS = f"{COMPUTE}/aggregated/subnetworks"
WANTED = {"name": "shop", "region": "europe-west1", "network": "shop-vpc", "ip_cidr_range": "10.8.0.0/28"}
BODY = {"network": "shop-vpc", "ipCidrRange": "10.8.0.0/28", "minInstances": 2, "maxInstances": 3}
FOUND = {**BODY, "name": f"{PLACE}/connectors/shop", "machineType": "e2-micro", "state": "READY"}
NODES = {
    "name": "nodes",
    "network": f"https://www.googleapis.com/{COMPUTE}/global/networks/shop-vpc",
    "ipCidrRange": "10.10.0.0/20",
    "secondaryIpRanges": [{"rangeName": "pods", "ipCidrRange": "10.20.0.0/16"}],
}
OPERATION = {"name": f"{PLACE}/operations/o1"}


def there(**fields: object) -> Script:
    script = Script()
    script.expect("GET", "vpcaccess", ONE).replies({**FOUND, **fields})
    return script


def absent(*taken: dict) -> Script:
    """No connector of that name; ``taken``: subnetworks of the project."""
    script = Script()
    script.expect("GET", "vpcaccess", ONE).refuses(404, "not found", code="NOT_FOUND")
    places = {"regions/europe-west1": {"subnetworks": list(taken)}, "regions/us-east1": {"warning": {}}}
    # In pages, of which the first one is empty.
    script.expect("GET", "compute", SUBNETWORKS).replies({"nextPageToken": "more"})
    script.expect("GET", "compute", SUBNETWORKS, query={"pageToken": "more"}).replies({"items": places})
    with_connectors(script, {})
    return script


def with_connectors(script: Script, found: dict[str, list[dict]]) -> None:
    """Both locations of this double of Google, with the connectors found in each."""
    regions = ("europe-west1", "us-east1")
    places = [{"name": f"projects/acme-shop/locations/{region}"} for region in regions]
    script.expect("GET", "vpcaccess", "v1/projects/acme-shop/locations").replies({"locations": places})
    with script.together():
        for region in regions:
            listed = {"connectors": found[region]} if region in found else {}
            script.expect("GET", "vpcaccess", f"v1/projects/acme-shop/locations/{region}/connectors").replies(listed)


def finished(script: Script) -> None:
    script.expect("GET", "vpcaccess", f"v1/{PLACE}/operations/o1").replies({**OPERATION, "done": True})


def test_it_is_made_in_a_free_range() -> None:
    script = absent(NODES)
    script.expect("POST", "vpcaccess", ALL, query={"connectorId": "shop"}, body=BODY).replies(OPERATION)
    finished(script)
    script.expect("GET", "vpcaccess", ONE).replies(FOUND)
    result = script.run(vpc_access_connector, **WANTED)
    assert (result["action"], result["resource"]["state"]) == ("created", "READY")
    assert result["resource"]["machine_type"] == "e2-micro"


@pytest.mark.parametrize("taken", ["10.10.0.16/28", "10.20.3.0/28"])
def test_a_taken_range_is_refused_before_anything_is_made(taken: str) -> None:
    said = absent(NODES).run(vpc_access_connector, fails=True, **{**WANTED, "ip_cidr_range": taken})["msg"]
    assert f"ip_cidr_range {taken} overlaps subnetwork nodes" in said and "Choose a free /28" in said


@pytest.mark.parametrize("region", ["europe-west1", "us-east1"])
def test_a_range_of_another_connector_of_the_network_is_refused(region: str) -> None:
    script = Script()
    script.expect("GET", "vpcaccess", ONE).refuses(404, "not found", code="NOT_FOUND")
    script.expect("GET", "compute", SUBNETWORKS).replies({})
    other = {**FOUND, "name": f"projects/acme-shop/locations/{region}/connectors/other"}
    with_connectors(script, {region: [other]})
    said = script.run(vpc_access_connector, fails=True, check=True, **WANTED)["msg"]
    assert f"overlaps connector other in {region} 10.8.0.0/28" in said


@pytest.mark.parametrize(("size", "fits"), [("10.8.1.0/28", True), ("10.8.1.0/24", False)])
def test_a_subnetwork_must_be_a_28(size: str, fits: bool) -> None:
    script = Script()
    script.expect("GET", "vpcaccess", ONE).refuses(404, "not found", code="NOT_FOUND")
    egress = f"{COMPUTE}/regions/europe-west1/subnetworks/egress"
    script.expect("GET", "compute", egress).replies({"name": "egress", "ipCidrRange": size})
    options = {"name": "shop", "region": "europe-west1", "subnet": "egress"}
    result = script.run(vpc_access_connector, fails=not fits, check=True, **options)
    assert result["action"] == "created" if fits else "needs a /28" in result["msg"]


def test_no_change() -> None:
    result = there().run(vpc_access_connector, **WANTED, machine_type="e2-micro", min_instances=2, max_instances=3)
    assert not result["changed"] and result["requests"]["writes"] == 0


def test_instances_change_in_place() -> None:
    script = there()
    body = {"minInstances": 3, "maxInstances": 6}
    query = {"updateMask": "maxInstances,minInstances"}
    script.expect("PATCH", "vpcaccess", ONE, query=query, body=body).replies(OPERATION)
    finished(script)
    script.expect("GET", "vpcaccess", ONE).replies({**FOUND, **body})
    result = script.run(vpc_access_connector, **WANTED, min_instances=3, max_instances=6)
    assert [change["field"] for change in result["changes"]] == ["min_instances", "max_instances"]


def test_its_place_does_not_change() -> None:
    said = there().run(vpc_access_connector, fails=True, **{**WANTED, "ip_cidr_range": "10.8.0.16/28"})["msg"]
    assert "ip_cidr_range cannot be changed in place" in said


def with_network(script: Script, description: str) -> None:
    network = {"name": "shop-vpc", "description": description}
    script.expect("GET", "compute", f"{COMPUTE}/global/networks/shop-vpc").replies(network)


def test_one_of_ours_in_error_is_made_again_where_it_was_and_as_large() -> None:
    failed = {**FOUND, "state": "ERROR", "maxInstances": 6, "connectedProjects": ["acme-shop"]}
    script = there(**failed)
    with_network(script, MARK)
    script.expect("GET", "compute", SUBNETWORKS).replies({})
    with_connectors(script, {"europe-west1": [failed]})
    script.expect("DELETE", "vpcaccess", ONE).replies({**OPERATION, "done": True})
    script.expect("GET", "vpcaccess", ONE).refuses(404, "not found", code="NOT_FOUND")
    body = {**BODY, "machineType": "e2-micro", "maxInstances": 6}
    script.expect("POST", "vpcaccess", ALL, query={"connectorId": "shop"}, body=body).replies(OPERATION)
    finished(script)
    script.expect("GET", "vpcaccess", ONE).replies({**FOUND, **body})
    result = script.run(vpc_access_connector, **WANTED)
    assert result["action"] == "recreated" and "ERROR" in result["note"]


@pytest.mark.parametrize("why", ["theirs", "others use it", "elsewhere"])
def test_another_in_error_says_what_to_do(why: str) -> None:
    script = there(state="ERROR", connectedProjects=["acme-shop", *(["other"] if why == "others use it" else [])])
    if why != "elsewhere":
        with_network(script, "" if why == "theirs" else MARK)
    if why == "others use it":
        script.expect("GET", "cloudresourcemanager", "v3/projects/acme-shop").replies({"name": "projects/123"})
    wanted = {**WANTED, "ip_cidr_range": "10.8.1.0/28"} if why == "elsewhere" else WANTED
    said = script.run(vpc_access_connector, fails=True, **wanted)["msg"]
    assert "in state ERROR" in said and "force: true, project: acme-shop, region: europe-west1, name: shop" in said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": "Shop"}, "2 to 25 lower-case"),
        ({"name": "a" * 26}, "2 to 25 lower-case"),
        ({"ip_cidr_range": "10.8.0.0/24"}, "is a /24. Google takes a /28 only"),
        ({"ip_cidr_range": "10.8.0.1/28"}, "is not a range"),
        ({"min_instances": 1}, "State 2 to 9"),
        ({"max_instances": 11}, "State 3 to 10"),
        ({"min_instances": 5}, "is not less than max_instances 3"),
        ({"network": None, "ip_cidr_range": None}, "Name a /28 subnetwork or a free /28"),
        ({"subnet_project": "other"}, "subnet_project is stated without subnet"),
    ],
)
def test_bad_options_are_refused_unsent(options: dict, said: str) -> None:
    assert said in Script().run(vpc_access_connector, fails=True, **{**WANTED, **options})["msg"]


@pytest.mark.parametrize(("description", "action"), [(MARK, "deleted"), ("theirs", "kept")])
def test_it_is_ours_where_the_network_is(description: str, action: str) -> None:
    script = there()
    network = {"name": "shop-vpc", "description": description}
    script.expect("GET", "compute", f"{COMPUTE}/global/networks/shop-vpc").replies(network)
    if action == "deleted":
        script.expect("DELETE", "vpcaccess", ONE).replies({**OPERATION, "done": True})
        script.expect("GET", "vpcaccess", ONE).refuses(404, "not found", code="NOT_FOUND")
    result = script.run(vpc_access_connector, name="shop", region="europe-west1", state="absent")
    assert result["action"] == action


def test_reading_one_and_all() -> None:
    (one,) = there().run(vpc_access_connector_info, name="shop", region="europe-west1")["resources"]
    script = Script()
    script.expect("GET", "vpcaccess", ALL).replies({"connectors": [FOUND]})
    assert script.run(vpc_access_connector_info, region="europe-west1")["resources"] == [one]
    assert (one["name"], one["network"], one["state"]) == ("shop", "shop-vpc", "READY")
