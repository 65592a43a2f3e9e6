# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Cloud Functions made real: each revision is the real functions-framework with the very zip that was uploaded.

It runs in a network namespace of its own, whose one link leads to the VPC's router. With a connector or Direct VPC
egress it has an address of that range there and is a machine of the network; without, its address belongs to nobody and
what it sends is lost, so that calls time out as they do at Google. A new revision takes requests once it listens, and
the one before ends when it has answered what it was asked. One instance of each; requirements.txt is not installed:
what is there is what the testbed's own Python has.
"""
from __future__ import annotations

import asyncio
import io
import ipaddress
import logging
import os
import shutil
import sys
import zipfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from testbed import processes
from testbed.network.firewall import RESOLVER, Machine
from testbed.network.namespace import Namespace
from testbed.network.vpc import Vpc, function_link
from testbed.state import State
from testbed.world import Function, WorldError

log = logging.getLogger("testbed.functions")

PORT = 8080
START_TIMEOUT = 60.0
#: How long a revision that was replaced may go on answering.
DRAIN_TIMEOUT = 30.0
MOST = 64
#: Where functions without a way into a network are; nothing leads there.
NOWHERE = ipaddress.ip_network("192.0.2.0/24")
#: Without a name server that answers, looking for one must not take the caller's time.
_RESOLV = f"nameserver {RESOLVER}\noptions timeout:1 attempts:1\n"
_ENTER = 'mount --bind "$0" "$(readlink -f /etc/resolv.conf)" && exec "$@"'


@dataclass
class Revision:
    """A running function: its process, the namespace it is in, and how many requests it is answering."""

    function: Function
    number: int
    namespace: Namespace
    address: str
    folder: Path
    process: asyncio.subprocess.Process
    slots: asyncio.Semaphore
    answering: int = 0
    idle: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def alive(self) -> bool:
        return self.process.returncode is None


class Functions:
    """Starts, replaces and stops revisions; ``apply`` takes the whole picture."""

    def __init__(self, state: State, vpc: Vpc, changed: Callable[[], Awaitable[None]]) -> None:
        """``changed`` brings the network to the machines that there are now."""
        self._state = state
        self._vpc = vpc
        self._changed = changed
        self._running: dict[str, Revision] = {}
        self._wanted: dict[str, tuple[Function, bytes]] = {}
        #: By number, all that have an address, those that start or end among them.
        self._placed: dict[int, tuple[Function, str]] = {}
        self._closing = asyncio.Event()
        self._draining: set[asyncio.Task[None]] = set()
        self._step = asyncio.Lock()

    def running(self) -> list[Revision]:
        return list(self._running.values())

    def machines(self) -> list[Machine]:
        """What the firewall has to know of those that are in a network."""
        return [Machine(function.egress.network, address, function.egress.range, "", function.egress.tags,
                        function_link(number))
                for number, (function, address) in self._placed.items() if function.egress is not None]

    async def apply(self, functions: Sequence[Function], sources: Mapping[str, bytes]) -> dict[str, str]:
        """Bring functions to this picture. Returns why those that could not be started are not, by name."""
        async with self._step:
            self._wanted = {each.name: (each, sources[each.source]) for each in functions}
            for name in [name for name in self._running if name not in self._wanted]:
                self._retire(self._running.pop(name))
            failed = {}
            for name in self._wanted:
                try:
                    await self._bring(name)
                except (WorldError, OSError) as error:
                    failed[name] = str(error)
            return failed

    async def revive(self, name: str) -> Revision | None:
        """The revision of a function, started again if it ended by itself; None where there is none."""
        revision = self._running.get(name)
        if revision is None or revision.alive:
            return revision
        async with self._step:
            if name in self._wanted:
                log.error("function %s ended with %s and is started again", name, revision.process.returncode)
                await self._bring(name)
        return self._running.get(name)

    async def close(self) -> None:
        """End everything, whatever it is answering."""
        self._closing.set()
        await self.apply((), {})
        await asyncio.gather(*self._draining, return_exceptions=True)
        self._closing.clear()

    # -- inside -----------------------------------------------------------------------------------------------
    async def _bring(self, name: str) -> None:
        function, source = self._wanted[name]
        before = self._running.get(name)
        if before is not None and before.alive and before.function == function:
            return
        new = await self._start(function, source)
        self._running[name] = new
        if before is not None:
            self._retire(before)

    async def _start(self, function: Function, source: bytes) -> Revision:
        if not function.runtime.startswith("python"):
            raise WorldError(f"the testbed runs functions in Python alone, not {function.runtime}")
        number = next((each for each in range(MOST) if each not in self._placed), None)
        if number is None:
            raise WorldError(f"the testbed has room for {MOST} functions")
        address, gateway = self._place(function, number)
        self._placed[number] = (function, address)
        namespace = Namespace(self._state.namespace(f"function-{number}"))
        folder = self._state.functions / str(number)
        process = None
        try:
            await asyncio.to_thread(self._vpc.attach_machine, function_link(number), namespace, address, gateway)
            await self._changed()
            await asyncio.to_thread(_unpack, source, folder)
            process = await self._launch(function, namespace, folder)
            revision = Revision(function, number, namespace, address, folder, process,
                                asyncio.Semaphore(max(1, function.concurrency)))
            await self._listening(revision)
        except BaseException:
            if process is not None:
                await processes.end_child(process)
            await self._clear(number, namespace, folder)
            raise
        return revision

    def _place(self, function: Function, number: int) -> tuple[str, str]:
        """Address and gateway: from the end of the range, where no node is. Raises WorldError."""
        if function.egress is None:
            return str(NOWHERE[number + 1]), str(NOWHERE[-2])
        network = ipaddress.ip_network(function.egress.range)
        taken = {address for _function, address in self._placed.values()}
        for offset in range(2, min(network.num_addresses - 2, 2 + 2 * MOST)):
            address = str(network[-offset - 1])
            if address not in taken:
                return address, str(network[1])
        raise WorldError(f"range {network} has no free address for another function")

    async def _launch(self, function: Function, namespace: Namespace, folder: Path) -> asyncio.subprocess.Process:
        resolver = folder / "resolv.conf"
        resolver.write_text(_RESOLV, encoding="ascii")
        short = function.name.rsplit("/", 1)[-1]
        environment = {
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "HOME": str(folder),
            "PYTHONDONTWRITEBYTECODE": "1",
            "WORKERS": "1",
            "CLOUD_RUN_TIMEOUT_SECONDS": str(function.seconds),
            "K_SERVICE": short, "K_CONFIGURATION": short, "K_REVISION": function.revision,
            "FUNCTION_TARGET": function.entry_point, "FUNCTION_SIGNATURE_TYPE": "http",
            **function.environment,
            "PORT": str(PORT),
        }
        # Loopback of its own namespace: nobody in the VPC calls it but through the front.
        argv = namespace.entering([
            "unshare", "--mount", "--", "sh", "-c", _ENTER, str(resolver), sys.executable, "-m", "functions_framework",
            "--target", function.entry_point, "--host", "127.0.0.1", "--port", str(PORT)])
        with self.log_file(function).open("ab") as output:
            return await asyncio.create_subprocess_exec(
                *argv, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output, cwd=folder / "source",
                env=environment)

    def log_file(self, function: Function) -> Path:
        """Where a function's own words go, and one line for each request."""
        return self._state.logs / f"function-{function.name.rsplit('/', 1)[-1]}.log"

    async def _listening(self, revision: Revision) -> None:
        """Wait until it takes connections. Raises WorldError."""
        name = revision.function.name.rsplit("/", 1)[-1]
        deadline = asyncio.get_running_loop().time() + START_TIMEOUT
        while asyncio.get_running_loop().time() < deadline:
            if not revision.alive:
                raise WorldError(f"the container of {name} failed to start and listen on the port defined by the PORT="
                                 f"{PORT} environment variable, see testbed logs function-{name}")
            try:
                (await revision.namespace.connect("127.0.0.1", PORT, 1.0)).close()
                return
            except (OSError, asyncio.TimeoutError):
                await asyncio.sleep(0.05)
        raise WorldError(f"{name} does not listen after {START_TIMEOUT:.0f} s, see testbed logs function-{name}")

    def _retire(self, revision: Revision) -> None:
        """End a revision once it has answered what it was asked."""

        async def end() -> None:
            waits = [asyncio.create_task(event.wait()) for event in (revision.idle, self._closing)]
            await asyncio.wait(waits, timeout=DRAIN_TIMEOUT if revision.answering else 0,
                               return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
            await processes.end_child(revision.process)
            await self._clear(revision.number, revision.namespace, revision.folder)

        task = asyncio.create_task(end())
        self._draining.add(task)
        task.add_done_callback(self._draining.discard)

    async def _clear(self, number: int, namespace: Namespace, folder: Path) -> None:
        await asyncio.to_thread(self._vpc.detach_machine, function_link(number), namespace)
        await asyncio.to_thread(shutil.rmtree, folder, True)
        self._placed.pop(number, None)
        await self._changed()


def _unpack(source: bytes, folder: Path) -> None:
    """The uploaded zip, and nothing else, as it would be built. Raises WorldError."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "source").mkdir(parents=True)
    os.chmod(folder, 0o700)
    try:
        with zipfile.ZipFile(io.BytesIO(source)) as archive:
            archive.extractall(folder / "source")
    except (zipfile.BadZipFile, OSError) as error:
        raise WorldError(f"the source cannot be unpacked: {error}") from error
