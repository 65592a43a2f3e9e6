# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Who gets in where: a real Envoy among Google's front ends, servers in a VPC behind it. Needs root, no cluster."""
from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from testbed import leftovers
from testbed.certificates import Authority
from testbed.http_balancing.balancers import HttpBalancers
from testbed.http_balancing.model import Backend, Check, Host, HttpBalancer, PolicyRule, Redirect
from testbed.network import firewall
from testbed.network.internet import PASSING_ADDRESS, Internet
from testbed.network.namespace import Namespace
from testbed.network.proxies import Proxies
from testbed.network.vpc import Vpc
from testbed.outside import Answer, call
from testbed.state import State, cache_folder
from testbed.world import FirewallRule, LoadBalancer, Network, Subnet

pytestmark = pytest.mark.testbed

ADDRESS, SIXTH = "203.0.113.10", "2001:db8:a::"
FRIEND, FRIEND_6, STRANGER, STRANGER_6 = "192.0.2.7", "2001:db8:f::1", "192.0.2.8", "2001:db8:e::1"
NODE = "10.10.0.2"
ONLY_FRIENDS = (
    PolicyRule(1000, (FRIEND + "/32", "2001:db8:f::/64")),
    PolicyRule(1100, ("198.51.100.0/24",)),
    PolicyRule(2147483647, ("*",), 403),
)
SHOP = Backend("shop", endpoints=((NODE, 8080),), check=Check(path="/healthy"), policy=ONLY_FRIENDS)
REST = Backend("rest", endpoints=((NODE, 8080),), check=Check(path="/healthy"), policy=ONLY_FRIENDS)
BALANCER = HttpBalancer(
    "rule", ADDRESS, 80, "rest", backends=(SHOP, REST),
    hosts=(Host(("shop.example",), (("/orders", "shop"), ("/orders/*", "shop")), "rest"),))


@dataclasses.dataclass
class Place:
    """The internet of a testbed, and a server in its VPC."""

    balancers: HttpBalancers
    internet: Internet
    proxies: Proxies
    vpc: Vpc
    node: Namespace
    tenant: Namespace
    authority: Authority
    #: What the server says to health checks.
    health: list[int]

    async def ask(self, source: str, path: str = "/orders", host: str = "shop.example", address: str = ADDRESS,
                  scheme: str = "http", ca: Path | None = None, namespace: Namespace | None = None) -> Answer:
        where = f"[{address}]" if ":" in address else address
        return await asyncio.to_thread(
            call, namespace or self.internet.namespace, f"{scheme}://{where}{path}", source, host=host, ca=ca)

    async def apply(self, *balancers: HttpBalancer, healthy: bool = True) -> None:
        """Returns when the health of every endpoint is known, and is as expected."""
        await self.balancers.apply(balancers)
        names = {each.name for one in balancers for each in one.backends}

        async def known() -> bool:
            seen = await self.balancers.health()
            return all(seen.get(name) and set(seen[name].values()) == {healthy} for name in names)

        await eventually(known)


async def eventually(condition, timeout: float = 60) -> None:
    deadline = asyncio.get_running_loop().time() + timeout
    while not await condition():
        assert asyncio.get_running_loop().time() < deadline, "it never came"
        await asyncio.sleep(0.05)


@pytest.fixture
async def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    state = State(tmp_path / "home", cache_folder())
    state.prepare()
    monkeypatch.chdir(state.home)
    router, tenant = Namespace(state.namespace("vpc")), Namespace(state.namespace("apigee"))
    vpc, node = Vpc(router, tenant), Namespace(state.namespace("node-0"))
    internet = Internet(Namespace(state.namespace("internet")), router, tenant)
    proxies = Proxies(Namespace(state.namespace("proxies")), router)
    health = [200]

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/healthy":
            return web.Response(status=health[0])
        return web.json_response({"from": request.remote, "path": request.path_qs, "headers": dict(request.headers)})

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    runner = web.AppRunner(app)
    try:
        vpc.create()
        internet.create()
        proxies.create()
        vpc.attach_machine("node0", node, NODE, "10.10.0.1")
        await runner.setup()
        await web.SockSite(runner, node.listen(NODE, 8080)).start()
        balancers = HttpBalancers(state, internet.namespace, proxies.namespace)
        yield Place(balancers, internet, proxies, vpc, node, tenant,
                    Authority.load_or_create(state.certificates), health)
        await balancers.close()
        await runner.cleanup()
        internet.delete()
        proxies.delete()
        node.delete()
        vpc.delete()
        assert leftovers.namespaces(state) == []
    finally:
        leftovers.clean(state)


async def test_a_policy_decides_by_source_address_on_every_path(place: Place) -> None:
    await place.apply(BALANCER, dataclasses.replace(BALANCER, name="sixth", address=SIXTH))
    answer = await place.ask(FRIEND, "/orders/42?x=1")
    assert answer.status == 200
    seen = json.loads(answer.body)
    # The backend sees Google's front end; who called stands in a header.
    assert (seen["from"], seen["path"]) == ("35.191.0.1", "/orders/42?x=1")
    assert (seen["headers"]["X-Forwarded-For"], seen["headers"]["Via"]) == (FRIEND, "1.1 google")
    assert (await place.ask(FRIEND_6, address=SIXTH)).status == 200
    for source, address in ((STRANGER, ADDRESS), (STRANGER_6, SIXTH)):
        for path, host in (("/orders", "shop.example"), ("/orders/1", "shop.example"), ("/else", "shop.example"),
                           ("/", "unknown.example"), ("/orders/../else", "shop.example"), ("/healthy", "")):
            assert (await place.ask(source, path, host, address)).status == 403, (source, path, host)
    # What a caller says of where it comes from is not believed.
    lied = await asyncio.to_thread(call, place.internet.namespace, f"http://{ADDRESS}/orders", STRANGER,
                                   host="shop.example", headers={"X-Forwarded-For": FRIEND})
    assert lied.status == 403


async def test_rules_are_taken_in_order_and_each_backend_has_its_own(place: Place) -> None:
    policy = (PolicyRule(10, ("192.0.2.0/28",), 404), PolicyRule(20, (FRIEND + "/32", "192.0.2.64/26")),
              PolicyRule(30, ("192.0.2.64/27",), 502), PolicyRule(40, (STRANGER + "/32",), 403, preview=True),
              PolicyRule(50, (), 403), PolicyRule(60, ("192.0.2.32/27",), 502))
    open_ = dataclasses.replace(REST, policy=None)
    await place.apply(dataclasses.replace(BALANCER, backends=(dataclasses.replace(SHOP, policy=policy), open_)))
    # 10 before 20; 20 before 30; 60; none: without a default rule in the way.
    for source, status in ((FRIEND, 404), ("192.0.2.70", 200), ("192.0.2.40", 502), ("192.0.2.20", 200)):
        assert (await place.ask(source)).status == status, source
        assert (await place.ask(source, "/else")).status == 200
    # A rule on trial decides nothing; a change of the policy has its effect at once.
    trial = (PolicyRule(40, (STRANGER + "/32",), 403, preview=True),)
    await place.apply(dataclasses.replace(BALANCER, backends=(dataclasses.replace(SHOP, policy=trial), open_)))
    assert (await place.ask(STRANGER)).status == 200
    real = (dataclasses.replace(trial[0], preview=False),)
    await place.apply(dataclasses.replace(BALANCER, backends=(dataclasses.replace(SHOP, policy=real), open_)))
    assert (await place.ask(STRANGER)).status == 403


async def test_only_healthy_backends_are_called(place: Place) -> None:
    place.health[0] = 401
    await place.apply(BALANCER, healthy=False)
    assert (await place.ask(FRIEND)).status == 502
    place.health[0] = 200

    async def served() -> bool:
        return (await place.ask(FRIEND)).status == 200

    await eventually(served)
    nobody = dataclasses.replace(SHOP, endpoints=())
    await place.balancers.apply([dataclasses.replace(BALANCER, backends=(nobody, REST))])
    assert (await place.ask(FRIEND)).status == 502
    # Google's own pods, where an Ingress names no default backend: they are outside of any policy.
    google = Backend("rest", answers=404)
    await place.balancers.apply([dataclasses.replace(BALANCER, backends=(SHOP, google))])
    answer = await place.ask(STRANGER, "/", "unknown.example")
    assert answer.status == 404 and b"default" not in answer.body and b"backend NotFound" in answer.body


async def test_tls_and_the_way_to_it(place: Place) -> None:
    chain, key = place.authority.issue(["shop.example"])
    safe = dataclasses.replace(BALANCER, name="https", port=443, certificates=((chain.decode(), key.decode()),))
    plain = dataclasses.replace(BALANCER, redirect=Redirect(308), backends=())
    await place.balancers.apply([safe, plain])
    await place.apply(safe, plain)
    answer = await place.ask(STRANGER, "/orders?a=b")
    assert (answer.status, answer.headers["location"]) == (308, "https://shop.example/orders?a=b")
    trusted = place.authority.certificate_file
    assert (await place.ask(FRIEND, scheme="https", ca=trusted)).status == 200
    assert (await place.ask(STRANGER, scheme="https", ca=trusted)).status == 403


async def test_apigee_calls_from_its_active_addresses(place: Place) -> None:
    host = "172.31.248.2"
    place.tenant.run(["ip", "address", "add", f"{host}/32", "dev", "lo"])
    seen = dataclasses.replace(REST, policy=None)
    await place.apply(dataclasses.replace(BALANCER, backends=(SHOP, seen)))

    async def source() -> str:
        answer = await place.ask(host, "/else", namespace=place.tenant)
        return json.loads(answer.body)["headers"]["X-Forwarded-For"]

    assert await source() == PASSING_ADDRESS
    assert (await place.ask(host, namespace=place.tenant)).status == 403
    place.internet.set_egress({host: ("198.51.100.10", "198.51.100.11")})
    assert {await source() for _each in range(4)} == {"198.51.100.10", "198.51.100.11"}
    assert (await place.ask(host, namespace=place.tenant)).status == 200
    place.internet.set_egress({"172.31.248.9": ("198.51.100.12",)})
    assert await source() == PASSING_ADDRESS


async def test_an_internal_one_is_reached_from_its_network_and_region_alone(place: Place) -> None:
    network, vip, proxy = "shop-vpc", "10.10.0.200", "10.12.0.2"
    subnets = (Subnet("nodes", network, "europe-west1", "10.10.0.0/24", {}),
               Subnet("far", network, "us-east1", "10.14.0.0/24", {}),
               Subnet("proxies", network, "europe-west1", "10.12.0.0/23", {}))
    machine = firewall.Machine(network, NODE, "10.10.0.0/24", "", ("gke",), "node0")
    far = firewall.Machine(network, "10.14.0.2", "10.14.0.0/24", "", (), "node1")
    distant = Namespace(place.node.name.removesuffix("0") + "1")
    place.vpc.attach_machine("node1", distant, far.node_ip, "10.14.0.1")

    def walls(*allowed: str) -> None:
        rules = [FirewallRule("l7", network, allow=(("tcp", ("8080",)),), source_ranges=allowed)] if allowed else []
        served = (LoadBalancer("rule", vip, "europe-west1", ("", "", "")),)
        proxies = firewall.Machine(network, proxy, "", "", link=firewall.PROXIES_LINK, load_balancers=served,
                                   proxies=True)
        place.vpc.set_firewall(firewall.render(
            [Network(network, subnets=subnets, firewall_rules=tuple(rules))], [machine, far, proxies], {}))

    try:
        # What the proxies call is judged like any call in the network: nobody let them in yet.
        walls("35.191.0.0/16")
        place.proxies.set_addresses([vip, proxy])
        inner = dataclasses.replace(REST, name="inner", policy=None)
        inside = HttpBalancer("inside", vip, 80, "inner", backends=(inner,), network=network, proxy=proxy,
                              region="europe-west1")
        await place.balancers.apply([inside])

        async def ill() -> bool:
            return list((await place.balancers.health()).get("inner", {}).values()) == [False]

        await eventually(ill)
        walls("35.191.0.0/16", "10.12.0.0/23")
        # One of each kind, beside each other.
        await place.apply(BALANCER, inside)
        answer = await place.ask(NODE, address=vip, namespace=place.node)
        # The backend sees the subnet for proxies, and who called in a header.
        seen = json.loads(answer.body)
        assert (answer.status, seen["from"], seen["headers"]["X-Forwarded-For"]) == (200, proxy, NODE)
        for namespace, source in ((place.internet.namespace, FRIEND), (distant, far.node_ip)):
            with pytest.raises(OSError):
                await asyncio.to_thread(call, namespace, f"http://{vip}/", source, timeout=1)
        place.proxies.set_addresses([])
        with pytest.raises(OSError):
            await asyncio.to_thread(call, place.node, f"http://{vip}/", NODE, timeout=1)
    finally:
        distant.delete()
