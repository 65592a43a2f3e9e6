# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a deployment's status says: whether it serves, what runs on which instance, why not. Private to the collection."""

from __future__ import annotations

import typing as t

from .apigee_proxy_routes import conflict_text

Document = dict[str, t.Any]


def word(status: Document | None, revision: str) -> str:
    """One word for the log: Apigee's state, GONE without a deployment, PARTLY where READY is said too early."""
    if status is None:
        return "GONE"
    said = str(status.get("state") or "PROGRESSING")
    return "PARTLY" if said == "READY" and missing(status, revision) else said


def missing(status: Document, revision: str) -> list[str]:
    """Where the revision, or a route to it, has not arrived on every replica, as sentences.

    Instances that report nothing are nobody's fault: where Apigee says READY without them, that has to do.
    """
    found = []
    for instance in status.get("instances") or []:
        name = instance.get("instance")
        part = _percentage(instance.get("deployedRevisions"), lambda one: str(one.get("revision")) == revision)
        if part < 100:
            others = sorted({str(one.get("revision")) for one in instance.get("deployedRevisions") or []} - {revision})
            beside = f", revision {', '.join(others)} on the others" if others else ""
            found.append(f"instance {name} has revision {revision} on {part} % of its replicas{beside}")
        for route in instance.get("deployedRoutes") or []:
            reached = int(route.get("percentage") or 0)
            if reached < 100:
                found.append(f"instance {name} has the route {route.get('basepath')} on {reached} % of its replicas")
    return found


def _percentage(entries: t.Any, wanted: t.Callable[[Document], bool]) -> int:
    return sum(int(one.get("percentage") or 0) for one in entries or [] if wanted(one))


def serves(status: Document | None) -> bool | None:
    """Whether any revision of the proxy runs; None where the status does not tell."""
    if status is None:
        return False
    if running(status):
        return True
    said = status.get("state")
    return True if said == "READY" else False if said == "ERROR" else None


def running(status: Document, but: str = "") -> list[str]:
    """Revisions that instances report as running, except one, in order of their numbers."""
    found = {
        str(one.get("revision"))
        for instance in status.get("instances") or []
        for one in instance.get("deployedRevisions") or []
        if int(one.get("percentage") or 0) > 0
    }
    return sorted(found - {but}, key=lambda one: (len(one), one))


def problems(status: Document) -> list[str]:
    """Why a deployment does not serve, in Apigee's words."""
    found = [str(error.get("message") or error) for error in status.get("errors") or []]
    return found + [conflict_text(conflict) for conflict in status.get("routeConflicts") or []]


def instances(status: Document | None) -> list[str]:
    """Names of the instances that report."""
    return [str(one.get("instance")) for one in (status or {}).get("instances") or [] if one.get("instance")]
