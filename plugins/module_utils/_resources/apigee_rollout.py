# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bringing a revision into service in one environment, and going back when it does not serve. Private to the collection.

Success is more than READY: no route conflicts, the revision on every replica of every instance, and an answer through
the environment group's host. Anything else ends with the revision that served before; where there was none, with
nothing deployed. Google states that a deployment which fails may leave the old revision undeployed, so the request to
go back is the first thing sent once a failure is seen; explanations come later.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._google import clock, retries
from .._google.errors import DeadlineError, Failure
from . import apigee_deployment_status as statuses
from .apigee_revision_calls import Document, RevisionCalls

#: Seconds between two looks at most: while nothing serves, a look that comes late prolongs the outage.
LONGEST_PAUSE = 2.0
#: Seconds for which a deployment that cannot be found is believed to be on its way.
APPEARANCE = 10.0
#: Seconds that going back may take.
RETURN = 300.0


class Log:
    """What was seen of one environment, with seconds since the deployment was asked for."""

    def __init__(self) -> None:
        self.started = clock.now()
        self.entries: list[dict[str, t.Any]] = []
        #: When something was last seen to serve, since when nothing is, and when something was again.
        self.served = 0.0
        self.stopped: float | None = None
        self.restored: float | None = None
        #: What serves does not answer well, so that only a revision which is READY ends the outage.
        self._unanswered = False

    def now(self) -> float:
        """Seconds since the deployment was asked for."""
        return clock.now() - self.started

    def see(self, revision: str, status: Document | None) -> str:
        """Note a look; returns the word for it."""
        seen, word = self.now(), statuses.word(status, revision)
        last = self.entries[-1] if self.entries else {}
        if (last.get("revision"), last.get("state")) == (revision, word):
            last["to"] = seen
        else:
            self.entries.append({"revision": revision, "state": word, "from": seen, "to": seen})
        serves = statuses.serves(status)
        if serves and self.stopped is None:
            self.served = seen
        elif serves and self.restored is None and (word == "READY" or not self._unanswered):
            self.restored = seen
        elif serves is False and self.stopped is None and word != "GONE":
            self.stopped = seen
        return word

    def failing_since(self, seconds: float) -> None:
        """Requests have not been answered well since then, though Apigee says that something serves."""
        self.served = self.stopped = seconds
        self.restored, self._unanswered = None, True

    @property
    def outage(self) -> tuple[float, float] | None:
        """From when to when nothing served, as far apart as it can have been; None without an outage."""
        if self.stopped is None:
            return None
        return self.served, self.now() if self.restored is None else self.restored

    def shown(self) -> list[Document]:
        """The entries for a result, with rounded times."""
        return [{**entry, "from": round(entry["from"], 1), "to": round(entry["to"], 1)} for entry in self.entries]


@dataclasses.dataclass
class Trouble:
    """Why a revision does not serve. ``kind``: error, late, conflict, probe, replaced."""

    kind: str
    because: list[str]
    status: Document | None = None
    remedy: str = ""


@dataclasses.dataclass
class Attempt:
    """One revision on its way into one environment.

    ``previous`` is the revision that served there, "" when none is known; ``account`` its service account. ``first``
    says that nothing was deployed there. ``how`` is the deployment's query.
    """

    environment: str
    revision: str
    previous: str = ""
    account: str | None = None
    first: bool = False
    how: Document = dataclasses.field(default_factory=dict)
    log: Log = dataclasses.field(default_factory=Log)
    #: The status with which it served.
    status: Document | None = None
    trouble: Trouble | None = None
    #: What going back came to: revision, seconds until the request was out, seconds until it served, or why not.
    back: Document = dataclasses.field(default_factory=dict)


#: Asks whether requests arrive at what an attempt has deployed; None when they do.
Probe = t.Callable[[Attempt], "Trouble | None"]
SameContent = t.Callable[[str], bool]


def follow(calls: RevisionCalls, attempt: Attempt, same: SameContent) -> Trouble | None:
    """Wait until the revision serves; None when it does, else why not. Looks often at first.

    Another run may have put a revision of its own in place: one with the same content is followed instead.
    """
    looks = retries.intervals()
    began = clock.now()
    try:
        while True:
            status = calls.status(attempt.environment, attempt.revision)
            word = attempt.log.see(attempt.revision, status)
            if status is not None and status.get("state") == "READY" and status.get("routeConflicts"):
                return Trouble("conflict", statuses.problems(status), status)
            if word == "READY":
                attempt.status = status
                return None
            if word == "ERROR" and status is not None:
                return Trouble("error", statuses.problems(status) or ["Apigee gives no reason"], status)
            if word == "GONE" and (there := calls.deployed(attempt.environment)) != attempt.revision:
                if there and same(there):
                    attempt.revision = there
                    continue
                if there or clock.now() - began > APPEARANCE:
                    return Trouble("replaced", [f"revision {there}" if there else ""], status)
            if calls.wire.deadline.over():
                seconds = f"{calls.wire.deadline.budget:.0f} s"
                return late(attempt, status, seconds)
            pause = min(clock.jitter(next(looks)), LONGEST_PAUSE, max(0.05, calls.wire.deadline.left()))
            clock.sleep(pause)
    finally:
        calls.wire.waited += clock.now() - began


def late(attempt: Attempt, status: Document | None, seconds: str) -> Trouble:
    """Time ran out while Apigee was still at it."""
    parts = statuses.missing(status or {}, attempt.revision)
    if parts:
        return Trouble("late", [f"{one} after {seconds}" for one in parts], status)
    nobody = "" if statuses.instances(status) else "; no instance reports it: is the environment attached to one?"
    return Trouble("late", [f"it is not READY after {seconds}{nobody}"], status)


def settle(calls: RevisionCalls, attempt: Attempt, same: SameContent, probe: Probe | None, rollback: bool) -> None:
    """See a deployment that was asked for to its end; ``attempt.trouble`` says afterwards whether it was a bad one."""
    attempt.trouble = follow(calls, attempt, same)
    if attempt.trouble is None and probe is not None:
        ready = attempt.log.now()
        attempt.trouble = probe(attempt)
        if attempt.trouble is not None:
            attempt.log.failing_since(ready)
    if attempt.trouble is not None and attempt.trouble.kind != "replaced" and rollback:
        line = calls.afresh(RETURN)
        _go_back(line, attempt)
        calls.wire.waited += line.wire.waited


def _go_back(calls: RevisionCalls, attempt: Attempt) -> None:
    """The revision before, or nothing, as it was. The request goes out before anything else is looked at."""
    seen = attempt.log.now()
    status = (attempt.trouble.status if attempt.trouble else None) or {}
    # What instances still run is what served; the list of deployments may name one that had failed itself.
    served = statuses.running(status, but=attempt.revision)
    target = attempt.previous if attempt.previous in served or not served else served[-1]
    attempt.back = {"revision": target}
    try:
        if target:
            calls.deploy(attempt.environment, target, {**attempt.how, "override": True, "serviceAccount": attempt.account})
        elif attempt.first:
            calls.undeploy(attempt.environment, attempt.revision)
        else:
            attempt.back["failed"] = "which revision served before is not known"
            return
        attempt.back["asked_after"] = attempt.log.now() - seen
        if target:
            back = Attempt(attempt.environment, target, log=attempt.log)
            trouble = follow(calls, back, lambda other: False)
            if trouble is not None:
                attempt.back["failed"] = "; ".join(trouble.because)
        else:
            until_gone(calls, attempt.environment, attempt.revision)
    except Failure as error:
        attempt.back["failed"] = error.message
    attempt.back["done_after"] = attempt.log.now() - seen


def until_gone(calls: RevisionCalls, environment: str, revision: str) -> None:
    """Wait until a revision is no longer deployed. Raises DeadlineError."""
    looks = retries.intervals()
    started = clock.now()
    while calls.status(environment, revision) is not None:
        if calls.wire.deadline.over():
            raise DeadlineError(
                f"revision {revision} is still being taken out of environment {environment}. Run again."
            )
        clock.sleep(min(clock.jitter(next(looks)), LONGEST_PAUSE, max(0.05, calls.wire.deadline.left())))
    calls.wire.waited += clock.now() - started
