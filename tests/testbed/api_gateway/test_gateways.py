# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Gateways that run: found by host name, moved to other documents under load without a failed call, ended again.

The backends are the test's own.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import os
import shutil
import ssl
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._openapi import render, source

from testbed.api_gateways import ApiGateways
from testbed.certificates import Authority
from testbed.state import State, cache_folder
from testbed.world import Gateway

pytestmark = pytest.mark.testbed
HOST = "products-1a2b3c4d.ew.gateway.dev"
KEY = {"x-api-key": "the-key"}


def gateway(*paths: str, name: str = "products", authority: str = "one.a.run.app", host: str = HOST) -> Gateway:
    """A gateway with a route for each path."""
    routes = [{"path": path, "methods": ["get"]} for path in paths]
    backend = {"address": f"https://{authority}"}
    document = render.render({"title": name, "backend": backend, "routes": routes})
    return Gateway(
        name=f"projects/acme-shop/locations/europe-west1/gateways/{name}",
        host=host,
        documents=(("openapi.yaml", source.write(document).encode()),),
        keys={"the-key": True},
        identities={f"https://{authority}": f"token-for-{authority}"},
    )


@dataclasses.dataclass
class Place:
    """Gateways, and what a client needs to call them."""

    gateways: ApiGateways
    state: State
    context: ssl.SSLContext
    backends: dict[str, tuple[str, int]]

    async def ask(self, path: str, host: str = HOST, session: aiohttp.ClientSession | None = None) -> tuple[int, str]:
        """Status and what the backend says it was asked with."""
        async with contextlib.nullcontext(session) if session else aiohttp.ClientSession() as own:
            url = f"https://{self.state.api_gateway_address}{path}"
            async with own.get(url, headers={"Host": host, **KEY}, ssl=self.context, server_hostname=host) as answer:
                return answer.status, await answer.text()


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    home = Path(tempfile.mkdtemp(prefix="gateways-"))
    state = State(home, cache_folder())
    state.prepare()
    before = Path.cwd()
    os.chdir(home)  # as the daemon does, for sockets with short paths
    runners, backends = [], {}
    for name in ("one", "two"):

        async def answer(request: web.Request, name: str = name) -> web.Response:
            if request.path == "/slow":
                await asyncio.sleep(1)
            shown = {"backend": name, "host": request.host, "by": request.headers["Authorization"]}
            return web.json_response(shown)

        app = web.Application()
        app.router.add_get("/{tail:.*}", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        runners.append(runner)
        backends[f"{name}.a.run.app"] = runner.addresses[0][:2]
    authority = Authority.load_or_create(state.certificates)
    context = ssl.create_default_context(cafile=str(authority.certificate_file))
    gateways = ApiGateways(state, authority, lambda: backends)
    await gateways.open()
    try:
        yield Place(gateways, state, context, backends)
    finally:
        await gateways.close()
        for runner in runners:
            await runner.cleanup()
        os.chdir(before)
        shutil.rmtree(home)


async def test_each_host_name_has_its_gateway(place: Place) -> None:
    other = gateway("/b", name="orders", authority="two.a.run.app", host="orders-5e6f.nw.gateway.dev")
    await place.gateways.apply([gateway("/a"), other])
    status, text = await place.ask("/a")
    assert status == 200
    assert json.loads(text) == {"backend": "one", "host": "one.a.run.app", "by": "Bearer token-for-one.a.run.app"}
    assert (await place.ask("/b"))[0] == 404
    assert json.loads((await place.ask("/b", other.host))[1])["backend"] == "two"
    with pytest.raises(aiohttp.ClientError):
        await place.ask("/a", "unknown.ew.gateway.dev")
    await place.gateways.apply([other])
    with pytest.raises(aiohttp.ClientError):
        await place.ask("/a")
    assert (await place.ask("/b", other.host))[0] == 200
    await place.gateways.apply([])
    assert not place.gateways.running()
    assert not list((place.state.home / "api-gateway").iterdir())


async def test_a_move_fails_no_call(place: Place) -> None:
    await place.gateways.apply([gateway("/a", "/slow")])
    failures: list[object] = []
    seen: dict[str, int] = {}
    stopping = asyncio.Event()

    async def load(keep: bool) -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=not keep)) as session:
            while not stopping.is_set():
                try:
                    status, text = await place.ask("/a", session=session)
                    seen[json.loads(text)["backend"]] = seen.get(json.loads(text)["backend"], 0) + 1
                    if status != 200:
                        failures.append((status, text))
                except (aiohttp.ClientError, ValueError) as error:
                    failures.append(error)

    async def answered(backend: str) -> None:
        """Wait until 20 more calls have got their answer from a backend, however busy the machine is."""
        before = seen.get(backend, 0)
        async with asyncio.timeout(30):
            while seen.get(backend, 0) < before + 20:
                await asyncio.sleep(0.01)

    slow = asyncio.create_task(place.ask("/slow"))
    clients = [asyncio.create_task(load(keep)) for keep in (True, True, True, False)]
    await answered("one")
    # The backend changes with the routes, so that old and new calls go different ways.
    await place.gateways.apply([gateway("/a", "/new", authority="two.a.run.app")])
    assert (await place.ask("/new"))[0] == 200
    await answered("two")
    place.backends["two.a.run.app"] = place.backends["one.a.run.app"]
    await place.gateways.refresh()
    assert json.loads((await place.ask("/new"))[1])["backend"] == "one"
    await answered("one")
    stopping.set()
    await asyncio.gather(*clients)
    assert not failures, failures[:3]
    assert (await slow)[0] == 200
    assert (await place.ask("/slow"))[0] == 404


async def test_the_same_picture_changes_nothing_and_a_dead_envoy_is_started_again(place: Place) -> None:
    await place.gateways.apply([gateway("/a")])
    (file,) = place.state.api_gateway.glob("*/listeners.json")
    before = file.stat().st_mtime_ns
    await place.gateways.apply([gateway("/a")])
    assert file.stat().st_mtime_ns == before and file.stat().st_mode & 0o77 == 0
    (running,) = place.gateways._running.values()
    running.envoy.process.kill()
    await running.envoy.process.wait()
    # Nobody tells the gateways; until another Envoy listens, calls fail.
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                assert (await place.ask("/a"))[0] == 200
                break
            await asyncio.sleep(0.02)
    assert [one.envoy.process.returncode for one in place.gateways._running.values()] == [None]


async def test_a_backend_that_is_not_there_answers_503(place: Place) -> None:
    await place.gateways.apply([gateway("/a", authority="nowhere.a.run.app")])
    status, text = await place.ask("/a")
    assert status == 503 and json.loads(text)["code"] == 503
