# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Functions that run: the uploaded zip in the real framework, its way into a small VPC, and the front before it.

Needs root, iproute2 and nftables. The VPC's resolver is not here, so upstreams are stated by address.
"""
from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import hashlib
import os
import shutil
import ssl
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._function import package
from yarl import URL

from testbed.certificates import Authority
from testbed.function_front import FunctionFront
from testbed.functions import Functions
from testbed.network import firewall
from testbed.network.firewall import Machine
from testbed.network.namespace import NETNS_FOLDER, Namespace
from testbed.network.vpc import Vpc
from testbed.state import State, cache_folder
from testbed.world import Egress, FirewallRule, Function, Network, Subnet

pytestmark = pytest.mark.testbed

REGION = "projects/acme-shop/locations/europe-west1"
HOST = "products-1a2b3c4d5e-ew.a.run.app"
OTHER = "europe-west1-acme-shop.cloudfunctions.net"
CONNECTOR = Egress("shop-vpc", "10.8.0.0/28", ("vpc-connector",))
DIRECT = Egress("shop-vpc", "10.10.0.0/24", ("function",))
NODE = Machine("shop-vpc", "10.10.0.2", "10.10.0.0/24", "10.20.0.0/16")
SOURCE = package.archive(package.forwarding())
FUNCTION = Function(
    name=f"{REGION}/functions/products",
    service=f"{REGION}/services/products",
    revision="products-00001",
    urls=(f"https://{HOST}", f"https://{OTHER}/products"),
    source=hashlib.sha256(SOURCE).hexdigest(),
    runtime=package.RUNTIME,
    entry_point=package.ENTRY_POINT,
    environment={"FORWARD_TO": "http://10.10.0.2:80", "FORWARD_CONNECT_TIMEOUT": "0.5", "FORWARD_TIMEOUT": "4",
                 "THREADS": "8"},
    seconds=10,
    concurrency=8,
    egress=CONNECTOR,
)
TOKEN = "header.claims.signature"


class Place:
    """A VPC with a node that answers, functions and what stands before them."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.vpc = Vpc(Namespace(state.namespace("vpc")), Namespace(state.namespace("apigee")))
        self.node = Namespace(state.namespace("node-0"))
        self.allowed = ["10.8.0.0/28", "10.10.0.0/24"]
        self.authority = Authority.load_or_create(state.certificates)
        self.functions = Functions(state, self.vpc, self.bring)
        self.front = FunctionFront(state, self.authority, self.functions, self.judge)
        self.context = ssl.create_default_context(cafile=str(self.authority.certificate_file))
        self.seen: list[dict[str, str]] = []

    async def bring(self) -> None:
        rule = FirewallRule("balancer", "shop-vpc", allow=(("tcp", ("80",)),), source_ranges=tuple(self.allowed))
        subnets = (Subnet("nodes", "shop-vpc", "europe-west1", "10.10.0.0/24"),
                   Subnet("connector", "shop-vpc", "europe-west1", "10.8.0.0/28"))
        network = Network("shop-vpc", subnets=subnets, firewall_rules=(rule,))
        script = firewall.render([network], [NODE, *self.functions.machines()], {})
        await asyncio.to_thread(self.vpc.set_firewall, script)

    async def judge(self, service: str, token: str, audiences: Sequence[str]) -> int:
        """Who may invoke is the emulator's business, and tried there."""
        assert service == FUNCTION.service and audiences == FUNCTION.urls
        return 200 if token == TOKEN else 401 if token else 403

    async def answer(self, request: web.BaseRequest) -> web.Response:
        if request.path == "/slow":
            await asyncio.sleep(1)
        self.seen.append({**request.headers, "by": str(request.remote), "target": request.raw_path})
        return web.json_response({"by": request.remote})

    async def apply(self, *functions: Function) -> dict[str, str]:
        return await self.functions.apply(functions, {FUNCTION.source: SOURCE})

    async def ask(self, path: str = "/products", host: str = HOST, token: str = TOKEN,
                  **how: object) -> tuple[int, str]:
        url = URL(f"https://{self.state.function_address}{path}", encoded=True)
        headers = {"Host": host, **({"Authorization": f"Bearer {token}"} if token else {})}
        async with aiohttp.ClientSession() as session, session.request(
                str(how.pop("method", "GET")), url, headers=headers, ssl=self.context, server_hostname=host,
                **how) as answer:
            return answer.status, await answer.text()


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    home = Path(tempfile.mkdtemp(prefix="functions-"))
    state = State(home, cache_folder())
    state.prepare()
    made = Place(state)
    runner = web.ServerRunner(web.Server(made.answer))
    try:
        made.vpc.create()
        made.vpc.attach_node(0, made.node, NODE.node_ip, "10.10.0.1", NODE.pod_range)
        await made.bring()
        await runner.setup()
        await web.SockSite(runner, made.node.listen("10.10.0.2", 80)).start()
        await made.front.open()
        yield made
    finally:
        await made.front.close()
        await made.functions.close()
        await runner.cleanup()
        made.vpc.detach_node(0, made.node)
        made.vpc.delete()
        shutil.rmtree(home)


async def test_the_uploaded_source_answers_through_its_connector(place: Place) -> None:
    assert await place.apply(FUNCTION) == {}
    status, text = await place.ask("/products?key=canary-key&a=%2e")
    assert (status, place.seen[-1]["target"]) == (200, "/products?a=%2e"), text
    assert place.seen[-1]["by"].startswith("10.8.0.")
    assert (await place.ask("/products/products/1", OTHER))[0] == 200
    assert place.seen[-1]["target"] == "/products/1"
    assert "Authorization" not in place.seen[-1]
    refused = [await place.ask(token=""), await place.ask(token="wrong"), await place.ask(host="no.a.run.app")]
    assert [status for status, _text in refused] == [403, 401, 404]
    # Nothing of the network reaches the framework but through the front.
    revision, = place.functions.running()
    with pytest.raises((OSError, asyncio.TimeoutError)):
        await place.node.connect(revision.address, 8080, 0.4)
    log = (place.state.logs / "function-products.log").read_text()
    assert "request GET /products 200" in log and "canary" not in log and TOKEN not in log


async def test_without_a_way_into_the_network_a_call_times_out(place: Place) -> None:
    await place.apply(FUNCTION)
    assert (await place.ask())[0] == 200
    await place.apply(dataclasses.replace(FUNCTION, revision="products-00002", egress=None))
    status, text = await place.ask()
    assert status == 504 and "10.10" not in text
    await place.apply(dataclasses.replace(FUNCTION, revision="products-00003", egress=DIRECT))
    assert (await place.ask())[0] == 200
    assert place.seen[-1]["by"].startswith("10.10.0.2")
    # An address that nobody has is no other than one that does not answer.
    nowhere = {**FUNCTION.environment, "FORWARD_TO": "http://10.77.0.9"}
    await place.apply(dataclasses.replace(FUNCTION, revision="products-00005", environment=nowhere))
    assert (await place.ask())[0] == 504
    # A range that the balancer does not let in is as good as none.
    place.allowed.remove("10.10.0.0/24")
    await place.bring()
    await place.apply(dataclasses.replace(FUNCTION, revision="products-00004", egress=DIRECT))
    assert (await place.ask())[0] == 504


async def test_a_new_revision_fails_no_call_and_one_that_does_not_start_replaces_nothing(place: Place) -> None:
    await place.apply(FUNCTION)
    stopping, failures, count = asyncio.Event(), [], 0

    async def load() -> None:
        nonlocal count
        while not stopping.is_set():
            status, text = await place.ask()
            count += 1
            if status != 200:
                failures.append((status, text))

    clients = [asyncio.create_task(load()) for _ in range(3)]
    slow = asyncio.create_task(place.ask("/slow"))
    await asyncio.sleep(0.3)
    await place.apply(dataclasses.replace(FUNCTION, revision="products-00002"))
    unfit = dataclasses.replace(FUNCTION, revision="products-00003", environment={"FORWARD_TO": "nonsense"})
    assert "failed to start and listen" in (await place.apply(unfit))[FUNCTION.name]
    stopping.set()
    await asyncio.gather(*clients)
    assert not failures and count > 10, (failures[:3], count)
    assert (await slow)[0] == 200
    assert [each.function.revision for each in place.functions.running()] == ["products-00002"]


async def test_the_same_picture_changes_nothing_and_what_ended_is_started_again(place: Place) -> None:
    await place.apply(FUNCTION)
    before, = place.functions.running()
    await place.apply(FUNCTION)
    assert place.functions.running() == [before]
    before.process.kill()
    await before.process.wait()
    assert (await place.ask())[0] == 200
    await place.apply()
    assert (await place.ask())[0] == 404
    await place.functions.close()
    assert not list(NETNS_FOLDER.glob(place.state.namespace("function-*")))
    assert [path.name for path in place.state.functions.iterdir() if path.is_dir()] == []


async def test_limits_of_the_front(place: Place) -> None:
    quick = dataclasses.replace(FUNCTION, seconds=1, environment={**FUNCTION.environment, "FORWARD_TIMEOUT": "0.9"})
    await place.apply(quick)
    with contextlib.suppress(aiohttp.ClientError):
        assert (await place.ask(method="POST", data=b"x" * (33 * 1024 * 1024)))[0] == 413
    await place.apply(dataclasses.replace(FUNCTION, revision="products-00002", ingress="ALLOW_INTERNAL_ONLY"))
    assert (await place.ask())[0] == 404
    assert os.stat(place.state.functions / "tls.key").st_mode & 0o77 == 0
