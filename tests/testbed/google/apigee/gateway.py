# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""The emulator with the real runtime behind it, and the module ``resources`` run against both."""
from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from aiohttp import web

from testbed.apigee.runtime import Options, Runtime
from testbed.apigee.server import Northbound
from tests.testbed.apigee.doubles import DnsDouble

RUN = Path(__file__).resolve().parents[2] / "resources_run.py"


class Gateway:
    """``url`` is where the runtime listens, ``dns`` what it asks for names."""

    def __init__(self, apigee: Any, runtime: Runtime, url: str, dns: DnsDouble, folder: Path, runs: Process) -> None:
        self.apigee, self.runtime, self.url, self.dns, self.folder = apigee, runtime, url, dns, folder
        self._runs = runs

    async def run(self, *resources: dict, die_after: int = 0, **options: Any) -> dict:
        """The module ``resources`` in a process of its own; it ends at its write number ``die_after``."""
        arguments = {
            "endpoints": {"apigee": f"{self.apigee.client.make_url('/apigee/')}"}, "project": "acme-shop",
            "access_token": self.apigee.token, "resources": resources, **options,
            "_ansible_remote_tmp": str(self.folder), "_ansible_keep_remote_files": False}
        asked = {"module": "resources", "options": arguments, "die_after": die_after}
        self._runs.stdin.write(json.dumps(asked).encode() + b"\n")
        await self._runs.stdin.drain()
        done = json.loads(await self._runs.stdout.readline())
        if die_after and done["code"] == 137:
            return {}
        result = json.loads(done["output"])
        assert not result.get("failed"), result["msg"]
        assert "PRIVATE KEY" not in done["output"]
        return result


@contextlib.asynccontextmanager
async def gateway(apigee: Any, folder: Path) -> AsyncIterator[Gateway]:
    """A runtime with an organisation, an instance, the environment prod and its group."""
    dns = DnsDouble()
    await dns.start()
    runtime = Runtime(Options(f"127.0.0.1:{dns.port}"))
    northbound = web.ServerRunner(web.Server(Northbound(runtime).handle, access_log=None))
    await northbound.setup()
    await web.TCPSite(northbound, "127.0.0.1", 0).start()

    async def configure(configuration: dict, bundles: dict[str, bytes]) -> dict:
        for digest, data in bundles.items():
            runtime.add_bundle(digest, data)
        return runtime.configure(configuration)
    # The only thing that stands between the emulator and the runtime here is this function.
    apigee.world.configure_runtime = configure
    await apigee.ready()
    # One process imports everything, and each run is forked from it.
    runs = await asyncio.create_subprocess_exec(
        sys.executable, str(RUN), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=2**24)
    yield Gateway(apigee, runtime, f"http://127.0.0.1:{northbound.addresses[0][1]}", dns, folder, runs)
    runs.stdin.close()
    await runs.wait()
    await northbound.cleanup()
    await runtime.close()
    dns.stop()
