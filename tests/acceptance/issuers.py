# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Issuers of tokens as API Gateway meets them, and an OpenAPI document of somebody's own.

Google's is the emulator's own, which checks the ID tokens of service accounts with the same key.
"""

from __future__ import annotations

import datetime
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.acceptance.cloud import Cloud

#: Firebase publishes certificates by key id, not a key set; Google: "Using Firebase to authenticate users".
FIREBASE_KEYS = "https://www.googleapis.com/service_accounts/v1/metadata/x509/securetoken@system.gserviceaccount.com"
#: What callers are told, by the token that they show.
TOLD = {"good": 200, "none": 401, "expired": 401, "wrongly signed": 401, "for others": 403}
DOCUMENT = """\
swagger: "2.0"
info: {title: shop, version: "2"}
securityDefinitions:
  partner: {type: apiKey, name: x-api-key, in: header}
  staff:
    type: oauth2
    flow: implicit
    authorizationUrl: ""
    x-google-issuer: https://issuer.example
    x-google-jwks_uri: https://issuer.example/keys
    x-google-audiences: shop
security: [{partner: []}]
paths:
  /products:
    get: {operationId: list, responses: {200: {description: All}}}
  /stock/{item}:
    parameters: [{name: item, in: path, required: true, type: string}]
    put:
      operationId: fill
      security: [{partner: [], staff: []}]
      responses: {200: {description: Filled}}
  /open:
    get: {operationId: see, security: [], responses: {200: {description: Open}}}
"""


def certificate(key: rsa.RSAPrivateKey) -> str:
    """A key as Firebase publishes it."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "securetoken.system.gserviceaccount.com")])
    start = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(start).not_valid_after(start + datetime.timedelta(days=1))
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def google(cloud: Cloud, audience: str, lifetime: int = 300) -> str:
    """An ID token signed by Google for somebody's service account."""
    asked: dict[str, Any] = {"account": "partner@acme.example", "audience": audience, "lifetime": lifetime}
    return str(cloud.control("POST", "identity-tokens", json=asked)["id_token"])


def forged(token: str, key: rsa.RSAPrivateKey) -> str:
    """A token of the same words, signed by somebody else."""
    claims = jwt.decode(token, options={"verify_signature": False})
    return jwt.encode(claims, key, "RS256", headers={"kid": jwt.get_unverified_header(token)["kid"]})
