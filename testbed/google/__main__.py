# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator alone, without root: python -m testbed.google --port 0 --state DIR prints its URL.

The world is the recording double: clusters become RUNNING at once, but no Kubernetes runs. Writes DIR/connection.json
with the endpoints, the service account's key file and a token file, as the whole testbed does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
from pathlib import Path

from aiohttp import web

from testbed.certificates import Authority
from testbed.google.app import EMULATOR, create_app
from testbed.google.connection import describe
from testbed.google.proxy import Proxy, gcloud_proxy_environment
from testbed.google.recording_world import RecordingWorld
from testbed.google.seed import point_keys_at
from testbed.network.namespace import listening_socket


async def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m testbed.google", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 chooses a free port")
    parser.add_argument("--state", type=Path, required=True, help="folder for the state; made when missing")
    options = parser.parse_args()
    options.state.mkdir(parents=True, exist_ok=True)
    app = create_app(options.state, RecordingWorld())
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, options.host, options.port)
    await site.start()
    address = runner.addresses[0]
    url = f"http://{address[0]}:{address[1]}"
    point_keys_at(options.state, f"{url}/oauth2/token")
    authority = Authority.load_or_create(options.state / "authority")
    gateway = await Proxy(address[:2], authority, options.state).serve(listening_socket(options.host, 0))
    connection = describe(url, options.state)
    host, port = gateway.sockets[0].getsockname()[:2]
    connection["gcloud"] |= gcloud_proxy_environment(host, port, authority.certificate_file)
    connection["access_token"] = await app[EMULATOR].identity.token_for("deployer@acme-shop.iam.gserviceaccount.com")
    path = options.state / "connection.json"
    path.touch(0o600)
    path.write_text(json.dumps(connection, indent=2))
    print(url, flush=True)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
    gateway.close()
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
