# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Importing, reading and deleting API proxies and their revisions."""
from __future__ import annotations

import io
import zipfile

import aiohttp
import pytest

APIS = "apigee.organizations.apis"


@pytest.fixture
async def org(apigee):
    await apigee.organization()
    return apigee


@pytest.mark.shows(f"{APIS}.create")
@pytest.mark.parametrize("part", ["file", "proxy"])
async def test_import_by_form_whatever_the_part_is_called(org, part):
    form = aiohttp.FormData()
    form.add_field("note", "not the bundle")
    form.add_field(part, org.bundle("/a"), filename="orders.zip", content_type="application/zip")
    made = await org.upload(form)
    assert made["revision"] == "1" and made["name"] == "orders" and made["basepaths"] == ["/a"]
    assert made["createdAt"].isdigit() and made["targets"] == ["default"]


@pytest.mark.shows(f"{APIS}.create", f"{APIS}.get")
async def test_import_of_the_same_content_makes_another_revision(org):
    for number in ("1", "2"):
        assert (await org.upload())["revision"] == number
    found = await org.get("apis/orders")
    assert found["revision"] == ["1", "2"] and found["latestRevisionId"] == "2"
    assert found["metaData"]["subType"] == "Proxy" and found["apiProxyType"] == "PROGRAMMABLE"


@pytest.mark.shows(f"{APIS}.create")
async def test_validation_makes_nothing(org):
    await org.upload(action="validate")
    with org.refused(404):
        await org.get("apis/orders")


@pytest.mark.shows(f"{APIS}.create")
async def test_broken_bundles_are_refused_with_every_violation(org):
    cases = [(b"nonsense", "zip"), (org.bundle(**{"apiproxy/proxies/default.xml": "<broken"}), "proxies/default.xml")]
    for action in ("import", "validate"):
        for data, where in cases:
            with org.refused(400, "bundle contains errors") as refusal:
                await org.upload(data, action=action)
            detail, request = refusal.value.error["details"]
            assert detail["@type"] == "type.googleapis.com/edge.configstore.bundle.BadBundle"
            assert request["@type"].endswith("RequestInfo") and request["requestId"].isdigit()
            assert where in str(refusal.value.violations)
    assert await org.get("apis") == {}


@pytest.mark.shows(f"{APIS}.create")
async def test_import_refusals(org):
    with org.refused(400, "name"):
        await org.post("apis", org.bundle(), action="import")
    with org.refused(400, "API proxy name"):
        await org.upload(org.bundle(), name="or ders")
    with org.refused(400, "must be import or validate"):
        await org.upload(org.bundle(), action="upload")
    with org.refused(400, "Content-Type"):
        await org.post("apis", {"name": "orders"}, name="orders", action="import")
    form = aiohttp.FormData()
    form.add_field("file", "text only")
    with org.refused(400, "boundary|no API proxy bundle|Content-Type"):
        await org.upload(form)


@pytest.mark.shows(f"{APIS}.create")
async def test_at_most_250_revisions(org, monkeypatch):
    monkeypatch.setattr("testbed.google.services.apigee.revisions.REVISIONS", 2)
    await org.upload()
    await org.upload()
    with org.refused(400, "already has 2 revisions"):
        await org.upload()
    await org.delete("apis/orders/revisions/1")
    assert (await org.upload())["revision"] == "3"


@pytest.mark.shows(f"{APIS}.list", f"{APIS}.revisions.list")
async def test_lists(org):
    await org.upload()
    await org.upload(org.bundle("/b", name="users"), name="users")
    await org.upload(org.bundle("/b", name="users"), name="users")
    short = await org.get("apis")
    assert short == {"proxies": [{"name": "orders", "apiProxyType": "PROGRAMMABLE"},
                                 {"name": "users", "apiProxyType": "PROGRAMMABLE"}]}
    full = await org.get("apis", includeRevisions=True, includeMetaData=True)
    assert full["proxies"][1]["revision"] == ["1", "2"] and full["proxies"][1]["latestRevisionId"] == "2"
    assert full["proxies"][0]["metaData"]["createdAt"].isdigit()
    assert await org.get("apis/users/revisions") == ["1", "2"]


@pytest.mark.shows(f"{APIS}.patch")
async def test_only_labels_can_be_patched(org):
    await org.upload()
    changed = await org.patch("apis/orders", {"labels": {"managed-by": "gatewayops-apigee-gke"}}, updateMask="labels")
    assert changed["labels"] == {"managed-by": "gatewayops-apigee-gke"}
    assert (await org.get("apis/orders"))["labels"] == changed["labels"]
    assert "labels" not in await org.patch("apis/orders", {}, updateMask="labels")
    with org.refused(400, "updateMask"):
        await org.patch("apis/orders", {"labels": {}})
    with org.refused(400, "label key"):
        await org.patch("apis/orders", {"labels": {"Managed By": "x"}}, updateMask="labels")
    with org.refused(400, "only name labels"):
        await org.patch("apis/orders", {"space": "x"}, updateMask="space")


@pytest.mark.shows(f"{APIS}.revisions.get")
async def test_download_is_the_bundle_with_the_servers_descriptor(org):
    uploaded = org.bundle("/a", servers=("orders",))
    await org.upload(uploaded)
    await org.upload(uploaded)
    data = await org.get("apis/orders/revisions/2", format="bundle")
    archive, before = zipfile.ZipFile(io.BytesIO(data)), zipfile.ZipFile(io.BytesIO(uploaded))
    assert archive.read("apiproxy/targets/default.xml") == before.read("apiproxy/targets/default.xml")
    descriptor = archive.read("apiproxy/orders.xml").decode()
    assert 'revision="2"' in descriptor and "<CreatedAt>" in descriptor and "<TargetServer>orders<" in descriptor
    assert data != uploaded
    shown = await org.get("apis/orders/revisions/2")
    assert shown["revision"] == "2" and shown["targetServers"] == ["orders"] and "description" not in shown
    with org.refused(400, "must be bundle"):
        await org.get("apis/orders/revisions/2", format="zip")
    with org.refused(404):
        await org.get("apis/orders/revisions/9")


@pytest.mark.shows(f"{APIS}.revisions.updateApiProxyRevision")
async def test_revision_can_be_replaced_until_it_was_deployed(apigee):
    await apigee.ready()
    await apigee.upload()
    changed = await apigee.post("apis/orders/revisions/1", apigee.bundle("/new"))
    assert changed["basepaths"] == ["/new"] and changed["revision"] == "1"
    with apigee.refused(400, "bundle contains errors"):
        await apigee.post("apis/orders/revisions/1", b"nonsense")
    await apigee.deploy()
    await apigee.delete("environments/prod/apis/orders/revisions/1/deployments")
    await apigee.emulator.operations.idle()
    with apigee.refused(400, "has been deployed and is immutable"):
        await apigee.post("apis/orders/revisions/1", apigee.bundle("/new"))


@pytest.mark.shows(f"{APIS}.delete", f"{APIS}.revisions.delete")
async def test_nothing_deployed_is_deleted(apigee):
    await apigee.ready()
    await apigee.upload()
    await apigee.upload()
    await apigee.deploy()
    with apigee.refused(400, "still deployed to prod"):
        await apigee.delete("apis/orders")
    with apigee.refused(400, "still deployed to prod"):
        await apigee.delete("apis/orders/revisions/1")
    assert (await apigee.delete("apis/orders/revisions/2"))["revision"] == "2"
    await apigee.delete("environments/prod/apis/orders/revisions/1/deployments")
    await apigee.emulator.operations.idle()
    assert (await apigee.delete("apis/orders"))["name"] == "orders"
    with apigee.refused(404):
        await apigee.get("apis/orders")
