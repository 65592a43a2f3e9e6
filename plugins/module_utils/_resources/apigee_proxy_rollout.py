# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bringing a revision into service: follow it, and say everything when it fails. Private to the collection."""

from __future__ import annotations

import typing as t

from .._google import clock, retries
from .._google.errors import DeadlineError, Failure
from .apigee_proxy_calls import Document, ProxyCalls
from .apigee_proxy_routes import conflict_text


def problems_of(status: Document) -> list[str]:
    """Why a deployment does not serve, in Apigee's words."""
    found = [str(error.get("message") or error) for error in status.get("errors") or []]
    for conflict in status.get("routeConflicts") or []:
        found.append(conflict_text(conflict))
    return found


def follow(calls: ProxyCalls, environment: str, revision: str, since: float | None = None) -> Document:
    """Wait until a deployment is READY and routed; return it. Looks often at first, then less and less.

    Raises Failure when it ends in ERROR or its base paths go elsewhere, DeadlineError when time runs out.
    """
    started = clock.now() if since is None else since
    log: list[tuple[str, float, float]] = []
    looks = retries.intervals()
    try:
        while True:
            status = calls.status(environment, revision)
            seen = clock.now() - started
            word = str((status or {}).get("state") or ("GONE" if status is None else "PROGRESSING"))
            if log and log[-1][0] == word:
                log[-1] = (word, log[-1][1], seen)
            else:
                log.append((word, seen, seen))
            if status is not None and word == "READY":
                if status.get("routeConflicts"):
                    raise failure(calls, environment, revision, status, log)
                return status
            if word == "ERROR":
                raise failure(calls, environment, revision, t.cast(Document, status), log)
            if calls.wire.deadline.over():
                raise late(calls, environment, revision, status, log)
            clock.sleep(min(clock.jitter(next(looks)), max(0.05, calls.wire.deadline.left())))
    finally:
        calls.wire.waited += clock.now() - started


def late(
    calls: ProxyCalls, environment: str, revision: str, status: Document | None, log: list[tuple[str, float, float]]
) -> DeadlineError:
    """Time ran out while Apigee was still at it."""
    hint = "" if (status or {}).get("instances") else " No instance reports it: is the environment attached to one?"
    states = f" ({_states(log)})" if log else ""
    return DeadlineError(
        f"revision {revision} is not READY in environment {environment} after {calls.wire.deadline.budget:.0f} s"
        f"{states}.{hint} Apigee goes on; run again to go on waiting, or raise timeout.",
        deployment={"environment": environment, "revision": revision, "states": _log(log)},
    )


def until_gone(calls: ProxyCalls, environment: str, revision: str) -> None:
    """Wait until a revision is no longer deployed. Raises DeadlineError."""
    looks = retries.intervals()
    started = clock.now()
    while calls.status(environment, revision) is not None:
        if calls.wire.deadline.over():
            raise DeadlineError(
                f"revision {revision} is still being taken out of environment {environment}. Run again."
            )
        clock.sleep(min(clock.jitter(next(looks)), max(0.05, calls.wire.deadline.left())))
    calls.wire.waited += clock.now() - started


def failure(
    calls: ProxyCalls, environment: str, revision: str, status: Document, log: list[tuple[str, float, float]]
) -> Failure:
    """What went wrong, why, what serves now and what to do: one screen."""
    serving = _serving(calls, environment, revision, status)
    routed = status.get("state") == "READY"
    because = problems_of(status) or ["Apigee gives no reason"]
    ended = "was deployed, but requests do not reach it" if routed else "was deployed and did not become healthy"
    if serving:
        now = f"revision {', '.join(serving)} still serves"
    else:
        now = "this revision only, where its base path is its own" if routed else "no revision of this proxy serves"
    lines = [f"revision {revision} {ended} in environment {environment}."]
    if log:
        lines.append(f"  state    {_states(log)}{_instances(status)}")
    lines.extend(f"  {'because' if index == 0 else '       '}  {text}" for index, text in enumerate(because))
    lines.append(f"  serving  {now}")
    lines.append(f"  fix      {_remedy(because, routed)}")
    return Failure(
        "\n".join(lines),
        deployment={
            "environment": environment,
            "revision": revision,
            "state": status.get("state"),
            "because": because,
            "serving": serving,
            "states": _log(log),
        },
    )


def _serving(calls: ProxyCalls, environment: str, revision: str, status: Document) -> list[str]:
    """Other revisions that still run: as the instances say, otherwise as the list of deployments says."""
    running = [
        str(one.get("revision"))
        for instance in status.get("instances") or []
        for one in instance.get("deployedRevisions") or []
        if one.get("percentage", 100)
    ]
    if not running:
        running = [str(one.get("revision")) for one in calls.deployments() if one.get("environment") == environment]
    return sorted({one for one in running if one != revision}, key=lambda one: (len(one), one))


def _remedy(because: list[str], routed: bool) -> str:
    text = " ".join(because).lower()
    if routed or "base path" in text:
        return "choose another base path, or undeploy the proxy that answers it"
    if "target server" in text or "targetserver" in text:
        return "declare the target server in this environment (apigee_target_server), then run again"
    if "keystore" in text or "truststore" in text or "reference" in text:
        return "create what the message names in this environment, then run again"
    return "correct the cause and run again: the revision is deployed again, and not imported again"


def _states(log: list[tuple[str, float, float]]) -> str:
    return ", ".join(
        f"{word} {start:.0f}-{end:.0f} s" if end - start >= 1 else f"{word} at {start:.0f} s"
        for word, start, end in log
    )


def _log(log: list[tuple[str, float, float]]) -> list[Document]:
    return [{"state": word, "from": round(start, 1), "to": round(end, 1)} for word, start, end in log]


def _instances(status: Document) -> str:
    names = [str(one.get("instance")) for one in status.get("instances") or [] if one.get("instance")]
    return f" on instance {', '.join(names)}" if names else ""
