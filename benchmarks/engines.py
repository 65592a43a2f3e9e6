# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each engine adds to a request: latency and CPU, beside the application called without it.

``python -m benchmarks.engines`` prints JSON. It needs the collection on the path, as ``benchmarks`` sets it.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.processes import cpu, descendants, quantile
from testbed.engines.authority import NAME, Authority, SecretFolder, client_context
from testbed.engines.client import Http1
from testbed.engines.sidecar import Sidecar

ENGINES = ("nginx", "envoy", "haproxy", "apache")
REQUESTS, WARM = 1500, 200
ROUNDS = 3
"""The application alone and each engine in turn, so that what else the machine does falls on all of them."""

LONGEST_SECONDS = 30.0
"""Of one engine in one round; what it managed by then counts."""

BODY = b"x" * 1000


async def measure() -> dict[str, dict[str, float]]:
    """For the bare application and each engine: seconds of a request (p50, p99), CPU seconds of both servers."""
    found: dict[str, dict[str, list[float]]] = {}
    application = subprocess.Popen(
        [sys.executable, "-m", "testbed.engines.application"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    sidecars: dict[str, Sidecar] = {}
    try:
        port = int(application.stdout.readline())
        with tempfile.TemporaryDirectory(prefix="benchmark-engines-") as name:
            folder = Path(name)
            folder.chmod(0o755)
            authority = Authority("Benchmark")
            secret = SecretFolder(folder / "certificate")
            secret.pair(authority.leaf(NAME), authority)
            context = client_context(authority, folder)
            try:
                for engine in ENGINES:
                    sidecars[engine] = Sidecar(engine, secret.path, port)
                    await sidecars[engine].start().ready()
                for _round in range(ROUNDS):
                    await _turn(found, "bare", Http1(port, None), {application.pid}, set())
                    for engine, sidecar in sidecars.items():
                        caller = Http1(sidecar.port, context)
                        await _turn(found, engine, caller, {application.pid}, descendants(sidecar.first_process))
            finally:
                for sidecar in sidecars.values():
                    sidecar.stop()
    finally:
        application.kill()
        application.wait()
    return {
        engine: {
            "p50": quantile(seen["seconds"], 0.5),
            "p99": quantile(seen["seconds"], 0.99),
            "application_cpu": statistics.median(seen["application_cpu"]),
            "engine_cpu": statistics.median(seen["engine_cpu"]),
            "requests": len(seen["seconds"]),
        }
        for engine, seen in found.items()
    }


async def _turn(found: dict, name: str, caller: Http1, application: set[int], engine: set[int]) -> None:
    """One connection, one request after the other."""
    seen = found.setdefault(name, {"seconds": [], "application_cpu": [], "engine_cpu": []})
    for _each in range(WARM):
        await caller.request("POST", "/", body=BODY)
    before, deadline, count = (cpu(application), cpu(engine)), time.monotonic() + LONGEST_SECONDS, 0
    while count < REQUESTS and time.monotonic() < deadline:
        began = time.perf_counter()
        answer = await caller.request("POST", "/", body=BODY)
        seen["seconds"].append(time.perf_counter() - began)
        count += 1
        if answer.status != 200:
            raise SystemExit(f"{name} answered {answer.status}, expected 200.")
    seen["application_cpu"].append((cpu(application) - before[0]) / count)
    seen["engine_cpu"].append((cpu(engine) - before[1]) / count)
    await caller.close()


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure())))
