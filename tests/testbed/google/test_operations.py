# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Operations of every family: shapes, durations, the long poll, failures with HTTP 200, restarts."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from testbed.google.recording_world import RecordingWorld
from tests.testbed.google.conftest import COMPUTE, CONTAINER, NUMBER, Google, open_google

NETWORKS = f"{COMPUTE}/global/networks"
SHOP = {"name": "shop", "autoCreateSubnetworks": False}


@pytest.mark.shows("compute.globalOperations.get", "compute.globalOperations.wait", "compute.globalOperations.list")
async def test_compute_operations_wait_in_a_long_poll(google: Google) -> None:
    await google.enable()
    await google.call("PUT", "_testbed/durations", {"scale": 0.02})
    started = time.monotonic()
    operation = await google.call("POST", NETWORKS, SHOP)
    path = f"{COMPUTE}/global/operations/{operation['name']}"
    polled = await google.call("GET", path)
    assert (polled["status"], polled["progress"], polled["operationType"]) == ("RUNNING", 0, "insert")
    waited = await google.call("POST", f"{path}/wait")
    assert (waited["status"], waited["progress"]) == ("DONE", 100)
    assert time.monotonic() - started > 0.25
    assert len((await google.call("GET", f"{COMPUTE}/global/operations"))["items"]) == 1
    assert (await google.refused("GET", f"{COMPUTE}/global/operations/operation-1"))["code"] == 404


@pytest.mark.shows("compute.networks.insert", "an object with a running operation is not ready")
async def test_a_network_is_not_ready_while_it_is_made(google: Google) -> None:
    await google.enable()
    await google.call("PUT", "_testbed/durations", {"scale": 1})
    await google.call("POST", NETWORKS, SHOP)
    subnet = {"name": "s", "network": "global/networks/shop", "ipCidrRange": "10.0.0.0/24"}
    error = await google.refused("POST", f"{COMPUTE}/regions/europe-west1/subnetworks", subnet)
    assert (error["code"], error["errors"][0]["reason"]) == (400, "resourceNotReady")


@pytest.mark.shows("compute.networks.insert", "requestId: the same request is done once")
async def test_a_repeated_request_id_is_done_once(google: Google) -> None:
    await google.enable()
    path = f"{NETWORKS}?requestId=2f4c1e1e-5a0d-4c8b-9d0e-0d8d4f8f0f11"
    first = await google.do("POST", path, SHOP)
    second = await google.call("POST", path, SHOP)
    assert first["name"] == second["name"]


async def test_the_next_poll_sees_the_end_by_default(google: Google) -> None:
    await google.enable()
    operation = await google.call("POST", NETWORKS, SHOP)
    assert operation["status"] == "RUNNING"
    polled = await google.call("GET", f"{COMPUTE}/global/operations/{operation['name']}")
    assert polled["status"] == "DONE"


async def test_a_failed_operation_is_a_success_of_http(google: Google) -> None:
    await google.ready()
    fault = {"kind": "operation", "match": "servicenetworking.*.create", "code": 8, "message": "Quota exceeded."}
    await google.call("POST", "_testbed/faults", fault)
    body = {"network": f"projects/{NUMBER}/global/networks/shop", "reservedPeeringRanges": ["x"]}
    path = "servicenetworking/v1/services/servicenetworking.googleapis.com/connections"
    operation = await google.done(await google.call("POST", path, body))
    assert operation["error"] == {"code": 8, "message": "Quota exceeded."}
    assert "response" not in operation


async def test_a_failed_compute_insert_leaves_nothing_and_a_failed_change_is_undone(google: Google) -> None:
    await google.enable()
    await google.call("POST", "_testbed/faults", {"kind": "operation", "match": "compute.networks.*", "message": "No."})
    operation = await google.done(await google.call("POST", NETWORKS, SHOP))
    assert operation["error"]["errors"] == [{"code": "INTERNAL_ERROR", "message": "No."}]
    assert operation["httpErrorStatusCode"] == 400
    assert (await google.refused("GET", f"{NETWORKS}/shop"))["code"] == 404
    await google.call("DELETE", "_testbed/faults")
    await google.do("POST", NETWORKS, SHOP)
    await google.call("POST", "_testbed/faults", {"kind": "operation", "match": "compute.networks.patch"})
    await google.done(await google.call("PATCH", f"{NETWORKS}/shop", {"routingConfig": {"routingMode": "GLOBAL"}}))
    assert (await google.call("GET", f"{NETWORKS}/shop"))["routingConfig"]["routingMode"] == "REGIONAL"


async def test_unfinished_work_resumes_after_a_restart(state: Path) -> None:
    world = RecordingWorld()
    world.delay["start_cluster"] = 30
    google = await open_google(state, world)
    await google.ready()
    operation = await google.call("POST", f"{CONTAINER}/clusters", google.cluster())
    await asyncio.sleep(0.05)
    assert (await google.call("GET", f"{CONTAINER}/operations/{operation['name']}"))["status"] == "RUNNING"
    token = google.token
    await google.client.close()

    world = RecordingWorld()
    google = await open_google(state, world)
    google.token = token
    operation = await google.done(operation)
    assert operation["status"] == "DONE" and "error" not in operation
    assert (await google.call("GET", f"{CONTAINER}/clusters/shop"))["status"] == "RUNNING"
    assert [name for name, _ in world.calls].count("start_cluster") == 1
    await google.client.close()


async def test_the_world_gets_its_picture_back_after_a_restart(state: Path) -> None:
    google = await open_google(state, RecordingWorld())
    await google.ready()
    await google.do("POST", f"{CONTAINER}/clusters", google.cluster())
    before = await google.call("GET", "_testbed/state")
    pictures = (google.world.networks, google.world.clusters)
    await google.client.close()
    google = await open_google(state, RecordingWorld())
    await asyncio.gather(*google.emulator.background)
    assert (google.world.networks, google.world.clusters) == pictures
    assert (await google.call("GET", "_testbed/state"))["digest"] == before["digest"]
    await google.client.close()


async def test_a_cluster_that_did_not_come_back_is_tried_again(state: Path) -> None:
    google = await open_google(state, RecordingWorld())
    await google.ready()
    await google.do("POST", f"{CONTAINER}/clusters", google.cluster())
    before = await google.call("GET", "_testbed/state")
    token = google.token
    await google.client.close()
    broken = RecordingWorld()
    broken.fail["start_cluster"] = "no room"
    for world, status in ((broken, "ERROR"), (RecordingWorld(), "RUNNING")):
        google = await open_google(state, world)
        google.token = token
        await asyncio.gather(*google.emulator.background)
        assert (await google.call("GET", f"{CONTAINER}/clusters/shop"))["status"] == status
        assert ((await google.call("GET", "_testbed/state"))["digest"] == before["digest"]) is (status == "RUNNING")
        await google.client.close()
    assert [name for name, _ in broken.calls].count("start_cluster") == 3


async def test_reset_returns_to_the_seed(google: Google) -> None:
    before = await google.call("GET", "_testbed/state")
    await google.ready()
    await google.do("POST", f"{CONTAINER}/clusters", google.cluster())
    assert (await google.call("GET", "_testbed/state"))["digest"] != before["digest"]
    await google.call("POST", "_testbed/reset")
    assert (await google.call("GET", "_testbed/state"))["digest"] == before["digest"]
    assert (google.world.networks, google.world.clusters) == ([], {})
    assert (await google.call("GET", "cloudresourcemanager/v3/projects/acme-shop"))["projectId"] == "acme-shop"


async def test_two_equal_runs_have_equal_digests(google: Google) -> None:
    digests = []
    for _ in range(2):
        await google.ready()
        await google.peer()
        await google.do("POST", f"{CONTAINER}/clusters", google.cluster())
        digests.append((await google.call("GET", "_testbed/state"))["digest"])
        await google.call("POST", "_testbed/reset")
    assert digests[0] == digests[1]
