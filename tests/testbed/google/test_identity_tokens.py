# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""ID tokens: what google-auth gets with a key file, and which tokens are taken for ours."""

from __future__ import annotations

import asyncio

import jwt
from google.auth.transport.requests import Request
from google.oauth2 import service_account

from testbed.google.identity_tokens import ISSUER
from testbed.google.seed import OWNER, key_file, point_keys_at
from tests.testbed.google.conftest import Google

AUDIENCE = "https://forward-x.a.run.app"


async def test_google_auth_gets_a_token_that_is_ours(google: Google) -> None:
    point_keys_at(google.emulator.state, str(google.client.make_url("/oauth2/token")))

    def fetch() -> str:
        file = key_file(google.emulator.state)
        credentials = service_account.IDTokenCredentials.from_service_account_file(file, target_audience=AUDIENCE)
        credentials.refresh(Request())
        return str(credentials.token)

    token = await asyncio.to_thread(fetch)
    claims = await google.emulator.identity_tokens.claims(token, AUDIENCE)
    assert claims is not None and claims["email"] == OWNER and claims["email_verified"] is True
    assert claims["iss"] == ISSUER and 3500 < claims["exp"] - claims["iat"] <= 3600
    published = jwt.PyJWKSet.from_dict(await google.emulator.identity_tokens.key_set())
    key = published[jwt.get_unverified_header(token)["kid"]]
    assert jwt.decode(token, key, audience=AUDIENCE)["email"] == OWNER


async def test_other_tokens_are_not_taken(google: Google) -> None:
    tokens = google.emulator.identity_tokens
    good = await tokens.mint(OWNER, AUDIENCE)
    assert await tokens.claims(good, "https://another.a.run.app") is None
    assert await tokens.claims(good[:-6] + "AAAAAA", AUDIENCE) is None
    assert await tokens.claims(await tokens.mint(OWNER, AUDIENCE, lifetime=-60), AUDIENCE) is None
    unsigned = jwt.encode(jwt.decode(good, options={"verify_signature": False}), None, "none")
    assert await tokens.claims(unsigned, AUDIENCE) is None


async def test_the_key_outlives_a_reset(google: Google) -> None:
    token = await google.emulator.identity_tokens.mint(OWNER, AUDIENCE)
    await google.emulator.reset()
    assert await google.emulator.identity_tokens.claims(token, AUDIENCE) is not None
