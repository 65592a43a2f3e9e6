# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Long work that is started without waiting, then followed: how it ends, and what had to be left for later."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.modules import gke_cluster, resources, resources_info
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import ANY, Script

PLACE = "v1/projects/acme-shop/locations/europe-west1"
ONE = f"{PLACE}/clusters/shop"
OPERATION = f"{PLACE}/operations/operation-1"
ORGANIZATION = "v1/organizations/acme-shop"
ENTRY = {"kind": "gke_cluster", "name": "shop", "location": "europe-west1"}
PENDING = {"kind": "gke_cluster", "name": "shop", "operation": {"service": "container", "path": OPERATION}}
SAID = "Insufficient regional quota to satisfy request: resource \"CPUS\": request requires '6.0' and is short '2.0'."


def operation(status: str = "RUNNING", name: str = "operation-1", **more: t.Any) -> dict[str, t.Any]:
    link = f"https://container.googleapis.com/{PLACE}/operations/{name}"
    return {"name": name, "operationType": "CREATE_CLUSTER", "status": status, "selfLink": link, **more}


def cluster(status: str, **more: t.Any) -> dict[str, t.Any]:
    return {"name": "shop", "status": status, "releaseChannel": {"channel": "REGULAR"}, **more}


def follow(script: Script, entry: dict[str, t.Any] | None = None, started: t.Any = None) -> dict[str, t.Any]:
    return script.run(resources_info, resources=[entry or ENTRY], started=[PENDING if started is None else started])


def test_what_is_started_says_where_its_end_is_told() -> None:
    script = Script()
    script.expect("GET", "container", ONE).refuses(404)
    script.expect("POST", "container", f"{PLACE}/clusters", body=ANY).replies(operation())
    script.expect("GET", "container", ONE).replies(cluster("PROVISIONING"))
    result = script.run(resources, resources=[ENTRY], wait=False)
    assert result["pending"] == [{**PENDING, "reason": "operation-1", "unfinished": False}]


def test_what_an_interrupted_run_started_is_found() -> None:
    script = Script()
    script.expect("GET", "container", ONE).replies(cluster("PROVISIONING"))
    target = f"https://container.googleapis.com/{PLACE}/clusters"
    listed = [
        operation("DONE", "operation-0", targetLink=f"{target}/shop"),
        operation("RUNNING", "operation-7", targetLink=f"{target}/other"),
        operation("RUNNING", "operation-1", targetLink=f"{target}/shop".replace("/locations/", "/zones/")),
    ]
    script.expect("GET", "container", f"{PLACE}/operations").replies({"operations": listed})
    result = script.run(resources, resources=[ENTRY], wait=False)
    assert result["pending"] == [{**PENDING, "reason": "provisioning", "unfinished": False}]


@pytest.mark.parametrize("there", [cluster("ERROR"), cluster("RUNNING"), None])
def test_an_operation_that_failed_is_told_in_googles_words(there: dict[str, t.Any] | None) -> None:
    script = Script()
    known = script.expect("GET", "container", ONE)
    known.replies(there) if there else known.refuses(404)
    script.expect("GET", "container", OPERATION).replies(operation("DONE", error={"code": 8, "message": SAID}))
    result = follow(script)
    error = f"Google's operation operation-1 failed: {SAID}"
    (failure,) = result["failures"]
    said, do = failure.pop("error").split("\n  do ")
    assert said == error and "quota" in do
    assert failure == {"kind": "gke_cluster", "name": "shop"}
    assert (result["pending"], result["absent"]) == ([], [])


def test_an_organisation_that_could_not_be_made_is_told_too() -> None:
    path = f"{ORGANIZATION}/operations/1-2-3"
    script = Script()
    script.expect("GET", "apigee", ORGANIZATION).refuses(404)
    error = {"code": 9, "message": "the caller does not have permission to peer"}
    script.expect("GET", "apigee", path).replies({"name": path.removeprefix("v1/"), "done": True, "error": error})
    entry = {"kind": "apigee_organization", "name": "acme-shop"}
    result = follow(script, entry, {**entry, "operation": {"service": "apigee", "path": path}})
    assert "the caller does not have permission to peer" in result["failures"][0]["error"]


def test_what_google_does_not_show_yet_is_pending_while_its_operation_runs() -> None:
    script = Script()
    script.expect("GET", "container", ONE).refuses(404)
    script.expect("GET", "container", OPERATION).replies(operation())
    result = follow(script)
    assert result["pending"] == [{"kind": "gke_cluster", "name": "shop"}] and result["failures"] == []


def test_an_operation_that_google_has_forgotten_says_nothing() -> None:
    script = Script()
    script.expect("GET", "container", ONE).replies(cluster("RUNNING"))
    script.expect("GET", "container", OPERATION).refuses(404)
    assert follow(script)["resources"][0]["state"] == "ready"


def test_a_state_of_failure_is_told_in_googles_words() -> None:
    failed = cluster("ERROR", conditions=[{"canonicalCode": "RESOURCE_EXHAUSTED", "message": SAID}], statusMessage=SAID)
    script = Script()
    script.expect("GET", "container", ONE).replies(failed)
    assert follow(script, started={})["failures"][0]["error"] == f"it is in state ERROR: {SAID}"
    script = Script()
    script.expect("GET", "container", ONE).replies(failed)
    refused = script.run(gke_cluster, fails=True, name="shop", location="europe-west1")["msg"]
    assert SAID in refused and "allow_recreate" in refused
    script = Script()
    script.expect("GET", "container", ONE).replies(cluster("PROVISIONING"))
    script.expect("GET", "container", ONE).replies(failed)
    assert SAID in script.run(gke_cluster, fails=True, name="shop", location="europe-west1")["msg"]


@pytest.mark.parametrize("status", ["PROVISIONING", "RECONCILING"])
def test_a_busy_cluster_that_differs_is_not_waited_for(status: str) -> None:
    busy = "Cluster is running incompatible operation operation-1."
    script = Script()
    script.expect("GET", "container", ONE).replies(cluster(status))
    script.expect("PUT", "container", ONE, body=ANY).refuses(400, busy, code="FAILED_PRECONDITION")
    target = f"https://container.googleapis.com/{ONE}"
    script.expect("GET", "container", f"{PLACE}/operations").replies({"operations": [operation(targetLink=target)]})
    result = script.run(resources, resources=[{**ENTRY, "release_channel": "RAPID"}], wait=False)
    assert result["pending"] == [{**PENDING, "reason": f"not started: {busy}", "unfinished": True}]
    assert not result["changed"]
    assert script.slept == []


def test_only_the_first_of_several_changes_is_started() -> None:
    script = Script()
    script.expect("GET", "container", ONE).replies(cluster("RUNNING"))
    script.expect("PUT", "container", ONE, body=ANY).replies(operation())
    script.expect("GET", "container", ONE).replies(cluster("RECONCILING"))
    entry = {**ENTRY, "release_channel": "RAPID", "private_nodes": True}
    (pending,) = script.run(resources, resources=[entry], wait=False)["pending"]
    assert pending["unfinished"]
