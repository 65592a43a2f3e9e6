# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A request goes from host name and base path through the resolver to a target and back."""
from __future__ import annotations

from .bundles import bundle, proxy_xml, target_xml


def server(target, host: str = "web.apps.example.internal", **more) -> dict:
    return {"name": "backend", "host": host, "port": target.port, **more}


async def test_a_target_server_is_found_by_dns_and_called(bench):
    target = await bench.target()
    bench.dns.records["web.apps.example.internal"] = (10, ["127.0.0.1"])
    await bench.serve(bundle(), servers=[server(target)])

    reply = await bench.call("/demo/items/7?color=red&size=a%2Fb", headers={"X-Testbed-Trace": "t1"})

    assert reply.status == 200
    echo = reply.json()
    assert echo["path"] == "/items/7?color=red&size=a%2Fb"
    assert echo["headers"]["Host"] == f"web.apps.example.internal:{target.port}"
    assert echo["headers"]["X-Forwarded-For"] == "127.0.0.1"
    assert echo["headers"]["X-Forwarded-Host"] == "api.example.com"
    assert "X-Testbed-Trace" not in echo["headers"]
    trace = await bench.trace("t1")
    assert trace["status"] == 200
    hop = trace["hops"][-1]
    assert hop["kind"] == "target"
    assert hop["resolution"] == {"addresses": ["127.0.0.1"], "ttl": 10, "from_cache": False}
    assert hop["connected"] == f"127.0.0.1:{target.port}"
    assert hop["connection"] == "new"
    assert [each["kind"] for each in trace["hops"]] == ["ingress", "proxy", "route", "target"]


async def test_a_target_url_is_called_with_its_path_before_the_suffix(bench):
    target = await bench.target()
    bench.dns.records["web.apps.example.internal"] = (10, ["127.0.0.1"])
    url = f"http://web.apps.example.internal:{target.port}/base?fixed=1"
    await bench.serve(bundle(target=target_xml(f"<URL>{url}</URL>")))

    reply = await bench.call("/demo/x?y=2")

    assert reply.json()["path"] == "/base/x?fixed=1&y=2"


async def test_a_pooled_connection_is_used_again(bench):
    target = await bench.target()
    bench.dns.records["web.apps.example.internal"] = (10, ["127.0.0.1"])
    await bench.serve(bundle(), servers=[server(target)])

    await bench.call("/demo")
    await bench.call("/demo", headers={"X-Testbed-Trace": "second"})

    assert len(target.peers) == 1
    hop = (await bench.trace("second"))["hops"][-1]
    assert hop["connection"] == "pooled"
    assert hop["resolution"] == {"addresses": ["127.0.0.1"], "ttl": 10, "from_cache": True}
    assert len(bench.dns.questions) == 1, "the trace asks nothing by itself"


async def test_unknown_host_and_unknown_path_are_not_found(bench):
    target = await bench.target()
    bench.dns.records["web.apps.example.internal"] = (10, ["127.0.0.1"])
    await bench.serve(bundle(), servers=[server(target)])

    for reply in (await bench.call("/demo", host="other.example.com"), await bench.call("/nothing"),
                  await bench.call("/demonstration")):
        assert reply.status == 404
        assert reply.errorcode == "messaging.adaptors.http.flow.ApplicationNotFound"
        assert reply.fault_reason == "CLASSIFICATION_FAILURE"


async def test_the_longest_base_path_wins(bench):
    target = await bench.target()
    bench.dns.records["web.apps.example.internal"] = (10, ["127.0.0.1"])
    await bench.deploy(bundle(proxy_xml("/demo")), bundle(proxy_xml("/demo/inner")), bundle(proxy_xml("/")),
                       servers=[server(target)])

    async def proxy_of(path: str) -> str:
        await bench.call(path, headers={"X-Testbed-Trace": path.replace("/", "-")})
        trace = await bench.trace(path.replace("/", "-"))
        return next(hop["name"] for hop in trace["hops"] if hop["kind"] == "proxy")

    assert await proxy_of("/demo/x") == "demo"
    assert await proxy_of("/demo/inner/x") == "demo2"
    assert await proxy_of("/else") == "demo3"
