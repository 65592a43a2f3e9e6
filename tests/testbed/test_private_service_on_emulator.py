# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""api_gateway_preflight against the emulator: what exists has its say, documents are read, and nothing is written."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.testbed.emulated_cloud import Cloud

DOCUMENT = """\
swagger: "2.0"
info: {title: shop, version: "1"}
paths:
  /products:
    get: {operationId: list, security: [], responses: {200: {description: it}}}
"""
APIS = ("compute", "container", "vpcaccess", "apikeys", "cloudfunctions", "apigateway", "run")
KEY = {"kind": "api_key", "name": "gone", "services": [{"service": "compute.googleapis.com"}]}
FUNCTION: dict[str, t.Any] = {
    "name": "shop-api-forward",
    "region": "europe-west1",
    "vpc_connector": "shop-vpc",
    "forwarding": True,
    "environment": {"FORWARD_TO": "http://shop-api.internal"},
}


@pytest.fixture(scope="module")
def cloud(cloud: Cloud) -> Iterator[Cloud]:
    """A project with a network, somebody else's subnet, and a function by a connector of the declared name.

    Another connector of that name is elsewhere.
    """
    place, far = ({"network": "shop-vpc", "region": region} for region in ("europe-west1", "us-east1"))
    cloud.run(
        [
            {"kind": "project_services", "services": [*APIS]},
            {"kind": "compute_network", "name": "shop-vpc"},
            {"kind": "compute_subnetwork", **place, "name": "theirs", "ip_cidr_range": "10.9.9.0/24"},
            {"kind": "vpc_access_connector", **place, "name": "shop-vpc", "ip_cidr_range": "10.9.8.0/28"},
            {"kind": "vpc_access_connector", **far, "name": "shop-vpc", "ip_cidr_range": "10.9.7.0/28"},
            {"kind": "cloud_function", **FUNCTION},
            KEY,
        ]
    )
    cloud.run([KEY], state="absent")
    cloud.control("requests", "DELETE")
    yield cloud
    assert cloud.writes() == 0


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A project that may be written to."""
    found = Cloud(tmp_path_factory.mktemp("elsewhere"))
    yield found
    found.stop()


def declaration(cloud: Cloud, **parts: t.Any) -> dict[str, t.Any]:
    return {
        "project": cloud.connection["project"],
        "region": "europe-west1",
        "network": "shop-vpc",
        "clusters": {"gke": {}},
        "services": [{"name": "shop-api", "port": 3000}],
        "gateway": {"name": "shop", "routes": [{"path": "/products", "methods": ["get"]}], "keys": {"partner": {}}},
        **parts,
    }


def preflight(cloud: Cloud, stated: dict[str, t.Any], **how: t.Any) -> dict[str, t.Any]:
    return cloud.module("api_gateway_preflight", declaration=stated, **how)


def test_a_connector_that_is_there_keeps_its_range(cloud: Cloud) -> None:
    found = preflight(cloud, declaration(cloud, egress="connector"))
    assert not found["changed"] and found["site"]["egress"]["range"] == "10.9.8.0/28"
    assert [one["kind"] for one in found["resources"]][0] == "vpc_access_connector"
    other = declaration(cloud, egress={"mode": "connector", "range": "10.9.6.0/28"})
    assert "stays as it is" in preflight(cloud, other, fails=True)["msg"]


def test_ranges_of_others_are_in_the_way(cloud: Cloud) -> None:
    far = ("10.9.7.0/26", "connector shop-vpc in us-east1")
    for text, said in (("10.9.9.64/26", "subnet theirs"), ("10.9.8.0/26", "connector shop-vpc"), far):
        found = preflight(cloud, declaration(cloud, egress={"range": text}), fails=True)
        (problem,) = found["problems"]
        assert problem["path"] == "egress.range" and said in problem["message"]
    # To remove what was made, nothing has to fit.
    assert preflight(cloud, declaration(cloud, egress={"range": "10.9.9.64/26"}), judge=False)["site"]


def test_google_is_asked_about_a_region_that_is_not_known_to_have_gateways(cloud: Cloud) -> None:
    stated = declaration(cloud)
    stated["gateway"]["region"] = "europe-north1"
    (problem,) = preflight(cloud, stated, fails=True)["problems"]
    assert problem["path"] == "gateway.region" and problem["found"] == "europe-north1"
    assert "europe-west1, europe-west2" in problem["fix"]
    # To remove what was made there, Google's list does not matter.
    assert preflight(cloud, stated, judge=False)["site"]["gateway"]["region"] == "europe-north1"


def test_a_service_that_nobody_declares_and_a_key_that_google_would_not_take(cloud: Cloud) -> None:
    stated = declaration(cloud, function={"service": "shop-app"})
    stated["gateway"]["keys"] = {"partner": {"allowed_ips": ["home"], "display_name": "x" * 64}}
    found = {one["path"]: one for one in preflight(cloud, stated, fails=True)["problems"]}
    assert "no service shop-app is declared" in found.pop("function.service")["message"]
    assert set(found) == {"gateway.keys.partner.allowed_ips", "gateway.keys.partner.display_name"}


def test_an_account_of_somebody_else_keeps_its_name(cloud: Cloud, elsewhere: Cloud) -> None:
    stated = declaration(cloud)
    stated["gateway"]["service_account"] = "partner-calls"
    theirs = {"kind": "iam_service_account", "name": "partner-calls", "display_name": "The partner's own"}
    accounts = [one for one in preflight(cloud, stated)["resources"] if one["kind"] == "iam_service_account"]
    elsewhere.run([{"kind": "project_services", "services": ["iam"]}, theirs])
    run = elsewhere.run(accounts)
    assert [one["action"] for one in run["resources"]] == ["unchanged", "created"]
    found = {one["name"]: one["display_name"] for one in elsewhere.module("iam_service_account_info")["resources"]}
    assert found["partner-calls"] == "The partner's own" and "runs as this" in found["shop-api-forward"]


def test_a_project_that_is_not_there(cloud: Cloud) -> None:
    found = preflight(cloud, declaration(cloud, project="no-such-project"), fails=True)
    assert "does not exist" in found["msg"]


def test_a_document_beside_the_inventory(cloud: Cloud, tmp_path: Path) -> None:
    (tmp_path / "openapi.yml").write_text(DOCUMENT)
    stated = declaration(cloud, gateway={"name": "shop", "document": "openapi.yml"})
    assert preflight(cloud, stated, base_dir=str(tmp_path))["site"]["gateway"]["document_text"] == DOCUMENT
    (tmp_path / "openapi.yml").write_text(DOCUMENT.replace("/products", "/products_{id}"))
    assert "line 4" in preflight(cloud, stated, base_dir=str(tmp_path), fails=True)["msg"]
    stated["gateway"]["document"] = "missing.yml"
    assert "missing.yml" in preflight(cloud, stated, base_dir=str(tmp_path), fails=True)["msg"]
    # To remove what was made, the document may be gone and deadlines may disagree.
    stated["function"] = {"timeout": 60}
    assert preflight(cloud, stated, base_dir=str(tmp_path), judge=False)["site"]


def test_a_name_that_google_still_keeps_for_a_deleted_key(cloud: Cloud) -> None:
    stated = declaration(cloud)
    stated["gateway"]["keys"] = {"gone": {}}
    (problem,) = preflight(cloud, stated, fails=True)["problems"]
    assert problem["path"] == "gateway.keys.gone" and "restore: true" in problem["fix"]
    stated["gateway"]["keys"] = {"gone": {"restore": True}}
    assert preflight(cloud, stated)["site"]["gateway"]["keys"] == [{"name": "gone", "restore": True}]


def test_balancers_answer_both_ways_while_the_function_goes_over(cloud: Cloud) -> None:
    found = preflight(cloud, declaration(cloud))
    (service,) = found["site"]["services"]
    assert service["source_ranges"] == [found["site"]["egress"]["range"], "10.9.8.0/28"]
    (service,) = preflight(cloud, declaration(cloud, egress="connector"))["site"]["services"]
    assert service["source_ranges"] == ["10.9.8.0/28"]


def test_a_connector_whose_making_failed_is_made_again(elsewhere: Cloud) -> None:
    elsewhere.control("reset", "POST")
    connector = {"kind": "vpc_access_connector", "name": "shop-vpc", "network": "shop-vpc", "region": "europe-west1"}
    made = [
        {"kind": "project_services", "services": ["compute", "vpcaccess"]},
        {"kind": "compute_network", "name": "shop-vpc"},
        {**connector, "ip_cidr_range": "10.9.8.0/28"},
    ]
    fault = {"match": "vpcaccess.projects.locations.connectors.create", "kind": "operation", "times": 1}
    elsewhere.control("faults", "POST", {**fault, "message": "Internal error"})
    assert "Internal error" in elsewhere.run(made, fails=True)["msg"]
    (failed,) = elsewhere.module("vpc_access_connector_info", region="europe-west1")["resources"]
    assert failed["state"] == "ERROR"
    # As the playbook does it: started, and followed to its end by the next run.
    again = elsewhere.run(made, wait=False)["resources"][-1]
    assert again["action"] == "recreated" and "ERROR" in again["note"]
    elsewhere.run(made)
    (found,) = elsewhere.module("vpc_access_connector_info", region="europe-west1")["resources"]
    assert found["state"] == "READY" and found["ip_cidr_range"] == "10.9.8.0/28"
    assert not elsewhere.run(made)["changed"]
    # The subnet of direct egress, by which the function went before, goes with the rest.
    place = {"network": "shop-vpc", "region": "europe-west1"}
    elsewhere.run([{"kind": "compute_subnetwork", "name": "shop-vpc-egress", **place, "ip_cidr_range": "10.9.6.0/26"}])
    stated = declaration(elsewhere, egress="connector")
    assert "shop-vpc-egress" not in [one["name"] for one in preflight(elsewhere, stated)["resources"]]
    found = preflight(elsewhere, stated, judge=False)
    gone = elsewhere.run(found["resources"] + found["left"], state="absent")["resources"]
    assert {one["kind"] for one in gone if one["action"] == "deleted"} == {"compute_subnetwork", "vpc_access_connector"}


def test_the_connector_of_before_goes_with_the_function_and_stays_for_another(cloud: Cloud) -> None:
    stays = preflight(cloud, declaration(cloud))
    assert stays["left"] == []
    torn_down = preflight(cloud, declaration(cloud), judge=False)
    assert torn_down["stays"] == []
    (connector,) = torn_down["left"]
    assert (connector["kind"], connector["name"], connector["state"]) == ("vpc_access_connector", "shop-vpc", "absent")
    # To a declaration with another function the one that is there is somebody else's.
    another = {"function": {"name": "another"}}
    other = preflight(cloud, declaration(cloud, **another), judge=False)
    assert other["left"] == [] and other["stays"] == ["shop-vpc"] and "remove_left" in str(other["warnings"])
    for wanted in (False, True):
        egress = {"mode": "direct", "remove_left": wanted}
        other = preflight(cloud, declaration(cloud, **another, egress=egress), judge=False)
        assert other["left"] == [] and other["stays"] == ["shop-vpc"]
        assert ("used by function shop-api-forward" in str(other.get("warnings"))) is wanted
    # Nor does the declared one go, when others use it.
    other = preflight(cloud, declaration(cloud, **another, egress="connector"), judge=False)
    assert "vpc_access_connector" not in [one["kind"] for one in other["resources"]]
    assert other["stays"] == ["shop-vpc"] and "used by function shop-api-forward" in str(other["warnings"])
    made = preflight(cloud, declaration(cloud, **another, egress="connector"))
    assert "vpc_access_connector" in [one["kind"] for one in made["resources"]] and made["stays"] == []
    cloud.control("faults", "POST", {"match": "run.projects.locations.services.list", "kind": "status", "status": 403})
    for egress in ("direct", "connector"):
        unknown = preflight(cloud, declaration(cloud, egress=egress), judge=False)
        assert unknown["left"] == [] and unknown["stays"] == ["shop-vpc"]
        assert "may not be listed" in str(unknown["warnings"])


def test_a_deployment_that_fails_on_the_way_over_leaves_both_ways_open(elsewhere: Cloud) -> None:
    elsewhere.control("reset", "POST")
    place = {"network": "shop-vpc", "region": "europe-west1"}
    subnet = {"kind": "compute_subnetwork", "name": "shop-vpc-egress", **place, "ip_cidr_range": "10.9.6.0/26"}
    connector = {"kind": "vpc_access_connector", "name": "shop-vpc", **place, "ip_cidr_range": "10.9.8.0/28"}
    function = {"kind": "cloud_function", **FUNCTION}
    elsewhere.run(
        [
            {"kind": "project_services", "services": [*APIS]},
            {"kind": "compute_network", "name": "shop-vpc"},
            subnet,
            connector,
            function,
        ]
    )
    interface = {"network": "shop-vpc", "subnetwork": "shop-vpc-egress"}
    direct = {key: value for key, value in function.items() if key != "vpc_connector"} | {"direct_vpc": [interface]}
    fault = {"match": "cloudfunctions.projects.locations.functions.patch", "kind": "operation", "times": 1}
    elsewhere.control("faults", "POST", {**fault, "message": "No addresses left in the subnetwork"})
    assert "No addresses left" in elsewhere.run([direct], fails=True)["msg"]
    stated = declaration(elsewhere)
    found = preflight(elsewhere, stated)
    (service,) = found["site"]["services"]
    assert service["source_ranges"] == ["10.9.6.0/26", "10.9.8.0/28"] and found["left"] == []
    elsewhere.run([direct])
    (service,) = preflight(elsewhere, stated)["site"]["services"]
    assert service["source_ranges"] == ["10.9.6.0/26"]
