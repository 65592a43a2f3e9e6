# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""gcloud sees what was made: the requests that Cloud SDK 528 sends, replayed everywhere; the real one where it is."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

from testbed.certificates import Authority
from testbed.google.connection import gcloud_environment
from testbed.google.proxy import Proxy, gcloud_proxy_environment
from testbed.network.namespace import listening_socket
from tests.testbed.google.conftest import CONTAINER, NUMBER, PEERED, Google

RECORDING = Path(__file__).parent / "recordings" / "gcloud-528.json"
_OPERATION = re.compile(r"(operation-\d+[-0-9a-f]+|(?:pssn\.p24|acat\.p2)-[-0-9a-f]{36})")


async def prepare(google: Google) -> None:
    """Make what the recorded commands look at."""
    await google.ready()
    await google.peer()
    await google.do("POST", f"{PEERED}/shop/peeredDnsDomains", {"name": "shop", "dnsSuffix": "gke.acme.internal."})
    await google.do("POST", f"{CONTAINER}/clusters", google.cluster(networkConfig=None))
    organization = {
        "runtimeType": "CLOUD", "analyticsRegion": "europe-west1", "billingType": "EVALUATION",
        "authorizedNetwork": "shop",
    }  # fmt: skip
    await google.do("POST", "apigee/v1/organizations?parent=projects/acme-shop", organization)


async def test_recorded_requests_are_answered(google: Google) -> None:
    await prepare(google)
    base = str(google.client.make_url("/")).rstrip("/")
    operation = ""
    for command in json.loads(RECORDING.read_text()):
        for request in command["requests"]:
            target = _OPERATION.sub(operation, request["target"])
            text = json.dumps(request["body"]).replace("{emulator}", base)
            body: Any = json.loads(text)
            if body and "labelFingerprint" in body:
                cluster = await google.call("GET", f"{CONTAINER}/clusters/shop")
                body["labelFingerprint"] = cluster["labelFingerprint"]
            status, answer = await google.raw(request["verb"], target.lstrip("/"), body)
            assert status == request["status"], (command["command"], request["verb"], target, answer)
            found = _OPERATION.search(str((answer or {}).get("name", "")))
            operation = found[1] if found else operation


async def _gcloud(google: Google, folder: Path, *arguments: str) -> Any:
    authority = Authority.load_or_create(folder / "authority")
    host, port = google.client.host, google.client.port
    server = await Proxy((host, port), authority, folder).serve(listening_socket("127.0.0.1", 0))
    listening = server.sockets[0].getsockname()
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("CLOUDSDK_")},
        **gcloud_environment(f"http://{host}:{port}"),
        **gcloud_proxy_environment(listening[0], listening[1], authority.certificate_file),
        "CLOUDSDK_CONFIG": str(folder / "gcloud"),
        "CLOUDSDK_AUTH_ACCESS_TOKEN": google.token,
    }
    process = await asyncio.create_subprocess_exec(
        "gcloud", *arguments, "--format=json", env=environment,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 120)
    server.close()
    assert process.returncode == 0, err.decode()
    return json.loads(out)


# Collected only where gcloud is; elsewhere the summary of the run says "not run" (see conftest).
if shutil.which("gcloud"):

    async def test_real_gcloud_lists_what_was_made(google: Google, tmp_path: Path) -> None:
        await prepare(google)
        [cluster] = await _gcloud(google, tmp_path, "container", "clusters", "list")
        assert (cluster["name"], cluster["status"]) == ("shop", "RUNNING")
        [domain] = await _gcloud(google, tmp_path, "services", "peered-dns-domains", "list", "--network=shop")
        assert domain["dnsSuffix"] == "gke.acme.internal."
        [network] = await _gcloud(google, tmp_path, "compute", "networks", "list")
        assert network["peerings"][0]["state"] == "ACTIVE"
        assert await _gcloud(google, tmp_path, "apigee", "deployments", "list", "--organization=acme-shop") == []
        log = await google.call("GET", "_testbed/requests")
        assert {NUMBER, "acme-shop"} & {part for r in log["requests"] for part in r["path"].split("/")}


async def test_the_proxy_lets_nothing_else_through(google: Google, tmp_path: Path) -> None:
    authority = Authority.load_or_create(tmp_path / "authority")
    emulator = (google.client.host, google.client.port)
    server = await Proxy(emulator, authority, tmp_path).serve(listening_socket("127.0.0.1", 0))
    host, port = server.sockets[0].getsockname()
    for line in (
        b"CONNECT storage.googleapis.com:443 HTTP/1.1",
        b"CONNECT example.com:443 HTTP/1.1",
        b"GET http://example.com/ HTTP/1.1",
        b"GET / HTTP/1.1",
    ):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(line + b"\r\nHost: x\r\n\r\n")
        assert (await reader.read()).split(b" ")[1] in (b"403", b"404")
        writer.close()
    server.close()
