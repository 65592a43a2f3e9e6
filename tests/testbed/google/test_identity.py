# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials as real clients use them, and what callers without rights are told."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import google.auth.exceptions
import google.auth.identity_pool
import google.auth.impersonated_credentials
import jwt
import pytest
from google.auth.transport.requests import AuthorizedSession, Request
from google.oauth2 import service_account

from testbed.google.seed import OWNER, VIEWER, key_file, point_keys_at
from tests.testbed.google.conftest import COMPUTE, CONTAINER, NUMBER, PROJECT, Google

SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]


def _url(google: Google, path: str = "") -> str:
    return str(google.client.make_url("/" + path))


async def test_google_auth_gets_a_token_with_a_key_file(google: Google) -> None:
    point_keys_at(google.emulator.state, _url(google, "oauth2/token"))

    def read() -> tuple[int, Any]:
        file = key_file(google.emulator.state)
        credentials = service_account.Credentials.from_service_account_file(file, scopes=SCOPES)
        with AuthorizedSession(credentials) as session:
            response = session.get(_url(google, f"cloudresourcemanager/v3/projects/{PROJECT}"))
        return response.status_code, response.json()

    status, project = await asyncio.to_thread(read)
    assert (status, project["name"]) == (200, f"projects/{NUMBER}")
    log = await google.call("GET", "_testbed/requests")
    assert [r["method"] for r in log["requests"]] == ["oauth2.token", "cloudresourcemanager.projects.get"]
    assert log["requests"][1]["principal"] == OWNER


async def test_a_key_that_is_not_the_accounts_is_refused(google: Google) -> None:
    point_keys_at(google.emulator.state, _url(google, "oauth2/token"))
    content = json.loads(key_file(google.emulator.state).read_text())
    content["private_key"] = json.loads(key_file(google.emulator.state, "viewer").read_text())["private_key"]

    def refresh() -> None:
        service_account.Credentials.from_service_account_info(content, scopes=SCOPES).refresh(Request())

    with pytest.raises(google_auth_error(), match="Invalid JWT Signature"):
        await asyncio.to_thread(refresh)


def google_auth_error() -> type[Exception]:
    return google.auth.exceptions.RefreshError


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"exp": 1000, "iat": 500}, "invalid_grant"),
        ({"aud": "https://example.com"}, "invalid_grant"),
        ({"iss": "stranger@acme-shop.iam.gserviceaccount.com"}, "invalid_grant"),
        ({"scope": ""}, "invalid_scope"),
    ],
)
async def test_assertions_that_are_refused(google: Google, change: dict[str, Any], error: str) -> None:
    content = json.loads(key_file(google.emulator.state).read_text())
    now = int(time.time())
    claims = {
        "iss": OWNER,
        "aud": _url(google, "oauth2/token"),
        "iat": now,
        "exp": now + 600,
        "scope": SCOPES[0],
        **change,
    }
    assertion = jwt.encode(claims, content["private_key"], "RS256", headers={"kid": content["private_key_id"]})
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}
    async with google.client.post("/oauth2/token", data=form) as response:
        assert (response.status, (await response.json())["error"]) == (400, error)
    async with google.client.post("/oauth2/token", data={"grant_type": "password"}) as response:
        assert (await response.json())["error"] == "unsupported_grant_type"


async def test_missing_unknown_and_expired_tokens(google: Google) -> None:
    path = f"cloudresourcemanager/v3/projects/{PROJECT}"
    async with google.client.get("/" + path) as response:
        error = (await response.json())["error"]
        assert (response.status, error["details"][0]["reason"]) == (401, "CREDENTIALS_MISSING")
    google.token = "ya29.unknown"
    error = await google.refused("GET", path)
    assert (error["code"], error["status"]) == (401, "UNAUTHENTICATED")
    google.token = await google.emulator.identity.token_for(OWNER, 0.01)
    await asyncio.sleep(0.02)
    error = await google.refused("GET", path)
    assert error["details"][0]["reason"] == "ACCESS_TOKEN_EXPIRED"


async def test_a_principal_without_rights_is_told_the_permission(google: Google) -> None:
    await google.ready()
    google.token = await google.emulator.identity.token_for(VIEWER)
    await google.call("GET", f"{COMPUTE}/global/networks/shop")
    body = {"name": "second", "autoCreateSubnetworks": False}
    error = await google.refused("POST", f"{COMPUTE}/global/networks", body)
    assert error["code"] == 403
    assert error["message"] == (
        f"Required 'compute.networks.create' permission for 'projects/{PROJECT}/global/networks/second'"
    )
    error = await google.refused("POST", f"{CONTAINER}/clusters", google.cluster())
    assert (error["status"], error["details"][0]["reason"]) == ("PERMISSION_DENIED", "IAM_PERMISSION_DENIED")
    assert error["details"][0]["metadata"]["permission"] == "container.clusters.create"
    google.token = (await google.call("POST", "_testbed/tokens", {"account": "nobody"}))["access_token"]
    assert (await google.refused("GET", f"{COMPUTE}/global/networks/shop"))["code"] == 403
    assert (await google.refused("GET", "cloudresourcemanager/v3/projects/no-such-project"))["code"] == 403


@pytest.mark.shows("iamcredentials.projects.serviceAccounts.generateAccessToken", "requires scope")
async def test_impersonation(google: Google) -> None:
    await google.enable()
    path = f"iamcredentials/v1/projects/-/serviceAccounts/{VIEWER}:generateAccessToken"
    assert (await google.refused("POST", path, {}))["code"] == 400
    answer = await google.call("POST", path, {"scope": SCOPES, "lifetime": "600s"})
    google.token = answer["accessToken"]
    assert (await google.refused("POST", f"{COMPUTE}/global/networks", {"name": "x"}))["code"] == 403
    assert (await google.refused("POST", path, {"scope": SCOPES}))["code"] == 403


@pytest.mark.shows("sts.token")
async def test_federation_exchanges_a_foreign_token(google: Google, tmp_path: Any) -> None:
    subject = tmp_path / "subject.jwt"
    subject.write_text(jwt.encode({"sub": "ci-job-7", "iss": "https://ci.example"}, "x" * 32))
    pool = f"projects/{NUMBER}/locations/global/workloadIdentityPools/ci"
    credentials = google_identity_pool(
        audience=f"//iam.googleapis.com/{pool}/providers/ci",
        subject_token_type="urn:ietf:params:oauth:token-type:jwt",
        token_url=_url(google, "sts/v1/token"),
        credential_source={"file": str(subject)},
        scopes=SCOPES,
    )
    await asyncio.to_thread(credentials.refresh, Request())
    google.token = credentials.token
    assert (await google.refused("GET", f"{COMPUTE}/global/networks"))["code"] == 403
    assert google.emulator.identity.review(google.token)["username"].endswith("/ci/subject/ci-job-7")


def google_identity_pool(**options: Any) -> Any:
    return google.auth.identity_pool.Credentials(**options)


async def test_kubernetes_asks_who_a_token_is(google: Google) -> None:
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": google.token}}
    answer = await google.call("POST", "_testbed/tokenreviews", review)
    assert answer["status"]["user"] == {"username": OWNER, "groups": ["system:authenticated"]}
    assert google.token not in json.dumps(answer)
    answer = await google.call("POST", "_testbed/tokenreviews", {**review, "spec": {"token": "wrong"}})
    assert answer["status"] == {"authenticated": False}


@pytest.mark.shows("iam.projects.serviceAccounts.get", "iam.projects.serviceAccounts.list")
async def test_service_accounts_are_shown_without_keys(google: Google) -> None:
    await google.enable()
    accounts = (await google.call("GET", f"iam/v1/projects/{PROJECT}/serviceAccounts"))["accounts"]
    assert {a["email"] for a in accounts} >= {OWNER, VIEWER}
    assert all("keys" not in a for a in accounts)
    assert (await google.call("GET", f"iam/v1/projects/-/serviceAccounts/{OWNER}"))["email"] == OWNER
    assert (await google.refused("GET", f"iam/v1/projects/{PROJECT}/serviceAccounts/x@y.z"))["code"] == 404
