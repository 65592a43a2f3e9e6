# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Give the runtime its picture and turn its report into the states of deployments.

One push at a time: changes that are made while one runs share the next, which begins after their commits. A revision
that the runtime refuses is taken out again in a second push, which brings back the revision it was to replace.
"""
from __future__ import annotations

import asyncio
import weakref
from typing import TYPE_CHECKING, Any

from testbed.google.services.apigee import picture, rollouts
from testbed.google.services.apigee.kinds import KINDS
from testbed.world import WorldError

if TYPE_CHECKING:
    from testbed.google.emulator import Emulator
    from testbed.google.services.apigee.kinds import Kind
    from testbed.google.store import Transaction

# Of each emulator: the turn that is being taken, and by organisation the push that has not begun yet.
_turns: weakref.WeakKeyDictionary[Any, asyncio.Lock] = weakref.WeakKeyDictionary()
_waiting: weakref.WeakKeyDictionary[Any, dict[str, asyncio.Task[None]]] = weakref.WeakKeyDictionary()
# Each round can only reject revisions that an earlier one had accepted; this bounds a runtime that contradicts itself.
_ROUNDS = 4
# google.rpc codes of a deployment's errors.
FAILED_PRECONDITION, INTERNAL = 9, 13


async def push(emulator: Emulator, organization: str) -> None:
    """Bring the runtime of an organisation to what the store holds now, and record what it reports."""
    waiting = _waiting.setdefault(emulator, {})
    if organization not in waiting:
        waiting[organization] = asyncio.create_task(_take_turn(emulator, organization, waiting))
    # Who gives up waiting does not end it for the others.
    await asyncio.shield(waiting[organization])


async def _take_turn(emulator: Emulator, organization: str, waiting: dict[str, asyncio.Task[None]]) -> None:
    async with _turns.setdefault(emulator, asyncio.Lock()):
        # What is committed from here on needs another push.
        del waiting[organization]
        for _round in range(_ROUNDS):
            snapshot = emulator.store.snapshot()
            if not picture.instances_of(snapshot, organization):
                await _record(emulator, organization, {}, None)
                return
            shown = {picture.deployment_key(organization, document): _identity(document)
                     for name in picture.environments(snapshot, organization)
                     for document in picture.all_deployments(snapshot, organization, name)}
            configuration, blobs = picture.configuration(snapshot, organization)
            bundles = {digest: snapshot.get_blob(blob) or b"" for digest, blob in blobs.items()}
            try:
                report, failure = await emulator.world.configure_runtime(configuration, bundles), None
            except WorldError as error:
                report, failure = {}, str(error)
            conflicts = None if failure else picture.conflicts(snapshot, organization)
            if not await _record(emulator, organization, configuration, report, failure, shown, conflicts):
                return


def _identity(document: dict[str, Any]) -> tuple[str, str]:
    """What of a deployment decides how it stands in a picture: its phase and its revision."""
    return document["phase"], document["deployment"]["revision"]


async def _record(emulator: Emulator, organization: str, configuration: dict[str, Any], report: dict[str, Any] | None,
                  failure: str | None = None, shown: dict[str, tuple[str, str]] | None = None,
                  conflicts: dict[str, list[list[str]]] | None = None) -> bool:
    """Write states; returns whether a revision was newly rejected, so that the picture has changed.

    ``shown`` says which deployments the runtime was told of. One that has changed since is judged by the push that its
    own change started. ``conflicts`` are those that the routing of the runtime now has.
    """
    rejected = False
    async with emulator.store.transaction() as tx:
        for name in picture.environments(tx, organization):
            pushed = configuration.get("environments", {}).get(name)
            for document in picture.all_deployments(tx, organization, name):
                where = picture.deployment_key(organization, document)
                if shown is not None and shown.get(where) != _identity(document):
                    continue
                before = dict(document)
                rejected |= _judge(tx, organization, document, pushed, report or {}, failure)
                if conflicts is not None:
                    document["conflicts"] = conflicts.get(where, [])
                if document != before:
                    tx.put(where, document)
    return rejected


def _judge(tx: Transaction, organization: str, document: dict[str, Any], pushed: dict[str, Any] | None,
           report: dict[str, Any], failure: str | None) -> bool:
    """Set ``status`` and ``serving`` of one deployment document from what was pushed and reported."""
    if pushed is None:
        # No instance serves the environment, so nobody reports: discovery document, Deployment.state PROGRESSING,
        # "Deployment is not fully ready in the runtime".
        document |= {"status": {"state": picture.PROGRESSING}, "serving": None}
        return False
    if document["phase"] == "removing":
        return False
    kind, wanted = KINDS[document["collection"]], document["deployment"]["revision"]
    entries = [item for item in pushed[kind.listed] if item[kind.named] == document["deployment"]["apiProxy"]]
    entry = next((item for item in entries if item["revision"] == wanted), entries[0] if entries else None)
    state, errors = _reported(report, kind, document["deployment"]["environment"], entry)
    if failure:
        document |= {"status": _status(picture.ERROR, [f"The runtime could not be configured: {failure}"], INTERNAL)}
        return False
    if document["phase"] == "active" and rollouts.under_way(document) and state != picture.ERROR:
        document["status"] = {"state": rollouts.state(document)}
        return False
    document["serving"] = entry["revision"] if entry and state == picture.READY else None
    if document["phase"] == "pending":
        document["status"] = {"state": picture.PROGRESSING}
        return False
    if entry and entry["revision"] == wanted:
        document["status"] = _status(state, errors)
        if state == picture.READY:
            document |= {"previous": None, "rejected": None}
        elif state == picture.ERROR:
            document |= {"rejected": picture.fingerprint(tx, organization, document),
                         "reasons": errors, **({"previous": None} if document.get("drops_old") else {})}
            return True
        return False
    fault = document.get("fault")
    if fault:
        document["status"] = _status(picture.ERROR, [fault["message"]], fault["code"])
    else:
        problems = picture.problems(tx, organization, document)
        document["status"] = _status(picture.ERROR, problems or document.get("reasons") or [])
    return False


def _reported(report: dict[str, Any], kind: Kind, environment: str,
              entry: dict[str, Any] | None) -> tuple[str, list[str]]:
    if entry is not None:
        for item in report.get(kind.listed, []):
            if (item["environment"], item[kind.named], str(item["revision"])) == (
                    environment, entry[kind.named], entry["revision"]):
                return item["state"], [str(error) for error in item.get("errors", [])]
    return picture.PROGRESSING, []


def _status(state: str, errors: list[str], code: int = FAILED_PRECONDITION) -> dict[str, Any]:
    status: dict[str, Any] = {"state": state}
    if state == picture.ERROR:
        status["errors"] = [{"code": code, "message": error} for error in errors]
    return status
