# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is calling: OAuth tokens, impersonation, federation, and a small table of roles.

Access tokens are opaque; only their SHA-256 is kept.
"""

from __future__ import annotations

import fnmatch
import hashlib
import secrets
import time
from typing import TYPE_CHECKING, Any

import jwt

from testbed.google.errors import GoogleError
from testbed.google.roles import ROLES

if TYPE_CHECKING:
    from testbed.google.emulator import Emulator
    from testbed.google.store import Transaction

_LIFETIME = 3600
_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_TOKENS = "tokens/"


class Identity:
    """Tokens and permissions of one emulator."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    # -- tokens -----------------------------------------------------------------------------------------------------

    def issue(self, tx: Transaction, principal: str, lifetime: float = _LIFETIME) -> str:
        """Return a new access token of a principal (an e-mail address), valid for lifetime seconds."""
        token = "ya29.c." + secrets.token_urlsafe(48)
        tx.put(_TOKENS + _digest(token), {"principal": principal, "expires": time.time() + lifetime})
        for key, document in list(tx.items(_TOKENS)):
            # Long expired tokens are forgotten; recent ones answer "expired" rather than "unknown".
            if document["expires"] < time.time() - 86400:
                tx.delete(key)
        return token

    async def token_for(self, principal: str, lifetime: float = _LIFETIME) -> str:
        """Return a new access token of a principal; for the testbed's own commands (testbed env)."""
        async with self._emulator.store.transaction() as tx:
            return self.issue(tx, principal, lifetime)

    def principal(self, token: str | None) -> str:
        """Return the principal of an access token. Raises GoogleError 401 when it is missing, unknown or expired."""
        if not token:
            raise _unauthenticated("CREDENTIALS_MISSING", "Request is missing required authentication credential. ")
        document = self._emulator.store.snapshot().get(_TOKENS + _digest(token))
        if document is None or document["expires"] < time.time():
            reason = "ACCESS_TOKEN_TYPE_UNSUPPORTED" if document is None else "ACCESS_TOKEN_EXPIRED"
            raise _unauthenticated(reason, "Request had invalid authentication credentials. ")
        return document["principal"]

    def review(self, token: str) -> dict[str, Any] | None:
        """Return {"username", "groups"} for a Kubernetes token review, or None for a token that is not valid."""
        try:
            principal = self.principal(token)
        except GoogleError:
            return None
        return {"username": principal, "groups": ["system:authenticated"]}

    async def exchange_assertion(self, form: dict[str, str], audience: str) -> tuple[int, dict[str, Any]]:
        """Answer the OAuth token endpoint: a JWT signed by a service account for an access token (RFC 7523)."""
        if form.get("grant_type") != _JWT_BEARER:
            return 400, {"error": "unsupported_grant_type", "error_description": "Invalid grant_type"}
        assertion = form.get("assertion", "")
        try:
            header = jwt.get_unverified_header(assertion)
            unverified = jwt.decode(assertion, options={"verify_signature": False})
        except jwt.PyJWTError:
            return 400, _invalid_grant("Invalid JWT: not a well-formed token.")
        account = self.account(unverified.get("iss", ""))
        public = (account or {}).get("keys", {}).get(header.get("kid", ""))
        if account is None:
            return 400, _invalid_grant("Invalid grant: account not found")
        if public is None:
            return 400, _invalid_grant("Invalid JWT Signature.")
        try:
            claims = jwt.decode(
                assertion,
                public,
                algorithms=["RS256"],
                leeway=10,
                options={"verify_aud": False, "require": ["iat", "exp"]},
            )
        except jwt.InvalidSignatureError:
            return 400, _invalid_grant("Invalid JWT Signature.")
        except jwt.PyJWTError:
            return 400, _invalid_grant(
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your "
                "iat and exp values in the JWT claim."
            )
        if claims.get("aud") not in (audience, "https://oauth2.googleapis.com/token"):
            return 400, _invalid_grant("Invalid JWT: Failed audience check. The right audience is " + audience)
        if not claims.get("scope") and not claims.get("target_audience"):
            return 400, {"error": "invalid_scope", "error_description": "Empty or missing scope not allowed."}
        if claims.get("target_audience"):
            token = await self._emulator.identity_tokens.mint(claims["iss"], claims["target_audience"])
            return 200, {"id_token": token}
        token = await self.token_for(claims["iss"])
        return 200, {"access_token": token, "expires_in": _LIFETIME - 1, "token_type": "Bearer"}

    def account(self, email: str) -> dict[str, Any] | None:
        """Return a service account by e-mail, or None."""
        for key, document in self._emulator.store.snapshot().items("iam/projects/"):
            if key.endswith(f"/serviceAccounts/{email}"):
                return document
        return None

    # -- permissions ------------------------------------------------------------------------------------------------

    def allowed(self, tx: Transaction, principal: str, permission: str, project: str) -> bool:
        """Tell whether a principal has a permission in a project (its id)."""
        policy = tx.get(f"policies/projects/{project}") or {"bindings": []}
        for binding in policy["bindings"]:
            members = binding.get("members", [])
            if not {principal, f"serviceAccount:{principal}", f"user:{principal}"} & set(members):
                continue
            if any(fnmatch.fnmatchcase(permission, glob) for glob in ROLES.get(binding["role"], ())):
                return True
        return False


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _invalid_grant(description: str) -> dict[str, str]:
    return {"error": "invalid_grant", "error_description": description}


def _unauthenticated(reason: str, text: str) -> GoogleError:
    return GoogleError(
        401,
        f"{text}Expected OAuth 2 access token, login cookie or other valid authentication credential. See "
        "https://developers.google.com/identity/sign-in/web/devconsole-project.",
        details=[
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": reason,
                "domain": "googleapis.com",
            }
        ],
    )
