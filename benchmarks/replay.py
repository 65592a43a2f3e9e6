# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same calls as a converge makes, as bare HTTP: one process, one session, one token, nothing compared."""

from __future__ import annotations

import base64
import tempfile
import time
from pathlib import Path

import google.auth.transport.requests
import requests
import requests.adapters
import yaml
from google.oauth2 import service_account

from benchmarks.recorder import Call

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
HERE = Path(__file__).resolve().parent
# What inventories/testbed publishes.
OBJECTS = [
    "/api/v1/namespaces/shop",
    "/apis/apps/v1/namespaces/shop/deployments/orders",
    "/api/v1/namespaces/shop/services/orders",
]
HOST, PATH = "api.acme.example", "/orders"
TIMEOUT = 300.0


class Named(requests.adapters.HTTPAdapter):
    """TLS with a server that is asked for by a name and found by an address."""

    def __init__(self, name: str) -> None:
        self._name = name
        super().__init__()

    def init_poolmanager(self, *arguments, **options) -> None:
        super().init_poolmanager(*arguments, server_hostname=self._name, assert_hostname=self._name, **options)


class Replay:
    """A session with the testbed described by ``connection`` (what ``connection.json`` holds)."""

    def __init__(self, connection: dict, folder: Path) -> None:
        self._emulator = connection["emulator"]
        self._northbound = connection["northbound"]
        self._project = connection["project"]
        self._folder = folder
        self._session = requests.Session()
        self._session.trust_env = False
        credentials = service_account.Credentials.from_service_account_file(
            connection["service_account_file"], scopes=[SCOPE]
        )
        credentials.refresh(google.auth.transport.requests.Request(self._session))
        self.token = credentials.token
        self._session.headers["Authorization"] = f"Bearer {self.token}"
        self._gateway = requests.Session()
        self._gateway.trust_env = False
        self._gateway.mount("https://", Named(HOST))

    def reads(self, calls: list[Call]) -> int:
        """Repeat the reads of a converge with nothing to change, those of Kubernetes and the proof. Return how many."""
        for call in calls:
            self._send(call)
        server, authority = self.cluster()
        for path in OBJECTS:
            self._session.get(f"{server}{path}", verify=authority, timeout=TIMEOUT).raise_for_status()
        self._prove()
        return len(calls) + len(OBJECTS) + 2

    def writes(self, calls: list[Call]) -> int:
        """Repeat the writes of a first converge in their order, waiting for each operation. Return how many.

        The cluster is the exception: it is waited for where it is needed, as a converge does.
        """
        clusters = []
        for call in calls:
            answer = self._send(call)
            if call.service == "container":
                clusters.append(answer)
            else:
                self._wait(call, answer)
        for operation in clusters:
            self._until(f"container/v1/{_container_operation(operation)}", lambda found: found["status"] == "DONE")
        return len(calls) + self._publish()

    def _publish(self) -> int:
        """Make the Kubernetes objects, wait for ready pods, send the request that proves the path."""
        server, authority = self.cluster()
        definitions = list(yaml.safe_load_all((HERE / "shop.yaml").read_text()))
        for definition, path in zip(definitions, OBJECTS, strict=True):
            self._session.post(
                f"{server}{path.rsplit('/', 1)[0]}", json=definition, verify=authority, timeout=TIMEOUT
            ).raise_for_status()
        deadline = time.monotonic() + TIMEOUT
        while time.monotonic() < deadline:
            found = self._session.get(f"{server}{OBJECTS[1]}", verify=authority, timeout=TIMEOUT).json()
            if found.get("status", {}).get("readyReplicas") == found["spec"]["replicas"]:
                break
            time.sleep(0.2)
        self._prove()
        return len(definitions)

    def _prove(self) -> None:
        """The request through Apigee, with its address in place of DNS; a name that nobody holds yet is retried."""
        address = f"https://{self._northbound['address']}:{self._northbound['port']}{PATH}"
        deadline = time.monotonic() + TIMEOUT
        while True:
            answer = self._gateway.get(
                address, headers={"Host": HOST}, verify=self._northbound["ca_cert"], timeout=TIMEOUT
            )
            if answer.status_code == 200 or time.monotonic() > deadline:
                answer.raise_for_status()
                return
            time.sleep(0.5)

    def _send(self, call: Call) -> dict:
        answer = self._session.request(
            call.verb, self._emulator + call.path, data=call.body or None, headers=call.headers, timeout=TIMEOUT
        )
        if answer.status_code != call.status:
            raise SystemExit(f"{call.verb} {call.path}: {answer.status_code}, and {call.status} when it was recorded.")
        return answer.json() if answer.content else {}

    def _wait(self, call: Call, answer: dict) -> None:
        """Wait as the API wants it, by what it answered."""
        name = str(answer.get("name", ""))
        if answer.get("kind") == "compute#operation":
            where = f"regions/{answer['region'].split('/')[-1]}" if answer.get("region") else "global"
            path = f"compute/compute/v1/projects/{self._project}/{where}/operations/{name}/wait"
            while self._ask("POST", path)["status"] != "DONE":
                continue
        elif "operations/" in name and not answer.get("done"):
            self._until(f"{call.service}/v1/{name}", lambda found: found.get("done"))
        elif call.path.split("?")[0].endswith("/deployments"):
            self._until(call.path.split("?")[0].lstrip("/"), lambda found: found.get("state") == "READY")

    def _until(self, path: str, finished) -> None:
        deadline = time.monotonic() + TIMEOUT
        while not finished(self._ask("GET", path)):
            if time.monotonic() > deadline:
                raise SystemExit(f"{path}: not finished after {TIMEOUT:.0f} s.")
            time.sleep(0.2)

    def _ask(self, verb: str, path: str) -> dict:
        answer = self._session.request(verb, f"{self._emulator}/{path}", timeout=TIMEOUT)
        answer.raise_for_status()
        return answer.json()

    def cluster(self) -> tuple[str, str]:
        """Address of the API server, and a file with its authority."""
        cluster = self._ask("GET", f"container/v1/projects/{self._project}/locations/europe-west1/clusters/gke")
        with tempfile.NamedTemporaryFile("wb", dir=self._folder, delete=False) as file:
            file.write(base64.b64decode(cluster["masterAuth"]["clusterCaCertificate"]))
        return f"https://{cluster['endpoint']}", file.name


def _container_operation(operation: dict) -> str:
    return operation["selfLink"].split("/v1/", 1)[1]


def is_write(call: Call, changing: set[tuple[str, str]]) -> bool:
    """Whether the emulator counts a call as mutating; ``changing`` holds (verb, path without query)."""
    return (call.verb, call.path.split("?")[0]) in changing
