# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON Web Tokens for VerifyJWT and DecodeJWT: where they come from, and the variables that show their content."""
from __future__ import annotations

import binascii
import json
import time
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from testbed.apigee.conditions import text_of
from testbed.apigee.faults import Fault

if TYPE_CHECKING:
    from testbed.apigee.context import Context

CODES = "steps.jwt"
_HEADER_NAMES = {"alg": "algorithm", "typ": "type", "kid": "kid"}
_CLAIM_NAMES = {"sub": "subject", "iss": "issuer", "aud": "audience", "exp": "expiry", "iat": "issuedat",
                "nbf": "notbefore", "jti": "id"}


@dataclass(frozen=True)
class Token:
    """A token taken apart, not verified."""

    text: str
    header: Mapping[str, Any]
    claims: Mapping[str, Any]


def fault(code: str, text: str, policy: str) -> Fault:
    return Fault(401, f"{CODES}.{code}", f"{text}: policy({policy})")


def take(context: Context, policy: str, source: str | None) -> Token:
    """The token in the source variable, by default the bearer token of the request. Raises Fault."""
    variable = source or "request.header.authorization"
    value = context.get(variable)
    if value is None:
        raise Fault(401, f"{CODES}.FailedToResolveVariable",
                    f"Failed to resolve variable: policy({policy}) variable({variable})")
    text = text_of(value).strip()
    if source is None or text.lower().startswith("bearer "):
        scheme, _, rest = text.partition(" ")
        if scheme.lower() != "bearer" or not rest.strip():
            raise fault("FailedToDecode", "Failed to Decode Token", policy)
        text = rest.strip()
    parts = text.split(".")
    try:
        if len(parts) != 3:
            raise ValueError("a signed token has three parts")
        header, claims = (json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in parts[:2])
        if not isinstance(header, dict) or not isinstance(claims, dict):
            raise ValueError("header and payload are JSON objects")
    except (ValueError, binascii.Error):
        raise fault("FailedToDecode", "Failed to Decode Token", policy) from None
    return Token(text, header, claims)


def record(context: Context, policy: str, token: Token, valid: bool | None = None) -> None:
    """Sets jwt.{policy}.* as Apigee does."""
    facts: dict[str, Any] = {"header-json": json.dumps(token.header), "payload-json": json.dumps(token.claims),
                             "payload-claim-names": list(token.claims), "header.algorithm": token.header.get("alg")}
    for name, value in token.header.items():
        facts[f"decoded.header.{name}"] = _value(value)
        facts[f"header.{_HEADER_NAMES.get(name, name)}"] = _value(value)
    for name, value in token.claims.items():
        facts[f"decoded.claim.{name}"] = _value(value)
        facts[f"claim.{_CLAIM_NAMES.get(name, name)}"] = _value(value)
    expiry = token.claims.get("exp")
    if isinstance(expiry, (int, float)):
        left = int(expiry - time.time())
        facts |= {"expiry": int(expiry * 1000), "seconds_remaining": left, "is_expired": left < 0}
    if valid is not None:
        facts["valid"] = valid
    context.variables.record(f"jwt.{policy}", **{name: value for name, value in facts.items() if value is not None})


def _value(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict) else value
