# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m testbed.apigee``: one Apigee runtime process, normally started in Apigee's network namespace."""
from __future__ import annotations

import argparse
import asyncio
import logging
import signal
from pathlib import Path

from aiohttp import web

from testbed.apigee import control
from testbed.apigee.certificates import server_context
from testbed.apigee.runtime import Options, Runtime
from testbed.apigee.server import Northbound

# How long running requests may take to finish when the process is told to stop.
_SHUTDOWN_SECONDS = 10.0


def main() -> None:
    arguments = _parser().parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    asyncio.run(_serve(arguments))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m testbed.apigee", description=__doc__)
    parser.add_argument("--socket", type=Path, required=True, help="Unix socket of the control API")
    parser.add_argument("--listen", required=True, help="HOST:PORT for callers")
    parser.add_argument("--certificate", type=Path, help="certificate (PEM); an authority's signs one per host name. "
                        "Without it callers speak plain HTTP")
    parser.add_argument("--key", type=Path, help="its key (PEM)")
    parser.add_argument("--resolver", default="169.254.169.254", help="HOST or HOST:PORT of the DNS server for targets")
    parser.add_argument("--source", default="", help="address from which targets are called")
    parser.add_argument("--dns-cache-extra", type=float, default=60.0,
                        help="seconds for which an answer is used beyond its TTL")
    parser.add_argument("--scale", type=float, default=1.0, help="factor for all times (DNS cache, time limits, pools)")
    return parser


async def _serve(arguments: argparse.Namespace) -> None:
    host, _, port = arguments.listen.rpartition(":")
    tls = server_context(arguments.certificate, arguments.key, host) if arguments.certificate else None
    runtime = Runtime(Options(arguments.resolver, arguments.dns_cache_extra, arguments.scale, arguments.source))
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    administration = web.AppRunner(control.application(runtime), access_log=None)
    # Server-side keep-alive is that of the load balancer in front of Apigee: longer than any client's.
    northbound = web.ServerRunner(web.Server(Northbound(runtime).handle, access_log=None, keepalive_timeout=620.0),
                                  shutdown_timeout=_SHUTDOWN_SECONDS)
    await administration.setup()
    await northbound.setup()
    arguments.socket.unlink(missing_ok=True)
    await web.UnixSite(administration, str(arguments.socket)).start()
    arguments.socket.chmod(0o600)
    await web.TCPSite(northbound, host or None, int(port), ssl_context=tls).start()
    logging.getLogger("testbed.apigee").info("serving on %s, resolver %s", arguments.listen, arguments.resolver)
    try:
        await stop.wait()
    finally:
        await northbound.cleanup()
        await administration.cleanup()
        await runtime.close()
        arguments.socket.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
