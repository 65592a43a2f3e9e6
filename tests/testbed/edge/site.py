# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An organisation on the double of Edge, filled through its own interfaces, and real gateways that ask it."""
from __future__ import annotations

import base64
import datetime
import hashlib
import http.client
import json
import os
import secrets
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._microgateway import gateway as declaration
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._microgateway import render
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from testbed.edge.control_plane import ControlPlane
from testbed.edge.gateway import Gateway
from testbed.edge.installation import Engine
from testbed.edge.organization import Organization
from testbed.ports import free_port
from tests.testbed.first_call import bundle

ORGANIZATION, ENVIRONMENT = "acme", "test"
USER, PASSWORD = "admin@acme.example", "canary-of-the-user"


@dataclass(frozen=True)
class Answer:
    """What a caller got; names of headers in lower case."""

    status: int
    headers: dict[str, str]
    body: str

    def json(self) -> Any:
        return json.loads(self.body)


class Site:
    """The double, its keys, and what was made in it. ``key`` and ``secret`` are the gateway's."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.control_plane = ControlPlane(Organization(ORGANIZATION, (ENVIRONMENT,)), {USER: PASSWORD})
        self.control_plane.start()
        self.signing = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.key, self.secret = (hashlib.sha256(secrets.token_bytes(32)).hexdigest() for _each in "12")

    # -- the management API -----------------------------------------------------------------------------------
    def manage(self, method: str, path: str, document: Any = None, body: bytes = b"",
               user: str = USER, password: str = PASSWORD) -> Any:
        """One call below the organisation, or at an absolute URL; returns the document. Raises HTTPError."""
        url = path if "://" in path else f"{self.control_plane.url}/v1/organizations/{ORGANIZATION}{path}"
        request = urllib.request.Request(url, method=method, data=body or None)
        if document is not None:
            request.data = json.dumps(document).encode()
        request.add_header("Content-Type", "application/json" if document is not None else "application/octet-stream")
        request.add_header("Authorization", "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode())
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or b"null")

    def configure(self) -> None:
        """What ``edgemicro configure`` does: the keys of tokens, and the gateway's credentials."""
        private = self.signing.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                             serialization.NoEncryption()).decode()
        public = self.signing.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
        entries = {"private_key": private, "public_key": _certificate(self.signing), "public_key1": public,
                   "private_key_kid": "1", "public_key1_kid": "1"}
        self.manage("POST", f"/environments/{ENVIRONMENT}/keyvaluemaps", {
            "name": "microgateway", "encrypted": "true",
            "entry": [{"name": name, "value": value} for name, value in entries.items()]})
        place = f"organization/{ORGANIZATION}/environment/{ENVIRONMENT}"
        self.manage("POST", f"{self.control_plane.microservices}/credential/{place}",
                    {"key": self.key, "secret": self.secret})

    def deploy(self, name: str, base_path: str, target: str) -> None:
        self.manage("POST", f"/apis?action=import&name={name}", body=bundle(base_path, target, name))
        self.manage("POST", f"/environments/{ENVIRONMENT}/apis/{name}/revisions/1/deployments")

    def product(self, name: str, proxies: list[str], paths: list[str], **fields: str) -> None:
        self.manage("POST", "/apiproducts", {
            "name": name, "displayName": name, "approvalType": "auto", "environments": [ENVIRONMENT],
            "proxies": ["edgemicro-auth", *proxies], "apiResources": paths, **fields})

    def app(self, name: str, *products: str) -> dict[str, str]:
        """Key and secret of a new app."""
        address = "dev@acme.example"
        if address not in self.manage("GET", "/developers"):
            self.manage("POST", "/developers", {"email": address, "firstName": "D", "lastName": "E", "userName": "de"})
        made = self.manage("POST", f"/developers/{address}/apps", {"name": name, "apiProducts": list(products)})
        return made["credentials"][0]

    def token(self, app: dict[str, str]) -> str:
        """A token as a client gets one."""
        told = {"client_id": app["consumerKey"], "client_secret": app["consumerSecret"],
                "grant_type": "client_credentials"}
        answer = self.manage("POST", f"{self.control_plane.auth(ENVIRONMENT)}/token", told)
        return answer["access_token"]

    # -- gateways ---------------------------------------------------------------------------------------------
    def declare(self, mode: str, **fields: Any) -> declaration.Gateway:
        """A declaration as a user writes it, for a free port of loopback."""
        port = free_port()
        return declaration.read({
            "mode": mode, "organization": ORGANIZATION, "environment": ENVIRONMENT, "port": port,
            "address": "127.0.0.1", "microservices": self.control_plane.microservices,
            "authentication": self.control_plane.auth(ENVIRONMENT), **fields})

    def gateway(self, folder: Path, declared: declaration.Gateway) -> Gateway:
        """The real engine with what we render, as a pod gets it: through a Secret's ``data``."""
        values = {"EDGEMICRO_KEY": self.key, "EDGEMICRO_SECRET": self.secret,
                  "EDGEMICRO_CONFIG": render.encoded(declared)}
        data = {name: base64.b64encode(value.encode()).decode() for name, value in values.items()}
        from_secret = {name: base64.b64decode(value).decode() for name, value in data.items()}
        return Gateway(self.engine, folder, {**render.variables(declared), **from_secret}, render.plugin_files())

    def unrefused(self, folder: Path, declared: declaration.Gateway, change: Callable[[dict[str, Any]], Any],
                  variables: dict[str, str] | None = None) -> Gateway:
        """The engine with a changed configuration, past what rendering refuses: to see what that is refused for."""
        document = render.configuration(declared)
        change(document)
        (folder / "config").mkdir(parents=True)
        (folder / "config" / f"{ORGANIZATION}-{ENVIRONMENT}-config.yaml").write_text(json.dumps(document))
        credentials = {"EDGEMICRO_KEY": self.key, "EDGEMICRO_SECRET": self.secret}
        told = {**render.variables(declared), **credentials, **(variables or {})}
        return Gateway(self.engine, folder, told, render.plugin_files())


def call(gateway: Gateway, target: str, headers: dict[str, str] | None = None, method: str = "GET") -> Answer:
    """One request with the target exactly as it is written."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=20)
    try:
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, found, answer.read().decode())
    finally:
        connection.close()


def arguments(process: int) -> str:
    """The command lines of a process and its children, as ``ps`` shows them."""
    found = Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    children = Path(f"/proc/{process}/task/{process}/children")
    return found + "".join(arguments(int(child)) for child in children.read_text().split() if os.path.exists(
        f"/proc/{child}"))


def _certificate(key: rsa.RSAPrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "microgateway")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1)).sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()
