# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Target servers."""
from __future__ import annotations

import pytest

ALL = "apigee.organizations.environments.targetservers"
PATH = "environments/prod/targetservers"


@pytest.fixture
async def site(apigee):
    await apigee.ready()
    return apigee


def runtime_servers(site):
    return {item["name"]: item for item in site.world.configuration["environments"]["prod"]["target_servers"]}


@pytest.mark.shows(f"{ALL}.create", f"{ALL}.get", f"{ALL}.list")
async def test_create_read_list(site):
    made = await site.server(description="orders")
    assert made["isEnabled"] is True and made["protocol"] == "HTTP"
    assert await site.get(f"{PATH}/orders") == made
    await site.post(PATH, {"host": "10.20.0.5", "port": 80}, name="by-query")
    assert await site.get(PATH) == ["by-query", "orders"]
    assert set(runtime_servers(site)) == {"orders", "by-query"}
    with site.refused(409, "already exists"):
        await site.server()
    with site.refused(404):
        await site.get(f"{PATH}/none")
    with site.refused(404):
        await site.server(environment="none")


@pytest.mark.shows(f"{ALL}.create", f"{ALL}.update")
@pytest.mark.parametrize("change, message", [
    ({"host": None}, "host"), ({"port": None}, "port"), ({"port": 0}, "port"), ({"port": 70000}, "port"),
    ({"port": "http"}, "port"), ({"host": "http://a"}, "not a valid host name"),
    ({"host": "a_b.example"}, "not a valid"), ({"host": "a." + "b" * 64}, "not a valid"),
    ({"sslInfo": {"enabled": True}}, "sslInfo"),
    ({"protocol": "HTTP3"}, "HTTP3"),
    ({"sSLInfo": {"enabled": True, "clientAuthEnabled": True}}, "key_store and key_alias"),
])
async def test_refusals(site, change, message):
    body = {"name": "x", "host": "a.example", "port": 80} | change
    body = {name: value for name, value in body.items() if value is not None}
    with site.refused(400, message):
        await site.post(PATH, body)
    await site.server("x")
    with site.refused(400, message):
        await site.put(f"{PATH}/x", body)
    assert await site.get(PATH) == ["x"]


@pytest.mark.shows(f"{ALL}.update")
async def test_put_replaces_the_whole(site):
    await site.server(description="old", isEnabled=False, sSLInfo={"enabled": True, "enforce": True})
    changed = await site.put(f"{PATH}/orders", {"name": "orders", "host": "b.example", "port": 8443})
    assert changed == {"name": "orders", "host": "b.example", "port": 8443, "isEnabled": True, "protocol": "HTTP"}
    assert runtime_servers(site)["orders"]["host"] == "b.example"
    with site.refused(400, "protocol.*cannot be changed"):
        await site.put(f"{PATH}/orders", {"name": "orders", "host": "b.example", "port": 8443, "protocol": "GRPC"})
    with site.refused(400, "does not match"):
        await site.put(f"{PATH}/orders", {"name": "other", "host": "b.example", "port": 8443})
    off = await site.put(f"{PATH}/orders", {"host": "b.example", "port": 1, "isEnabled": False})
    assert "isEnabled" not in off, "proto3 JSON leaves false out"


@pytest.mark.shows(f"{ALL}.delete")
async def test_delete_answers_what_was_there(site):
    made = await site.server()
    assert await site.delete(f"{PATH}/orders") == made
    assert await site.get(PATH) == [] and runtime_servers(site) == {}


@pytest.mark.shows(f"{ALL}.create")
async def test_archive_environments_have_none(site):
    await site.wait(await site.post("environments", {"name": "archive", "deploymentType": "ARCHIVE"}))
    with site.refused(400, "ARCHIVE"):
        await site.server(environment="archive")
