# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A proxy or shared flow that is there, as somebody would have declared it. Private to the collection.

A declaration has one content. Where environments serve different revisions, the newest of them is told.
"""

from __future__ import annotations

import typing as t

from .._engine import normalise
from .._engine.fields import Document, Options
from .apigee_proxy_labels import users_labels

if t.TYPE_CHECKING:
    from .._engine.resource import Resource


def revision(found: Document) -> str:
    """The newest revision that serves, or else the newest."""
    serving = [str(one.get("revision")) for one in found.get("deployments") or []]
    return max(serving, key=_number, default=str(found.get("latestRevisionId") or ""))


def declaration(proxy: Resource, found: Document) -> Options:
    """Name, revision, environments that serve it, the service account that they share, and the user's labels."""
    wanted = revision(found)
    live = _serving(found, wanted)
    accounts = {normalise.service_account(one.get("serviceAccount")) or "" for one in live}
    told: Options = {name: value for name, value in proxy.options.items() if name in ("project", "organization", "name")}
    if wanted:
        told["revision"] = _number(wanted)
    if live:
        told["environments"] = sorted(str(one["environment"]) for one in live)
    if len(accounts) == 1 and any(accounts):
        told["service_account"] = accounts.pop()
    labels = users_labels({str(name): str(value) for name, value in (found.get("labels") or {}).items()})
    # Without labels and deployments it looks like what an interrupted run of ours has imported, and is not.
    bare = not found.get("labels") and not found.get("deployments")
    if labels or (bare and any(field.name == "labels" for field in proxy.fields)):
        told["labels"] = labels
    return told


def untold(found: Document) -> list[str]:
    """Sentences about deployments of other revisions, and service accounts that differ."""
    wanted = revision(found)
    live = _serving(found, wanted)
    sentences = [
        f"environment {one.get('environment')} serves revision {one.get('revision')}, not {wanted}; it stays as it is until "
        "environments names it."
        for one in found.get("deployments") or []
        if one not in live
    ]
    if len({normalise.service_account(one.get("serviceAccount")) or "" for one in live}) > 1:
        sentences.append("its environments have different service accounts; they stay as they are.")
    return sentences


def _serving(found: Document, wanted: str) -> list[Document]:
    return [one for one in found.get("deployments") or [] if str(one.get("revision")) == wanted]


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0
