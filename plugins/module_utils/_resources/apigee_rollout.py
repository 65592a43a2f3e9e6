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
from .._google.errors import ApiError, DeadlineError, Failure, UnreachableError
from . import apigee_deployment_status as statuses
from .apigee_revision_calls import Document, RevisionCalls

#: Seconds between two looks at most: while nothing serves, a look that comes late prolongs the outage.
LONGEST_PAUSE = 2.0
#: Seconds for which a deployment that cannot be found is believed to be on its way.
APPEARANCE = 10.0
#: Seconds that going back may take.
RETURN = 300.0
#: The log's word for a time in which Apigee did not say how the deployment is.
UNSEEN = "UNSEEN"


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
        #: From when to when it is not known whether anything served, and whether that goes on.
        self._blind: list[float] = []
        self._seeing = True

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
        if serves and not self._seeing:
            self._seeing, self._blind[1:] = True, [seen]
        if serves and self.stopped is None:
            self.served = seen
        elif serves and self.restored is None and (word == "READY" or not self._unanswered):
            self.restored = seen
        elif serves is False and self.stopped is None and word != "GONE":
            self.stopped = seen
        return word

    def miss(self, revision: str, since: float) -> None:
        """Note a look, begun at ``since``, that Apigee did not answer."""
        self._blind, self._seeing = self._blind or [self.served], False
        last = self.entries[-1] if self.entries else {}
        if (last.get("revision"), last.get("state")) == (revision, UNSEEN):
            last["to"] = self.now()
        else:
            self.entries.append({"revision": revision, "state": UNSEEN, "from": since, "to": self.now()})

    def vanished(self) -> None:
        """What was last looked for is not deployed, and nothing else is: nothing has served since it went."""
        if self.stopped is None:
            self.stopped = self.entries[-1]["from"]

    @property
    def unseen(self) -> tuple[float, float] | None:
        """From when to when it is not known whether anything served, at most; None when Apigee answered every look."""
        if not self._blind:
            return None
        return self._blind[0], self._blind[1] if self._seeing else self.now()

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
    """Why a revision does not serve, or is not known to.

    ``kind``: error, late, conflict, probe; replaced: another revision is deployed; gone: it is not deployed any more,
    and no other is; unseen: Apigee did not say how it is; unasked: Apigee never took the request to deploy it.
    """

    kind: str
    because: list[str]
    status: Document | None = None
    remedy: str = ""


@dataclasses.dataclass
class Attempt:
    """One revision on its way into one environment.

    ``previous`` is the revision that served there, "" when none is known. ``account`` is the service account of the
    deployment of revision ``account_of``. ``first`` says that nothing was deployed there. ``how`` is the deployment's
    query. ``doubt`` says what came instead of an answer to the request to deploy it.
    """

    environment: str
    revision: str
    previous: str = ""
    account: str | None = None
    account_of: str = ""
    first: bool = False
    how: Document = dataclasses.field(default_factory=dict)
    doubt: str = ""
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

    Another run may have put a revision of its own in place: one with the same content is followed instead. A look
    that Apigee does not answer says nothing about the deployment, so looking goes on while there is time.
    """
    looks = retries.intervals()
    began = clock.now()
    status: Document | None = None
    appeared = False
    try:
        while True:
            asked, unseen = attempt.log.now(), ""
            try:
                found = calls.status(attempt.environment, attempt.revision)
                there = calls.deployed(attempt.environment) if found is None else attempt.revision
                equal = there not in ("", attempt.revision) and same(there)
            except Failure as error:
                attempt.log.miss(attempt.revision, asked)
                unseen = error.message
                if not transient(error):
                    return Trouble("unseen", [unseen], status)
            else:
                status, appeared = found, appeared or found is not None
                word = attempt.log.see(attempt.revision, status)
                if status is not None and status.get("state") == "READY" and status.get("routeConflicts"):
                    return Trouble("conflict", statuses.problems(status), status)
                if word == "READY":
                    attempt.status = status
                    return None
                if word == "ERROR" and status is not None:
                    return Trouble("error", statuses.problems(status) or ["Apigee gives no reason"], status)
                if equal:
                    attempt.revision = there
                    continue
                awaited = not appeared and clock.now() - began <= APPEARANCE
                if attempt.doubt and not appeared and there == attempt.previous:
                    if not awaited:
                        return Trouble("unasked", [attempt.doubt], status)
                elif there not in ("", attempt.revision):
                    return Trouble("replaced", [f"revision {there}"], status)
                elif not there and not awaited:
                    attempt.log.vanished()
                    return Trouble("gone", ["neither it nor another revision of it is deployed there"], status)
            if calls.wire.deadline.over():
                seconds = f"{calls.wire.deadline.budget:.0f} s"
                return Trouble("unseen", [unseen], status) if unseen else late(attempt, status, seconds)
            _pause(calls, looks)
    finally:
        calls.wire.waited += clock.now() - began


def transient(error: Failure) -> bool:
    """Whether asking again later may do: Google has trouble of its own, or cannot be reached."""
    if isinstance(error, ApiError):
        return error.status >= 500 or error.status == 429
    return isinstance(error, UnreachableError)


def _pause(calls: RevisionCalls, looks: t.Iterator[float]) -> None:
    """Wait until the next look, not beyond the deadline."""
    clock.sleep(min(clock.jitter(next(looks)), LONGEST_PAUSE, max(0.05, calls.wire.deadline.left())))


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
        attempt.trouble = _probed(probe, attempt)
        if attempt.trouble is not None:
            attempt.log.failing_since(ready)
    if attempt.trouble is not None and attempt.trouble.kind in ("unseen", "gone", "error") and attempt.doubt:
        attempt.trouble.because.append(f"the request to deploy it: {attempt.doubt}")
    if attempt.trouble is not None and attempt.trouble.kind not in ("replaced", "unasked") and rollback:
        line = calls.afresh(RETURN)
        _go_back(line, attempt)
        calls.wire.waited += line.wire.waited


def _probed(probe: Probe, attempt: Attempt) -> Trouble | None:
    """What the probe says. One that breaks must not keep the old revision from coming back."""
    try:
        return probe(attempt)
    except Exception as error:  # whatever it is; its text may hold a header
        because = [f"asking it through the gateway broke off with {type(error).__name__}"]
        remedy = "report it as a fault of this collection; until it is mended, deploy with probe: false"
        return Trouble("probe", because, attempt.status, remedy)


def _go_back(calls: RevisionCalls, attempt: Attempt) -> None:
    """The revision before, or nothing, as it was. The request goes out before anything else is looked at."""
    seen = attempt.log.now()
    status = (attempt.trouble.status if attempt.trouble else None) or {}
    # What instances still run is what served; the list of deployments may name one that had failed itself.
    served = statuses.running(status, but=attempt.revision)
    target = attempt.previous if attempt.previous in served or not served else served[-1]
    attempt.back = {"revision": target}
    if target and target != attempt.account_of:
        # The account is a guess: Apigee forgets that of a deployment once another takes its place.
        attempt.back["service_account_guessed"] = attempt.account or ""
    if not target and not attempt.first:
        attempt.back["failed"] = "which revision served before is not known"
        return
    try:
        _ask_back(calls, attempt, target)
        attempt.back["asked_after"] = attempt.log.now() - seen
        if target:
            back = Attempt(attempt.environment, target, log=attempt.log)
            trouble = follow(calls, back, lambda other: False)
            if trouble is not None:
                instead = " is deployed instead" if trouble.kind == "replaced" else ""
                attempt.back["failed"] = "; ".join(trouble.because) + instead
        else:
            until_gone(calls, attempt.environment, attempt.revision)
    except Failure as error:
        attempt.back["failed"] = error.message
    attempt.back["done_after"] = attempt.log.now() - seen


def _ask_back(calls: RevisionCalls, attempt: Attempt, target: str) -> None:
    """Have ``target`` deployed, or nothing; asked until Apigee takes the request, while there is time. Raises Failure."""
    looks = retries.intervals()
    while True:
        try:
            if target:
                how = {**attempt.how, "override": True, "serviceAccount": attempt.account}
                calls.deploy(attempt.environment, target, how)
            else:
                calls.undeploy(attempt.environment, attempt.revision)
            return
        except Failure as error:
            if not transient(error) or calls.wire.deadline.over():
                raise
        _pause(calls, looks)


def until_gone(calls: RevisionCalls, environment: str, revision: str) -> None:
    """Wait until a revision is no longer deployed. Raises DeadlineError."""
    looks = retries.intervals()
    started = clock.now()
    while True:
        try:
            if calls.status(environment, revision) is None:
                break
        except Failure as error:
            if not transient(error) or calls.wire.deadline.over():
                raise
        if calls.wire.deadline.over():
            raise DeadlineError(
                f"revision {revision} is still being taken out of environment {environment}. Run again."
            )
        _pause(calls, looks)
    calls.wire.waited += clock.now() - started
