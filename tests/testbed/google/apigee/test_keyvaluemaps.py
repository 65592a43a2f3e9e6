# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Key value maps on their three levels."""
from __future__ import annotations

import asyncio

import pytest

SCOPES = {"": "organizations", "environments/prod/": "organizations.environments", "apis/orders/": "organizations.apis"}
METHODS = [f"apigee.{scope}.keyvaluemaps.{verb}" for scope in SCOPES.values() for verb in
           ("create", "get", "list", "update", "delete")]
ENTRIES = [f"apigee.{scope}.keyvaluemaps.entries.{verb}" for scope in SCOPES.values() for verb in
           ("create", "get", "list", "update", "delete")]


@pytest.fixture
async def site(apigee):
    await apigee.organization()
    await apigee.environment(attach=False)
    await apigee.upload()
    return apigee


@pytest.mark.shows(*METHODS)
@pytest.mark.parametrize("scope", list(SCOPES))
async def test_maps(site, scope):
    path = f"{scope}keyvaluemaps"
    assert await site.get(path) == []
    made = await site.post(path, {"name": "settings", "encrypted": True})
    assert made == {"name": "settings", "encrypted": True} == await site.get(f"{path}/settings")
    assert await site.get(path) == ["settings"]
    with site.refused(409):
        await site.post(path, {"name": "settings", "encrypted": True})
    with site.refused(400, "encrypted must be true"):
        await site.post(path, {"name": "plain"})
    with site.refused(400, "name"):
        await site.post(path, {"encrypted": True})
    with site.refused(400, "encrypted must be true"):
        await site.put(f"{path}/settings", {"name": "settings", "encrypted": False})
    masked = await site.put(f"{path}/settings", {"name": "settings", "encrypted": True, "maskedValues": True})
    assert masked["maskedValues"] is True
    await site.post(f"{path}/settings/entries", {"name": "a", "value": "1"})
    assert (await site.delete(f"{path}/settings"))["name"] == "settings"
    with site.refused(404):
        await site.get(f"{path}/settings/entries/a")
    await site.post(path, {"name": "settings", "encrypted": True})
    assert await site.get(f"{path}/settings/entries") == {}


@pytest.mark.shows(*METHODS, *ENTRIES)
@pytest.mark.parametrize(("scope", "shown"), [
    ("", ("organization", "")), ("environments/prod/", ("environment", "prod")),
    ("apis/orders/", ("apiproxy", "orders"))])
async def test_the_runtime_is_told_of_every_entry(site, scope, shown):
    await site.instance()
    path = f"{scope}keyvaluemaps"

    def told():
        return [(one["scope"], one["of"], one["name"], one["entries"])
                for one in site.world.configuration["key_value_maps"]]

    await site.post(path, {"name": "m", "encrypted": True, "maskedValues": True})
    assert told() == [(*shown, "m", {})]
    await site.post(f"{path}/m/entries", {"name": "a/b", "value": "1"})
    assert told() == [(*shown, "m", {"a/b": "1"})]
    await site.put(f"{path}/m/entries/a%2Fb", {"name": "a/b", "value": "2"})
    assert told() == [(*shown, "m", {"a/b": "2"})]
    await site.delete(f"{path}/m/entries/a%2Fb")
    assert told() == [(*shown, "m", {})]
    await site.delete(f"{path}/m")
    assert told() == []


@pytest.mark.shows(*ENTRIES)
@pytest.mark.parametrize("scope", list(SCOPES))
async def test_entries(site, scope):
    await site.post(f"{scope}keyvaluemaps", {"name": "m", "encrypted": True})
    path = f"{scope}keyvaluemaps/m/entries"
    made = await site.post(path, {"name": "peered_domain", "value": "gke.acme.internal."})
    assert made == {"name": "peered_domain", "value": "gke.acme.internal."} == await site.get(f"{path}/peered_domain")
    with site.refused(409):
        await site.post(path, {"name": "peered_domain", "value": "x"})
    with site.refused(400, "value"):
        await site.post(path, {"name": "x"})
    changed = await site.put(f"{path}/peered_domain", {"name": "peered_domain", "value": "new"})
    assert changed["value"] == "new"
    with site.refused(400, "does not match"):
        await site.put(f"{path}/peered_domain", {"name": "other", "value": "new"})
    assert (await site.delete(f"{path}/peered_domain"))["value"] == "new"
    for verb in (site.get, site.delete):
        with site.refused(404):
            await verb(f"{path}/peered_domain")
    with site.refused(404):
        await site.put(f"{path}/peered_domain", {"value": "x"})


@pytest.mark.shows("apigee.organizations.keyvaluemaps.entries.list")
async def test_entries_come_in_pages_and_masked(site):
    await site.post("keyvaluemaps", {"name": "m", "encrypted": True, "maskedValues": True})
    for name in ("c", "a", "b"):
        await site.post("keyvaluemaps/m/entries", {"name": name, "value": "secret"})
    first = await site.get("keyvaluemaps/m/entries", pageSize=2)
    assert first["keyValueEntries"] == [{"name": "a", "value": "*****"}, {"name": "b", "value": "*****"}]
    second = await site.get("keyvaluemaps/m/entries", pageSize=2, pageToken=first["nextPageToken"])
    assert [item["name"] for item in second["keyValueEntries"]] == ["c"] and "nextPageToken" not in second


@pytest.mark.shows("apigee.organizations.keyvaluemaps.entries.get")
async def test_keys_with_odd_characters(site):
    await site.post("keyvaluemaps", {"name": "m", "encrypted": True})
    for name in ("100% $x", "targetserver.prod.orders"):
        await site.post("keyvaluemaps/m/entries", {"name": name, "value": "v"})
        assert (await site.get(f"keyvaluemaps/m/entries/{name}"))["name"] == name


@pytest.mark.shows("apigee.organizations.environments.keyvaluemaps.create")
async def test_the_parent_must_exist(site):
    for path in ("environments/none", "apis/none"):
        with site.refused(404):
            await site.post(f"{path}/keyvaluemaps", {"name": "m", "encrypted": True})


@pytest.mark.shows(*ENTRIES)
async def test_entries_written_at_once_share_pictures_and_none_is_missing(site, monkeypatch):
    await site.instance()
    await site.post("keyvaluemaps", {"name": "m", "encrypted": True})
    original, pictures = site.world.configure_runtime, []

    async def slow(configuration, bundles):
        pictures.append(configuration)
        await asyncio.sleep(0.05)
        return await original(configuration, bundles)

    monkeypatch.setattr(site.world, "configure_runtime", slow)
    names = [f"entry-{number}" for number in range(20)]

    async def write(name):
        await site.post("keyvaluemaps/m/entries", {"name": name, "value": "1"})
        # Whoever has been answered is in the picture.
        held, = site.world.configuration["key_value_maps"]
        assert name in held["entries"]

    await asyncio.gather(*map(write, names))
    assert len(pictures) < len(names)
    held, = site.world.configuration["key_value_maps"]
    assert sorted(held["entries"]) == sorted(names)
