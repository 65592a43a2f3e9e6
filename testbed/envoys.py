# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""An Envoy that runs, and is told of changes while it serves.

It takes listeners and clusters from two files of its folder, whenever they are replaced, and says over a socket of its
own what it serves. What they hold is the matter of who starts it.
"""
from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import shutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp

from testbed import processes
from testbed.images import tls
from testbed.kubernetes.toolchain import BuildError
from testbed.state import State, write_private
from testbed.world import WorldError

log = logging.getLogger("testbed.envoys")

START_TIMEOUT = 20.0
#: Seconds in which connections made under the old routes are told to end; calls under way may take this long.
DRAIN = 30
#: The two files of a configuration that changes.
LISTENERS, CLUSTERS = "listeners.json", "clusters.json"
_LISTENER, _CLUSTER = "listener.v3.Listener", "cluster.v3.Cluster"


def typed(name: str, kind: str, **settings: Any) -> dict[str, Any]:
    """A named part of a configuration with its type, below ``envoy.extensions``."""
    return {"name": name, "typed_config": {"@type": f"type.googleapis.com/envoy.extensions.{kind}", **settings}}


def downstream_tls(certificates: Sequence[tuple[str, str]], parameters: Mapping[str, Any] | None = None
                   ) -> dict[str, Any]:
    """The transport of a listener that shows one of these certificates, as PEM of a chain and of its key.

    ``parameters``: Envoy's TlsParameters, where its own defaults are not right.
    """
    shown = [{"certificate_chain": {"inline_string": chain}, "private_key": {"inline_string": key}}
             for chain, key in certificates]
    context: dict[str, Any] = {"tls_certificates": shown, "alpn_protocols": ["h2", "http/1.1"]}
    if parameters:
        context["tls_params"] = dict(parameters)
    return typed("envoy.transport_sockets.tls", "transport_sockets.tls.v3.DownstreamTlsContext",
                 common_tls_context=context)


class RunningEnvoy:
    """One process. ``name`` is that of its socket, ``node`` what it calls itself and its log; it is started by the
    first :meth:`tell`. ``entering`` leads a command line into the namespace in which it is to listen."""

    def __init__(self, state: State, name: str, node: str, folder: Path,
                 entering: Callable[[Sequence[str]], list[str]] = list) -> None:
        self._state = state
        self._name = name
        self._node = node
        self._folder = folder
        self._entering = entering
        #: None until the first :meth:`tell`.
        self.process: asyncio.subprocess.Process | None = None
        self._clusters: dict[str, dict[str, Any]] = {}
        self._version = 0
        self._wanted = True
        self._watch: asyncio.Task[None] | None = None

    @property
    def ended(self) -> bool:
        """Whether it ended by itself."""
        return self.process is not None and self.process.returncode is not None

    async def tell(self, clusters: Sequence[dict[str, Any]], listeners: Sequence[dict[str, Any]]) -> None:
        """Returns when it has taken this. Clusters come before what leads to them, and go after it.

        Raises WorldError.
        """
        found = {one["name"]: one for one in clusters}
        self._version += 1
        both = list({**self._clusters, **found}.values())
        _write(self._folder / CLUSTERS, self._resources(_CLUSTER, both))
        if self.process is not None:
            await self._served("cluster_manager.cds")
        _write(self._folder / LISTENERS, self._resources(_LISTENER, listeners))
        if self.process is None:
            await self._start()
        await self._served("listener_manager.lds")
        self._clusters = found

    def when_it_ends(self, again: Callable[[], Awaitable[None]]) -> None:
        """Have somebody start it again when it ends though nobody wanted it to. Not before it serves."""
        self._watch = asyncio.create_task(self._notice(again))

    async def _notice(self, again: Callable[[], Awaitable[None]]) -> None:
        assert self.process is not None  # it serves
        await self.process.wait()
        if self._wanted:
            log.error("the Envoy of %s ended by itself", self._name)
            try:
                await again()
            except (WorldError, OSError) as error:
                log.error("the Envoy of %s could not be started again: %s", self._name, error)

    async def ask(self, path: str, **parameters: str) -> str:
        """What it says of itself. Raises aiohttp.ClientError, OSError or asyncio.TimeoutError."""
        connector = aiohttp.UnixConnector(path=self._admin)
        timeout = aiohttp.ClientTimeout(total=5)
        async with (aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
                    session.get(f"http://envoy{path}", params=parameters) as response):
            return await response.text()

    async def end(self) -> None:
        """Stop it, and remove its folder."""
        self._wanted = False
        if self.process is not None:
            await processes.end_child(self.process)
        (self._state.home / self._admin).unlink(missing_ok=True)
        shutil.rmtree(self._folder, ignore_errors=True)

    # -- inside -----------------------------------------------------------------------------------------------
    @property
    def _admin(self) -> str:
        # Relative: a path longer than 107 bytes is no socket address.
        return f"run/{self._name}.sock"

    def _resources(self, kind: str, found: Sequence[dict[str, Any]]) -> dict[str, Any]:
        kind = f"type.googleapis.com/envoy.config.{kind}"
        return {"version_info": str(self._version), "resources": [{"@type": kind, **one} for one in found]}

    def _bootstrap(self) -> dict[str, Any]:
        def file(name: str) -> dict[str, Any]:
            return {"resource_api_version": "V3", "path_config_source": {"path": f"{self._folder}/{name}"}}

        return {
            "node": {"id": self._node, "cluster": self._node},
            "admin": {"address": {"pipe": {"path": self._admin, "mode": 0o600}}},
            "dynamic_resources": {"lds_config": file(LISTENERS), "cds_config": file(CLUSTERS)},
        }

    async def _start(self) -> None:
        try:
            root = await asyncio.to_thread(tls.ensure_root, "envoy")
        except BuildError as error:
            raise WorldError(f"there is no Envoy for {self._node}: {error}") from error
        bootstrap = self._folder / "envoy.json"
        _write(bootstrap, self._bootstrap())
        (self._state.home / self._admin).unlink(missing_ok=True)
        argv = [str(root / "usr/local/bin/envoy"), "-c", str(bootstrap), "--concurrency", "1", "--use-dynamic-base-id",
                "--drain-time-s", str(DRAIN), "--drain-strategy", "immediate", "--log-level", "warning"]
        with (self._state.logs / f"{self._node}.log").open("ab") as output:
            self.process = await asyncio.create_subprocess_exec(
                *self._entering(argv), stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output,
                cwd=self._state.home)

    async def _served(self, prefix: str) -> None:
        """Wait until it has taken the version that it was told last. Raises WorldError."""
        assert self.process is not None  # started before anybody waits
        deadline = asyncio.get_running_loop().time() + START_TIMEOUT
        refused: int | None = None
        while asyncio.get_running_loop().time() < deadline:
            if self.process.returncode is not None:
                raise WorldError(f"the Envoy of {self._name} ended, see testbed logs {self._node}")
            with contextlib.suppress(aiohttp.ClientError, OSError, asyncio.TimeoutError):
                said = await self._statistics(prefix)
                if said.get("version_text", "").strip('"') == str(self._version):
                    return
                if refused is not None and int(said.get("update_rejected", 0)) > refused:
                    raise WorldError(f"Envoy refuses what {self._name} is to serve, see testbed logs {self._node}")
                refused = int(said.get("update_rejected", 0)) if refused is None else refused
            await asyncio.sleep(0.02)
        raise WorldError(f"{self._name} did not take version {self._version} after {START_TIMEOUT:.0f} s, "
                         f"see testbed logs {self._node}")

    async def _statistics(self, prefix: str) -> dict[str, str]:
        lines = (await self.ask("/stats", filter=f"^{prefix}")).splitlines()
        parts = (each.partition(": ") for each in lines)
        return {name.removeprefix(f"{prefix}."): value for name, _colon, value in parts}


def _write(path: Path, content: dict[str, Any]) -> None:
    """Replace a file in one step, which is what Envoy waits for. It holds keys and tokens."""
    write_private(path, json.dumps(content))
