# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What differs between revisions and deployments as they are and as they should be. Private to the collection."""

from __future__ import annotations

import typing as t

from .._apigee import diff as diffs
from .._engine import normalise
from .._engine.compare import Change
from .._engine.fields import Document, Field
from . import apigee_revision_telling as telling

if t.TYPE_CHECKING:
    from .apigee_revisions import ApigeeRevisions

REVISION = Field("revision", type="int", api=None)
ENVIRONMENTS = Field("environments", type="list", elements="str", api=None)


def changes(owner: ApigeeRevisions, found: Document, wanted: str) -> list[Change]:
    """Content, deployments, service account, what is remembered; ``wanted`` is the revision that should serve."""
    result: list[Change] = []
    if not owner.wanted_revision and not owner.pinned and owner.content.digest():
        latest = telling.number(found.get("latestRevisionId"))
        result.append(Change("revision", latest, telling.number(wanted), REVISION, "revision"))
    deployed = {str(one.get("environment")): one for one in found.get("deployments") or []}
    for environment in owner.environments:
        result.extend(deployment(owner, environment, deployed.get(environment), wanted))
    if owner.options.get("undeploy_elsewhere"):
        for environment in sorted(set(deployed) - set(owner.environments)):
            before = telling.number(deployed[environment].get("revision"))
            result.append(Change(f"environments[{environment}]", before, None, ENVIRONMENTS, "environments"))
    return result + owner.memory_changes(found)


def deployment(owner: ApigeeRevisions, environment: str, live: Document | None, wanted: str) -> list[Change]:
    """What would change in one environment, where ``live`` is deployed."""
    name = f"environments[{environment}]"
    wanted = owner.equal.get(environment) or wanted
    if live is None or str(live.get("revision")) != wanted:
        before = telling.number(live.get("revision")) if live else None
        return [Change(f"{name}.revision", before, telling.number(wanted), ENVIRONMENTS, "environments")]
    if live.get("state") == "ERROR":
        return [Change(f"{name}.state", "ERROR", "READY", ENVIRONMENTS, "environments")]
    account = owner.options.get("service_account")
    there = normalise.service_account(live.get("serviceAccount"))
    if account is not None and (account or None) != (there or None):
        return [Change(f"{name}.service_account", there, account, ENVIRONMENTS, "environments")]
    return []


def files(owner: ApigeeRevisions, found: Document, differing: list[Change]) -> list[dict[str, str]]:
    """The files that would change for those who call it, to be shown."""
    known = owner.wanted_revision or owner.content.digest()
    if not known or not any(change.field.endswith("revision") for change in differing):
        return []
    serving = [
        str(one.get("revision"))
        for one in found.get("deployments") or []
        if one["environment"] in owner.environments and str(one.get("revision")) != owner.wanted_revision
    ]
    # Nothing else serves: a new revision is compared with the newest, one that exists with nothing.
    before = serving[0] if serving else "" if owner.wanted_revision else str(found.get("latestRevisionId") or "")
    if not before:
        return []
    after = owner.calls.download(owner.wanted_revision) if owner.wanted_revision else owner.content.bundle()
    return diffs.compare(owner.calls.download(before), after, owner.name)
