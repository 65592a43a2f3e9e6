# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection understands the refusals that the emulator gives, in both of Google's error formats."""
from __future__ import annotations

import json

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.errors import ApiError

MISSING = "environments/prod/targetservers/none"


async def message(apigee, verb: str, path: str, body=None, **query) -> ApiError:
    """What the collection makes of a refusal."""
    headers = {"Authorization": f"Bearer {apigee.token}"}
    async with apigee.client.request(verb, f"/apigee/v1/{path}", json=body, params=query, headers=headers) as answer:
        content = await answer.read()
        assert answer.status >= 400, content
        return ApiError.read(verb, str(answer.url), answer.status, content)


async def test_a_stranger_is_told_what_may_be_wrong(apigee):
    error = await message(apigee, "GET", "organizations/nobody", **{"$.xgafv": "2"})
    assert error.code == "PERMISSION_DENIED" and "look at the name first" in error.message


async def test_a_lock_names_what_to_do(apigee):
    await apigee.organization()
    async with apigee.emulator.store.transaction() as tx:
        tx.put("settings/durations", {"scale": 0.02})
    await apigee.post("environments", {"name": "one"})
    error = await message(apigee, "POST", apigee.at("environments"), {"name": "two"})
    assert "locked by another operation" in error.said and "one thing at a time" in error.message


@pytest.mark.parametrize("form", ["1", "2"])
async def test_both_formats_are_understood_but_only_one_has_details(apigee, form):
    await apigee.ready()
    await apigee.upload()
    await apigee.upload()
    await apigee.deploy()
    path = apigee.at("environments/prod/apis/orders/revisions/2/deployments")
    error = await message(apigee, "POST", path, **{"$.xgafv": form})
    assert "deployment validations failed" in error.message
    assert ("do Another revision of it is deployed there" in error.message) == (form == "2")
    kept = json.dumps(error.result()["google_error"])
    assert ("CONFLICTING_DEPLOYMENT" in kept) == (form == "2")


async def test_what_is_in_use_says_by_whom(apigee):
    await apigee.ready()
    await apigee.post("environments/prod/keystores", {"name": "trust"})
    reference = {"name": "trust-ref", "refers": "trust", "resourceType": "TrustStore"}
    await apigee.post("environments/prod/references", reference)
    error = await message(apigee, "DELETE", apigee.at("environments/prod/keystores/trust"))
    assert "reference trust-ref refers to it" in error.message and "do Remove what uses it first" in error.message


async def test_a_bundle_with_faults_names_its_files(apigee):
    await apigee.organization()
    headers = {"Authorization": f"Bearer {apigee.token}", "Content-Type": "application/octet-stream"}
    bad = apigee.bundle(**{"apiproxy/policies/odd.xml": "<Nothing"})
    where = "/apigee/v1/" + apigee.at("apis")
    async with apigee.client.post(where, data=bad, params={"name": "orders", "action": "import"}, headers=headers) as r:
        error = ApiError.read("POST", where, r.status, await r.read())
    assert "because apiproxy/policies/odd.xml: " in error.message and "do Correct the files" in error.message
    assert error.request_id
