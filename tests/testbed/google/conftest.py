# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An emulator for each test, with the recording world, and a small client for it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from testbed.google.app import EMULATOR, create_app
from testbed.google.recording_world import RecordingWorld
from testbed.google.seed import ACCOUNTS, OWNER, key_file, service_account_key

PROJECT = "acme-shop"
NUMBER = "123456789012"
COMPUTE = f"compute/compute/v1/projects/{PROJECT}"
CONTAINER = f"container/v1/projects/{PROJECT}/locations/europe-west1"
PEERED = f"servicenetworking/v1/services/servicenetworking.googleapis.com/projects/{NUMBER}/global/networks"
CONNECTIONS = "servicenetworking/v1/services/servicenetworking.googleapis.com/connections"
DNS = f"dns/dns/v1/projects/{PROJECT}"
SERVICES = [
    f"{name}.googleapis.com"
    for name in ("compute", "container", "dns", "servicenetworking", "apigee", "iam", "iamcredentials")
]


class Google:
    """Calls the emulator as a client does, waits for operations, and looks behind the curtain."""

    def __init__(self, client: TestClient, world: RecordingWorld) -> None:
        self.client = client
        self.world = world
        self.emulator = client.app[EMULATOR]
        self.token = ""

    async def raw(self, verb: str, path: str, body: Any = None, **options: Any) -> tuple[int, Any]:
        """Send a request; returns (status, parsed body or None)."""
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        async with self.client.request(verb, "/" + path, json=body, headers=headers, **options) as response:
            text = await response.read()
            return response.status, await response.json() if text else None

    async def call(self, verb: str, path: str, body: Any = None, **options: Any) -> Any:
        """Send a request that must succeed; returns its body."""
        status, answer = await self.raw(verb, path, body, **options)
        assert status < 300, (status, answer)
        return answer

    async def refused(self, verb: str, path: str, body: Any = None, **options: Any) -> dict[str, Any]:
        """Send a request that must be refused; returns the error object."""
        status, answer = await self.raw(verb, path, body, **options)
        assert status >= 400, (status, answer)
        assert answer["error"]["code"] == status
        return answer["error"]

    async def done(self, operation: dict[str, Any]) -> dict[str, Any]:
        """Wait for an operation of any family; returns it when it has ended."""
        for _ in range(200):
            if operation.get("done") or operation.get("status") == "DONE":
                return operation
            operation = await self.call("GET", _where(operation))
            await asyncio.sleep(0.005)
        raise AssertionError(operation)

    async def do(self, verb: str, path: str, body: Any = None, **options: Any) -> dict[str, Any]:
        """Send a request that starts an operation, wait for its success; returns the operation."""
        operation = await self.done(await self.call(verb, path, body, **options))
        assert "error" not in operation, operation
        return operation

    async def enable(self, *services: str) -> None:
        """Enable services, all that the first flow needs when none is named."""
        path = f"serviceusage/v1/projects/{NUMBER}/services:batchEnable"
        await self.do("POST", path, {"serviceIds": list(services or SERVICES)})

    async def network(self, name: str = "shop") -> str:
        """Make a custom network."""
        await self.do("POST", f"{COMPUTE}/global/networks", {"name": name, "autoCreateSubnetworks": False})
        return f"projects/{PROJECT}/global/networks/{name}"

    async def subnetwork(self, name: str = "nodes", cidr: str = "10.10.0.0/20", **fields: Any) -> None:
        """Make a subnetwork with ranges for pods and Services."""
        body = {
            "name": name,
            "network": f"projects/{PROJECT}/global/networks/shop",
            "ipCidrRange": cidr,
            "secondaryIpRanges": [
                {"rangeName": "pods", "ipCidrRange": "10.20.0.0/16"},
                {"rangeName": "services", "ipCidrRange": "10.30.0.0/20"},
            ],
            **fields,
        }
        await self.do("POST", f"{COMPUTE}/regions/europe-west1/subnetworks", body)

    async def peer(self) -> None:
        """Reserve a range and connect the network with Google's services."""
        body = {
            "name": "apigee",
            "purpose": "VPC_PEERING",
            "addressType": "INTERNAL",
            "prefixLength": 20,
            "network": f"projects/{PROJECT}/global/networks/shop",
        }
        await self.do("POST", f"{COMPUTE}/global/addresses", body)
        connection = {"network": f"projects/{NUMBER}/global/networks/shop", "reservedPeeringRanges": ["apigee"]}
        await self.do("POST", CONNECTIONS, connection)

    def cluster(self, **fields: Any) -> dict[str, Any]:
        """Return the body of a cluster with VPC scope DNS."""
        cluster = {
            "name": "shop",
            "network": f"projects/{PROJECT}/global/networks/shop",
            "subnetwork": f"projects/{PROJECT}/regions/europe-west1/subnetworks/nodes",
            "ipAllocationPolicy": {
                "useIpAliases": True,
                "clusterSecondaryRangeName": "pods",
                "servicesSecondaryRangeName": "services",
            },
            "networkConfig": {"dnsConfig": {
                "clusterDns": "CLOUD_DNS", "clusterDnsScope": "VPC_SCOPE", "clusterDnsDomain": "gke.acme.internal",
            }},
            "nodePools": [{"name": "main", "initialNodeCount": 1, "config": {"machineType": "e2-standard-2"}}],
            **fields,
        }  # fmt: skip
        return {"cluster": {k: v for k, v in cluster.items() if v is not None}}

    async def ready(self) -> None:
        """Enable services and make the network with its subnetwork."""
        await self.enable()
        await self.network()
        await self.subnetwork()


def _where(operation: dict[str, Any]) -> str:
    link = operation.get("selfLink", "")
    if "/compute/v1/" in link:
        return "compute/compute/v1/" + link.split("/compute/v1/")[1]
    if link.startswith("https://container"):
        return "container/" + link.split("googleapis.com/")[1]
    kind = operation.get("metadata", {}).get("@type", "")
    if "apigateway" in kind:
        return f"apigateway/v1/{operation['name']}"
    if "serviceusage" in kind or operation["name"].startswith("operations/acat"):
        return f"serviceusage/v1/{operation['name']}"
    if operation["name"].startswith("operations/akmf"):
        return f"apikeys/v2/{operation['name']}"
    if operation["name"].startswith("organizations/"):
        return f"apigee/v1/{operation['name']}"
    for api, place in (("vpcaccess", "vpcaccess/v1"), ("functions", "cloudfunctions/v2")):
        if f"google.cloud.{api}." in kind:
            return f"{place}/{operation['name']}"
    return f"servicenetworking/v1/{operation['name']}"


async def open_google(state: Path, world: RecordingWorld) -> Google:
    """Return a client of a new emulator on a state folder; close it with google.client.close()."""
    client = TestClient(TestServer(create_app(state, world)))
    await client.start_server()
    google = Google(client, world)
    google.token = await google.emulator.identity.token_for(OWNER)
    return google


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker that the fidelity page is generated from."""
    config.addinivalue_line("markers", "shows(method, rule): this test shows a rule of an emulated method")


@pytest.fixture(scope="session")
def key_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with service account keys: making RSA keys for every test would take most of the time."""
    folder = tmp_path_factory.mktemp("keys")
    for index, (account, email) in enumerate(ACCOUNTS.items()):
        service_account_key(key_file(folder, account), email, index)
    return folder


@pytest.fixture
def state(tmp_path: Path, key_files: Path) -> Path:
    """A state folder with keys and nothing else."""
    for file in key_files.iterdir():
        shutil.copy(file, tmp_path)
    return tmp_path


@pytest.fixture
async def google(state: Path) -> AsyncIterator[Google]:
    """An emulator with a fresh state; the test fails when the emulator broke its own contract."""
    google = await open_google(state, RecordingWorld())
    yield google
    violations = google.emulator.violations
    await google.client.close()
    assert violations == []


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say what could not be run here."""
    if shutil.which("gcloud") is None:
        terminalreporter.write_line("not run: the tests with the real gcloud, which is not installed here")
