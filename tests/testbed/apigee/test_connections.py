# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""DNS caching, rotation over addresses, pooling and re-configuration, with times scaled down where they matter."""
from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from .bundles import assign, bundle, properties, proxy_xml, steps, target_xml
from .conftest import HOST, backend

ADDRESSES = ["127.0.0.1", "127.0.0.2", "127.0.0.3"]


def unpooled(**more: object) -> bytes:
    """Each request on a connection of its own."""
    return bundle(target=target_xml(properties=properties(keepalive__timeout__millis=0, **more)))


async def backends(bench) -> list:
    """One backend per address, all on the same port, as pods behind a headless name are."""
    first = await bench.target(ADDRESSES[0])
    return [first, *[await bench.target(address, port=first.port) for address in ADDRESSES[1:]]]


async def test_new_connections_rotate_over_the_addresses(bench):
    targets = await backends(bench)
    bench.dns.records[HOST] = (10, ADDRESSES)
    await bench.serve(unpooled(), servers=[backend(targets[0])])

    seen = [(await bench.call("/demo")).json()["address"] for _ in range(6)]

    # dnspython's server side shuffles the records, so only the rotation is certain.
    assert sorted(seen[:3]) == ADDRESSES
    assert seen[3:] == seen[:3]
    assert len(bench.dns.questions) == 1


class TestSource:
    """An instance calls from its own address, also where another one is on the same machine."""

    @pytest.fixture
    def source(self) -> str:
        return "127.0.0.9"

    async def test_targets_are_called_from_it(self, bench):
        target = await bench.target()
        bench.dns.records[HOST] = (10, ["127.0.0.1"])
        await bench.serve(unpooled(), servers=[backend(target)])
        assert (await bench.call("/demo")).status == 200
        assert {address for address, _port in target.peers} == {"127.0.0.9"}


class Clock:
    """In the place of the module ``time``: nothing depends on how fast the machine is."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The resolver's time."""
    clock = Clock()
    monkeypatch.setattr("testbed.apigee.resolver.time", clock)
    return clock


class TestTimes:
    """An answer of TTL 10 s is used for 10 + 60 s, a failure for 10 s, all times the scale."""

    @pytest.fixture
    def scale(self) -> float:
        return 0.1

    async def test_an_answer_is_used_for_its_ttl_and_the_extra_time(self, clock, bench):
        targets = await backends(bench)
        bench.dns.records[HOST] = (10, ADDRESSES[:1])
        await bench.serve(unpooled(), servers=[backend(targets[0])])

        async def address() -> str:
            return (await bench.call("/demo")).json()["address"]

        assert await address() == ADDRESSES[0]
        bench.dns.records[HOST] = (10, ADDRESSES[1:2])
        clock.now += 6.9
        assert await address() == ADDRESSES[0], "the cached answer outlives the record's change"
        clock.now += 0.2
        assert await address() == ADDRESSES[1]
        assert len(bench.dns.questions) == 2

    async def test_a_failed_look_up_is_remembered_for_ten_seconds(self, clock, bench, target):
        del bench.dns.records[HOST]
        await bench.serve(unpooled(), servers=[backend(target)])
        assert (await bench.call("/demo")).status == 503
        bench.dns.records[HOST] = (10, ["127.0.0.1"])
        clock.now += 0.9
        assert (await bench.call("/demo")).status == 503, "the failure is still remembered"
        clock.now += 0.2
        assert (await bench.call("/demo")).status == 200

    async def test_an_idle_connection_is_dropped_after_the_keep_alive_time(self, bench, target):
        data = bundle(target=target_xml(properties=properties(
            keepalive__timeout__millis=10000)))
        await bench.serve(data, servers=[backend(target)])
        await bench.call("/demo")
        await bench.call("/demo")
        assert len(target.peers) == 1
        await asyncio.sleep(1.2)
        await bench.call("/demo")
        assert len(target.peers) == 2


async def test_a_pooled_connection_is_never_resolved_again(bench):
    targets = await backends(bench)
    bench.dns.records[HOST] = (0, ADDRESSES[:1])
    bench.runtime.resolver._extra = 0.0
    await bench.serve(bundle(), servers=[backend(targets[0])])

    assert (await bench.call("/demo")).json()["address"] == ADDRESSES[0]
    bench.dns.records[HOST] = (0, ADDRESSES[1:2])
    assert (await bench.call("/demo")).json()["address"] == ADDRESSES[0]
    async with bench.administration.delete("http://runtime/pools") as reply:
        assert reply.status == 200
    assert (await bench.call("/demo")).json()["address"] == ADDRESSES[1]


async def test_many_requests_at_once_ask_once(bench, target):
    await bench.serve(unpooled(), servers=[backend(target)])
    replies = await asyncio.gather(*(bench.call("/demo") for _ in range(30)))
    assert {reply.status for reply in replies} == {200}
    assert len(bench.dns.questions) == 1


def revision(number: int) -> bytes:
    mark = assign("mark", f'<Set><Headers><Header name="X-Revision">{number}</Header></Headers></Set>')
    return bundle(proxy_xml(post_response=steps("mark")), policies={"mark": mark})


async def test_a_new_configuration_under_load_loses_no_request(bench, target):
    await bench.serve(revision(0), servers=[backend(target)])
    stop = asyncio.Event()
    statuses: list[int] = []
    revisions: list[int] = []

    async def client() -> None:
        while not stop.is_set():
            reply = await bench.call("/demo")
            statuses.append(reply.status)
            revisions.append(int(reply.headers.get("X-Revision", -1)))

    clients = [asyncio.create_task(client()) for _ in range(8)]
    for number in range(1, 12):
        await asyncio.sleep(0.05)
        # Every other time the target server moves too, so that its pool is replaced under the load.
        other = await bench.target() if number % 2 else target
        await bench.serve(revision(number), servers=[backend(other)])
    await asyncio.sleep(0.1)
    stop.set()
    await asyncio.gather(*clients)

    assert set(statuses) == {200}
    assert len(statuses) > 100
    assert revisions[-1] == 11
    assert set(revisions) >= {0, 11}


async def test_a_request_finishes_on_the_configuration_it_began_with(bench):
    began, go = asyncio.Event(), asyncio.Event()

    async def handler(_request):
        began.set()
        await go.wait()
        return web.Response(text="slow")
    slow = await bench.target(handler=handler)
    bench.dns.records[HOST] = (10, ["127.0.0.1"])
    await bench.serve(revision(1), servers=[backend(slow)])

    running = asyncio.create_task(bench.call("/demo"))
    await began.wait()
    await bench.deploy()
    assert (await bench.call("/demo")).status == 404
    go.set()
    reply = await running

    assert (reply.status, reply.body, reply.headers["X-Revision"]) == (200, b"slow", "1")
    await asyncio.sleep(0.05)
    assert bench.runtime.statistics()["pools"] == []


async def test_rotation_survives_an_unrelated_change(bench):
    targets = await backends(bench)
    bench.dns.records[HOST] = (10, ["127.0.0.1"])
    data = bundle(target=target_xml('<LoadBalancer><Server name="a"/><Server name="b"/></LoadBalancer>'))
    ports = [targets[0].port, (await bench.target()).port]
    servers = [{"name": name, "host": HOST, "port": port} for name, port in zip("ab", ports, strict=True)]
    await bench.serve(data, servers=servers)
    await bench.call("/demo")
    await bench.serve(data, servers=[*servers, {"name": "c", "host": HOST, "port": 1}])
    await bench.call("/demo")
    assert len(targets[0].requests) == 1


async def test_the_control_api_says_what_is_wrong(bench):
    async with bench.administration.put("http://runtime/configuration", json={
            "organization": "o", "environments": {"e": {"deployments": [
                {"proxy": "p", "revision": "1", "bundle": "0" * 64}]}}}) as reply:
        assert (reply.status, (await reply.json())["missing_bundles"]) == (409, ["0" * 64])
    for body in (b"{", b"[]", b'{"environments": 1}', b"{}"):
        async with bench.administration.put("http://runtime/configuration", data=body) as reply:
            assert reply.status == 400
    async with bench.administration.put(f"http://runtime/bundles/{'0' * 64}", data=b"x") as reply:
        assert reply.status == 400
    async with bench.administration.get("http://runtime/trace/none") as reply:
        assert reply.status == 404
