# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trouble on demand, and the log of requests."""

from __future__ import annotations

import asyncio
import signal
import sys
import time

import aiohttp
import pytest

from testbed.google.faults import Faults
from tests.testbed.google.conftest import COMPUTE, CONTAINER, Google

NETWORKS = f"{COMPUTE}/global/networks"
SHOP = {"name": "shop", "autoCreateSubnetworks": False}


async def test_a_status_for_the_nth_call_only(google: Google) -> None:
    await google.enable()
    fault = {"kind": "status", "match": "compute.networks.*", "nth": 2, "status": 503, "headers": {"Retry-After": "1"}}
    await google.call("POST", "_testbed/faults", fault)
    codes = [(await google.raw("GET", NETWORKS))[0] for _ in range(3)]
    assert codes == [200, 503, 200]
    [shown] = (await google.call("GET", "_testbed/faults"))["faults"]
    assert (shown["seen"], shown["hits"]) == (3, 1)
    await google.call("DELETE", f"_testbed/faults/{shown['id']}")
    assert (await google.call("GET", "_testbed/faults"))["faults"] == []


async def test_a_status_as_often_as_asked_and_in_the_apis_shape(google: Google) -> None:
    await google.enable()
    await google.call("POST", "_testbed/faults", {"kind": "status", "match": "*.list", "times": 1, "status": 429})
    error = await google.refused("GET", NETWORKS)
    assert (error["code"], error["errors"][0]["reason"]) == (429, "rateLimitExceeded")
    assert "status" not in error
    await google.call("GET", NETWORKS)


async def test_delay(google: Google) -> None:
    await google.enable()
    await google.call("POST", "_testbed/faults", {"kind": "delay", "match": "compute.networks.list", "seconds": 0.2})
    started = time.monotonic()
    await google.call("GET", NETWORKS)
    assert time.monotonic() - started >= 0.2


async def test_a_dropped_connection_does_no_work(google: Google) -> None:
    await google.enable()
    await google.call("POST", "_testbed/faults", {"kind": "drop", "match": "compute.networks.insert", "times": 1})
    with pytest.raises(aiohttp.ClientError):
        await google.raw("POST", NETWORKS, SHOP)
    assert (await google.refused("GET", f"{NETWORKS}/shop"))["code"] == 404


async def test_a_lost_reply_comes_after_the_work(google: Google) -> None:
    await google.enable()
    await google.call("POST", "_testbed/faults", {"kind": "lose", "match": "compute.networks.insert", "times": 1})
    with pytest.raises(aiohttp.ClientError):
        await google.raw("POST", NETWORKS, SHOP)
    await google.emulator.operations.idle()
    assert (await google.refused("POST", NETWORKS, SHOP))["code"] == 409


async def test_a_held_lock(google: Google) -> None:
    await google.ready()
    await google.do("POST", f"{CONTAINER}/clusters", google.cluster())
    await google.call("POST", "_testbed/faults", {"kind": "lock", "match": "container.*.update", "times": 1})
    body = {"update": {"desiredReleaseChannel": {"channel": "RAPID"}}}
    error = await google.refused("PUT", f"{CONTAINER}/clusters/shop", body)
    assert error["message"].startswith("Cluster is running incompatible operation")
    await google.do("PUT", f"{CONTAINER}/clusters/shop", body)


async def test_a_signal_after_the_nth_committed_change(google: Google) -> None:
    await google.enable()
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", "import time; time.sleep(60)")
    fault = {"kind": "signal", "pid": child.pid, "mutating": True, "nth": 2}
    await google.call("POST", "_testbed/faults", fault)
    await google.call("GET", NETWORKS)
    await google.do("POST", NETWORKS, SHOP)
    await google.refused("POST", NETWORKS, SHOP)
    assert child.returncode is None, "reads and refused calls do not count"
    await google.do("POST", NETWORKS, {**SHOP, "name": "second"})
    assert await asyncio.wait_for(child.wait(), 5) == -signal.SIGKILL
    assert (await google.call("GET", f"{NETWORKS}/second"))["name"] == "second"


@pytest.mark.parametrize(
    "spec", [{"kind": "earthquake"}, {"kind": "status"}, {"kind": "signal"}, {"kind": "drop", "nth": 1, "x": 1}]
)
async def test_faults_that_make_no_sense_are_refused(google: Google, spec: dict) -> None:
    async with google.client.post("/_testbed/faults", json=spec) as response:
        assert response.status == 400


def test_faults_count_only_what_they_match() -> None:
    faults = Faults()
    faults.add({"kind": "drop", "match": "compute.*", "mutating": True, "nth": 2})
    calls = [("compute.a.insert", True), ("compute.a.get", False), ("dns.a.create", True), ("compute.a.insert", True)]
    assert [bool(faults.before(*call)) for call in calls] == [False, False, False, True]


async def test_the_log_counts_reads_and_changes_and_keeps_no_secrets(google: Google) -> None:
    await google.enable()
    await google.call("DELETE", "_testbed/requests")
    await google.do("POST", NETWORKS, SHOP)
    await google.call("GET", f"{NETWORKS}?access_token={google.token}")
    await google.refused("GET", f"{NETWORKS}/none")
    log = await google.call("GET", "_testbed/requests")
    counters = log["counters"]
    assert (counters["mutating"], counters["by_method"]["compute.networks.insert"]) == (1, 1)
    assert counters["reads"] == counters["total"] - 1
    assert log["requests"][0]["principal"] == "deployer@acme-shop.iam.gserviceaccount.com"
    first = log["requests"][0]["number"]
    later = await google.call("GET", f"_testbed/requests?after={first}&counters=1")
    assert later["counters"]["mutating"] == 0 and "requests" not in later
    await google.raw("GET", "apigee/v1/organizations/acme-shop/developers/d@x.y/apps/a/keys/CanaryConsumerKey")
    log = await google.call("GET", "_testbed/requests")
    assert log["requests"][-1]["path"].endswith("/apps/a/keys/***")
    written = (google.emulator.state / "google.sqlite").read_bytes()
    written += (google.emulator.state / "google.sqlite-wal").read_bytes()
    assert google.token.encode() not in written
    assert b"PRIVATE KEY" not in written
    assert b"CanaryConsumerKey" not in written
