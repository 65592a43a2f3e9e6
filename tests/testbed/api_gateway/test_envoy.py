# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Envoy configured from a rendered document: who gets in, where calls go, and which status others get.

Backend and issuer are the test's own. Bodies are not Google's, and nothing is asserted about them but their being JSON.
"""

from __future__ import annotations

import base64
import http.client
import http.server
import json
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
import yaml
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._openapi import render, source
from cryptography.hazmat.primitives.asymmetric import rsa

from testbed.api_gateway import document, envoy
from testbed.images import tls
from testbed.ports import free_port
from testbed.processes import listens

pytestmark = pytest.mark.testbed
ISSUER, KEYS = "https://issuer.example", "https://issuer.example/keys"
ADDRESS = "https://forward-x.a.run.app"
SIGNING, FOREIGN = (rsa.generate_private_key(65537, 2048) for _ in range(2))
GOOD, OTHER = {"x-api-key": "good-key"}, {"x-api-key": "other-key"}


class Backend(http.server.BaseHTTPRequestHandler):
    """Answers with what it was asked; /slow takes its time."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Any method."""
        if self.path.startswith("/slow"):
            time.sleep(2)
        asked = {"path": self.path, "headers": {name.lower(): value for name, value in self.headers.items()}}
        body = json.dumps(asked).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_PUT = do_GET

    def log_message(self, *arguments: Any) -> None:
        """Nobody reads it."""


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a gateway in front of a backend."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Backend)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    text = source.write(
        render.render(
            {
                "title": "products",
                "backend": {"address": ADDRESS},
                "jwt": {"issuer": ISSUER, "jwks_uri": KEYS, "audiences": ["shop"]},
                "routes": [
                    {"path": "/products", "methods": ["get", "put"]},
                    {"path": "/products/{id}", "methods": ["get"]},
                    {"path": "/orders", "methods": ["get"], "security": "jwt"},
                    {"path": "/both", "methods": ["get"], "security": "api_key_and_jwt"},
                    {"path": "/open", "methods": ["get"], "security": "none"},
                    {"path": "/slow", "methods": ["get"], "security": "none", "deadline": 0.3},
                ],
            }
        )
    )
    key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(SIGNING.public_key()))
    world = envoy.World(
        backends={"forward-x.a.run.app": ("127.0.0.1", server.server_address[1])},
        keys={"good-key": True, "other-key": False},
        jwks={KEYS: json.dumps({"keys": [{**key, "kid": "one", "alg": "RS256"}]})},
        identities={ADDRESS: "the-gateways-own"},
    )
    port = free_port()
    file: Path = tmp_path_factory.mktemp("gateway") / "envoy.yaml"
    routes = document.read("openapi.yaml", text.encode())
    file.write_text(yaml.safe_dump(envoy.configuration(routes, world, "127.0.0.1", port)))
    command = [str(tls.ensure_root("envoy") / "usr/local/bin/envoy"), "-c", str(file), "--concurrency", "1"]
    with (file.parent / "log").open("w") as log:
        process = subprocess.Popen([*command, "--use-dynamic-base-id"], stdout=log, stderr=log)
    try:
        assert listens(process, port, 20), (file.parent / "log").read_text()[-3000:]
        yield port
    finally:
        process.terminate()
        process.wait(20)
        server.shutdown()


def ask(port: int, path: str, method: str = "GET", **headers: str) -> tuple[int, Any]:
    """Status and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    body = json.loads(answer.read() or b"null")
    connection.close()
    return answer.status, body


def token(key: Any = SIGNING, **claims: Any) -> dict[str, str]:
    now = int(time.time())
    stated = {"iss": ISSUER, "sub": "me", "aud": "shop", "iat": now, "exp": now + 300, **claims}
    stated = {name: value for name, value in stated.items() if value is not None}
    return {"authorization": "Bearer " + jwt.encode(stated, key, "RS256", headers={"kid": "one"})}


@pytest.mark.parametrize(
    ("path", "method", "headers", "status"),
    [
        ("/products", "GET", GOOD, 200),
        ("/products?key=good-key", "GET", {}, 200),
        ("/products", "PUT", GOOD, 200),
        ("/products/7", "GET", GOOD, 200),
        ("/products", "GET", {}, 401),
        ("/products", "GET", {"x-api-key": "wrong"}, 400),
        ("/products", "GET", OTHER, 403),
        ("/products", "POST", GOOD, 405),
        ("/products/7", "PUT", {}, 405),
        ("/products/7/8", "GET", GOOD, 404),
        ("/Products", "GET", GOOD, 404),
        ("/", "GET", {}, 404),
        ("/open", "GET", {}, 200),
        ("/open/../products", "GET", {}, 401),
        ("//products", "GET", {}, 401),
        ("/slow", "GET", {}, 504),
        ("/both", "GET", GOOD, 401),
    ],
)
def test_the_status_of_a_call(port: int, path: str, method: str, headers: dict[str, str], status: int) -> None:
    assert ask(port, path, method, **headers)[0] == status


def test_tokens(port: int) -> None:
    past = int(time.time()) - 3600
    assert ask(port, "/orders", **token())[0] == 200
    assert ask(port, "/both", **token(), **GOOD)[0] == 200
    for headers, status in (
        ({}, 401),
        (GOOD, 401),
        ({"authorization": "Bearer none"}, 401),
        (token(key=FOREIGN), 401),
        (token(exp=past), 401),
        (token(exp=None), 401),
        (token(iss="https://another.example"), 401),
        (token(aud="web"), 403),
    ):
        assert ask(port, "/orders", **headers)[0] == status, headers
    assert ask(port, "/both", **token())[0] == 401


def test_what_the_backend_gets(port: int) -> None:
    given = token()
    forged = {"x-forwarded-authorization": "forged", "x-apigateway-api-userinfo": "forged"}
    _, asked = ask(port, "/orders?a=1&a=2", **given, **forged)
    assert asked["path"] == "/orders?a=1&a=2" and asked["headers"]["host"] == "forward-x.a.run.app"
    assert asked["headers"]["authorization"] == "Bearer the-gateways-own"
    assert asked["headers"]["x-forwarded-authorization"] == given["authorization"]
    payload = asked["headers"]["x-apigateway-api-userinfo"]
    assert json.loads(base64.urlsafe_b64decode(payload + "==="))["sub"] == "me"
    _, asked = ask(port, "/open", **forged)
    assert not set(forged) & set(asked["headers"])
    # Not stripped: whoever is behind the gateway sees the key.
    assert ask(port, "/products", **GOOD)[1]["headers"]["x-api-key"] == "good-key"


def test_refusals_are_json(port: int) -> None:
    status, body = ask(port, "/products")
    assert body["code"] == status == 401 and isinstance(body["message"], str)
