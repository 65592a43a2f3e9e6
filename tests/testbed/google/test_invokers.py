# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may call a function."""

from __future__ import annotations

import pytest

from tests.testbed.google.conftest import NUMBER, PROJECT, Google

PLACE = f"projects/{PROJECT}/locations/europe-west1"
ANN = "user:ann@acme.example"
KINDS = {
    "cloudfunctions": (f"cloudfunctions/v2/{PLACE}/functions", "roles/cloudfunctions.invoker"),
    "run": (f"run/v2/{PLACE}/services", "roles/run.invoker"),
}


@pytest.fixture
async def forward(google: Google) -> Google:
    """A function, put where functions are kept: how one is made is not looked at here."""
    await google.enable("cloudfunctions.googleapis.com", "run.googleapis.com")
    document = {"name": f"{PLACE}/functions/forward", "serviceConfig": {"service": f"{PLACE}/services/forward"}}
    async with google.emulator.store.transaction() as tx:
        tx.put(f"cloudfunctions/{PLACE}/functions/forward", document)
    return google


@pytest.mark.shows("run.projects.locations.services.getIamPolicy", "run.projects.locations.services.setIamPolicy")
@pytest.mark.shows("cloudfunctions.projects.locations.functions.getIamPolicy")
@pytest.mark.shows("cloudfunctions.projects.locations.functions.setIamPolicy")
@pytest.mark.parametrize("kind", KINDS)
async def test_a_policy_of_its_own(forward: Google, kind: str) -> None:
    collection, role = KINDS[kind]
    policy = await forward.call("GET", f"{collection}/forward:getIamPolicy?options.requestedPolicyVersion=3")
    assert "bindings" not in policy
    wanted = {"bindings": [{"role": role, "members": [ANN]}], "etag": policy["etag"]}
    changed = await forward.call("POST", f"{collection}/forward:setIamPolicy", {"policy": wanted})
    by_number = collection.replace(PROJECT, NUMBER)
    assert changed == await forward.call("GET", f"{by_number}/forward:getIamPolicy") and changed["bindings"]
    late = await forward.refused("POST", f"{collection}/forward:setIamPolicy", {"policy": wanted})
    assert (late["code"], late["status"]) == (409, "ABORTED")
    other = next(one for name, (one, _role) in KINDS.items() if name != kind)
    assert "bindings" not in await forward.call("GET", f"{other}/forward:getIamPolicy")
    assert (await forward.refused("GET", f"{collection}/other:getIamPolicy"))["code"] == 404
    assert (await forward.refused("POST", f"{collection}/other:setIamPolicy", {"policy": {}}))["code"] == 404


@pytest.mark.shows("run.projects.locations.services.get", "has the labels of the function that it is")
@pytest.mark.shows("run.projects.locations.services.list", "has a service for each function")
async def test_the_service_of_a_function(forward: Google) -> None:
    async with forward.emulator.store.transaction() as tx:
        stored = tx.get(f"cloudfunctions/{PLACE}/functions/forward")
        stored["serviceConfig"] |= {"uri": "https://forward.example", "vpcConnector": f"{PLACE}/connectors/shop"}
        tx.put(f"cloudfunctions/{PLACE}/functions/forward", {**stored, "labels": {"team": "shop"}})
    found = await forward.call("GET", f"run/v2/{PLACE}/services/forward")
    assert found["labels"] == {"team": "shop", "goog-managed-by": "cloudfunctions"}
    assert found["template"]["vpcAccess"] == {"connector": f"{PLACE}/connectors/shop"}
    assert (await forward.call("GET", f"run/v2/{PLACE}/services"))["services"] == [found]
    assert (await forward.refused("GET", f"run/v2/{PLACE}/services/other"))["code"] == 404


@pytest.mark.shows("run.projects.locations.jobs.list", "run.projects.locations.workerPools.list")
async def test_of_jobs_and_worker_pools_there_are_none(google: Google) -> None:
    for collection in ("jobs", "workerPools"):
        assert (await google.refused("GET", f"run/v2/{PLACE}/{collection}"))["code"] == 403
    await google.enable("run.googleapis.com")
    for collection in ("jobs", "workerPools"):
        assert await google.call("GET", f"run/v2/{PLACE}/{collection}") == {}


async def test_a_function_that_is_made_again_inherits_no_callers(forward: Google) -> None:
    wanted = {"policy": {"bindings": [{"role": "roles/run.invoker", "members": [ANN]}]}}
    await forward.call("POST", f"run/v2/{PLACE}/services/forward:setIamPolicy", wanted)
    function = forward.emulator.store.snapshot().get(f"cloudfunctions/{PLACE}/functions/forward")
    async with forward.emulator.store.transaction() as tx:
        tx.put(f"cloudfunctions/{PLACE}/functions/forward", {**function, "state": "ACTIVE"})
    await forward.done(await forward.call("DELETE", f"cloudfunctions/v2/{PLACE}/functions/forward"))
    async with forward.emulator.store.transaction() as tx:
        tx.put(f"cloudfunctions/{PLACE}/functions/forward", function)
    assert "bindings" not in await forward.call("GET", f"run/v2/{PLACE}/services/forward:getIamPolicy")
