# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""The one process that holds a testbed together: emulator, world, and a control socket for the command line.

``python -m testbed.daemon`` runs in the foreground until TERM or INT and then ends everything it started. Its state
stays, so that the next one goes on where this one stopped. It also cleans up after a predecessor that was killed.
"""
from __future__ import annotations

import argparse
import asyncio
import contextlib
import fcntl
import http.client
import json
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from testbed import connection, images, leftovers, outside, processes
from testbed.clusters import Running
from testbed.google import function_picture, gateway_picture
from testbed.google.app import EMULATOR, create_app
from testbed.google.emulator import Emulator
from testbed.google.errors import GoogleError
from testbed.google.http_balancers import HttpBalancerObjects
from testbed.google.load_balancers import LoadBalancers
from testbed.google.proxy import Proxy
from testbed.google.seed import OWNER, point_keys_at
from testbed.kubernetes import build
from testbed.kubernetes.toolchain import BuildError
from testbed.network.namespace import listening_socket
from testbed.real_world import RealWorld
from testbed.state import EMULATOR_PORT, State, write_private
from testbed.world import WorldError

log = logging.getLogger("testbed.daemon")

CONTROL_SOCKET = "control.sock"
#: Lifetime and renewal, in seconds, of the token in the kubeconfig and in ``testbed env``.
TOKEN_LIFETIME = 12 * 3600
TOKEN_RENEWAL = 3 * 3600


class Daemon:
    """Everything of one running testbed."""

    def __init__(self, state: State, binaries: Path, options: argparse.Namespace) -> None:
        self._state = state
        self._binaries = binaries
        self._owner = tuple(int(part) for part in options.owner.split(":")) if options.owner else None
        self._emulator: Emulator | None = None
        self._world = RealWorld(state, binaries, self._review, (OWNER,), self._publish_access, self._judge)
        self._world.instances.options = ["--dns-cache-extra", str(options.dns_cache_extra),
                                         "--scale", str(options.apigee_scale)]
        self._token = ""

    async def run(self, stopping: asyncio.Event) -> None:
        """Serve until ``stopping`` is set. Raises OSError or WorldError when it cannot start."""
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self._world.close)
            await self._world.open()
            app = create_app(self._state.google, self._world)
            self._emulator = app[EMULATOR]
            self._world.clusters.balancers = LoadBalancers(self._emulator)
            self._world.clusters.http_balancers = HttpBalancerObjects(self._emulator)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
            stack.push_async_callback(runner.cleanup)
            await runner.setup()
            point_keys_at(self._state.google, f"{self._state.emulator_url}/oauth2/token")
            await self._renew_token()
            await web.SockSite(runner, listening_socket(self._state.emulator_address, EMULATOR_PORT)).start()
            await self._serve_gcloud(stack)
            await self._serve_control(stack)
            # Clusters of the stored state are starting again: up means that they are up.
            await self._world.clusters.settled()
            await self._publish_access()
            details = connection.connection(self._state, self._world.authority.certificate_file)
            write_private(self._state.connection_file, json.dumps(details, indent=2) + "\n")
            self._give_to_owner()
            stack.callback(self._state.connection_file.unlink, missing_ok=True)
            log.info("up: %s", self._state.emulator_url)
            await self._wait(stopping)
            log.info("stopping")

    # -- serving ----------------------------------------------------------------------------------------------
    async def _serve_gcloud(self, stack: contextlib.AsyncExitStack) -> None:
        state = self._state
        proxy = Proxy((state.emulator_address, EMULATOR_PORT), self._world.authority, state.run)
        server = await proxy.serve(listening_socket(*state.gcloud_proxy))
        stack.callback(server.close)

    async def _serve_control(self, stack: contextlib.AsyncExitStack) -> None:
        runner = web.AppRunner(self._control(), access_log=None, shutdown_timeout=2.0)
        stack.push_async_callback(runner.cleanup)
        await runner.setup()
        # Relative to the working folder: a path longer than 107 bytes is no socket address.
        path = f"run/{CONTROL_SOCKET}"
        Path(path).unlink(missing_ok=True)
        await web.UnixSite(runner, path).start()
        os.chmod(path, 0o600)

    def _control(self) -> web.Application:
        """For the command line only, behind the permissions of the folder."""

        async def status(_request: web.Request) -> web.Response:
            return web.json_response(self._status())

        async def way(request: web.Request) -> web.Response:
            address = self._world.northbound.way(request.query["host"], request.query["path"])
            return web.json_response({"address": address})

        async def trace(request: web.Request) -> web.Response:
            found = await self._world.instances.trace(request.match_info["identifier"])
            return web.json_response(found, status=200 if found is not None else 404)

        async def forget(_request: web.Request) -> web.Response:
            await self._world.instances.forget()
            return web.json_response({})

        async def edge(request: web.Request) -> web.Response:
            await (self._world.edge.close() if request.method == "DELETE" else self._world.edge.answer())
            return web.json_response({})

        async def called(request: web.Request) -> web.Response:
            asked = json.loads(request.query["call"])
            try:
                answer = await asyncio.to_thread(
                    outside.call, self._world.internet, asked.pop("url"), asked.pop("source"), **asked)
            except (OSError, http.client.HTTPException, ValueError) as error:
                return web.json_response({"error": str(error) or type(error).__name__})
            return web.json_response({"status": answer.status, "headers": dict(answer.headers),
                                      "body": answer.body.decode(errors="replace")})

        async def environment(_request: web.Request) -> web.Response:
            await self._renew_token()
            return web.json_response({
                "PATH": str(self._tools()), "KUBECONFIG": str(self._state.kubeconfig),
                "CLOUDSDK_AUTH_ACCESS_TOKEN": self._token,
                **connection.gcloud_environment(self._state, self._world.authority.certificate_file)})

        async def add_images(request: web.Request) -> web.Response:
            os.environ[images.WANTED_VARIABLE] = ",".join({*images.wanted(), *request.query["names"].split(",")})
            archives = await asyncio.to_thread(images.ensure_images)
            await self._world.clusters.add_images(archives)
            return web.json_response({})

        app = web.Application()
        app.router.add_get("/status", status)
        app.router.add_put("/images", add_images)
        app.router.add_get("/way", way)
        app.router.add_get("/outside", called)
        app.router.add_get("/trace/{identifier}", trace)
        app.router.add_delete("/memory", forget)
        # Apigee Edge as if it were down, and as it was before.
        app.router.add_delete("/edge", edge)
        app.router.add_put("/edge", edge)
        app.router.add_post("/environment", environment)
        return app

    def _tools(self) -> Path:
        """A folder for the user's path with kubectl alone, not all that a node is made of."""
        link = self._state.home / "bin" / "kubectl"
        link.parent.mkdir(exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(self._binaries / "kubectl")
        return link.parent

    def _status(self) -> dict[str, object]:
        return {
            "instance": self._state.instance,
            "pid": os.getpid(),
            "emulator": self._state.emulator_url,
            "northbound": f"https://{self._state.northbound_address}",
            "clusters": [self._describe(each) for each in self._world.clusters.running()],
            "instances": [{
                "organization": each.organization, "name": each.name, "location": each.location, "host": each.host,
                "ip_range": each.ip_range,
                "northbound": f"https://{self._world.northbound.address(each.organization, each.name)}",
            } for each in self._world.instances.running()],
            "deployments": self._world.instances.deployments(),
            "images": images.wanted(),
        }

    def _describe(self, running: Running) -> dict[str, object]:
        cluster = running.cluster
        return {
            "project": cluster.project, "location": cluster.location, "name": cluster.name,
            "server": connection.server_url(self._state, cluster.number), "node": running.spec.name,
            "node_ip": running.spec.node_ip, "pod_range": cluster.pod_range,
            "domain": running.zone.domain if running.zone else "", "seconds_to_ready": running.access.seconds,
        }

    # -- identities -------------------------------------------------------------------------------------------
    def _review(self, token: str) -> dict[str, object] | None:
        return self._emulator.identity.review(token) if self._emulator is not None else None

    async def _judge(self, service: str, token: str, audiences: Sequence[str]) -> int:
        if self._emulator is None:
            return 403
        return await function_picture.judge(self._emulator, service, token, audiences)

    async def _renew_token(self) -> None:
        assert self._emulator is not None  # made before anything that needs a token
        self._token = await self._emulator.identity.token_for(OWNER, TOKEN_LIFETIME)
        write_private(self._state.token_file, self._token)
        await self._publish_access()

    async def _publish_access(self) -> None:
        """Write the kubeconfig of all running clusters."""
        if not self._token:
            return
        clusters = [connection.ClusterAddress(
            each.cluster.project, each.cluster.location, each.cluster.name,
            connection.server_url(self._state, each.cluster.number), each.access.ca_certificate_pem)
            for each in self._world.clusters.running()]
        write_private(self._state.kubeconfig, connection.kubeconfig(clusters, self._token))
        self._give_to_owner()

    def _give_to_owner(self) -> None:
        """Where the daemon runs through sudo, the user gets what the user needs, and only that."""
        if self._owner is None:
            return
        state = self._state
        for path in (state.home, state.pid_file, state.run, state.logs, state.google, state.gcloud, state.certificates,
                     state.edge, state.edge / "password",
                     state.connection_file, state.kubeconfig, state.token_file,
                     *state.google.glob("service-account*.json"), self._world.authority.certificate_file,
                     state.run / CONTROL_SOCKET, *state.logs.glob("*.log")):
            if path.exists():
                os.chown(path, *self._owner)

    async def _wait(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(stopping.wait(), TOKEN_RENEWAL)
                return
            await self._renew_token()
            with contextlib.suppress(GoogleError):
                # With ID tokens that are good for longer.
                await gateway_picture.push(self._emulator)


def _lock(state: State) -> int:
    """Hold the testbed's folder for this process. Raises BlockingIOError when another daemon holds it."""
    handle = os.open(state.home / "daemon.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return handle


async def serve(state: State, binaries: Path, options: argparse.Namespace) -> None:
    """Run a daemon until TERM or INT."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    daemon = Daemon(state, binaries, options)
    running = asyncio.create_task(daemon.run(stopping))
    stopped = asyncio.create_task(stopping.wait())
    await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not running.done():
        # Told to stop, perhaps still starting: let it finish by itself, else cut what it waits for.
        _done, late = await asyncio.wait({running}, timeout=20)
        for task in late:
            task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m testbed.daemon", description=__doc__.splitlines()[0])
    parser.add_argument("--owner", metavar="UID:GID", help="who gets the files that clients need (used with sudo)")
    parser.add_argument("--dns-cache-extra", type=float, default=60.0, metavar="SECONDS")
    parser.add_argument("--apigee-scale", type=float, default=1.0, metavar="FACTOR")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    state = State.from_environment()
    state.prepare()
    os.chdir(state.home)
    try:
        lock = _lock(state)
    except BlockingIOError:
        print(f"another daemon holds {state.home}", file=sys.stderr)
        return 1
    try:
        leftovers.clean(state)
        state.prepare()
        own = processes.Identity.of(os.getpid())
        assert own is not None  # this process lives
        write_private(state.pid_file, json.dumps({"pid": own.pid, "started": own.started}))
        asyncio.run(serve(state, build.ensure_binaries(), options))
    except (OSError, WorldError, BuildError) as error:
        log.exception("the testbed ends")
        print(f"testbed: {error}", file=sys.stderr)
        return 1
    finally:
        state.pid_file.unlink(missing_ok=True)
        leftovers.clean(state)
        os.close(lock)
    return 0


if __name__ == "__main__":
    sys.exit(main())
