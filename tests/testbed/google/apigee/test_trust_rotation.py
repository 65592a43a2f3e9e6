# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Rotation of what Apigee trusts and shows, under load: real modules, emulated API, real runtime, real TLS server.

Every answer of the backend ends its connection, so that every call is a handshake.
"""
from __future__ import annotations

import asyncio
import contextlib
import ssl

import aiohttp
import pytest
from aiohttp import web

from tests.testbed.apigee.doubles import Target
from tests.testbed.certificates_double import Leaf, TestAuthority
from tests.testbed.google.apigee.gateway import Gateway, gateway

HOST = "orders.shop.svc.gke.acme.internal"
OLD, NEW = TestAuthority("old CA"), TestAuthority("new CA")
PLACE = {"environment": "prod", "organization": "acme-shop"}
STORES = "environments/prod/keystores"


def trusting(*authorities: TestAuthority, settle: int = 1, **options) -> dict:
    return {"kind": "apigee_truststore", **PLACE, "name": "gke-ca", "settle": settle,
            "authorities": [authority.pem for authority in authorities], **options}


def showing(leaf: Leaf, settle: int = 1) -> dict:
    return {"kind": "apigee_client_certificate", **PLACE, "name": "gke-client", "settle": settle,
            "certificate": leaf.certificate, "private_key": leaf.key}


class Site:
    """A gateway with a backend, and calls without end."""

    def __init__(self, gateway: Gateway, backend: Target, context: ssl.SSLContext) -> None:
        self.gateway, self.backend, self.context = gateway, backend, context
        self.apigee, self.runtime, self.url = gateway.apigee, gateway.runtime, gateway.url
        self.folder, self.run = gateway.folder, gateway.run
        self.good = 0
        self.failed: list[str] = []

    def serve(self, leaf: Leaf) -> None:
        """New handshakes show this certificate."""
        file = self.folder / "pair.pem"
        file.write_text(leaf.pair)
        self.context.load_cert_chain(file)

    async def _call(self, session: aiohttp.ClientSession) -> None:
        while True:
            async with session.get(f"{self.url}/orders", headers={"Host": "api.acme.example"}) as reply:
                text = await reply.text()
                if reply.status == 200:
                    self.good += 1
                else:
                    self.failed.append(text)
            await asyncio.sleep(0.005)

    @contextlib.asynccontextmanager
    async def load(self, callers: int = 4):
        """Calls all the while; at the end some were made."""
        self.good, self.failed = 0, []
        async with aiohttp.ClientSession() as session:
            tasks = [asyncio.create_task(self._call(session)) for _ in range(callers)]
            try:
                yield
                before = self.good
                while self.good < before + 20 and not self.failed:
                    assert all(not task.done() for task in tasks)
                    await asyncio.sleep(0.01)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        assert self.good or self.failed

    async def stores(self) -> list[str]:
        return await self.apigee.get(STORES)


@pytest.fixture
async def site(apigee, tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

    async def answer(_request):
        response = web.json_response({})
        response.force_close()
        return response
    backend = await Target(handler=answer, tls=context).start()
    async with gateway(apigee, tmp_path) as opened:
        opened.dns.records[HOST] = (10, ["127.0.0.1"])
        site = Site(opened, backend, context)
        site.serve(OLD.issue([HOST]))
        yield site
    await backend.stop()


async def publish(site: Site, *more: dict, **tls) -> None:
    """Truststore, target server, proxy: as the role makes them."""
    server = {"kind": "apigee_target_server", **PLACE, "name": "orders", "host": HOST, "port": site.backend.port,
              "tls": {"enabled": True, "enforce": True, "trust_store": "ref://gke-ca", **tls}}
    await site.run(server, trusting(OLD), *more)
    await site.apigee.upload(site.apigee.bundle("/orders", ("orders",)))
    assert (await site.apigee.deploy())["state"] == "READY"


async def test_an_authority_is_rotated_without_a_failed_call_or_a_deployment(site):
    await publish(site)
    deployment = site.runtime.configuration.deployments[0]
    (first,) = await site.stores()

    async with site.load():
        rotated = await site.run(trusting(NEW))
        assert rotated["resources"][0]["action"] == "updated" and "still trusts CN=old CA" in rotated["resources"][0][
            "note"]
        (second,) = await site.stores()
        assert second != first
        assert not (await site.run(trusting(NEW)))["changed"]
        # Leaves are renewed one after the other: for a while both are served.
        for authority in (NEW, OLD, NEW):
            site.serve(authority.issue([HOST]))
            await asyncio.sleep(0.2)
        retired = await site.run(trusting(NEW, retire=True))
        assert retired["changed"] and "note" not in retired["resources"][0]
        assert not (await site.run(trusting(NEW, retire=True)))["changed"]

    assert site.failed == [] and site.good > 100
    (third,) = await site.stores()
    assert third not in (first, second)
    assert site.runtime.configuration.deployments[0] is deployment
    site.serve(OLD.issue([HOST]))
    async with site.load():
        await asyncio.sleep(0.2)
    assert "SslHandshakeFailed" in site.failed[0], "the old authority is no longer trusted"


async def test_interrupted_at_every_write_no_call_fails_and_the_next_run_completes(site):
    await publish(site)
    (first,) = await site.stores()
    async with site.load(2):
        writes = (await site.run(trusting(NEW, settle=0)))["requests"]["writes"]
        (wanted,) = await site.stores()
        assert writes >= 5
        for number in range(1, writes + 1):
            await site.run(trusting(OLD, retire=True, settle=0))
            assert await site.stores() == [first]
            await site.run(trusting(NEW, settle=0), die_after=number)
            completed = await site.run(trusting(NEW, settle=0))
            assert await site.stores() == [wanted], f"interrupted after write {number}: {completed}"
            assert not (await site.run(trusting(NEW, settle=0)))["changed"]
    assert site.failed == [] and site.good > 100


async def test_a_reference_that_somebody_turned_does_not_make_its_authority_trusted(site):
    await publish(site)
    stranger = TestAuthority("stranger CA")
    await site.run({"kind": "apigee_keystore", **PLACE, "name": "partners"},
                   {"kind": "apigee_keystore_alias", **PLACE, "keystore": "partners", "name": "ca",
                    "certificate": stranger.pem},
                   {"kind": "apigee_reference", **PLACE, "name": "gke-ca", "refers": "partners",
                    "resource_type": "TrustStore"})
    site.serve(stranger.issue([HOST]))
    async with site.load(1):
        pass
    assert site.failed == [], "whoever turned it is trusted until the next run"
    mended = await site.run(trusting(OLD))
    assert "led to partners" in mended["resources"][0]["note"]
    assert "still trusts" not in mended["resources"][0]["note"]
    async with site.load(1):
        await asyncio.sleep(0.1)
    assert "SslHandshakeFailed" in site.failed[-1]
    assert "partners" in await site.stores(), "it is not ours to remove"
    assert not (await site.run(trusting(OLD)))["changed"]


async def test_the_other_order_loses_calls(site):
    """What the test above would show if the authority were exchanged before both were trusted."""
    await publish(site)
    async with site.load():
        await site.run(trusting(NEW, retire=True))
    assert "SslHandshakeFailed" in site.failed[0]


async def test_a_client_certificate_is_renewed_with_another_key_without_a_failed_call(site):
    site.context.verify_mode = ssl.CERT_REQUIRED
    site.context.load_verify_locations(cadata=OLD.pem)
    await publish(site, showing(OLD.issue(common_name="apigee 1")), client_auth_enabled=True,
                  key_store="ref://gke-client", key_alias="client")
    renewed = OLD.issue(common_name="apigee 2")
    async with site.load():
        await asyncio.sleep(0.2)
        assert (await site.run(showing(renewed)))["changed"]
        assert not (await site.run(showing(renewed)))["changed"]
    assert site.failed == [] and site.good > 50
    shown = [request["client"] for request in site.backend.requests]
    assert shown[0] == ["apigee 1"] and shown[-1] == ["apigee 2"]


async def test_removal_takes_everything_that_was_made(site):
    await publish(site, showing(OLD.issue(common_name="apigee")))
    await site.apigee.delete("environments/prod/apis/orders/revisions/1/deployments")
    names = ({"kind": "apigee_target_server", **PLACE, "name": "orders",
              "tls": {"enforce": True, "trust_store": "ref://gke-ca"}},
             {"kind": "apigee_truststore", **PLACE, "name": "gke-ca"},
             {"kind": "apigee_client_certificate", **PLACE, "name": "gke-client"})
    removed = await site.run(*names, state="absent")
    assert {one["action"] for one in removed["resources"]} == {"deleted"}
    assert await site.stores() == [] == await site.apigee.get("environments/prod/references")
    assert not (await site.run(*names, state="absent"))["changed"]
