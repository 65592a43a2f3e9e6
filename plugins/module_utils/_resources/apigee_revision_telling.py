# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What users of proxies and shared flows are told: predictions, differences, results. Private to the collection."""

from __future__ import annotations

import re
import typing as t

from .._apigee import diff as diffs
from .._engine import normalise
from .._engine.compare import Change
from .._engine.fields import Document, Options
from .apigee_deployment_status import missing, problems
from .apigee_revision_pruning import listed


def planned(wanted: str, imports: bool, changes: list[Change]) -> str:
    """What a run would do, in one sentence. ``wanted`` is the revision to serve, ``imports`` says that it is new."""
    parts = []
    if imports:
        parts.append(f"import revision {wanted}")
    for change in changes:
        if change.field == "revisions":
            parts.append(f"delete {listed([str(one) for one in change.before if one not in change.after])}")
        match = re.match(r"environments\[(.+)\](.*)", change.field)
        if not match:
            continue
        if change.after is None:
            parts.append(f"undeploy revision {change.before} from {match.group(1)}")
        else:
            what = "it" if parts else f"revision {wanted}"
            over = f" over {change.before}" if match.group(2) == ".revision" and change.before else ""
            parts.append(f"deploy {what}{over} in {match.group(1)}")
    return "would " + " and ".join(parts) if parts else ""


def difference(
    label: str, action: str, found: Document | None, files: list[dict[str, str]], changes: list[Options]
) -> list[Document] | None:
    """The files that differ, one after the other, then what else differs; for ``--diff``."""
    if action == "deleted":
        before = {"revisions": (found or {}).get("revision") or []}
        return [{"before_header": label, "after_header": label, "before": before, "after": {}}]
    entries: list[Document] = [
        {**one, "before_header": f"{label} {one['before_header']}", "after_header": f"{label} {one['after_header']}"}
        for one in diffs.ansible(files)
    ]
    if changes:
        entries.append(
            {
                "before_header": label,
                "after_header": label,
                "before": {one["field"]: one["before"] for one in changes if one["before"] is not None},
                "after": {one["field"]: one["after"] for one in changes if one["after"] is not None},
            }
        )
    return entries or None


def deployment(status: Document) -> Options:
    """One deployment in a result. READY is said while replicas still lack the revision: that is a problem as well."""
    revision = str(status.get("revision"))
    return {
        "environment": status.get("environment"),
        "revision": number(status.get("revision")),
        "state": status.get("state"),
        "service_account": normalise.service_account(status.get("serviceAccount")),
        "problems": problems(status) + (missing(status, revision) if status.get("state") == "READY" else []),
    }


def number(value: t.Any) -> int | None:
    """A revision as a number; Apigee writes text."""
    return int(value) if str(value or "").isdigit() else None
