# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenID Connect tokens of service accounts, as Google's metadata server and IAM Credentials mint them.

Source of the claims: Google Cloud documentation, "Get an ID token" and "ID tokens". The key is this emulator's own and
outlives a reset, like other tokens that were given out.
"""

from __future__ import annotations

import functools
import hashlib
import json
import time
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

if TYPE_CHECKING:
    from testbed.google.store import Store

ISSUER = "https://accounts.google.com"
JWKS_URI = "https://www.googleapis.com/oauth2/v3/certs"
LIFETIME = 3600.0
_KEY = "settings/identity-key"


class IdentityTokens:
    """Mints and checks ID tokens."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def mint(self, email: str, audience: str, lifetime: float = LIFETIME) -> str:
        """Return a token that says who calls (an e-mail address), for one audience, good for lifetime seconds."""
        key, identifier = await self._signing()
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": audience,
            "azp": email,
            "email": email,
            "email_verified": True,
            # Google's are the account's unique id; nothing here looks at more than its being stable.
            "sub": str(int(hashlib.sha256(email.encode()).hexdigest()[:16], 16)),
            "iat": now,
            "exp": now + int(lifetime),
        }
        return jwt.encode(claims, key, "RS256", headers={"kid": identifier})

    async def claims(self, token: str, audience: str) -> dict[str, Any] | None:
        """Return what a token says, or None for one that is not ours, not for this audience or not good any more."""
        key, _identifier = await self._signing()
        try:
            return jwt.decode(
                token,
                key.public_key(),
                ["RS256"],
                audience=audience,
                issuer=ISSUER,
                options={"require": ["exp", "iat"]},
            )
        except jwt.PyJWTError:
            return None

    async def key_set(self) -> dict[str, Any]:
        """Return the JSON Web Key Set that Google would publish at JWKS_URI."""
        key, identifier = await self._signing()
        shown = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
        return {"keys": [{**shown, "kid": identifier, "alg": "RS256", "use": "sig"}]}

    async def _signing(self) -> tuple[rsa.RSAPrivateKey, str]:
        """The key, made at first use, and its id."""
        stored = self._store.snapshot().get(_KEY)
        if stored is None:
            async with self._store.transaction() as tx:
                stored = tx.get(_KEY) or tx.put(_KEY, {"pem": _made()})
        return _loaded(stored["pem"]), hashlib.sha256(stored["pem"].encode()).hexdigest()[:40]


@functools.lru_cache(maxsize=1)
def _loaded(pem: str) -> rsa.RSAPrivateKey:
    """The key. Loading proves it first, which takes 50 ms and more: too long for each call of a function."""
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)  # made here
    return key


def _made() -> str:
    key = rsa.generate_private_key(65537, 2048)
    kind = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption()).decode()
