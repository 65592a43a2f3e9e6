# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""A small client of the emulated Apigee API for its tests, and bundles to send it."""
from __future__ import annotations

import io
import shutil
import zipfile
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer

from testbed.google.app import EMULATOR, create_app
from testbed.google.recording_world import RecordingWorld
from testbed.google.seed import OWNER, PROJECT, PROJECT_NUMBER, seed
from testbed.google.store import Store

ORG = PROJECT
NETWORK = "shop-vpc"


def bundle(base_path: str = "/orders", servers: tuple[str, ...] = (), name: str = "orders", **files: str) -> bytes:
    """A valid bundle with one proxy endpoint; its target is a load balancer over ``servers``, or a URL."""
    target = ("<LoadBalancer>" + "".join(f'<Server name="{server}"/>' for server in servers) + "</LoadBalancer>"
              if servers else "<URL>http://orders.shop.svc.gke.acme.internal:8080</URL>")
    content = {
        f"apiproxy/{name}.xml": f'<APIProxy name="{name}"><DisplayName>{name}</DisplayName></APIProxy>',
        "apiproxy/proxies/default.xml":
            '<ProxyEndpoint name="default"><PreFlow name="PreFlow"/><Flows/><PostFlow name="PostFlow"/>'
            f"<HTTPProxyConnection><BasePath>{base_path}</BasePath></HTTPProxyConnection>"
            '<RouteRule name="default"><TargetEndpoint>default</TargetEndpoint></RouteRule></ProxyEndpoint>',
        "apiproxy/targets/default.xml":
            '<TargetEndpoint name="default"><PreFlow name="PreFlow"/><Flows/><PostFlow name="PostFlow"/>'
            f"<HTTPTargetConnection>{target}</HTTPTargetConnection></TargetEndpoint>",
        **files,
    }
    return zipped(content)


def zipped(content: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path, text in content.items():
            archive.writestr(path, text)
    return out.getvalue()


def shared_flow(name: str = "guard", calls: str = "", **files: str) -> bytes:
    """A valid bundle of a shared flow; ``calls`` names another one that it calls."""
    content = {
        f"sharedflowbundle/{name}.xml": f'<SharedFlowBundle name="{name}"><DisplayName>{name}</DisplayName>'
                                        "</SharedFlowBundle>",
        "sharedflowbundle/sharedflows/default.xml":
            '<SharedFlow name="default"><Step><Name>act</Name></Step></SharedFlow>',
        "sharedflowbundle/policies/act.xml": callout("act", calls) if calls else
            '<AssignMessage name="act"><Set><Headers><Header name="X-Guard">1</Header></Headers></Set></AssignMessage>',
        **files,
    }
    return zipped(content)


def callout(name: str, shared_flow: str) -> str:
    return f'<FlowCallout name="{name}"><SharedFlowBundle>{shared_flow}</SharedFlowBundle></FlowCallout>'


class Refused(Exception):
    """An answer with a status of 400 or more."""

    def __init__(self, status: int, body: Any) -> None:
        error = body.get("error", {}) if isinstance(body, dict) else {}
        super().__init__(f"{status} {error.get('message', body)}")
        self.status, self.body, self.error = status, body, error

    @property
    def violations(self) -> list[dict[str, str]]:
        return [item for detail in self.error.get("details", []) for item in detail.get("violations", [])]


class Apigee:
    """Calls the emulator as a client would; ``wait`` follows operations, ``deploy`` deployments.

    ``bundle`` and its neighbours stand here because tests cannot import a conftest.
    """

    bundle, shared_flow, callout = staticmethod(bundle), staticmethod(shared_flow), staticmethod(callout)

    def __init__(self, client: Any, world: Any) -> None:
        self.client, self.world = client, world
        self.emulator = client.app[EMULATOR]
        self.token = ""

    @staticmethod
    def refused(status: int, text: str = "") -> Any:
        """Expect a refusal with this status whose message matches ``text``; ``.value`` has ``violations``."""
        return pytest.raises(Refused, match=rf"(?s)^{status} .*{text}")

    async def prepare(self) -> None:
        """Enable the API and write a network with its private services connection into the store."""
        self.token = await self.emulator.identity.token_for(OWNER)
        link = f"https://www.googleapis.com/compute/v1/projects/{PROJECT}/global/networks/{NETWORK}"
        async with self.emulator.store.transaction() as tx:
            tx.put(f"serviceusage/projects/{PROJECT_NUMBER}/services/apigee.googleapis.com", {"state": "ENABLED"})
            for name in (NETWORK, "unconnected"):
                tx.put(f"compute/projects/{PROJECT}/global/networks/{name}",
                       {"name": name, "selfLink": link.replace(NETWORK, name)})
            tx.put(f"compute/projects/{PROJECT}/global/addresses/apigee-range",
                   {"name": "apigee-range", "address": "10.30.0.0", "prefixLength": 20, "network": link})
            tx.put(f"servicenetworking/projects/{PROJECT_NUMBER}/global/networks/{NETWORK}/connection",
                   {"network": f"projects/{PROJECT_NUMBER}/global/networks/{NETWORK}",
                    "reservedPeeringRanges": ["apigee-range"], "peering": "servicenetworking-googleapis-com"})

    async def call(self, verb: str, path: str, body: Any = None, token: str | None = None, **query: Any) -> Any:
        params = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in query.items()}
        options: dict[str, Any] = {"data": body} if isinstance(body, (bytes, aiohttp.FormData)) else {}
        headers = {"Authorization": f"Bearer {token or self.token}"}
        if isinstance(body, bytes):
            headers["Content-Type"] = "application/octet-stream"
        elif body is not None and not options:
            options["json"] = body
        async with self.client.request(verb, f"/apigee/v1/{path}", params=params, headers=headers, **options) as answer:
            content = await answer.read()
            data = await answer.json() if "json" in answer.content_type else content
            if answer.status >= 400:
                raise Refused(answer.status, data)
            self.status_code, self.headers = answer.status, answer.headers
            return data

    async def get(self, path: str = "", **query: Any) -> Any:
        return await self.call("GET", self.at(path), **query)

    async def post(self, path: str, body: Any = None, **query: Any) -> Any:
        return await self.call("POST", self.at(path), body, **query)

    async def put(self, path: str, body: Any = None, **query: Any) -> Any:
        return await self.call("PUT", self.at(path), body, **query)

    async def patch(self, path: str, body: Any = None, **query: Any) -> Any:
        return await self.call("PATCH", self.at(path), body, **query)

    async def delete(self, path: str = "", **query: Any) -> Any:
        return await self.call("DELETE", self.at(path), **query)

    @staticmethod
    def at(path: str) -> str:
        """The path of something in the organisation."""
        return f"organizations/{ORG}/{path}".rstrip("/")

    async def wait(self, operation: dict[str, Any]) -> dict[str, Any]:
        """The response of an operation once it is done; raises AssertionError with its error."""
        await self.emulator.operations.idle()
        done = await self.call("GET", operation["name"])
        assert done.get("done"), done
        assert "error" not in done, done["error"]
        return done.get("response", {})

    async def organization(self, **fields: Any) -> dict[str, Any]:
        body = {"runtimeType": "CLOUD", "analyticsRegion": "europe-west1", "authorizedNetwork": NETWORK} | fields
        body = {name: value for name, value in body.items() if value is not None}
        return await self.wait(await self.call("POST", "organizations", body, parent=f"projects/{PROJECT}"))

    async def environment(self, name: str = "prod", attach: bool = True, **fields: Any) -> dict[str, Any]:
        made = await self.wait(await self.post("environments", {"name": name, **fields}))
        if attach:
            await self.wait(await self.post("instances/euw1/attachments", {"environment": name}))
        return made

    async def instance(self, name: str = "euw1", **fields: Any) -> dict[str, Any]:
        return await self.wait(await self.post("instances", {"name": name, "location": "europe-west1", **fields}))

    async def group(self, name: str = "shop", environments: tuple[str, ...] = ("prod",),
                    hostnames: tuple[str, ...] = ("api.acme.example",)) -> None:
        await self.wait(await self.post("envgroups", {"name": name, "hostnames": list(hostnames)}))
        for environment in environments:
            await self.wait(await self.post(f"envgroups/{name}/attachments", {"environment": environment}))

    async def ready(self) -> None:
        """An organisation with an instance, the environment prod and its group."""
        await self.organization()
        await self.instance()
        await self.environment()
        await self.group()

    async def upload(self, data: bytes | None = None, name: str = "orders", **query: Any) -> dict[str, Any]:
        return await self.post("apis", bundle(name=name) if data is None else data,
                               **{"name": name, "action": "import"} | query)

    async def upload_flow(self, data: bytes | None = None, name: str = "guard", **query: Any) -> dict[str, Any]:
        return await self.post("sharedflows", shared_flow(name) if data is None else data,
                               **{"name": name, "action": "import"} | query)

    async def deploy(self, name: str = "orders", revision: str = "1", environment: str = "prod",
                     kind: str = "apis", **query: Any) -> dict[str, Any]:
        """Deploy and return the settled state."""
        await self.post(self.deployments(name, revision, environment, kind), **query)
        await self.emulator.operations.idle()
        return await self.state(name, revision, environment, kind)

    async def state(self, name: str = "orders", revision: str = "1", environment: str = "prod",
                    kind: str = "apis") -> dict[str, Any]:
        return await self.get(self.deployments(name, revision, environment, kind))

    @staticmethod
    def deployments(name: str = "orders", revision: str = "1", environment: str = "prod", kind: str = "apis") -> str:
        """The path of a revision's deployment; ``kind`` is apis or sharedflows."""
        return f"environments/{environment}/{kind}/{name}/revisions/{revision}/deployments"

    async def server(self, name: str = "orders", environment: str = "prod", **fields: Any) -> dict[str, Any]:
        return await self.post(f"environments/{environment}/targetservers",
                               {"name": name, "host": "orders.shop.svc.gke.acme.internal", "port": 8080, **fields})

    def pushed(self, environment: str = "prod") -> dict[str, str]:
        """Proxy to revision in the last picture that the runtime was given."""
        found = self.world.configuration["environments"].get(environment, {"deployments": []})
        return {item["proxy"]: item["revision"] for item in found["deployments"]}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "shows(*methods): discovery ids of emulated methods whose rules a test shows")


@pytest.fixture(scope="session")
def account_keys(tmp_path_factory):
    """The seeded accounts' keys, made once: making them is most of the time that a fresh emulator takes."""
    folder = tmp_path_factory.mktemp("keys")
    store = Store(folder / "google.sqlite")
    seed(store.snapshot(), folder)
    store.close()
    return list(folder.glob("*.json"))


@pytest.fixture
async def apigee(tmp_path, account_keys):
    """A prepared emulator with a recording world, and the promise that it never broke its own contract."""
    world = RecordingWorld()
    for file in account_keys:
        shutil.copy(file, tmp_path)
    async with TestClient(TestServer(create_app(tmp_path, world))) as client:
        helper = Apigee(client, world)
        await helper.prepare()
        yield helper
        await helper.emulator.operations.idle()
        assert not getattr(helper.emulator, "violations", [])
