# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""VerifyJWT and DecodeJWT against a running runtime."""
from __future__ import annotations

import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from .bundles import assign, proxy_xml, show, steps
from .conftest import serve

# Tokens are made when tests are collected, and a whole run may use them much later.
DAY = 86400
SECRET = "a secret that is at least thirty-two bytes long"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC = KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
SET_SECRET = assign("secret", f"<AssignVariable><Name>private.key</Name><Value>{SECRET}</Value></AssignVariable>")
HS256 = """<VerifyJWT name="jwt"><Algorithm>HS256</Algorithm><SecretKey><Value ref="private.key"/></SecretKey>
    <Issuer>me</Issuer><Audience>you</Audience><AdditionalClaims><Claim name="role">admin</Claim></AdditionalClaims>
    </VerifyJWT>"""


def claims(**changes) -> dict:
    return {"iss": "me", "aud": "you", "role": "admin", "sub": "ann", "exp": int(time.time()) + DAY, **changes}


def token(content: dict, key=SECRET, algorithm: str = "HS256", **header) -> str:
    return jwt.encode(content, key, algorithm=algorithm, headers=header)


async def call_with(bench, text: str | None):
    return await bench.call("/demo", headers={"Authorization": f"Bearer {text}"} if text else {})


async def test_a_good_token_is_admitted_and_its_claims_are_variables(bench, target):
    await serve(bench, target, proxy_xml(pre=steps("secret", "jwt"), post_response=steps("show")), SET_SECRET, HS256,
                show("jwt.jwt.claim.subject", "jwt.jwt.claim.role", "jwt.jwt.header.algorithm", "jwt.jwt.valid"))

    reply = await call_with(bench, token(claims()))

    assert reply.json() == {"jwt.jwt.claim.subject": "ann", "jwt.jwt.claim.role": "admin",
                            "jwt.jwt.header.algorithm": "HS256", "jwt.jwt.valid": "true"}


@pytest.mark.parametrize(("text", "code"), [
    (None, "FailedToResolveVariable"),
    ("nonsense", "FailedToDecode"),
    (token(claims(), "b" * 40), "InvalidToken"),
    (token(claims(), SECRET * 2, "HS512"), "AlgorithmInTokenNotPresentInConfiguration"),
    (token(claims(exp=int(time.time()) - 5)), "TokenExpired"),
    (token(claims(nbf=int(time.time()) + DAY)), "TokenNotYetValid"),
    (token(claims(iat=int(time.time()) + DAY)), "TokenNotYetValid"),
    (token(claims(iss="other")), "JwtIssuerMismatch"),
    (token(claims(aud=["other"])), "JwtAudienceMismatch"),
    (token(claims(role="user")), "InvalidClaim"),
    (token(claims(), crit=["x"], x=1), "UnhandledCriticalHeader"),
    (jwt.encode(claims(), None, algorithm="none"), "AlgorithmInTokenNotPresentInConfiguration"),
])
async def test_tokens_that_are_not_admitted(bench, target, text, code):
    await serve(bench, target, proxy_xml(pre=steps("secret", "jwt")), SET_SECRET, HS256)

    reply = await call_with(bench, text)

    assert (reply.status, reply.errorcode) == (401, f"steps.jwt.{code}")
    assert not target.requests


async def test_a_public_key_verifies(bench, target):
    await serve(bench, target, proxy_xml(pre=steps("jwt")), '<VerifyJWT name="jwt"><Algorithm>RS256</Algorithm>'
                f"<PublicKey><Value>{PUBLIC}</Value></PublicKey></VerifyJWT>")

    assert (await call_with(bench, token(claims(), KEY, "RS256"))).status == 200
    assert (await call_with(bench, token(claims(), rsa.generate_private_key(65537, 2048), "RS256"))).status == 401
    # The public key as a shared secret: the classic confusion of algorithms.
    confused = jwt.api_jws.base64url_encode(b'{"alg":"HS256"}').decode() + ".e30.AAAA"
    assert (await call_with(bench, confused)).errorcode.endswith("AlgorithmInTokenNotPresentInConfiguration")


async def test_a_key_set_chooses_by_key_id(bench, target):
    key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
    keys = json.dumps({"keys": [{**key, "kid": "one", "use": "sig", "alg": "RS256"}]})
    await serve(bench, target, proxy_xml(pre=steps("jwt")), '<VerifyJWT name="jwt"><Algorithm>RS256</Algorithm>'
                f"<PublicKey><JWKS>{keys}</JWKS></PublicKey></VerifyJWT>")

    assert (await call_with(bench, token(claims(), KEY, "RS256", kid="one"))).status == 200
    reply = await call_with(bench, token(claims(), KEY, "RS256", kid="two"))
    assert reply.errorcode == "steps.jwt.NoMatchingPublicKey"
    assert (await call_with(bench, token(claims(), KEY, "RS256"))).errorcode == "steps.jwt.KeyIdMissing"


async def test_decode_jwt_shows_without_verifying(bench, target):
    await serve(bench, target, proxy_xml(pre=steps("look"), post_response=steps("show")),
                '<DecodeJWT name="look"><Source>request.queryparam.t</Source></DecodeJWT>',
                show("jwt.look.claim.subject"))

    reply = await bench.call(f"/demo?t={token(claims(exp=1), 'x' * 40)}")

    assert reply.json() == {"jwt.look.claim.subject": "ann"}
    assert (await bench.call("/demo?t=a.b")).errorcode == "steps.jwt.FailedToDecode"
