# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""VerifyJWT: signature, times and claims of a signed token. Source: Apigee "VerifyJWT policy" and its error reference.

Keys come from a variable or the policy's text: a shared secret, a public key or certificate (PEM), or the text of a key
set. A key set at a URI is not fetched.
"""
from __future__ import annotations

import base64
import binascii
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from testbed.apigee.bundle.xml import Node
from testbed.apigee.conditions import text_of
from testbed.apigee.faults import Fault
from testbed.apigee.policies import tokens
from testbed.apigee.policies.base import Policy
from testbed.apigee.policies.values import Reference, reference

if TYPE_CHECKING:
    from testbed.apigee.context import Context

_ALGORITHMS = tuple(family + size for family in ("HS", "RS", "PS", "ES") for size in ("256", "384", "512"))
_REGISTERED = ("kid", "iss", "sub", "aud", "iat", "exp", "nbf", "jti")
_ENCODINGS = {"hex": bytes.fromhex, "base16": bytes.fromhex, "base64": base64.b64decode,
              "base64url": lambda text: base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))}
_DURATION = re.compile(r"^(\d+)\s*(s|m|h|d|w)?$")
_UNITS = {None: 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


@dataclass(frozen=True)
class Claim:
    """An expected claim; ``kind`` is string, number or boolean."""

    name: str
    value: Reference
    kind: str


@dataclass(frozen=True)
class VerifyJWT(Policy):
    element: ClassVar[str] = "VerifyJWT"
    children: ClassVar[tuple[str, ...]] = (
        "Algorithm", "Source", "SecretKey", "PublicKey", "Subject", "Issuer", "Audience", "AdditionalClaims",
        "TimeAllowance", "IgnoreIssuedAt", "IgnoreCriticalHeaders", "KnownHeaders", "IgnoreUnresolvedVariables", "Type")
    beyond: ClassVar[tuple[str, ...]] = ("Algorithms", "PrivateKey", "PasswordKey", "DirectKey", "MaxLifespan", "Id",
                                         "AdditionalHeaders", "CustomClaims")

    algorithms: tuple[str, ...]
    source: str | None
    secret: Reference | None
    secret_encoding: str | None
    public_key: Reference | None
    certificate: Reference | None
    key_set: Reference | None
    expected: Mapping[str, Reference]
    claims: tuple[Claim, ...]
    allowance: int
    ignore_issued_at: bool
    ignore_critical: bool
    known_headers: Reference | None

    @classmethod
    def parse(cls, node: Node) -> dict:
        algorithms = tuple(part.strip() for part in (node.child_text("Algorithm") or "").split(",") if part.strip())
        for algorithm in algorithms or ("",):
            if algorithm not in _ALGORITHMS:
                node.invalid(f"InvalidAlgorithm: '{algorithm}' is not an algorithm for signed tokens")
        if (node.child_text("Type") or "Signed") != "Signed":
            node.unsupported("encrypted tokens are not executed by the testbed's Apigee runtime")
        expected = {claim: value for claim, tag in (("sub", "Subject"), ("iss", "Issuer"), ("aud", "Audience"))
                    if (value := _plain(node.child(tag))) is not None}
        return {
            "algorithms": algorithms, "source": node.child_text("Source") or None, **_keys(node, algorithms),
            "expected": expected, "claims": _claims(node.child("AdditionalClaims")),
            "allowance": _seconds(node, node.child_text("TimeAllowance")),
            "ignore_issued_at": node.boolean(node.child_text("IgnoreIssuedAt"), False, "IgnoreIssuedAt"),
            "ignore_critical": node.boolean(node.child_text("IgnoreCriticalHeaders"), False, "IgnoreCriticalHeaders"),
            "known_headers": _plain(node.child("KnownHeaders"))}

    def execute(self, context: Context) -> None:
        token = tokens.take(context, self.name, self.source)
        try:
            self._verify(context, token)
        except Fault:
            tokens.record(context, self.name, token, valid=False)
            context.variables.record("jwt", failed=True)
            context.variables.record(f"jwt.{self.name}", failed=True)
            raise
        tokens.record(context, self.name, token, valid=True)

    def _verify(self, context: Context, token: tokens.Token) -> None:
        algorithm = token.header.get("alg")
        if not algorithm:
            raise self._fault("NoAlgorithmFoundInHeader", "No algorithm found in header")
        if algorithm not in self.algorithms:
            raise self._fault("AlgorithmInTokenNotPresentInConfiguration",
                              "Algorithm in header did not match policy configuration")
        self._critical(context, token)
        try:
            jwt.decode(token.text, self._key(context, algorithm, token), algorithms=[algorithm],
                       options={"verify_signature": True, "verify_exp": False, "verify_nbf": False,
                                "verify_iat": False, "verify_aud": False, "verify_iss": False, "verify_sub": False,
                                "verify_jti": False})
        except jwt.PyJWTError:
            raise self._fault("InvalidToken", "Invalid token") from None
        except (TypeError, ValueError):
            raise self._fault("WrongKeyType", "Wrong key type") from None
        self._times(token)
        self._expected(context, token)

    def _fault(self, code: str, text: str) -> Fault:
        return tokens.fault(code, text, self.name)

    def _critical(self, context: Context, token: tokens.Token) -> None:
        known = {part.strip() for part in text_of(self.known_headers.resolve(context)).split(",")} \
            if self.known_headers else set()
        if not self.ignore_critical and any(name not in known for name in token.header.get("crit", ())):
            raise self._fault("UnhandledCriticalHeader", "Unhandled critical header")

    def _key(self, context: Context, algorithm: str, token: tokens.Token) -> Any:
        if algorithm.startswith("HS"):
            return self._secret(context, algorithm)
        for source, read in ((self.public_key, _pem_key), (self.certificate, _certificate_key)):
            if source is not None:
                text = self._text(context, source)
                try:
                    return read(text)
                except ValueError:
                    raise self._fault("KeyParsingFailed", "Failed to parse key") from None
        return self._from_set(context, token)

    def _secret(self, context: Context, algorithm: str) -> bytes:
        text = self._text(context, self.secret) if self.secret else ""
        try:
            secret = _ENCODINGS[self.secret_encoding](text) if self.secret_encoding else text.encode()
        except (ValueError, binascii.Error):
            raise self._fault("InvalidSecretKey", "Invalid secret key") from None
        if len(secret) * 8 < int(algorithm[2:]):
            raise self._fault("InsufficientKeyLength", "Insufficient key length")
        return secret

    def _from_set(self, context: Context, token: tokens.Token) -> Any:
        text = self._text(context, self.key_set) if self.key_set else ""
        try:
            keys = jwt.PyJWKSet.from_dict(json.loads(text)).keys
        except (ValueError, TypeError, AttributeError, jwt.PyJWTError):
            raise self._fault("KeyParsingFailed", "Failed to parse key") from None
        kid = token.header.get("kid")
        if kid is None:
            raise self._fault("KeyIdMissing", "Key Id missing")
        match = next((key for key in keys if key.key_id == kid), None)
        if match is None:
            raise self._fault("NoMatchingPublicKey", "No matching public key")
        return match.key

    def _text(self, context: Context, source: Reference) -> str:
        value = source.resolve(context)
        if value is None:
            raise Fault(401, f"{tokens.CODES}.FailedToResolveVariable",
                        f"Failed to resolve variable: policy({self.name}) variable({source.variable})")
        return text_of(value).strip()

    def _times(self, token: tokens.Token) -> None:
        now = time.time()
        times = {name: token.claims.get(name) for name in ("exp", "nbf", "iat")}
        if any(value is not None and not isinstance(value, (int, float)) for value in times.values()):
            raise self._fault("InvalidToken", "Invalid token")
        if times["exp"] is not None and now > times["exp"] + self.allowance:
            raise self._fault("TokenExpired", "Token has expired")
        if times["nbf"] is not None and now < times["nbf"] - self.allowance:
            raise self._fault("TokenNotYetValid", "Token is not yet valid")
        if not self.ignore_issued_at and times["iat"] is not None and now < times["iat"] - self.allowance:
            raise self._fault("TokenNotYetValid", "Token is not yet valid")

    def _expected(self, context: Context, token: tokens.Token) -> None:
        for claim, code, text in (("iss", "JwtIssuerMismatch", "Issuer did not match"),
                                  ("sub", "JwtSubjectMismatch", "Subject did not match"),
                                  ("aud", "JwtAudienceMismatch", "Audience did not match")):
            wanted = self.expected.get(claim)
            if wanted is None:
                continue
            present = token.claims.get(claim)
            present = present if isinstance(present, list) else [present]
            allowed = [part.strip() for part in text_of(wanted.resolve(context)).split(",")]
            if not any(value in allowed for value in present):
                raise self._fault(code, text)
        for claim in self.claims:
            if not _same(token.claims.get(claim.name), claim.value.resolve(context), claim.kind):
                raise self._fault("InvalidClaim", "Invalid claim")


def _same(present: Any, wanted: Any, kind: str) -> bool:
    if present is None:
        return False
    if wanted is None:
        return True
    if kind == "number":
        try:
            return float(present) == float(text_of(wanted))
        except (TypeError, ValueError):
            return False
    if kind == "boolean":
        return isinstance(present, bool) and text_of(present) == text_of(wanted).lower()
    return text_of(wanted) in [text_of(each) for each in present] if isinstance(present, list) \
        else text_of(present) == text_of(wanted)


def _pem_key(text: str) -> Any:
    return load_pem_public_key(text.encode())


def _certificate_key(text: str) -> Any:
    return x509.load_pem_x509_certificate(text.encode()).public_key()


# Reading -----------------------------------------------------------------------------------------------------------


def _plain(node: Node | None) -> Reference | None:
    if node is not None:
        node.check(attributes=("ref",))
    return reference(node)


def _keys(node: Node, algorithms: tuple[str, ...]) -> dict:
    secret, public = node.child("SecretKey"), node.child("PublicKey")
    found: dict[str, Any] = {"secret": None, "secret_encoding": None, "public_key": None, "certificate": None,
                             "key_set": None}
    if secret is not None:
        secret.check(children=("Value",), attributes=("encoding",), inert=("Id",))
        found["secret"] = _plain(secret.child("Value"))
        found["secret_encoding"] = secret.attribute("encoding")
        if found["secret_encoding"] not in (None, *_ENCODINGS):
            secret.invalid(f"encoding must be one of {', '.join(_ENCODINGS)}, not '{found['secret_encoding']}'")
        if found["secret"] is None or not (found["secret"].variable or "").startswith("private."):
            secret.invalid("InvalidVariableNameForSecret: Value needs a ref to a variable that begins with private.")
    if public is not None:
        public.check(children=("Value", "Certificate", "JWKS"))
        found["public_key"] = _plain(public.child("Value"))
        found["certificate"] = _plain(public.child("Certificate"))
        key_set = public.child("JWKS")
        if key_set is not None:
            key_set.check(attributes=("ref",), beyond=("uri", "uriRef"))
            found["key_set"] = reference(key_set)
        if sum(each is not None for each in (found["public_key"], found["certificate"], key_set)) != 1:
            public.invalid("PublicKey needs exactly one of Value, Certificate and JWKS")
    symmetric = [algorithm.startswith("HS") for algorithm in algorithms]
    if any(symmetric) and secret is None:
        node.invalid("MissingConfigurationElement: an HS algorithm needs SecretKey")
    if not all(symmetric) and public is None:
        node.invalid("MissingConfigurationElement: an RS, PS or ES algorithm needs PublicKey")
    return found


def _claims(node: Node | None) -> tuple[Claim, ...]:
    if node is None:
        return ()
    node.check(children=("Claim",), beyond=("ref",))
    found = []
    for child in node.all("Claim"):
        child.check(attributes=("name", "ref", "type"), beyond=("array",))
        name, kind = child.attribute("name") or "", child.attribute("type") or "string"
        if not name or name in _REGISTERED:
            child.invalid(f"InvalidNameForAdditionalClaim: invalid name for additional claim : claim({name})")
        if kind == "map":
            child.unsupported("claims of type map are not executed by the testbed's Apigee runtime")
        elif kind not in ("string", "number", "boolean"):
            child.invalid(f"InvalidTypeForAdditionalClaim: type must be string, number, boolean or map, not '{kind}'")
        found.append(Claim(name, reference(child) or Reference(None, None), kind))
    return tuple(found)


def _seconds(node: Node, text: str | None) -> int:
    if not text:
        return 0
    match = _DURATION.match(text)
    if match is None:
        node.invalid(f"TimeAllowance must be like 30s, 5m or 1h, not '{text}'")
        return 0
    return int(match.group(1)) * _UNITS[match.group(2)]
