# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Long-running work in Google's families, with realistic durations that can be scaled.

An operation is a document in the store. Its work is a named function of a service; it runs in the background after
its duration, and again from its beginning when the daemon was restarted before it ended. With a scale of 0 the next
poll finds it done, unless the world has real work to do (starting a node).
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from testbed.google.durations import DURATIONS
from testbed.google.errors import GoogleError
from testbed.google.store import Transaction

if TYPE_CHECKING:
    from testbed.google.emulator import Emulator
    from testbed.google.service import Call

log = logging.getLogger("testbed.google.operations")

_PREFIX = "operations/"
_LOCKS = "locks/"


def timestamp(seconds: float) -> str:
    """Return seconds since 1970 as RFC 3339."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Run:
    """An operation while its work is done."""

    def __init__(self, emulator: Emulator, key: str, document: dict[str, Any]) -> None:
        self.emulator = emulator
        self.key = key
        self.document = document
        self.arguments: dict[str, Any] = document["arguments"]

    @property
    def world(self) -> Any:
        """The world in which objects have consequences."""
        return self.emulator.world

    def transaction(self) -> Any:
        """Return an async context manager for one atomic change of the store."""
        return self.emulator.store.transaction()


class Operations:
    """Starts, runs, resumes and shows operations of every family."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._tasks: dict[str, asyncio.Task[None]] = {}

    # -- starting ---------------------------------------------------------------------------------------------------

    def start(
        self,
        call: Call,
        family: str,
        *,
        scope: str,
        duration: str,
        work: str | None = None,
        arguments: dict[str, Any] | None = None,
        lock: str | None = None,
        refuse: Callable[[dict[str, Any]], GoogleError] | None = None,
        real: bool = False,
        done: bool = False,
        response: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
        public: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Start an operation inside the call's transaction and return it as the API shows it.

        family: longrunning, container, compute or internal (never shown). scope: what precedes /operations/ in its
        name, "" for a bare operations/{id}. duration: an entry of DURATIONS. work: name of the @work function.
        lock: while unfinished, another start with the same lock raises refuse(holder). real: the world works, so a
        poll does not wait for the end. done: already finished in the first reply. response: what the finished
        operation carries unless the work returns another. metadata, public: fields shown as they are.
        """
        tx = call.store
        if lock is not None and refuse is not None:
            holder = self.holder(tx, lock)
            if holder is None and "lock" in call.faults:
                holder = {"id": "operation-held-by-a-fault", "name": "operations/held-by-a-fault", "public": {}}
            if holder is not None:
                raise refuse(holder)
        started = time.time()
        identifier = self._identifier(family, started, call)
        seconds = 0.0 if done else DURATIONS[duration] * self.scale(tx)
        document = {
            "family": family,
            "service": call.service.prefix,
            "scope": scope,
            "id": identifier,
            "name": f"{scope}/operations/{identifier}" if scope else f"operations/{identifier}",
            "number": tx.next_number("operation", 4_000_000_000_000_000_000 + 17),
            "started": started,
            "due": started + seconds,
            "finished": started if done else None,
            "work": work,
            "arguments": arguments or {},
            "lock": lock,
            "real": real,
            "fail": {"message": "Injected failure", **call.faults["operation"]} if "operation" in call.faults else None,
            "error": None,
            "response": response,
            "metadata": metadata,
            "public": public or {},
            "user": call.principal,
            "method": call.method.id,
        }
        key = self.key(call.service.prefix, document["name"])
        tx.put(key, document)
        if not done:
            if lock is not None:
                tx.put(_LOCKS + lock, {"operation": key})
            tx.after_commit.append(lambda: self._schedule(key))
        return self.render(document)

    def later(
        self,
        owner: Call | Run,
        *,
        duration: str,
        work: str,
        arguments: dict[str, Any],
        real: bool = False,
        tx: Transaction | None = None,
    ) -> None:
        """Do work after a duration without an operation that clients could see (deployment states, cascades).

        owner: the call, or the run of other work together with its transaction tx.
        """
        tx = tx or owner.store  # type: ignore[union-attr]
        service = owner.service.prefix if hasattr(owner, "service") else owner.document["service"]
        started, identifier = time.time(), str(uuid.uuid4())
        document = {
            "family": "internal", "service": service, "scope": "internal", "id": identifier,
            "name": f"internal/operations/{identifier}", "number": 0, "started": started,
            "due": started + DURATIONS[duration] * self.scale(tx), "finished": None, "work": work,
            "arguments": arguments, "lock": None, "real": real, "fail": None, "error": None, "response": None,
            "metadata": None, "public": {}, "user": "", "method": "",
        }  # fmt: skip
        key = self.key(service, document["name"])
        tx.put(key, document)
        tx.after_commit.append(lambda: self._schedule(key))

    @staticmethod
    def _identifier(family: str, started: float, call: Call) -> str:
        token = uuid.uuid4()
        if family in ("container", "compute"):
            tail = token.hex
            name = f"operation-{int(started * 1000)}-{tail[:13]}-{tail[13:21]}-{tail[21:29]}"
            return name if family == "compute" else f"operation-{int(started * 1000)}-{token}"
        marks = {
            "servicenetworking": "pssn.p24-", "serviceusage": "acat.p2-", "apikeys": "akmf.p7-",
            "cloudresourcemanager": "cp.",
        }  # fmt: skip
        return marks.get(call.service.prefix, "") + str(token)

    def key(self, prefix: str, name: str) -> str:
        """Return the store key of the operation of a service (its prefix) by its full name."""
        return f"{_PREFIX}{prefix}/{name}"

    def holder(self, tx: Transaction, lock: str) -> dict[str, Any] | None:
        """Return the unfinished operation that holds a lock, or None."""
        held = tx.get(_LOCKS + lock)
        document = tx.get(held["operation"]) if held else None
        return document if document and document["finished"] is None else None

    def scale(self, tx: Transaction) -> float:
        """Return the factor by which durations are multiplied."""
        return float((tx.get("settings/durations") or {}).get("scale", 0.0))

    # -- running ----------------------------------------------------------------------------------------------------

    def _schedule(self, key: str) -> None:
        task = asyncio.get_running_loop().create_task(self._run(key))
        self._tasks[key] = task
        task.add_done_callback(lambda _: self._tasks.pop(key, None))

    async def _run(self, key: str) -> None:
        document = self._emulator.store.snapshot().get(key)
        if document is None or document["finished"] is not None:
            return
        await asyncio.sleep(max(0.0, document["due"] - time.time()))
        run = Run(self._emulator, key, document)
        error: dict[str, Any] | None = None
        response = document["response"]
        try:
            if document["fail"]:
                raise GoogleError(int(document["fail"].get("http", 400)), document["fail"]["message"])
            if document["work"]:
                result = await self._emulator.work_function(document["work"])(run)
                response = response if result is None else result
        except asyncio.CancelledError:
            raise
        except GoogleError as exc:
            error = exc.operation_error()
            if document["fail"]:
                error["code"] = int(document["fail"].get("code", error["code"]))
        except Exception as exc:
            log.exception("The work of %s failed", document["name"])
            error = {"code": 13, "message": f"{type(exc).__name__}: {exc}"}
        if error is not None:
            await self._failed(run, error)
        async with self._emulator.store.transaction() as tx:
            current = tx.get(key)
            if current is None:
                return
            current |= {"finished": time.time(), "error": error, "response": None if error else response}
            tx.put(key, current)
            if current["lock"] and (tx.get(_LOCKS + current["lock"]) or {}).get("operation") == key:
                tx.delete(_LOCKS + current["lock"])

    async def _failed(self, run: Run, error: dict[str, Any]) -> None:
        tidy = self._emulator.failure_function(run.document["work"])
        if tidy is None:
            return
        try:
            await tidy(run, error)
        except Exception:
            log.exception("Tidying up after %s failed", run.document["name"])

    def resume(self) -> None:
        """Schedule every operation that had not ended when the daemon stopped."""
        for key, document in self._emulator.store.snapshot().items(_PREFIX):
            if document["finished"] is None and key not in self._tasks:
                self._schedule(key)

    async def settle(self, key: str, patience: float = 5.0) -> dict[str, Any] | None:
        """Return an operation's document for a poll, after waiting for work that is due and not real."""
        document = self._emulator.store.snapshot().get(key)
        task = self._tasks.get(key)
        if document is None or task is None:
            return document
        if not document["real"] and document["due"] <= time.time() + 0.001:
            await asyncio.wait({task}, timeout=patience)
        return self._emulator.store.snapshot().get(key)

    async def wait(self, key: str, patience: float) -> dict[str, Any] | None:
        """Return an operation's document once it has ended, or after patience seconds (long poll)."""
        task = self._tasks.get(key)
        if task is not None:
            await asyncio.wait({task}, timeout=patience)
        return self._emulator.store.snapshot().get(key)

    async def idle(self) -> None:
        """Wait until no operation is running (for tests)."""
        while self._tasks:
            await asyncio.wait(set(self._tasks.values()))

    async def stop(self) -> None:
        """Cancel running work; resume() takes it up again."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # -- showing ----------------------------------------------------------------------------------------------------

    def render(self, document: dict[str, Any]) -> dict[str, Any]:
        """Return an operation as its API shows it."""
        shapes = {"longrunning": _longrunning, "container": _container, "compute": _compute, "internal": _longrunning}
        return shapes[document["family"]](document, self._emulator)

    async def poll(self, call: Call, name: str) -> dict[str, Any]:
        """Answer a GET of an operation by its full name. Raises GoogleError 404."""
        document = await self.settle(self.key(call.service.prefix, name))
        if document is None:
            raise GoogleError(404, f"Operation {name} not found")
        return self.render(document)

    def list(self, tx: Transaction, prefix: str, scope: str) -> list[dict[str, Any]]:
        """Return the operations of a scope as the API shows them, oldest first."""
        found = [d for _, d in tx.items(self.key(prefix, f"{scope}/operations/"))]
        return [self.render(d) for d in sorted(found, key=lambda d: d["started"])]


def _longrunning(document: dict[str, Any], emulator: Emulator) -> dict[str, Any]:
    finished = document["finished"] is not None
    shown: dict[str, Any] = {"name": document["name"]}
    if document["metadata"] is not None:
        metadata = dict(document["metadata"])
        if document["service"] == "apigee":
            metadata["state"] = "FINISHED" if finished else "IN_PROGRESS"
            metadata["progress"] = {
                "percentDone": 100 if finished else 1,
                "description": "Succeeded" if finished else "",
            }
        shown["metadata"] = metadata
    if finished:
        shown["done"] = True
        if document["error"]:
            shown["error"] = document["error"]
        elif document["response"] is not None:
            shown["response"] = document["response"]
    return shown


def _container(document: dict[str, Any], emulator: Emulator) -> dict[str, Any]:
    finished = document["finished"] is not None
    shown = {
        "name": document["id"],
        "status": "DONE" if finished else "RUNNING",
        "startTime": timestamp(document["started"]),
        **document["public"],
    }
    if finished:
        shown["endTime"] = timestamp(document["finished"])
        if document["error"]:
            shown["error"] = document["error"]
            shown["statusMessage"] = document["error"]["message"]
    return shown


def _compute(document: dict[str, Any], emulator: Emulator) -> dict[str, Any]:
    finished = document["finished"] is not None
    base = "https://www.googleapis.com/compute/v1/"
    shown = {
        "kind": "compute#operation",
        "id": str(document["number"]),
        "name": document["id"],
        "user": document["user"],
        "status": "DONE" if finished else "RUNNING",
        "progress": 100 if finished else 0,
        "insertTime": timestamp(document["started"]),
        "startTime": timestamp(document["started"]),
        "selfLink": f"{base}{document['name']}",
        **document["public"],
    }
    if "/regions/" in document["name"]:
        shown["region"] = f"{base}{document['scope']}"
    elif "/zones/" in document["name"]:
        shown["zone"] = f"{base}{document['scope']}"
    if finished:
        shown["endTime"] = timestamp(document["finished"])
        if document["error"]:
            error = document["error"]
            code = error.get("reason") or "INTERNAL_ERROR"
            shown["error"] = {"errors": [{"code": code, "message": error["message"]}]}
            shown["httpErrorStatusCode"] = error.get("http", 400)
            shown["httpErrorMessage"] = "BAD REQUEST"
    return shown
