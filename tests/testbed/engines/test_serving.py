# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each engine, as its own image starts it, between real callers and real applications."""
from __future__ import annotations

import asyncio
import json
import ssl
import time

import aiohttp
import grpc
import pytest

from testbed.engines.authority import NAME, Authority, SecretFolder, client_context
from testbed.engines.client import Http1, Lost

from .application import Http2Application, grpc_server
from .client import Http2

pytestmark = pytest.mark.testbed

ENGINES = ("nginx", "envoy", "haproxy", "apache")
READY = "/.well-known/tls-sidecar/ready"
FORGED = (
    ("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-Proto", "http"), ("X-Forwarded-Host", "evil"),
    ("X-Forwarded-Port", "1"), ("X-Real-IP", "6.6.6.6"), ("Forwarded", "for=6.6.6.6"), ("X_Forwarded_For", "6.6.6.6"),
    ("X-Envoy-External-Address", "6.6.6.6"),
    ("X-Forwarded-Client-Cert", "Hash=forged"), ("X-SSL-Client-Cert", "forged"), ("X_SSL_Client_Verify", "SUCCESS"),
    ("Client-Cert", ":forged:"), ("ssl-client-cert", "forged"),
)


def seen(answer) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in json.loads(answer.body)["headers"]:
        found.setdefault(name.lower(), []).append(value)
    return found


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("caller", [Http1, Http2], ids=["http1", "http2"])
async def test_headers_are_the_servers_own(engine, caller, sidecar, application, authority, tmp_path):
    running = await sidecar(engine, application.port).start().ready()
    call = caller(running.port, client_context(authority, tmp_path, alpn="h2" if caller is Http2 else "http/1.1"))
    forged = FORGED if caller is Http1 else tuple((name.lower(), value) for name, value in FORGED)
    answer = await call.request("POST", "/a%2Fb//c?d=e%20f", (*forged, ("x-mine", "1"), ("api_key", "2")), b"body")
    assert answer.status == 200
    assert json.loads(answer.body)["path"] == "/a%2Fb//c?d=e%20f" and json.loads(answer.body)["body"] == "body"
    headers = seen(answer)
    assert headers["host"] == [NAME]
    assert headers["x-forwarded-for"] == headers["x-real-ip"] == ["127.0.0.1"]
    assert headers["x-forwarded-proto"] == ["https"] and headers["x-forwarded-host"] == [NAME]
    assert headers["x-forwarded-port"] == [str(running.port)]
    assert headers["x-mine"] == ["1"] and headers["api_key"] == ["2"]
    assert not [name for name in headers if "cert" in name or "ssl" in name or name in ("forwarded", "x_forwarded_for")]
    assert "6.6.6.6" not in answer.body.decode() and "forged" not in answer.body.decode()
    assert answer.headers["server"].startswith("Python"), "the application's own, not the engine's banner"
    await call.close()


@pytest.mark.parametrize("engine", ENGINES)
async def test_streams_sockets_and_large_things_pass(engine, sidecar, application, authority, tmp_path):
    running = await sidecar(engine, application.port).start().ready()
    context = client_context(authority, tmp_path)
    base = f"https://{NAME}:{running.port}"
    resolver = _Loopback()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=resolver, ssl=context)) as session:
        async with session.get(f"{base}/events") as response:
            begun, arrived = asyncio.get_running_loop().time(), []
            async for line in response.content:
                if line.startswith(b"data"):
                    arrived.append(asyncio.get_running_loop().time() - begun)
        assert len(arrived) == 4 and arrived[0] < 0.25, f"held back: {arrived}"
        assert all(later - earlier > 0.1 for earlier, later in zip(arrived, arrived[1:], strict=False))
        async with session.ws_connect(f"{base}/socket") as socket:
            for number in range(3):
                await socket.send_str(str(number))
                assert (await socket.receive_str()) == f"echo {number}"
        async with session.post(f"{base}/count", data=b"x" * 30_000_000) as response:
            assert await response.text() == "30000000"
        async with session.get(f"{base}/?large=7000", headers={"X-Big": "y" * 7000}) as response:
            assert response.status == 200 and len(response.headers["X-Large"]) == 7000
        async with session.head(f"{base}/") as response:
            assert response.status == 200


class _Loopback(aiohttp.abc.AbstractResolver):
    async def resolve(self, host, port=0, family=0):
        return [{"hostname": host, "host": "127.0.0.1", "port": port, "family": 2, "proto": 0, "flags": 0}]

    async def close(self):
        """Nothing is open."""


@pytest.mark.parametrize("engine", ["nginx", "envoy", "haproxy"])
async def test_grpc(engine, sidecar, authority):
    server, port = grpc_server()
    try:
        running = await sidecar(engine, port, protocol="grpc").start().ready()
        credentials = grpc.ssl_channel_credentials(authority.pem)
        options = (("grpc.ssl_target_name_override", NAME),)
        async with grpc.aio.secure_channel(f"127.0.0.1:{running.port}", credentials, options) as channel:
            say = channel.unary_unary("/test.Echo/Say")
            call = say(b"hello", timeout=20)
            assert await call == b"said hello"
            assert ("x-trailer", "kept") in [tuple(pair) for pair in await call.trailing_metadata()]
            with pytest.raises(grpc.aio.AioRpcError) as failed:
                await say(b"fail", timeout=20)
            assert failed.value.code() == grpc.StatusCode.FAILED_PRECONDITION and failed.value.details() == "as asked"
            chat = channel.stream_stream("/test.Echo/Chat")()
            for word in (b"one", b"two"):
                await chat.write(word)
                assert await asyncio.wait_for(chat.read(), 20) == b"heard " + word
            await chat.done_writing()
            assert await chat.code() == grpc.StatusCode.OK
    finally:
        server.stop(0).wait()


@pytest.mark.parametrize("engine", ENGINES)
async def test_application_that_speaks_http2(engine, sidecar, authority, tmp_path):
    server, port = await Http2Application.serve()
    async with server:
        running = await sidecar(engine, port, protocol="http2").start().ready()
        for caller, alpn in ((Http1, "http/1.1"), (Http2, "h2")):
            call = caller(running.port, client_context(authority, tmp_path, alpn=alpn))
            answer = await call.request("GET", "/x", (("x-forwarded-proto", "http"),), b"")
            assert answer.status == 200
            assert dict(json.loads(answer.body)["headers"])["x-forwarded-proto"] == "https"
            await call.close()


@pytest.mark.parametrize("engine", ["nginx", "envoy", "haproxy"])
async def test_any_bytes(engine, sidecar, application, authority, tmp_path):
    running = await sidecar(engine, application.port, protocol="tcp").start().ready()
    answer = await Http1(running.port, client_context(authority, tmp_path)).request("GET", "/", body=b"")
    assert answer.status == 200 and "x-forwarded-for" not in seen(answer)
    assert running.probe()


@pytest.mark.parametrize("engine", ENGINES)
async def test_protocols_of_tls(engine, sidecar, application, authority, tmp_path):
    both = await sidecar(engine, application.port).start().ready()
    new = await sidecar(engine, application.port, tls_minimum="1.3", http2="false").start().ready()

    async def version(port: int, highest: ssl.TLSVersion) -> str:
        context = client_context(authority, tmp_path, alpn="h2")
        context.set_ciphers("DEFAULT@SECLEVEL=0")
        context.minimum_version = min(highest, ssl.TLSVersion.TLSv1_2)
        context.maximum_version = highest
        call = Http1(port, context)
        await call.connect()
        found = f"{call.tls.version()} {call.tls.selected_alpn_protocol()}"
        await call.close()
        return found

    assert await version(both.port, ssl.TLSVersion.TLSv1_3) == "TLSv1.3 h2"
    assert await version(both.port, ssl.TLSVersion.TLSv1_2) == "TLSv1.2 h2"
    with pytest.raises(Lost, match="(?i)protocol.version|alert|unsupported|reset|eof"):
        await version(both.port, ssl.TLSVersion.TLSv1_1)
    with pytest.raises(Lost):
        await version(new.port, ssl.TLSVersion.TLSv1_2)


@pytest.mark.parametrize("engine", ENGINES)
async def test_client_certificates(engine, sidecar, application, authority, tmp_path):
    callers, strangers, successors = Authority("Callers"), Authority("Strangers"), Authority("Successors")
    folder = SecretFolder(tmp_path / "client-ca")
    folder.write(ca_crt=callers.pem)
    good = callers.leaf("other.acme.example", "apigee.acme.example")
    modes = ("ca", "names") if (("http", "names") in sidecar(engine, 1).engine.probes) else ("ca",)
    made = {mode: sidecar(engine, application.port, client=mode, client_ca=folder.path, values={
        "client-names": sidecar(engine, 1).engine.name_separator.join(["first.acme.example", "apigee.acme.example"])})
        for mode in modes}
    for each in made.values():
        await each.start().ready()

    async def status(mode: str, pair, path: str = "/") -> int:
        call = Http1(made[mode].port, client_context(authority, tmp_path, pair))
        try:
            return (await call.request("GET", path, body=b"")).status
        except Lost:
            return 0
        finally:
            await call.close()

    for mode in modes:
        assert await status(mode, good) == 200
        assert await status(mode, None) == 403
        assert await status(mode, None, READY) in (200, 204)
        assert await status(mode, strangers.leaf("apigee.acme.example")) in (0, 400)
        assert (await status(mode, callers.leaf("apigee.acme.example.evil"))) in ((200,) if mode == "ca" else (0, 403))
    folder.write(ca_crt=successors.pem)
    successor = successors.leaf("apigee.acme.example")
    # While an engine changes, its old processes may answer as well as its new ones.
    for _ in range(600):
        if await status("ca", successor) == 200 and await status("ca", good) in (0, 400):
            return
        await asyncio.sleep(0.1)
    found = await status("ca", successor), await status("ca", good)
    raise AssertionError(f"{found} for callers of the new and of the old authority, a minute after the change")


@pytest.mark.parametrize("engine", ["envoy", "haproxy"])
async def test_client_certificates_of_any_bytes(engine, sidecar, application, authority, tmp_path):
    callers = Authority("Callers")
    folder = SecretFolder(tmp_path / "client-ca")
    folder.write(ca_crt=callers.pem)
    running = await sidecar(engine, application.port, protocol="tcp", client="names", client_ca=folder.path,
                            values={"client-names": "apigee.acme.example"}).start().ready()
    good = Http1(running.port, client_context(authority, tmp_path, callers.leaf("apigee.acme.example")))
    assert (await good.request()).status == 200
    for pair in (None, callers.leaf("evil.example")):
        with pytest.raises(Lost):
            await Http1(running.port, client_context(authority, tmp_path, pair)).request()


@pytest.mark.parametrize("engine", ENGINES)
async def test_an_application_that_is_down_is_told_at_once(engine, sidecar, authority, tmp_path):
    running = await sidecar(engine, 9).start().ready()
    begun = time.monotonic()
    answer = await Http1(running.port, client_context(authority, tmp_path)).request()
    assert answer.status in (502, 503) and time.monotonic() - begun < 3
