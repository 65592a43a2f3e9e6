# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A runtime with its two listeners on loopback, in this process, beside a DNS double and targets."""
from __future__ import annotations

import hashlib
import json
import ssl

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from testbed.apigee import control
from testbed.apigee.runtime import Options, Runtime
from testbed.apigee.server import Northbound

from .bundles import with_policies
from .doubles import AlertingTarget, DnsDouble, RawTarget, Target


class Bench:
    """One running runtime and what the tests put around it."""

    def __init__(self, runtime: Runtime, url: str, session: aiohttp.ClientSession, dns: DnsDouble,
                 administration: aiohttp.ClientSession) -> None:
        self.runtime = runtime
        self.url = url
        self.session = session
        self.dns = dns
        self.administration = administration
        self._targets: list[Target | RawTarget | AlertingTarget] = []

    async def target(self, *arguments, port: int = 0, **options) -> Target:
        target = await Target(*arguments, **options).start(port)
        self._targets.append(target)
        return target

    async def raw_target(self, handle) -> RawTarget:
        target = await RawTarget(handle).start()
        self._targets.append(target)
        return target

    async def alerting_target(self, context: ssl.SSLContext) -> AlertingTarget:
        target = await AlertingTarget(context).start()
        self._targets.append(target)
        return target

    async def deploy(self, *bundles: bytes, servers: list[dict] | None = None, host: str = "api.example.com",
                     keystores: dict | None = None, references: dict | None = None,
                     shared_flows: dict[str, bytes] | None = None, environment: dict | None = None, **more) -> dict:
        """Deploys bundles as proxies demo, demo2, ... of environment test; returns the report.

        ``shared_flows`` are bundles by name, ``environment`` is what else the environment has.
        """
        deployments = [{"proxy": "demo" if number == 1 else f"demo{number}", "revision": "1",
                        "bundle": await self._upload(data)} for number, data in enumerate(bundles, 1)]
        flows = [{"shared_flow": name, "revision": "1", "bundle": await self._upload(data)}
                 for name, data in (shared_flows or {}).items()]
        configuration = {
            "organization": "acme", "instance": {"name": "eu", "location": "europe-west1"},
            "environment_groups": [{"name": "group", "hostnames": [host], "environments": ["test"]}],
            "environments": {"test": {"target_servers": servers or [], "deployments": deployments,
                                      "keystores": keystores or {}, "references": references or {},
                                      "shared_flows": flows, **(environment or {})}}, **more}
        async with self.administration.put("http://runtime/configuration", data=json.dumps(configuration)) as reply:
            report = await reply.json()
            assert reply.status == 200, report
        return report

    async def _upload(self, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        async with self.administration.put(f"http://runtime/bundles/{digest}", data=data) as reply:
            assert reply.status == 200, await reply.text()
        return digest

    async def serve(self, data: bytes, *, servers: list[dict] | None = None, **more) -> None:
        """Deploys one bundle, which must become ready."""
        report = await self.deploy(data, servers=servers, **more)
        assert {entry["state"] for entry in report["deployments"] + report["shared_flows"]} == {"READY"}, report

    async def call(self, path: str, method: str = "GET", *, host: str = "api.example.com", headers: dict | None = None,
                   **options) -> Reply:
        url = URL(self.url + path, encoded=True)
        async with self.session.request(method, url, headers={"Host": host, **(headers or {})}, allow_redirects=False,
                                        **options) as reply:
            return Reply(reply.status, reply.reason or "", reply.headers, await reply.read())

    async def trace(self, identity: str) -> dict:
        async with self.administration.get(f"http://runtime/trace/{identity}") as reply:
            assert reply.status == 200
            return await reply.json()

    async def close(self) -> None:
        for target in self._targets:
            await target.stop()


class Reply:
    """A response that was read to its end."""

    def __init__(self, status: int, reason: str, headers, body: bytes) -> None:
        self.status = status
        self.reason = reason
        self.headers = headers
        self.body = body

    def json(self):
        return json.loads(self.body)

    @property
    def errorcode(self) -> str:
        return self.json()["fault"]["detail"]["errorcode"]

    @property
    def fault_reason(self) -> str | None:
        return self.json()["fault"]["detail"].get("reason")


@pytest.fixture
def scale() -> float:
    """Factor for the runtime's times; tests override it."""
    return 1.0


@pytest.fixture
def source() -> str:
    """The address from which targets are called; tests override it."""
    return ""


@pytest.fixture
async def bench(tmp_path, scale, source):
    dns_double = DnsDouble()
    await dns_double.start()
    runtime = Runtime(Options(f"127.0.0.1:{dns_double.port}", scale=scale, source=source))
    northbound = web.ServerRunner(web.Server(Northbound(runtime).handle, access_log=None))
    administration = web.AppRunner(control.application(runtime), access_log=None)
    await northbound.setup()
    await administration.setup()
    await web.TCPSite(northbound, "127.0.0.1", 0).start()
    socket = str(tmp_path / "control.sock")
    await web.UnixSite(administration, socket).start()
    url = f"http://127.0.0.1:{northbound.addresses[0][1]}"
    async with (aiohttp.ClientSession(auto_decompress=False) as session,
                aiohttp.ClientSession(connector=aiohttp.UnixConnector(socket)) as control_session):
        bench = Bench(runtime, url, session, dns_double, control_session)
        yield bench
        await bench.close()
    await northbound.cleanup()
    await administration.cleanup()
    await runtime.close()
    dns_double.stop()


HOST = "web.apps.example.internal"


@pytest.fixture
async def target(bench):
    """A backend that HOST resolves to."""
    target = await bench.target()
    bench.dns.records[HOST] = (10, ["127.0.0.1"])
    return target


def backend(target, host: str = HOST, **more) -> dict:
    """The target server that the bundles name."""
    return {"name": "backend", "host": host, "port": target.port, **more}


async def serve(bench, target, proxy: str, *policies: str, **more) -> None:
    """Deploys a proxy with policies in front of a target."""
    await bench.serve(with_policies(proxy, *policies), servers=[backend(target)], **more)
