# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bodies and headers on the way through: streaming, limits, HEAD, 100-continue, hop-by-hop headers."""
from __future__ import annotations

import asyncio
import gzip

import aiohttp
import pytest
from aiohttp import web

from testbed.apigee.streams import MAXIMUM_BUFFERED_BYTES

from .bundles import bundle, properties, proxy_xml, target_xml
from .conftest import HOST, backend

STREAMING = properties(request__streaming__enabled="true", response__streaming__enabled="true")


def streaming() -> bytes:
    return bundle(proxy_xml(properties=STREAMING), target_xml(properties=STREAMING))


async def test_hop_by_hop_headers_stay_on_their_connection(bench, target):
    await bench.serve(bundle(), servers=[backend(target)])

    reply = await bench.call("/demo", headers={
        "Connection": "keep-alive, X-Mine", "X-Mine": "1", "TE": "trailers", "Proxy-Authorization": "x",
        "X-Forwarded-For": "10.1.2.3", "X-Kept": "1", "User-Agent": "me"})

    sent = reply.json()["headers"]
    assert not {"X-Mine", "TE", "Proxy-Authorization", "Connection"} & set(sent)
    assert sent["X-Kept"] == "1"
    assert sent["X-Forwarded-For"] == "10.1.2.3, 127.0.0.1"
    assert sent["X-Forwarded-Proto"] == "http"
    assert sent["User-Agent"] == "me"
    assert "Accept-Encoding" in sent  # the test client's own


async def test_several_cookies_stay_several(bench):
    async def handler(_request):
        response = web.Response(text="x", headers={"Connection": "X-Hop", "X-Hop": "1"})
        response.headers.add("Set-Cookie", "a=1")
        response.headers.add("Set-Cookie", "b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT")
        return response
    target = await bench.target(handler=handler)
    bench.dns.records[HOST] = (10, ["127.0.0.1"])
    await bench.serve(bundle(), servers=[backend(target)])

    reply = await bench.call("/demo")

    assert reply.headers.getall("Set-Cookie") == ["a=1", "b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT"]
    assert "X-Hop" not in reply.headers


@pytest.mark.parametrize("data", [bundle(), streaming()], ids=["buffered", "streamed"])
async def test_bodies_pass_unchanged(bench, target, data):
    await bench.serve(data, servers=[backend(target)])
    body = bytes(range(256)) * 4096

    reply = await bench.call("/demo", "POST", data=body)
    assert reply.json()["body"].encode("latin-1") == body
    assert reply.json()["headers"]["Content-Length"] == str(len(body))

    async def pieces():
        for start in range(0, len(body), 100_000):
            yield body[start:start + 100_000]
    reply = await bench.call("/demo", "PUT", data=pieces())
    assert reply.json()["body"].encode("latin-1") == body


async def test_larger_bodies_need_streaming(bench):
    size = MAXIMUM_BUFFERED_BYTES + 1

    async def handler(request):
        if request.method == "POST":
            received = 0
            async for chunk in request.content.iter_any():
                received += len(chunk)
            return web.json_response({"received": received})
        return web.Response(body=bytes(size))
    target = await bench.target(handler=handler)
    bench.dns.records[HOST] = (10, ["127.0.0.1"])

    async def pieces():
        for _ in range(0, size, 65536):
            yield bytes(65536)

    await bench.serve(bundle(), servers=[backend(target)])
    reply = await bench.call("/demo", "POST", data=pieces())
    assert (reply.status, reply.errorcode) == (413, "protocol.http.TooBigBody")
    reply = await bench.call("/demo")
    assert (reply.status, reply.errorcode) == (502, "protocol.http.TooBigBody")

    await bench.serve(streaming(), servers=[backend(target)])
    assert (await bench.call("/demo", "POST", data=pieces())).json()["received"] >= size
    assert len((await bench.call("/demo")).body) == size


async def test_a_streamed_response_arrives_as_it_is_made(bench):
    go = asyncio.Event()

    async def handler(request):
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"one")
        await go.wait()
        await response.write(b"two")
        return response
    target = await bench.target(handler=handler)
    bench.dns.records[HOST] = (10, ["127.0.0.1"])
    await bench.serve(streaming(), servers=[backend(target)])

    async with bench.session.get(bench.url + "/demo", headers={"Host": "api.example.com"}) as reply:
        assert await reply.content.readany() == b"one"
        go.set()
        assert await reply.content.read() == b"two"


async def test_a_streamed_response_that_breaks_is_not_passed_off_as_whole(bench):
    async def handle(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        await writer.drain()
    target = await bench.raw_target(handle)
    bench.dns.records[HOST] = (10, ["127.0.0.1"])
    await bench.serve(streaming(), servers=[{"name": "backend", "host": HOST, "port": target.port}])

    with pytest.raises((aiohttp.ClientPayloadError, aiohttp.ClientConnectionError)):
        await bench.call("/demo")


async def test_head_has_the_headers_of_get_and_no_body(bench):
    async def handler(_request):
        return web.Response(body=b"12345", content_type="text/plain")
    target = await bench.target(handler=handler)
    bench.dns.records[HOST] = (10, ["127.0.0.1"])
    await bench.serve(bundle(), servers=[backend(target)])

    reply = await bench.call("/demo", "HEAD")
    assert (reply.status, reply.body, reply.headers["Content-Length"]) == (200, b"", "5")
    assert (await bench.call("/demo")).body == b"12345"


async def test_100_continue_is_answered(bench, target):
    await bench.serve(bundle(), servers=[backend(target)])
    port = int(bench.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /demo HTTP/1.1\r\nHost: api.example.com\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60) == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"ok")
    assert (await asyncio.wait_for(reader.readline(), 60)).startswith(b"HTTP/1.1 200")
    writer.close()
    assert target.requests[0]["body"] == "ok"
    assert "Expect" not in target.requests[0]["headers"]


async def test_websockets_are_refused_clearly(bench, target):
    await bench.serve(bundle(), servers=[backend(target)])
    reply = await bench.call("/demo", headers={"Connection": "Upgrade", "Upgrade": "websocket"})
    assert (reply.status, reply.errorcode) == (501, "testbed.apigee.Unsupported")


async def test_compressed_responses_pass_as_they_are(bench):
    async def handler(_request):
        return web.Response(body=gzip.compress(b"hello"), headers={"Content-Encoding": "gzip"})
    target = await bench.target(handler=handler)
    bench.dns.records[HOST] = (10, ["127.0.0.1"])
    await bench.serve(bundle(), servers=[backend(target)])

    assert gzip.decompress((await bench.call("/demo")).body) == b"hello"


@pytest.mark.parametrize("status", [204, 304])
async def test_statuses_without_body(bench, status):
    async def handler(_request):
        return web.Response(status=status)
    target = await bench.target(handler=handler)
    bench.dns.records[HOST] = (10, ["127.0.0.1"])
    await bench.serve(bundle(), servers=[backend(target)])

    first, second = await bench.call("/demo"), await bench.call("/demo")
    assert [first.status, second.status] == [status, status]
