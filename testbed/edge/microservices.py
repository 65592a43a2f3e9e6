# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What gateways ask of Edge: the service ``edgemicro`` and the proxy ``edgemicro-auth``. A double of both.

Answers follow the proxy's own policies (npm package microgateway-edgeauth 3.2.2) and what the engine reads of them.
Tokens are signed with the key in the organisation's key value map, as there.
"""
from __future__ import annotations

import base64
import binascii
import json
import time
import uuid
from collections.abc import Mapping
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from .organization import AUTH_PROXY, AWARE, KEYS_MAP, Organization

#: Seconds; the proxy's default.
TOKEN_LIFE = 1800
#: What the proxy's policy ReturnVersion says.
QUOTA_VERSION = "1.1.0"
_DENIED = {"error": "unauthorized", "error_description": "authentication failed"}


class Microservices:
    """Handlers for one organisation. ``host`` is what ``region`` answers, once the address is known.

    ``users``: name -> password of those who may register gateways.
    """

    def __init__(self, organization: Organization, users: Mapping[str, str], region: str = "us-east-1") -> None:
        self.organization = organization
        self.users = users
        self.region = region
        self.host = ""

    def routes(self) -> list[web.RouteDef]:
        place = "/organization/{organization}/environment/{environment}"
        # The host name tells organisation and environment; where there is only an address, the first part of the path.
        auths = [f"/{AUTH_PROXY}", f"/{{host}}/{AUTH_PROXY}"]
        quotas = [f"/edgemicro/quotas{place}", *auths]
        return [
            web.get(f"/edgemicro/bootstrap{place}", self.bootstrap),
            web.get(f"/edgemicro/region{place}", self.where),
            web.post(f"/edgemicro/credential{place}", self.register),
            web.delete(f"/edgemicro/credential{place}", self.revoke),
            web.post(f"/edgemicro/axpublisher{place}", self.publish),
            *(route for auth in auths for route in (
                web.get(f"{auth}/products", self.list_products),
                web.get(f"{auth}/publicKey", self.public_key),
                web.get(f"{auth}/jwkPublicKeys", self.key_set),
                web.post(f"{auth}/verifyApiKey", self.verify_key),
                web.post(f"{auth}/token", self.token),
            )),
            *(web.get(f"{base}/v2/version", self.quota_version) for base in quotas),
            *(web.post(f"{base}/v2/quotas/apply", self.quota) for base in quotas),
        ]

    # -- edgemicro --------------------------------------------------------------------------------------------
    async def bootstrap(self, request: web.Request) -> web.Response:
        environment = self._gateway(request)
        proxies = [
            {
                "apiProxyName": proxy.name,
                "revision": str(proxy.revision),
                "proxyEndpoint": {"name": "default", "basePath": proxy.base_path},
                "targetEndpoint": {"name": "default", "url": proxy.target or "null"},
            }
            for proxy in self.organization.served(environment)
            if proxy.name.startswith(AWARE)
        ]
        return web.json_response({"apiProxies": proxies})

    async def where(self, request: web.Request) -> web.Response:
        self._gateway(request)
        return web.json_response({"region": self.region, "host": self.host})

    async def register(self, request: web.Request) -> web.Response:
        environment = self._administered(request)
        told = await _document(request, "key", "secret")
        self.organization.credentials.setdefault(environment, {})[told["key"]] = told["secret"]
        return web.json_response({}, status=201)

    async def revoke(self, request: web.Request) -> web.Response:
        environment = self._administered(request)
        told = await _document(request, "key")
        if self.organization.credentials.get(environment, {}).pop(told["key"], None) is None:
            raise _fault(404, "no such key")
        return web.json_response({})

    async def publish(self, request: web.Request) -> web.Response:
        self._gateway(request)
        self.organization.records += (await _document(request, "records"))["records"]
        return web.json_response({"accepted": True})

    # -- edgemicro-auth ---------------------------------------------------------------------------------------
    async def list_products(self, request: web.Request) -> web.Response:
        self._gateway(request)
        fields = ("name", "proxies", "apiResources", "scopes", "quota", "quotaInterval", "quotaTimeUnit")
        found = [{key: product[key] for key in fields if key in product}
                 for product in self.organization.products.values()]
        return web.json_response({"apiProduct": found})

    async def public_key(self, request: web.Request) -> web.Response:
        return web.Response(text=self._keys(request).get("public_key", ""))

    async def key_set(self, request: web.Request) -> web.Response:
        keys = self._keys(request)
        if "public_key1" not in keys:
            # The proxy's script raises an error.
            raise _fault(500, "No public keys found")
        public = serialization.load_pem_public_key(keys["public_key1"].encode())
        if not isinstance(public, rsa.RSAPublicKey):
            raise _fault(500, "public_key1 is not an RSA key")
        found = {**RSAAlgorithm.to_jwk(public, as_dict=True), "alg": "RS256", "use": "sig"}
        return web.json_response({"keys": [{**found, "kid": keys.get("public_key1_kid", "1")}]})

    async def verify_key(self, request: web.Request) -> web.Response:
        self._gateway(request)
        told = await _document(request, "apiKey")
        return web.json_response({"token": self._issue(request, told["apiKey"])})

    async def token(self, request: web.Request) -> web.Response:
        told = await _document(request, "client_id", "client_secret", "grant_type")
        if told["grant_type"] != "client_credentials":
            raise _denied("grant_type is missing or invalid")
        held = self.organization.holder(told["client_id"])
        if held is None or held[2]["consumerSecret"] != told["client_secret"]:
            raise _fault(401, "Invalid client identifier")
        token = self._issue(request, told["client_id"], access_token=uuid.uuid4().hex)
        return web.json_response(
            {"token": token, "access_token": token, "token_type": "Bearer", "expires_in": TOKEN_LIFE})

    async def quota_version(self, request: web.Request) -> web.Response:
        return web.Response(text=QUOTA_VERSION)

    async def quota(self, request: web.Request) -> web.Response:
        self._gateway(request)
        told = await _document(request, "identifier", "weight", "interval", "allow", "timeUnit")
        counted = self.organization.count(
            told["identifier"], int(told["weight"]), int(told["interval"]), told["timeUnit"], int(told["allow"]))
        return web.json_response(counted)

    # -- who asks ---------------------------------------------------------------------------------------------
    def _environment(self, request: web.Request) -> str:
        told = request.match_info
        place = f"{told['organization']}-{told['environment']}" if "organization" in told else ""
        asked = place or told.get("host") or request.host.partition(".")[0]
        for environment in self.organization.environments:
            if asked == f"{self.organization.name}-{environment}":
                return environment
        raise _fault(404, f"no such organization and environment: {asked}")

    def _gateway(self, request: web.Request) -> str:
        environment = self._environment(request)
        if not self.organization.is_gateway(environment, *_basic(request)):
            raise _denied()
        return environment

    def _administered(self, request: web.Request) -> str:
        name, password = _basic(request)
        if not name or self.users.get(name) != password:
            raise _denied()
        return self._environment(request)

    def _keys(self, request: web.Request) -> dict[str, str]:
        return self.organization.maps.get((self._environment(request), KEYS_MAP), {})

    def _issue(self, request: web.Request, key: str, **claims: str) -> str:
        held = self.organization.holder(key)
        keys = self._keys(request)
        if held is None:
            raise _fault(401, "Invalid ApiKey")
        if "private_key" not in keys:
            raise _fault(500, f"the key value map {KEYS_MAP} has no private_key")
        developer, app, credential = held
        now = int(time.time())
        content = {
            "application_name": app["name"],
            "client_id": key,
            "developer_email": developer["email"],
            # The proxy as published passes on every product of the key, whatever its status.
            "api_product_list": [one["apiproduct"] for one in credential["apiProducts"]],
            "scopes": [],
            "aud": ["microgateway"],
            "iss": str(request.url),
            "jti": str(uuid.uuid4()),
            "iat": now,
            "nbf": now,
            "exp": now + TOKEN_LIFE,
            **claims,
        }
        return jwt.encode(content, keys["private_key"], "RS256", {"kid": keys.get("private_key_kid", "1")})


def _basic(request: web.Request) -> tuple[str, str]:
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "basic":
        return "", ""
    try:
        name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, secret


async def _document(request: web.Request, *fields: str) -> dict[str, Any]:
    try:
        found = json.loads(await request.text())
        missing = [name for name in fields if name not in found]
    except (ValueError, TypeError) as error:
        raise _fault(400, f"not a JSON object: {error}") from error
    if missing:
        raise _fault(400, f"missing {', '.join(missing)}")
    return found


def _denied(why: str = "") -> web.HTTPException:
    body = {**_DENIED, "error_description": f"authentication failed {why}".strip()}
    return web.HTTPUnauthorized(text=json.dumps(body), content_type="application/json")


def _fault(status: int, text: str) -> web.HTTPException:
    """An answer in the shape of Edge's own faults."""
    kinds = {400: web.HTTPBadRequest, 401: web.HTTPUnauthorized, 404: web.HTTPNotFound,
             500: web.HTTPInternalServerError}
    body = {"fault": {"faultstring": text, "detail": {"errorcode": "edge.double"}}}
    return kinds[status](text=json.dumps(body), content_type="application/json")
