# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health monitors take failing target servers out of rotation and put well ones back."""
from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from testbed.apigee.bundle import BundleError, load
from testbed.ports import free_port

from .bundles import bundle, properties, target_xml
from .conftest import HOST

TCP = ("<HealthMonitor><IsEnabled>true</IsEnabled><IntervalInSec>5</IntervalInSec><TCPMonitor>"
       "<ConnectTimeoutInSec>30</ConnectTimeoutInSec></TCPMonitor></HealthMonitor>")
HTTP = ("<HealthMonitor><IsEnabled>true</IsEnabled><IntervalInSec>5</IntervalInSec><HTTPMonitor><Request>"
        '<Verb>GET</Verb><Path>/healthz</Path><Header name="X-Probe">1</Header></Request><SuccessResponse>'
        '<ResponseCode>200</ResponseCode><Header name="X-Well">yes</Header></SuccessResponse></HTTPMonitor>'
        "</HealthMonitor>")
# Scaled by 0.01: 5 s and 3 s; the other limits stay far away.
TIMES = properties(connect__timeout__millis=300000, io__timeout__millis=500000)


@pytest.fixture
def scale() -> float:
    return 0.01


def monitored(monitor: str) -> bytes:
    return bundle(target=target_xml('<LoadBalancer><Server name="one"/><Server name="two"/><MaxFailures>2</MaxFailures>'
                                    f"</LoadBalancer>{monitor}", properties=TIMES))


def servers(*ports: int) -> list[dict]:
    return [{"name": name, "host": HOST, "port": port} for name, port in zip(("one", "two"), ports, strict=True)]


async def rotation(bench, expected: list[str]) -> None:
    """Waits until exactly these servers are in rotation."""
    found: list[str] = []
    for _ in range(1000):
        found = [each["name"] for each in bench.runtime.statistics()["target_servers"] if each["in_rotation"]]
        if found == expected:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"{found} in rotation, not {expected}")


async def test_a_closed_port_leaves_and_returns(bench, target):
    port = free_port()
    await bench.serve(monitored(TCP), servers=servers(target.port, port))

    await rotation(bench, ["one"])
    assert [(await bench.call("/demo")).status for _ in range(4)] == [200] * 4
    await bench.target(port=port)
    await rotation(bench, ["one", "two"])


async def test_an_http_monitor_wants_status_and_header(bench, target):
    well = True

    async def handler(request):
        if request.path == "/healthz":
            assert request.headers["X-Probe"] == "1"
            return web.Response(headers={"X-Well": "yes" if well else "no"})
        return web.Response(text="x")
    other = await bench.target(handler=handler)
    await bench.serve(monitored(HTTP), servers=servers(other.port, other.port))
    await asyncio.sleep(0.2)
    await rotation(bench, ["one", "two"])
    well = False
    await rotation(bench, [])
    assert (await bench.call("/demo")).errorcode.endswith("NoActiveTargets")
    well = True
    await rotation(bench, ["one", "two"])


async def test_monitoring_ends_with_the_deployment(bench, target):
    await bench.serve(monitored(HTTP), servers=servers(target.port, target.port))
    for _ in range(1000):
        if target.requests:
            break
        await asyncio.sleep(0.02)
    assert target.requests
    await bench.deploy()
    await asyncio.sleep(0.05)
    seen = len(target.requests)
    await asyncio.sleep(0.15)
    assert len(target.requests) == seen


@pytest.mark.parametrize(("connection", "expected"), [
    (f"<URL>http://a/</URL>{TCP}", "belongs to LoadBalancer"),
    ('<LoadBalancer><Server name="a"/></LoadBalancer><HealthMonitor><IsEnabled>true</IsEnabled></HealthMonitor>',
     "exactly one of TCPMonitor and HTTPMonitor"),
    ('<LoadBalancer><Server name="a"/></LoadBalancer><HealthMonitor><TCPMonitor><Fnord/></TCPMonitor></HealthMonitor>',
     "unknown element"),
])
def test_monitors_that_are_refused(connection, expected):
    with pytest.raises(BundleError, match=expected):
        load(bundle(target=target_xml(connection)))
