# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every way a target can fail has Apigee's own fault; load balancers retry, remove and give up as Apigee's do."""
from __future__ import annotations

import asyncio
import socket
import time

import pytest
from aiohttp import web

from testbed.ports import free_port

from .bundles import bundle, properties, proxy_xml, target_xml
from .conftest import HOST, backend

FLOW = "messaging.adaptors.http.flow."


def balanced(*servers: str, more: str = "", **settings: object) -> bytes:
    names = "".join(f'<Server name="{name}"/>' for name in servers)
    return bundle(target=target_xml(f"<LoadBalancer>{names}{more}</LoadBalancer>", properties=properties(**settings)))


def entry(name: str, port: int, host: str = HOST, **more) -> dict:
    return {"name": name, "host": host, "port": port, **more}


@pytest.fixture
def silent_port():
    """A port whose accept queue is full: a further connection gets no answer, as behind a firewall that drops."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    waiting = []
    for _ in range(4):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(listener.getsockname())
        waiting.append(client)
    yield listener.getsockname()[1]
    for each in (*waiting, listener):
        each.close()


async def check(reply, status: int, code: str, reason: str | None) -> None:
    assert (reply.status, reply.errorcode, reply.fault_reason) == (status, code, reason), reply.body


async def test_a_name_without_address_is_no_resolved_host(bench):
    await bench.serve(balanced("backend"), servers=[entry("backend", 80)])

    reply = await bench.call("/demo", headers={"X-Testbed-Trace": "t"})

    await check(reply, 503, "protocol.http.NoResolvedHost", "TARGET_CONNECT_HOST_NOT_REACHABLE")
    assert reply.json()["fault"]["faultstring"] == f"Unable to resolve host {HOST}"
    trace = await bench.trace("t")
    assert "NXDOMAIN" in next(hop for hop in trace["hops"] if hop["kind"] == "target")["error"]
    assert trace["hops"][-1]["errorcode"] == "protocol.http.NoResolvedHost"


async def test_a_name_without_records_is_no_resolved_host(bench):
    bench.dns.records[HOST] = (10, [])
    await bench.serve(balanced("backend"), servers=[entry("backend", 80)])
    await check(await bench.call("/demo"), 503, "protocol.http.NoResolvedHost", "TARGET_CONNECT_HOST_NOT_REACHABLE")


async def test_dropped_packets_are_a_connect_timeout(bench, silent_port):
    bench.dns.records[HOST] = (10, ["127.0.0.1"])
    await bench.serve(balanced("backend", connect__timeout__millis=150), servers=[entry("backend", silent_port)])

    began = time.monotonic()
    reply = await bench.call("/demo")

    await check(reply, 503, FLOW + "ServiceUnavailable", "TARGET_CONNECT_TIMEOUT")
    assert 0.1 < time.monotonic() - began < 1.5


async def test_a_closed_port_is_service_unavailable(bench):
    bench.dns.records[HOST] = (10, ["127.0.0.1"])
    await bench.serve(balanced("backend"), servers=[entry("backend", free_port())])
    await check(await bench.call("/demo"), 503, FLOW + "ServiceUnavailable", "TARGET_CONNECT_CONNECTION_REFUSED")


async def test_a_connection_closed_without_answer_is_unexpected_eof(bench):
    async def handle(reader, _writer):
        await reader.readuntil(b"\r\n\r\n")
    target = await bench.raw_target(handle)
    bench.dns.records[HOST] = (10, ["127.0.0.1"])
    await bench.serve(balanced("backend"), servers=[entry("backend", target.port)])

    await check(await bench.call("/demo"), 502, FLOW + "UnexpectedEOFAtTarget", "TARGET_UNEXPECTED_EOF")
    assert target.connections == 1, "a request on a new connection is never sent twice"


async def test_a_pooled_connection_that_the_target_closed_under_a_request_is_unexpected_eof(bench):
    """What happens when a server's keep-alive time is shorter than Apigee's: it must be seen, not repaired."""
    async def handle(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()
        await reader.readuntil(b"\r\n\r\n")
    target = await bench.raw_target(handle)
    bench.dns.records[HOST] = (10, ["127.0.0.1"])
    await bench.serve(balanced("backend"), servers=[entry("backend", target.port)])

    assert (await bench.call("/demo")).status == 200
    await check(await bench.call("/demo"), 502, FLOW + "UnexpectedEOFAtTarget", "TARGET_UNEXPECTED_EOF")
    assert target.connections == 1


async def test_a_body_cut_short_is_unexpected_eof(bench):
    async def handle(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfirst")
        await writer.drain()
    target = await bench.raw_target(handle)
    bench.dns.records[HOST] = (10, ["127.0.0.1"])
    await bench.serve(balanced("backend"), servers=[entry("backend", target.port)])

    await check(await bench.call("/demo"), 502, FLOW + "UnexpectedEOFAtTarget", "TARGET_UNEXPECTED_EOF")


async def test_a_silent_target_is_a_gateway_timeout(bench):
    async def handler(_request):
        await asyncio.sleep(5)
        return web.Response()
    target = await bench.target(handler=handler)
    bench.dns.records[HOST] = (10, ["127.0.0.1"])
    await bench.serve(balanced("backend", io__timeout__millis=150), servers=[backend(target)])

    await check(await bench.call("/demo"), 504, FLOW + "GatewayTimeout", "TARGET_READ_TIMEOUT")


async def test_disabled_servers_are_no_active_targets(bench):
    await bench.serve(balanced("backend"), servers=[entry("backend", 80, isEnabled=False)])
    reply = await bench.call("/demo")
    assert (reply.status, reply.errorcode) == (503, FLOW + "NoActiveTargets")


async def test_a_missing_target_server_fails_the_deployment(bench):
    report = await bench.deploy(balanced("backend"))
    deployment = report["deployments"][0]
    assert deployment["state"] == "ERROR"
    assert deployment["errors"] == ["target server 'backend' does not exist in environment 'test'"]
    assert (await bench.call("/demo")).status == 404


async def test_taken_base_paths_and_broken_bundles_fail_their_own_deployment_only(bench):
    report = await bench.deploy(bundle(proxy_xml("/a", routes="")), bundle(proxy_xml("/a", routes=""), target_xml(
        "<URL>http://x/</URL>")), bundle(proxy_xml("")), servers=[entry("backend", 80)])
    assert [entry["state"] for entry in report["deployments"]] == ["READY", "ERROR", "ERROR"]
    assert (await bench.call("/a")).status == 200


# Load balancing ----------------------------------------------------------------------------------------------------


async def test_round_robin_and_weights(bench):
    bench.dns.records[HOST] = (10, ["127.0.0.1"])
    one, two = await bench.target(), await bench.target()
    servers = [entry("one", one.port), entry("two", two.port)]
    await bench.serve(balanced("one", "two"), servers=servers)
    for _ in range(6):
        await bench.call("/demo")
    assert (len(one.requests), len(two.requests)) == (3, 3)

    weighted = ('<LoadBalancer><Algorithm>Weighted</Algorithm><Server name="one"><Weight>3</Weight></Server>'
                '<Server name="two"/></LoadBalancer>')
    await bench.serve(bundle(target=target_xml(weighted)), servers=servers)
    for _ in range(8):
        await bench.call("/demo")
    assert (len(one.requests), len(two.requests)) == (9, 5)


async def test_a_failed_server_is_passed_over_within_the_call(bench):
    bench.dns.records[HOST] = (10, ["127.0.0.1"])
    good = await bench.target()
    await bench.serve(balanced("bad", "good"), servers=[entry("bad", free_port()), entry("good", good.port)])

    for number in range(4):
        assert (await bench.call("/demo", headers={"X-Testbed-Trace": f"t{number}"})).status == 200
    hops = [hop for hop in (await bench.trace("t0"))["hops"] if hop["kind"] == "target"]
    assert [(hop["target_server"], hop["status"]) for hop in hops] == [("bad", None), ("good", 200)]


async def test_retry_can_be_disabled(bench):
    bench.dns.records[HOST] = (10, ["127.0.0.1"])
    good = await bench.target()
    await bench.serve(balanced("bad", "good", more="<RetryEnabled>false</RetryEnabled>"),
                      servers=[entry("bad", free_port()), entry("good", good.port)])

    assert [(await bench.call("/demo")).status for _ in range(4)] == [503, 200, 503, 200]


async def test_max_failures_takes_a_server_out_until_the_next_deployment(bench):
    bench.dns.records[HOST] = (10, ["127.0.0.1"])
    port = free_port()
    data = balanced("backend", more="<MaxFailures>2</MaxFailures>")
    servers = [entry("backend", port)]
    await bench.serve(data, servers=servers)

    codes = [(await bench.call("/demo")).errorcode.removeprefix(FLOW) for _ in range(3)]
    assert codes == ["ServiceUnavailable", "ServiceUnavailable", "NoActiveTargets"]
    await bench.target(port=port)
    assert (await bench.call("/demo")).errorcode == FLOW + "NoActiveTargets"

    # The same configuration again is not a deployment; another revision is.
    await bench.serve(data, servers=servers)
    assert (await bench.call("/demo")).status == 503
    await bench.serve(balanced("backend", more="<MaxFailures>3</MaxFailures>"), servers=servers)
    assert (await bench.call("/demo")).status == 200


async def test_the_fallback_server_is_used_only_when_no_other_is_left(bench):
    bench.dns.records[HOST] = (10, ["127.0.0.1"])
    fallback = await bench.target()
    port = free_port()
    data = bundle(target=target_xml('<LoadBalancer><Server name="main"/><Server name="spare"><IsFallback>true'
                                    "</IsFallback></Server></LoadBalancer>"))
    servers = [entry("main", port), entry("spare", fallback.port)]
    await bench.serve(data, servers=servers)

    assert (await bench.call("/demo")).status == 200
    assert len(fallback.requests) == 1
    main = await bench.target(port=port)
    await bench.call("/demo")
    assert (len(main.requests), len(fallback.requests)) == (1, 1)
