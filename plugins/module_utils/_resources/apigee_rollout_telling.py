# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is said about a deployment that came to nothing: one screen. Private to the collection."""

from __future__ import annotations

import typing as t

from .._google.errors import DeadlineError, Failure
from . import apigee_deployment_status as statuses
from .apigee_rollout import Attempt, Trouble

_ENDED = {
    "error": "was deployed and did not become healthy",
    "late": "was deployed and did not become ready in time",
    "conflict": "was deployed, but requests do not reach it",
    "probe": "was deployed, but does not answer through the gateway",
    "gone": "was deployed and has vanished",
    "unseen": "was deployed, and Apigee does not say whether it serves,",
}


def failure(attempt: Attempt, rollback: bool) -> Failure:
    """The failure of one attempt whose trouble is known."""
    trouble = t.cast(Trouble, attempt.trouble)
    if trouble.kind == "replaced":
        return Failure(_replaced(attempt), deployment=facts(attempt))
    if trouble.kind == "unasked":
        return Failure(_unasked(attempt), deployment=facts(attempt))
    if trouble.kind == "late" and not attempt.back:
        return _unfinished(attempt, trouble)
    lines = [f"revision {attempt.revision} {_ENDED[trouble.kind]} in environment {attempt.environment}."]
    for index, text in enumerate(trouble.because):
        lines.append(f"  {'because' if index == 0 else '       '}  {text}")
    if attempt.log.entries:
        names = statuses.instances(trouble.status)
        lines.append(f"  states   {_states(attempt)}{' on instance ' + ', '.join(names) if names else ''}")
    lines.append(f"  rollback {_rollback(attempt, rollback)}")
    lines.append(f"  outage   {_outage(attempt)}")
    lines.append(f"  serving  {_serving(attempt, trouble)}")
    lines.append(f"  fix      {_remedy(trouble)}")
    return Failure("\n".join(lines), deployment=facts(attempt))


def all_of(attempts: list[Attempt], rollback: bool) -> Failure:
    """One failure for all environments in which it went wrong; the rest is as wanted."""
    failures = [failure(attempt, rollback) for attempt in attempts if attempt.trouble]
    good = [attempt.environment for attempt in attempts if not attempt.trouble]
    if len(failures) == 1 and not good:
        return failures[0]
    text = [one.message for one in failures]
    if good:
        text.append(f"It serves in {', '.join(good)}.")
    return Failure("\n".join(text), deployments=[one.facts["deployment"] for one in failures], **failures[0].facts)


def facts(attempt: Attempt) -> dict[str, t.Any]:
    """The same as data, for the result."""
    trouble = t.cast(Trouble, attempt.trouble)
    outage = _measured(attempt) or _doubted(attempt)
    return {
        "environment": attempt.environment,
        "revision": attempt.revision,
        "kind": trouble.kind,
        "state": (trouble.status or {}).get("state"),
        "because": trouble.because,
        "serving": _now(attempt, trouble),
        "states": attempt.log.shown(),
        "rollback": {key: round(value, 1) if isinstance(value, float) else value for key, value in attempt.back.items()},
        "outage_seconds": round(outage[1] - outage[0], 1) if outage else 0.0,
    }


def _unfinished(attempt: Attempt, trouble: Trouble) -> DeadlineError:
    return DeadlineError(
        f"revision {attempt.revision} in environment {attempt.environment}: {'; '.join(trouble.because)}"
        f" ({_states(attempt)}). Apigee goes on; run again to go on waiting, or raise timeout.",
        deployment=facts(attempt),
    )


def _replaced(attempt: Attempt) -> str:
    there = t.cast(Trouble, attempt.trouble).because[0]
    return (
        f"revision {attempt.revision} was deployed in environment {attempt.environment}, and another run or person has "
        f"taken it out meanwhile: {there} with other content is deployed now. It was left as it is. Run again to have "
        "your content there."
    )


def _unasked(attempt: Attempt) -> str:
    there = f"Revision {attempt.previous} is deployed as before" if attempt.previous else "Nothing is deployed there, as before"
    return (
        f"revision {attempt.revision} was not deployed in environment {attempt.environment}: Apigee did not take the "
        f"request. {there}. Run again.\n  because  {t.cast(Trouble, attempt.trouble).because[0]}"
    )


def _rollback(attempt: Attempt, wanted: bool) -> str:
    back = attempt.back
    if not wanted:
        return "none: rollback is false"
    asked = f"asked for {back['asked_after']:.1f} s after the failure was seen" if "asked_after" in back else "not asked for"
    what = f"revision {back['revision']}" if back.get("revision") else "undeployed, as before"
    if "failed" in back:
        what = f"revision {back['revision']}" if back.get("revision") else "nothing to go back to"
        return f"FAILED: {what}: {back['failed']} ({asked})"
    return f"{what}, {asked}, done after {back['done_after']:.1f} s{_guessed(attempt)}"


def _guessed(attempt: Attempt) -> str:
    """What is to be checked by hand where the service account of the revision before could not be known."""
    guessed = attempt.back.get("service_account_guessed")
    if guessed is None:
        return ""
    now = f"now as {guessed}, which is that of revision {attempt.account_of}" if guessed else "now as none"
    return f"; as which service account it ran is not known: {now}"


def _measured(attempt: Attempt) -> tuple[float, float] | None:
    """An outage is one only where something served before."""
    return attempt.log.outage if attempt.previous or attempt.back.get("revision") else None


def _doubted(attempt: Attempt) -> tuple[float, float] | None:
    """The time in which there may have been one."""
    return attempt.log.unseen if attempt.previous or attempt.back.get("revision") else None


def _outage(attempt: Attempt) -> str:
    found = _measured(attempt)
    if not found:
        unseen = _doubted(attempt)
        doubt = f", but Apigee did not say what served from {unseen[0]:.1f} s to {unseen[1]:.1f} s" if unseen else ""
        return f"none seen{doubt}"
    begin, end = found
    goes_on = " and goes on" if attempt.log.restored is None else ""
    return f"up to {end - begin:.1f} s{goes_on}: from {begin:.1f} s to {end:.1f} s after the deployment was asked for"


def _now(attempt: Attempt, trouble: Trouble) -> list[str]:
    if attempt.back and "failed" not in attempt.back:
        return [attempt.back["revision"]] if attempt.back["revision"] else []
    if trouble.kind in ("conflict", "probe"):
        return [attempt.revision]
    if trouble.kind == "unasked":
        return [attempt.previous] if attempt.previous else []
    return statuses.running(trouble.status or {})


def _serving(attempt: Attempt, trouble: Trouble) -> str:
    there = _now(attempt, trouble)
    if trouble.kind == "unseen" and ("failed" in attempt.back or not attempt.back):
        return f"not known; when last seen revision {', '.join(there)}" if there else "not known"
    if not there:
        return "no revision of this proxy"
    others = trouble.kind == "conflict" and there == [attempt.revision]
    return f"revision {', '.join(there)}{', where its base path is its own' if others else ''}"


def _remedy(trouble: Trouble) -> str:
    if trouble.remedy:
        return trouble.remedy
    if trouble.kind == "unseen":
        return "see whether Apigee can be reached and asked with these credentials, then run again"
    if trouble.kind == "gone":
        return "see in Apigee's audit log who or what took it out, then run again"
    text = " ".join(trouble.because).lower()
    if trouble.kind == "conflict" or "base path" in text:
        return "choose another base path, or undeploy the proxy that answers it"
    if "target server" in text or "targetserver" in text:
        return "declare the target server in this environment (apigee_target_server), then run again"
    if "keystore" in text or "truststore" in text or "reference" in text:
        return "create what the message names in this environment, then run again"
    if trouble.kind == "late":
        return "see whether the instance is healthy and the environment attached to it, or raise timeout; then run again"
    return "correct the cause and run again: the revision is deployed again, and not imported again"


def _states(attempt: Attempt) -> str:
    """``PROGRESSING 0-2 s, ERROR at 2 s, revision 7: PROGRESSING 2-4 s, READY at 4 s``."""
    text, revision = [], attempt.log.entries[0]["revision"] if attempt.log.entries else ""
    for entry in attempt.log.entries:
        start, end = entry["from"], entry["to"]
        when = f"{start:.0f}-{end:.0f} s" if end - start >= 1 else f"at {start:.0f} s"
        head = "" if entry["revision"] == revision else f"revision {entry['revision']}: "
        revision = entry["revision"]
        text.append(f"{head}{entry['state']} {when}")
    return ", ".join(text)
