# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One emulated Google: its services, state, operations, faults and identities, without HTTP."""

from __future__ import annotations

import asyncio
import functools
import importlib
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from testbed.google import contract, services
from testbed.google.errors import GoogleError
from testbed.google.faults import Faults
from testbed.google.identity import Identity
from testbed.google.identity_tokens import IdentityTokens
from testbed.google.operations import Operations
from testbed.google.requests_log import RequestsLog
from testbed.google.seed import seed
from testbed.google.service import Handler, Service
from testbed.google.store import Store, Transaction


@functools.cache
def service_classes() -> tuple[type[Service], ...]:
    """Return every Service class with handlers, in every module below testbed.google.services."""
    for module in pkgutil.walk_packages(services.__path__, services.__name__ + "."):
        importlib.import_module(module.name)
    found: list[type[Service]] = []
    queue = [Service]
    while queue:
        for child in queue.pop().__subclasses__():
            queue.append(child)
            # A class without a document is the base of others.
            own = child.document and child.__module__.startswith(services.__name__)
            if own and (child.handlers() or child.marked("_works")):
                found.append(child)
    return tuple(sorted(set(found), key=lambda c: (c.document, c.__module__, c.__name__)))


@functools.cache
def _document(name: str) -> contract.Document:
    """Return a discovery document together with the undocumented methods that services declare."""
    extra = {route["id"]: route for c in service_classes() if c.document == name for route in c.extra_routes}
    if not extra:
        return contract.load(name)
    return contract.Document(name, contract.content(name), extra.values())


class Api:
    """A discovery document together with the services that emulate its methods."""

    def __init__(self, document: contract.Document, prefix: str) -> None:
        self.document = document
        self.prefix = prefix
        self.services: list[Service] = []
        self.handlers: dict[str, tuple[Service, Handler]] = {}


class Emulator:
    """State and behaviour of one emulated Google."""

    def __init__(self, state: Path, world: Any) -> None:
        self.state = state
        self.world = world
        self.store = Store(state / "google.sqlite")
        self.operations = Operations(self)
        self.faults = Faults()
        self.log = RequestsLog(self.store)
        self.identity = Identity(self)
        self.identity_tokens = IdentityTokens(self.store)
        self.apis: dict[str, list[Api]] = {}
        self._work: dict[str, Callable[..., Any]] = {}
        self._failures: dict[str, Callable[..., Any]] = {}
        self.services: list[Service] = []
        self.background: set[asyncio.Task[Any]] = set()
        """Work that no request waits for, such as starting clusters again after a restart."""
        self.violations: list[str] = []
        """Answers of the emulator that broke the contract, and crashes of handlers: tests fail when there is one."""
        for cls in service_classes():
            self._add(cls)

    def _add(self, cls: type[Service]) -> None:
        service = cls(self)
        self.services.append(service)
        for label, name in cls.marked("_works").items():
            self._work[label] = getattr(service, name)
        for label, name in cls.marked("_failures").items():
            self._failures[label] = getattr(service, name)
        family = self.apis.setdefault(cls.prefix, [])
        api = next((a for a in family if a.document.name == cls.document), None)
        if api is None:
            api = Api(_document(cls.document), cls.prefix)
            family.append(api)
        api.services.append(service)
        for method, handler in cls.handlers().items():
            if method not in api.document.methods:
                raise LookupError(f"{cls.__name__} handles {method}, which {cls.document} does not have")
            api.handlers[method] = (service, handler)

    async def start(self) -> None:
        """Seed a fresh state, put the world into the stored picture and resume unfinished operations."""
        snapshot = self.store.snapshot()
        if not snapshot.keys("projects/"):
            async with self.store.transaction() as tx:
                seed(tx, self.state)
        await self.restore_world()
        self.operations.resume()

    async def stop(self) -> None:
        """Stop background work and close the store."""
        await self._halt()
        self.store.close()

    async def _halt(self) -> None:
        """Cancel everything that runs in the background."""
        await self.operations.stop()
        tasks = list(self.background)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def reset(self, keep_nodes: bool = False) -> None:
        """Return to the freshly seeded state; key files, tokens that were given out and durations stay.

        :param keep_nodes: a cluster that is made again just as it was may get the node that it had, emptied.
        """
        from testbed.google import balancer_picture

        await self._halt()
        await self.world.reset(keep_nodes)
        balancer_picture.forget(self)
        self.faults.clear()
        await self.store.clear(keep=("tokens/", "settings/"))
        async with self.store.transaction() as tx:
            seed(tx, self.state)
        await self.apply_network()

    async def restore_world(self) -> None:
        """Push the whole stored picture to the world, after a restart."""
        await self.apply_network()
        for service in self.services:
            restore = getattr(service, "restore", None)
            if restore is not None:
                await restore()

    async def apply_network(self) -> None:
        """Push the full picture of all networks to the world, and of what reaches them from outside."""
        from testbed.google import balancer_picture
        from testbed.google.network_picture import networks

        await self.world.apply_network(networks(self.store.snapshot()))
        await balancer_picture.push(self)

    def work_function(self, name: str) -> Callable[..., Any]:
        """Return the function registered for operations started with work=name."""
        return self._work[name]

    def failure_function(self, name: str | None) -> Callable[..., Any] | None:
        """Return the function that tidies up after failed work of that name, if any."""
        return self._failures.get(name or "")

    def project(self, tx: Transaction, name: str) -> dict[str, Any]:
        """Return a project by id, number or projects/<either>. Raises GoogleError 403 when there is none."""
        name = name.removeprefix("projects/")
        for _, project in tx.items("projects/"):
            if name in (project["projectId"], project["number"]):
                return project
        raise GoogleError(403, f"The caller does not have permission on project '{name}' (or it may not exist).")
