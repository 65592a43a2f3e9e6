# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resource Manager and Service Usage."""

from __future__ import annotations

import pytest

from tests.testbed.google.conftest import COMPUTE, NUMBER, PROJECT, Google

SERVICES = f"serviceusage/v1/projects/{PROJECT}/services"


@pytest.mark.shows("cloudresourcemanager.projects.get", "cloudresourcemanager.projects.list")
async def test_a_project_by_id_and_number_in_both_versions(google: Google) -> None:
    for name in (PROJECT, NUMBER):
        assert (await google.call("GET", f"cloudresourcemanager/v3/projects/{name}"))["name"] == f"projects/{NUMBER}"
        assert (await google.call("GET", f"cloudresourcemanager/v1/projects/{name}"))["projectNumber"] == NUMBER
    error = await google.refused("GET", "cloudresourcemanager/v3/projects/missing")
    assert error["code"] == 403, "a missing project is 403"
    listed = await google.call("GET", "cloudresourcemanager/v1/projects")
    assert {p["projectId"] for p in listed["projects"]} == {PROJECT, "other-team"}


@pytest.mark.shows("cloudresourcemanager.projects.getIamPolicy", "cloudresourcemanager.projects.setIamPolicy")
@pytest.mark.shows("cloudresourcemanager.projects.testIamPermissions")
async def test_policies_are_changed_with_their_etag(google: Google) -> None:
    base = f"cloudresourcemanager/v3/projects/{PROJECT}"
    policy = await google.call("POST", f"{base}:getIamPolicy", {})
    member = {
        "role": "roles/dns.peer",
        "members": [f"serviceAccount:service-{NUMBER}@gcp-sa-apigee.iam.gserviceaccount.com"],
    }
    policy["bindings"].append(member)
    await google.call("POST", f"{base}:setIamPolicy", {"policy": policy})
    error = await google.refused("POST", f"{base}:setIamPolicy", {"policy": policy})
    assert (error["code"], error["status"]) == (409, "ABORTED")
    asked = {"permissions": ["compute.networks.create", "dns.managedZones.list"]}
    assert (await google.call("POST", f"{base}:testIamPermissions", asked))["permissions"] == asked["permissions"]
    google.token = (await google.call("POST", "_testbed/tokens", {"account": "viewer"}))["access_token"]
    held = await google.call("POST", f"{base}:testIamPermissions", asked)
    assert held["permissions"] == ["dns.managedZones.list"]


@pytest.mark.shows("serviceusage.services.batchEnable", "requires serviceIds", "serviceIds holds at most 20")
@pytest.mark.shows("serviceusage.services.batchGet", "requires names", "names holds at most 30")
@pytest.mark.shows("serviceusage.services.get", "serviceusage.services.list", "serviceusage.operations.get")
async def test_services_are_enabled(google: Google) -> None:
    error = await google.refused("GET", f"{COMPUTE}/global/networks")
    assert error["code"] == 403
    assert error["details"][0]["reason"] == "SERVICE_DISABLED"
    assert error["details"][0]["metadata"]["consumer"] == f"projects/{NUMBER}"
    assert (await google.refused("POST", f"{SERVICES}:batchEnable", {}))["code"] == 400
    many = [f"s{n}.googleapis.com" for n in range(21)]
    assert (await google.refused("POST", f"{SERVICES}:batchEnable", {"serviceIds": many}))["code"] == 400
    unknown = await google.refused("POST", f"{SERVICES}:batchEnable", {"serviceIds": ["no.googleapis.com"]})
    assert unknown["code"] == 403
    operation = await google.call("POST", f"{SERVICES}:batchEnable", {"serviceIds": ["compute.googleapis.com"]})
    assert "done" not in operation
    await google.done(operation)
    await google.call("GET", f"{COMPUTE}/global/networks")
    again = await google.call("POST", f"{SERVICES}:batchEnable", {"serviceIds": ["compute.googleapis.com"]})
    assert (again["name"], again["done"]) == ("operations/noop.DONE_OPERATION", True)
    names = "&".join(f"names=projects/{PROJECT}/services/{s}.googleapis.com" for s in ("compute", "dns"))
    states = [s["state"] for s in (await google.call("GET", f"{SERVICES}:batchGet?{names}"))["services"]]
    assert states == ["ENABLED", "DISABLED"]
    assert (await google.refused("GET", f"{SERVICES}:batchGet"))["code"] == 400
    too_many = "&".join(f"names=projects/{PROJECT}/services/{n}.googleapis.com" for n in range(31))
    assert (await google.refused("GET", f"{SERVICES}:batchGet?{too_many}"))["code"] == 400
    one = await google.call("GET", f"{SERVICES}/compute.googleapis.com")
    assert one["name"] == f"projects/{NUMBER}/services/compute.googleapis.com"
    listed = await google.call("GET", f"{SERVICES}?filter=state:ENABLED&pageSize=200")
    assert "compute.googleapis.com" in {s["config"]["name"] for s in listed["services"]}
    assert (await google.refused("GET", f"{SERVICES}?filter=ENABLED"))["code"] == 400


@pytest.mark.shows("serviceusage.services.enable", "serviceusage.services.disable")
async def test_a_service_that_others_need_stays(google: Google) -> None:
    await google.do("POST", f"{SERVICES}/container.googleapis.com:enable", {})
    error = await google.refused("POST", f"{SERVICES}/compute.googleapis.com:disable", {})
    assert error["status"] == "FAILED_PRECONDITION"
    await google.do("POST", f"{SERVICES}/compute.googleapis.com:disable", {"disableDependentServices": True})
    assert (await google.call("GET", f"{SERVICES}/container.googleapis.com"))["state"] == "DISABLED"
