# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""CPU of one webhook process per admission, without a cluster: ``python -m benchmarks.server`` prints JSON.

Beside it runs a floor: a loop in Python that reads the same bytes over TLS, parses them as JSON and writes an answer
of the same length, with no limits, no checks and nothing decided. Both take turns. It needs the collection on the path,
as ``benchmarks`` sets it.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.admissions import CONNECTIONS, RATE, pod
from benchmarks.processes import cpu, memory, quantile
from testbed.engines.authority import NAME, Authority, SecretFolder, client_context
from testbed.engines.sidecar import free_port
from tooling.prepare import ROOT

WARM, ROUNDS = 300, 3
WAYS = {"back to back": (CONNECTIONS, 3000, 0), "steady": (CONNECTIONS, 1000, RATE)}
"""Connections, admissions, and how many in a second (0: one after the other on each connection)."""

FLOOR = """
import json, socket, ssl, sys, threading
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1] + "/tls.crt", sys.argv[1] + "/tls.key")
answer = json.dumps({"patch": "x" * int(sys.argv[3])}).encode()
head = b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(answer)
def serve(plain):
    with context.wrap_socket(plain, server_side=True) as connection:
        received = b""
        while True:
            while b"\\r\\n\\r\\n" not in received:
                more = connection.recv(65536)
                if not more:
                    return
                received += more
            begin, _, received = received.partition(b"\\r\\n\\r\\n")
            length = int(begin.lower().split(b"content-length: ")[1].split(b"\\r\\n")[0])
            while len(received) < length:
                received += connection.recv(65536)
            json.loads(received[:length])
            received = received[length:]
            connection.sendall(head + answer)
listener = socket.create_server(("127.0.0.1", int(sys.argv[2])), backlog=64)
while True:
    accepted, _ = listener.accept()
    accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
    threading.Thread(target=serve, args=(accepted,), daemon=True).start()
"""


def review(number: int) -> bytes:
    """What the API server sends for one pod, with who wrote which field."""
    made = pod(number, annotated=True)
    fields = {f"f:SETTING_{index}": {".": {}, "f:name": {}, "f:value": {}} for index in range(25)}
    made["metadata"]["managedFields"] = [
        {"manager": "kube-controller-manager", "operation": "Update", "apiVersion": "v1", "fieldsV1": {"f:env": fields}}
    ]
    request = {
        "uid": f"705ab4f5-6393-11e8-b7cc-{number:012}",
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "name": f"orders-{number}",
        "namespace": "shop",
        "operation": "CREATE",
        "userInfo": {"username": "system:serviceaccount:kube-system:replicaset-controller", "groups": ["system:all"]},
        "object": made,
        "oldObject": None,
        "dryRun": False,
    }
    return json.dumps({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": request}).encode()


class Caller:
    """One kept connection, as the API server keeps it."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        self._port, self._context = port, context

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection(
            "127.0.0.1", self._port, ssl=self._context, server_hostname=NAME
        )

    async def admit(self, body: bytes) -> bytes:
        head = (
            "POST /mutate?timeout=5s HTTP/1.1\r\nHost: tls-sidecar-webhook.tls-sidecar.svc:443\r\n"
            f"User-Agent: kube-apiserver-admission\r\nContent-Length: {len(body)}\r\nAccept: application/json, */*\r\n"
            "Content-Type: application/json\r\nAccept-Encoding: gzip\r\n\r\n"
        )
        self._writer.write(head.encode() + body)
        answered = await self._reader.readuntil(b"\r\n\r\n")
        length = int(answered.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        return await self._reader.readexactly(length)

    def close(self) -> None:
        self._writer.close()


async def measure() -> dict[str, dict[str, dict[str, float]]]:
    """By way and server: CPU seconds of an admission (median of the rounds), seconds until its answer, MiB resident."""
    with tempfile.TemporaryDirectory(prefix="benchmark-server-") as name:
        folder = Path(name)
        authority = Authority("Benchmark")
        secret = SecretFolder(folder / "certificate")
        secret.pair(authority.leaf(NAME), authority)
        context = client_context(authority, folder)
        webhook, metrics, floor = free_port(), free_port(), free_port()
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "plugins" / "module_utils")}
        command = [sys.executable, "-m", "_sidecar.server", f"--certificate={secret.path}", "--host=127.0.0.1"]
        servers = {
            "webhook": (webhook, [*command, f"--port={webhook}", f"--metrics-port={metrics}", "--drain=0"]),
            "floor": (floor, [sys.executable, "-c", FLOOR, str(secret.path), str(floor), "17000"]),
        }
        running = {
            name: subprocess.Popen(argv, env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for name, (_port, argv) in servers.items()
        }
        found: dict[str, dict[str, dict[str, list[float]]]] = {way: {} for way in WAYS}
        try:
            for _round in range(ROUNDS):
                for way, (connections, count, rate) in WAYS.items():
                    for name, (port, _argv) in servers.items():
                        seen = found[way].setdefault(name, {"cpu": [], "seconds": [], "memory": []})
                        callers = [Caller(port, context) for _each in range(connections)]
                        await _turn(seen, running[name].pid, callers, count, rate)
        finally:
            for process in running.values():
                process.kill()
                process.wait()
    return {
        way: {
            name: {
                "cpu": statistics.median(seen["cpu"]),
                "p50": quantile(seen["seconds"], 0.5),
                "p99": quantile(seen["seconds"], 0.99),
                "memory": max(seen["memory"]),
                "count": len(seen["seconds"]),
            }
            for name, seen in servers.items()
        }
        for way, servers in found.items()
    }


async def _turn(
    seen: dict[str, list[float]], process: int, callers: list[Caller], count: int, rate: int
) -> None:
    connections = len(callers)
    for caller in callers:
        await _until_open(caller)
    bodies = [review(number) for number in range(count)]

    async def work(first: int, last: int, rate: int, into: list[float]) -> None:
        for number in range(first, last, connections):
            if rate:
                await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            start = time.perf_counter()
            answer = await callers[first].admit(bodies[number])
            into.append(time.perf_counter() - start)
            if b'"patch"' not in answer:
                raise SystemExit(f"an admission was answered with {answer[:300]!r}")

    began = time.monotonic()
    await asyncio.gather(*(work(first, min(WARM, count), 0, []) for first in range(connections)))
    before, began = cpu({process}), time.monotonic()
    await asyncio.gather(*(work(first, count, rate, seen["seconds"]) for first in range(connections)))
    seen["cpu"].append((cpu({process}) - before) / count)
    seen["memory"].append(memory(process))
    for caller in callers:
        caller.close()


async def _until_open(caller: Caller) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            return await caller.open()
        except OSError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.05)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure())))
