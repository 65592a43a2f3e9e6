# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which revision holds what is wanted, and what is deployed where, in few calls. Private to the collection."""

from __future__ import annotations

import typing as t

from .._engine.fields import Document
from . import apigee_revision_pruning as pruning
from . import apigee_revision_work as work

if t.TYPE_CHECKING:
    from .apigee_revisions import ApigeeRevisions


def read(owner: ApigeeRevisions) -> Document | None:
    """The object with its deployments. Two reads when it remembers everything and one environment is stated."""
    there = owner.calls.get()
    if there is None:
        return None
    found = {**there, "deployments": []}
    known: list[Document] = []
    owner.equal = {}
    owner.wanted_revision = _pinned_or_remembered(owner, found)
    if owner.wanted_revision:
        known = found["deployments"] = _statuses(owner, owner.wanted_revision, owner.environments)
        everywhere = owner.options.get("undeploy_elsewhere") or pruning.superfluous(owner, found)
        if len(known) == len(owner.environments) and not everywhere:
            return found
    found["deployments"] = owner.calls.deployments()
    if not any(owner.options.get(name) for name in (*owner.sources, "revision", "environments")):
        found["deployments"] = [_with_state(owner, one) for one in found["deployments"]]
        return found
    if not owner.wanted_revision:
        owner.wanted_revision = _by_content(owner, found)
        known = _statuses(owner, owner.wanted_revision, owner.environments)
    elif not owner.pinned:
        known = known + _equals(owner, found)
    looked = {status["environment"]: status for status in known}
    found["deployments"] = [
        looked[place]
        if (place := str(one.get("environment"))) in looked and str(one.get("revision")) == owner.wanted_in(place)
        else one
        for one in found["deployments"]
    ]
    work.replaced_since(owner, found, {str(one["environment"]) for one in known})
    return found


def _with_state(owner: ApigeeRevisions, one: Document) -> Document:
    return owner.calls.status(str(one.get("environment")), str(one.get("revision"))) or one


def _pinned_or_remembered(owner: ApigeeRevisions, found: Document) -> str:
    if not owner.pinned:
        return owner.remembered(found) if owner.content.digest() else ""
    pinned = str(owner.options["revision"])
    return pinned if pinned in [str(one) for one in found.get("revision") or []] else ""


def _by_content(owner: ApigeeRevisions, found: Document) -> str:
    """A deployed revision with the wanted content, else the newest if it has it; empty when there is none."""
    if owner.pinned or not owner.content.digest():
        return ""
    latest = str(found.get("latestRevisionId") or "")
    deployed = [str(one.get("revision")) for one in found["deployments"]]
    for revision in dict.fromkeys([latest, *deployed]):
        if revision and not owner.known_to_differ(found, revision) and owner.same_content(revision):
            return revision
    return ""


def _equals(owner: ApigeeRevisions, found: Document) -> list[Document]:
    """States of other revisions in stated environments that have the wanted content: two runs may have imported it."""
    for one in found["deployments"]:
        environment, revision = str(one.get("environment")), str(one.get("revision"))
        if environment in owner.environments and revision != owner.wanted_revision and owner.same_content(revision):
            owner.equal[environment] = revision
    return [status for place, revision in owner.equal.items() for status in _statuses(owner, revision, [place])]


def _statuses(owner: ApigeeRevisions, revision: str, environments: list[str]) -> list[Document]:
    """Deployments of a revision in environments, with their states."""
    if not revision:
        return []
    found = [owner.calls.status(environment, revision) for environment in environments]
    return [
        {"environment": environment, "revision": revision, **status}
        for environment, status in zip(environments, found, strict=True)
        if status is not None
    ]
