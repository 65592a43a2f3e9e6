# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runtime as a process of its own: TLS for every host name, the control socket, and an orderly end."""
from __future__ import annotations

import asyncio
import hashlib
import json
import ssl
import stat
import sys

import aiohttp
import pytest
from aiohttp import web

from testbed.certificates import Authority
from testbed.ports import free_port

from .bundles import assign, bundle, callout, proxy_xml, shared_flow_bundle, show, steps, target_xml, with_policies
from .doubles import Target


class Process:
    def __init__(self, folder, port: int, process: asyncio.subprocess.Process, authority: Authority) -> None:
        self.control = folder / "control.sock"
        self.port = port
        self.process = process
        self.authority = authority

    async def ask(self, method: str, path: str, data: bytes | None = None) -> tuple[int, dict]:
        async with (aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(self.control))) as session,
                    session.request(method, f"http://runtime{path}", data=data) as reply):
            return reply.status, await reply.json()

    async def call(self, host: str, path: str) -> tuple[int, bytes]:
        trust = ssl.create_default_context(cafile=str(self.authority.certificate_file))
        async with (aiohttp.ClientSession() as session,
                    session.get(f"https://127.0.0.1:{self.port}{path}", ssl=trust, server_hostname=host,
                                headers={"Host": host}) as reply):
            return reply.status, await reply.read()


@pytest.fixture
async def process(tmp_path):
    authority = Authority.load_or_create(tmp_path / "authority")
    port = free_port()
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "testbed.apigee", "--socket", str(tmp_path / "control.sock"),
        "--listen", f"127.0.0.1:{port}", "--certificate", str(authority.certificate_file),
        "--key", str(authority.key_file), "--resolver", "127.0.0.1:9", stderr=asyncio.subprocess.PIPE)
    found = Process(tmp_path, port, child, authority)
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            break
        except ConnectionError:
            assert child.returncode is None, (await child.stderr.read()).decode()
            await asyncio.sleep(0.05)
    yield found
    if child.returncode is None:
        child.kill()
    await child.wait()


async def test_the_process_serves_and_ends_when_its_requests_have(process):
    began, go = asyncio.Event(), asyncio.Event()

    async def handler(_request):
        began.set()
        await go.wait()
        return web.Response(text="done")
    target = await Target(handler=handler).start()
    data = bundle(target=target_xml(f"<URL>http://127.0.0.1:{target.port}</URL>"))
    digest = hashlib.sha256(data).hexdigest()
    assert stat.S_IMODE(process.control.stat().st_mode) == 0o600

    # Any host name gets a certificate of its own that the authority signed.
    for host in ("one.example.com", "two.example.com"):
        status, body = await process.call(host, "/demo")
        assert (status, host in body.decode()) == (404, True)

    assert await process.ask("PUT", f"/bundles/{digest}", data) == (200, {"violations": []})
    configuration = {
        "organization": "acme", "environment_groups": [
            {"name": "g", "hostnames": ["api.example.com"], "environments": ["test"]}],
        "environments": {"test": {"deployments": [{"proxy": "demo", "revision": "1", "bundle": digest}]}}}
    status, report = await process.ask("PUT", "/configuration", json.dumps(configuration).encode())
    assert (status, report["deployments"][0]["state"]) == (200, "READY")
    assert (await process.ask("GET", "/configuration"))[1] == configuration

    running = asyncio.create_task(process.call("api.example.com", "/demo"))
    await asyncio.wait_for(began.wait(), 60)
    process.process.terminate()
    await asyncio.sleep(0.2)
    go.set()
    assert await running == (200, b"done")
    assert await asyncio.wait_for(process.process.wait(), 60) == 0
    assert not process.control.exists()
    await target.stop()


async def test_the_process_calls_shared_flows(process):
    flow = shared_flow_bundle(steps("greet"), assign("greet", "<AssignVariable><Name>greeting</Name>"
                                                              "<Template>{set}</Template></AssignVariable>"))
    routes = '<RouteRule name="none"/>'
    proxy = with_policies(proxy_xml(pre=steps("call"), pre_response=steps("show"), routes=routes),
                          callout("call", "greeter", '<Parameter name="set" ref="propertyset.texts.hello"/>'),
                          show("greeting"))
    digests = {}
    for name, data in (("flow", flow), ("proxy", proxy)):
        digests[name] = hashlib.sha256(data).hexdigest()
        assert await process.ask("PUT", f"/bundles/{digests[name]}", data) == (200, {"violations": []})
    configuration = {
        "organization": "acme", "environment_groups": [
            {"name": "g", "hostnames": ["api.example.com"], "environments": ["test"]}],
        "environments": {"test": {
            "deployments": [{"proxy": "demo", "revision": "1", "bundle": digests["proxy"]}],
            "target_servers": [{"name": "backend", "host": "nowhere.example.internal", "port": 80}],
            "shared_flows": [{"shared_flow": "greeter", "revision": "3", "bundle": digests["flow"]}],
            "resource_files": {"properties": {"texts": "# ours\nhello = good day"}}}}}
    status, report = await process.ask("PUT", "/configuration", json.dumps(configuration).encode())
    assert (status, report["shared_flows"]) == (200, [
        {"environment": "test", "shared_flow": "greeter", "revision": "3", "state": "READY", "errors": []}])

    status, body = await process.call("api.example.com", "/demo")
    assert (status, json.loads(body)) == (200, {"greeting": "good day"})
