# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Google's five ways of taking its time, as data. Private to the collection.

A family says where to look, how to tell the end and how to tell a failure. :func:`wait` is the one loop.
"""

from __future__ import annotations

import dataclasses
import typing as t
from urllib.parse import urlsplit

from . import clock, retries
from .errors import DeadlineError, OperationError
from .session import Wire

Document = dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Family:
    """One way of reporting long work.

    ``name(operation)`` is what people call it; ``path(operation)`` where to look; ``done`` and ``failure`` read it.
    ``long_poll`` says that looking takes as long as the work (at most two minutes), so no pause is needed.
    """

    service: str
    path: t.Callable[[Document], str]
    done: t.Callable[[Document], bool]
    failure: t.Callable[[Document], OperationError | None]
    method: str = "GET"
    long_poll: bool = False

    def started(self, reply: t.Any) -> bool:
        """Whether ``reply`` is an operation of this family at all (some calls answer with the object itself)."""
        return isinstance(reply, dict) and bool(reply.get("name") or reply.get("id")) and self._looks(reply)

    def _looks(self, reply: Document) -> bool:
        if self.service == "compute":
            return str(reply.get("kind", "compute#operation")) == "compute#operation"
        if self.service == "container":
            return "operationType" in reply or str(reply["name"]).startswith("operation-")
        if self.service == "dns":
            return "status" in reply
        name = str(reply.get("name", ""))
        return "operations/" in name


def _rpc_failure(operation: Document) -> OperationError | None:
    error = operation.get("error")
    if not error:
        return None
    said = str(error.get("message") or "no reason given")
    details = list(error.get("details") or [])
    return OperationError(operation_name(operation), said, int(error.get("code") or 0), details)


def _container_failure(operation: Document) -> OperationError | None:
    if operation.get("status") not in ("DONE", "ABORTING"):
        return None
    error = operation.get("error") or {}
    said = error.get("message") or operation.get("statusMessage")
    return OperationError(operation_name(operation), str(said), int(error.get("code") or 0)) if said else None


def _compute_failure(operation: Document) -> OperationError | None:
    errors = (operation.get("error") or {}).get("errors") or []
    if not errors:
        return None
    said = "; ".join(f"{entry.get('code', '')}: {entry.get('message', '')}".strip(": ") for entry in errors)
    return OperationError(operation_name(operation), said, int(operation.get("httpErrorStatusCode") or 0), errors)


def _container_path(operation: Document) -> str:
    link = urlsplit(str(operation.get("selfLink") or "")).path
    marker = link.find("/v1/projects/")
    if marker >= 0:
        return link[marker + 1 :].replace("/zones/", "/locations/")
    raise OperationError(operation_name(operation), "it names no place to look for it")


def _compute_path(operation: Document) -> str:
    link = urlsplit(str(operation.get("selfLink") or "")).path
    marker = link.find("/projects/")
    return f"compute/v1{link[marker:]}/wait"


def longrunning(service: str, version: str = "v1") -> Family:
    """Family A: ``google.longrunning``; an error comes with HTTP 200."""
    return Family(
        service=service,
        path=lambda operation: f"{version}/{operation['name']}",
        done=lambda operation: bool(operation.get("done")),
        failure=_rpc_failure,
    )


#: Family B: GKE. The name is a bare id; the place is in the self link.
CONTAINER = Family(
    service="container",
    path=_container_path,
    done=lambda operation: operation.get("status") == "DONE",
    failure=_container_failure,
)

#: Family C: Compute Engine, with a call that waits.
COMPUTE = Family(
    service="compute",
    path=_compute_path,
    done=lambda operation: operation.get("status") == "DONE",
    failure=_compute_failure,
    method="POST",
    long_poll=True,
)


def dns(project: str, zone: str, collection: str = "changes") -> Family:
    """Family D: Cloud DNS, changes of one zone's records or (``operations``) of the zone itself; ends with ``done``."""
    return Family(
        service="dns",
        path=lambda change: f"dns/v1/projects/{project}/managedZones/{zone}/{collection}/{change['id']}",
        done=lambda change: change.get("status") == "done",
        failure=lambda change: None,
    )


APIGEE = longrunning("apigee")
SERVICE_NETWORKING = longrunning("servicenetworking")
SERVICE_USAGE = longrunning("serviceusage")


def operation_name(operation: Document) -> str:
    """What to call it in a message."""
    return str(operation.get("name") or operation.get("id") or "without a name")


def wait(wire: Wire, family: Family, operation: Document) -> Document:
    """Wait for the end. Returns the finished operation; raises OperationError or DeadlineError.

    A reply that is already finished costs nothing (its name may not even be readable).
    """
    started = clock.now()
    looks = retries.intervals()
    try:
        while True:
            failed = family.failure(operation)
            if failed and (family.done(operation) or failed):
                raise failed
            if family.done(operation):
                return operation
            if wire.deadline.over():
                raise DeadlineError(
                    f"Google's operation {operation_name(operation)} is still running after "
                    f"{wire.deadline.budget:.0f} s. It goes on; run again to join it, or raise timeout.",
                    operation=operation_name(operation),
                )
            if not family.long_poll:
                clock.sleep(min(clock.jitter(next(looks)), wire.deadline.left()))
            before = clock.now()
            operation = wire.send(
                family.service,
                family.method,
                family.path(operation),
                counts_as_read=True,
                repeatable=True,
                timeout=150.0 if family.long_poll else None,
            ).json()
            if family.long_poll and not family.done(operation) and clock.now() - before < 1.0:
                clock.sleep(clock.jitter(next(looks)))
    finally:
        wire.waited += clock.now() - started


def poll(
    wire: Wire,
    look: t.Callable[[], t.Any],
    finished: t.Callable[[t.Any], bool],
    what: str,
) -> t.Any:
    """Family E: look at the object itself until ``finished(object)``; ``what`` ends the sentence of a DeadlineError."""
    started = clock.now()
    looks = retries.intervals()
    try:
        while True:
            found = look()
            if finished(found):
                return found
            if wire.deadline.over():
                raise DeadlineError(f"{what} after {wire.deadline.budget:.0f} s. Run again to go on waiting.")
            clock.sleep(min(clock.jitter(next(looks)), max(0.05, wire.deadline.left())))
    finally:
        wire.waited += clock.now() - started
