# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Apigee runtime instances made real: for each a process in Apigee's namespace with an address of its range."""
from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from testbed import processes
from testbed.apigee.router import Group, Router
from testbed.certificates import Authority
from testbed.network.firewall import RESOLVER
from testbed.network.namespace import Namespace
from testbed.state import NORTHBOUND_PORT, State
from testbed.world import Instance, WorldError

START_TIMEOUT = 20.0
#: A configuration may load many bundles.
CONFIGURE_TIMEOUT = 60.0
RESTART_PAUSE = 0.5

log = logging.getLogger("testbed.apigee_instances")


@dataclass
class Runtime:
    """A running runtime process and the bundles it has been given."""

    instance: Instance
    process: asyncio.subprocess.Process
    control: Path
    bundles: set[str] = field(default_factory=set)
    watch: asyncio.Task[None] | None = None


class ApigeeInstances:
    """Starts, stops and configures the runtimes. ``dns_cache_extra`` and ``scale`` are the runtime's options."""

    def __init__(self, state: State, namespace: Namespace, authority: Authority) -> None:
        self._state = state
        self._namespace = namespace
        self._authority = authority
        self._running: dict[tuple[str, str], Runtime] = {}
        #: Per organisation the last configuration pushed, for instances that start afterwards.
        self._configurations: dict[str, tuple[dict[str, Any], Mapping[str, bytes]]] = {}
        self.options: list[str] = []

    def running(self) -> list[Instance]:
        return [runtime.instance for runtime in self._running.values()]

    async def start(self, instance: Instance) -> None:
        """Return when the runtime takes requests. Its address must be in the namespace. Raises WorldError."""
        key = (instance.organization, instance.name)
        running = self._running.get(key)
        if running is not None:
            if running.instance == instance and running.process.returncode is None:
                return
            await self._end(self._running.pop(key))
        control = Path("run") / f"apigee-{instance.organization}-{instance.name}.sock"
        (self._state.home / control).unlink(missing_ok=True)
        argv = self._namespace.entering([
            sys.executable, "-m", "testbed.apigee",
            "--socket", str(control), "--listen", f"{instance.host}:{NORTHBOUND_PORT}",
            "--certificate", str(self._authority.certificate_file), "--key", str(self._authority.key_file),
            "--resolver", RESOLVER, "--source", instance.host, *self.options])
        log_file = self._state.logs / f"apigee-{instance.name}.log"
        with log_file.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *argv, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, cwd=self._state.home)
        runtime = Runtime(instance, process, self._state.home / control)
        try:
            await self._wait(runtime)
        except BaseException:
            await self._end(runtime)
            raise
        self._running[key] = runtime
        runtime.watch = asyncio.create_task(self._keep(runtime))
        if instance.organization in self._configurations:
            await self._configure_one(runtime, *self._configurations[instance.organization])

    async def stop(self, organization: str, name: str) -> None:
        runtime = self._running.pop((organization, name), None)
        if runtime is not None:
            await self._end(runtime)
        if not any(owner == organization for owner, _name in self._running):
            self._configurations.pop(organization, None)

    async def close(self) -> None:
        running, self._running = list(self._running.values()), {}
        await asyncio.gather(*(self._end(each) for each in running))
        self._configurations.clear()

    async def configure(self, configuration: dict[str, Any], bundles: Mapping[str, bytes]) -> dict[str, Any]:
        """Give every instance of the organisation its full configuration.

        Returns the report of the first; where another instance found errors, its errors are added. Without an
        instance nothing serves and the report is empty.
        """
        organization = configuration["organization"]
        self._configurations[organization] = (configuration, bundles)
        runtimes = [runtime for key, runtime in self._running.items() if key[0] == organization]
        reports = await asyncio.gather(*(self._configure_one(each, configuration, bundles) for each in runtimes))
        return merge_reports(reports)

    def deployments(self) -> list[dict[str, Any]]:
        """What was deployed last, per organisation: environment, proxy, revision."""
        return [{"organization": organization, "environment": environment, "proxy": each["proxy"],
                 "revision": each["revision"]}
                for organization, (configuration, _bundles) in sorted(self._configurations.items())
                for environment, content in sorted(configuration.get("environments", {}).items())
                for each in content.get("deployments", ())]

    async def trace(self, identifier: str) -> dict[str, Any] | None:
        """The hops of a traced request, from whichever instance served it."""
        for runtime in self._running.values():
            with contextlib.suppress(WorldError):
                status, body = await self._ask(runtime, "GET", f"/trace/{identifier}")
                if status == 200:
                    return {**json.loads(body), "instance": runtime.instance.name, "address": runtime.instance.host}
        return None

    async def forget(self) -> None:
        """Let every runtime forget DNS answers and pooled connections, as waiting for their ends would."""
        for runtime in list(self._running.values()):
            for what in ("/caches", "/pools"):
                await self._ask(runtime, "DELETE", what)

    def serving(self, host: str, path: str | None = None) -> list[tuple[str, str]]:
        """Organisation and name of the running instances that have an environment behind a host name.

        With ``path`` only those that have the environment which the path belongs to, if it belongs to one.
        """
        for organization, (configuration, _bundles) in sorted(self._configurations.items()):
            router = Router([Group.from_json(each) for each in configuration.get("environment_groups", ())], {})
            owner = None if path is None else router.owner(host, path)
            environments = router.environments(host) if owner is None else [owner]
            names = {name for environment in environments
                     for name in configuration["environments"].get(environment, {}).get("instances", ())}
            found = [key for key in self._running if key[0] == organization and key[1] in names]
            if found:
                return found
        return []

    async def connect(self, organization: str, name: str) -> socket.socket:
        """A connection to an instance. Raises OSError."""
        runtime = self._running.get((organization, name))
        if runtime is None:
            raise ConnectionRefusedError(f"Apigee instance {name} of {organization} is not running")
        # From loopback: else the kernel takes the instance's own address, and callers seem to be Apigee itself.
        return await self._namespace.connect(runtime.instance.host, NORTHBOUND_PORT, source="127.0.0.1")

    # -- inside -----------------------------------------------------------------------------------------------
    async def _configure_one(self, runtime: Runtime, configuration: dict[str, Any],
                             bundles: Mapping[str, bytes]) -> dict[str, Any]:
        for digest in sorted(set(bundles) - runtime.bundles):
            status, body = await self._ask(runtime, "PUT", f"/bundles/{digest}", bundles[digest])
            if status >= 300:
                raise WorldError(f"instance {runtime.instance.name} refused a bundle: {body.decode(errors='replace')}")
            runtime.bundles.add(digest)
        own = share(configuration, runtime.instance)
        status, body = await self._ask(runtime, "PUT", "/configuration", json.dumps(own).encode())
        if status >= 300:
            raise WorldError(f"instance {runtime.instance.name} refused its configuration: "
                             f"{body.decode(errors='replace')}")
        return json.loads(body)

    async def _wait(self, runtime: Runtime) -> None:
        deadline = asyncio.get_running_loop().time() + START_TIMEOUT
        while asyncio.get_running_loop().time() < deadline:
            if runtime.process.returncode is not None:
                raise WorldError(f"Apigee instance {runtime.instance.name} ended at its start, "
                                 f"see testbed logs apigee-{runtime.instance.name}")
            try:
                with await self._namespace.connect(runtime.instance.host, NORTHBOUND_PORT, 1.0):
                    if runtime.control.exists():
                        return
            except (OSError, asyncio.TimeoutError):
                pass
            await asyncio.sleep(0.03)
        raise WorldError(f"Apigee instance {runtime.instance.name} did not take requests after {START_TIMEOUT:.0f} s")

    async def _ask(self, runtime: Runtime, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        # The daemon's working folder is the testbed's: a relative path cannot outgrow a socket address.
        connector = aiohttp.UnixConnector(path=f"run/{runtime.control.name}")
        timeout = aiohttp.ClientTimeout(total=CONFIGURE_TIMEOUT)
        try:
            async with (aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
                        session.request(method, f"http://runtime{path}", data=body) as response):
                return response.status, await response.read()
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError) as error:
            raise WorldError(f"Apigee instance {runtime.instance.name} does not answer: {error}") from error

    async def _keep(self, runtime: Runtime) -> None:
        """Start a runtime again, with its configuration, when it ends by itself."""
        code = await runtime.process.wait()
        log.error("Apigee instance %s ended with %s and is started again", runtime.instance.name, code)
        while True:
            await asyncio.sleep(RESTART_PAUSE)
            try:
                # It replaces the runtime, and with it this task's place; only then is there nothing left to keep.
                await self.start(runtime.instance)
                return
            except WorldError as error:
                log.error("%s", error)

    async def _end(self, runtime: Runtime) -> None:
        if runtime.watch is not None and runtime.watch is not asyncio.current_task():
            runtime.watch.cancel()
        await processes.end_child(runtime.process)
        runtime.control.unlink(missing_ok=True)


def share(configuration: dict[str, Any], instance: Instance) -> dict[str, Any]:
    """What one instance executes of an organisation: the environments attached to it, and what routes to those."""
    environments = {name: {**content, "deployments": [each for each in content.get("deployments", ())
                                                      if instance.name in each.get("instances", [instance.name])]}
                    for name, content in configuration.get("environments", {}).items()
                    if instance.name in content.get("instances", [instance.name])}
    groups = [{**group,
               "environments": [name for name in group.get("environments", ()) if name in environments],
               "routing_rules": [rule for rule in group.get("routing_rules", ())
                                 if rule["environment"] in environments]}
              for group in configuration.get("environment_groups", ())]
    return {**configuration, "environments": environments, "environment_groups": groups,
            "instance": {"name": instance.name, "location": instance.location, "host": instance.host,
                         "ip_range": instance.ip_range}}


def merge_reports(reports: list[dict[str, Any]]) -> dict[str, Any]:
    """One report of several instances: a deployment is READY only where every instance says so."""
    merged: dict[str, Any] = {}
    entries: dict[tuple[str, str, str], dict[str, Any]] = {}
    for report in reports:
        merged = {**report, **merged}
        for entry in report.get("deployments", ()):
            key = (entry["environment"], entry["proxy"], str(entry["revision"]))
            known = entries.setdefault(key, {**entry, "errors": []})
            known["errors"] = known["errors"] + [error for error in entry.get("errors", ())
                                                 if error not in known["errors"]]
            if entry["state"] != "READY":
                known["state"] = entry["state"]
    if reports:
        merged["deployments"] = list(entries.values())
    return merged
