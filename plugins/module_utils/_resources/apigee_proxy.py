# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""API proxy: its content as a revision, and where that revision serves. Private to the collection.

The digest of what we imported, and the revision it became, are kept in labels of the proxy, outside its content. Where
the labels do not tell, the newest and the deployed revisions are downloaded and compared.
"""

from __future__ import annotations

import typing as t

from .._apigee import generate_policies
from .._engine.compare import Change
from .._engine.fields import Document, Field, Options
from .._google.errors import ApiError
from . import apigee_proxy_routes as routes
from . import apigee_revisions as revisions
from .apigee_common import ORGANIZATION
from .apigee_ownership import ProxyMark
from .apigee_probe import OPTIONS as PROBE_OPTIONS
from .apigee_probe import Probe
from .apigee_proxy_labels import CONTENT, DIGEST_LABEL, KEPT_LABEL, REVISION_LABEL, users_labels, wanted_labels

_QUOTA = Field(
    "quota",
    type="dict",
    api=None,
    fields=(
        Field("limit", type="int", required=True),
        Field("interval", type="int"),
        Field("time_unit", required=True, choices=generate_policies.TIME_UNITS),
        Field("identifier"),
    ),
)
_LABELS = Field("labels", type="dict", keep_extra=True)


class ApigeeProxy(revisions.ApigeeRevisions):
    """``organizations.apis``."""

    kind = "apigee_proxy"
    title = "proxy"
    collection = "apis"
    sources = ("bundle", "base_path")
    path = "v1/organizations/{organization}/apis/{name}"
    mark = ProxyMark()
    contents = ("apigee_key_value_map",)
    after = (
        "project_services",
        "apigee_environment",
        "apigee_environment_group_attachment",
        "apigee_instance_attachment",
        "apigee_target_server",
        "apigee_shared_flow",
        "apigee_key_value_map",
    )
    fields = (
        ORGANIZATION,
        Field("name", required=True, identity=True),
        Field("bundle", type="path", api=None),
        Field("base_path", api=None),
        Field("target_servers", type="list", elements="str", api=None),
        Field("target_url", api=None),
        Field("target_path", api=None),
        Field("target_properties", type="dict", api=None),
        Field("target_host", api=None),
        Field("spike_arrest", api=None),
        _QUOTA,
        Field("description", api=None),
        *revisions.OPTIONS,
        Field("sequenced_rollout", type="bool", api=None),
        *PROBE_OPTIONS,
        Field("compare", choices=("label", "content"), api=None),
        _LABELS,
    )
    required_if = (("state", "present", ("bundle", "base_path", "revision"), True),)
    mutually_exclusive = (("bundle", "base_path", "revision"), ("target_servers", "target_url"))

    def __init__(self, options: Options, context: t.Any) -> None:
        super().__init__(options, context)
        self._probe = Probe(self)
        self._reports: dict[str, tuple[list[str], list[str]]] = {}

    def probe(self) -> Probe | None:
        """The request that proves a deployment, unless it was switched off."""
        return self._probe if self._probe.wanted else None

    def validate(self) -> list[str]:
        """What is wrong with the bundle and the options, the probe's included."""
        return super().validate() + self._probe.problems()

    # -- labels ------------------------------------------------------------------------------------------------

    def remembered(self, found: Document) -> str:
        """The revision that the labels name for the wanted content."""
        labels = found.get("labels") or {}
        revision = str(labels.get(REVISION_LABEL) or "")
        there = revision in [str(one) for one in found.get("revision") or []]
        told = self.options.get("compare") != "content" and there
        return revision if told and labels.get(DIGEST_LABEL) == self.content.digest() else ""

    def known_to_differ(self, found: Document, revision: str) -> bool:
        """Whether the labels name other content for a revision."""
        labels = found.get("labels") or {}
        return (
            revision == labels.get(REVISION_LABEL)
            and labels.get(DIGEST_LABEL, "") != self.content.digest()
            and self.options.get("compare") != "content"
        )

    def _wanted_labels(self, found: Document, imported: bool = False) -> dict[str, str]:
        revision, digest = self.wanted_revision, self.content.digest()
        kept = not self.environments
        return wanted_labels(found, self.options.get("labels"), revision, digest, imported, kept, self.adopting)

    def remember(self, found: Document, imported: bool) -> None:
        """Write the labels where they differ."""
        labels = self._wanted_labels(found, imported)
        if labels != (found.get("labels") or {}):
            self.calls.label(labels)

    def memory_changes(self, found: Document) -> list[Change]:
        """Labels that differ, the user's included."""
        before, after = found.get("labels") or {}, self._wanted_labels(found)
        return [
            Change(f"labels.{label}", before.get(label), after.get(label), _LABELS, "labels")
            for label in sorted(set(before) | set(after))
            if before.get(label) != after.get(label)
        ]

    def forget_content(self, found: Document) -> None:
        """Take the labels away that speak of content."""
        labels = {name: value for name, value in (found.get("labels") or {}).items() if name not in CONTENT}
        self.calls.label(labels)
        found["labels"] = labels

    def reusable(self, found: Document) -> str:
        """The newest revision, if we imported it to be deployed and it is not deployed: a retry spends no number.

        Apigee refuses to overwrite what was ever deployed. What was imported alone waits for somebody who deploys it
        by its number, and is kept.
        """
        labels, latest = found.get("labels") or {}, str(found.get("latestRevisionId") or "")
        ours = self.mark.owned(self, found) and labels.get(REVISION_LABEL) == latest
        deployed = latest in [str(one.get("revision")) for one in found.get("deployments") or []]
        return latest if latest and ours and not deployed and labels.get(KEPT_LABEL) != latest else ""

    # -- others ------------------------------------------------------------------------------------------------

    def in_the_way(self, found: Document, changes: list[Change]) -> list[str]:
        """Base paths must be free; what is deployed already must have its own."""
        problems = [
            f"it is deployed to environment {one['environment']}, but {routes.conflict_text(conflict)}. Choose another "
            "base path, or undeploy that proxy."
            for one in self._ours(found)
            for conflict in one.get("routeConflicts") or []
        ]
        if problems:
            return problems
        if not self.wanted_revision:
            return self.taken() if any(change.field == "revision" for change in changes) else []
        for environment in self.to_deploy(changes):
            try:
                forbids = self.forbidden(environment)
            except ApiError as error:
                if not error.missing:
                    raise
                # An environment that is still to be made; the report is asked for again before the deployment.
                continue
            problems.extend(f"it cannot be deployed to environment {environment}: {one}." for one in forbids)
        return problems

    def forbidden(self, environment: str) -> list[str]:
        """Apigee's change report on the wanted revision, asked for once per environment; traffic that moves is noted."""
        revision = self.wanted_revision
        if environment not in self._reports:
            report = self.calls.report(environment, revision, self.override)
            self._reports[environment] = routes.reported(report, bool(self.options.get("sequenced_rollout")))
        forbids, moves = self._reports[environment]
        self.moves.extend(move for move in moves if move not in self.moves)
        return forbids

    def taken(self) -> list[str]:
        """Base paths that another proxy answers; in check mode those that this one would give up are noted.

        Where a revision is imported, Apigee's own change report tells the latter.
        """
        paths = self.content.base_paths()
        if self.context.check:
            self.moves.extend(routes.given_up(self, paths))
        return routes.conflicts(self, paths)

    # -- telling -----------------------------------------------------------------------------------------------

    def output(self, found: Document) -> Options:
        """As for all revisions, with the user's labels."""
        labels = found.get("labels") or {}
        shown = super().output(found)
        return {**shown, "digest": shown["digest"] or labels.get(DIGEST_LABEL), "labels": users_labels(labels)}

    def predicted(self) -> Options:
        """The same for a proxy that is still to be made."""
        return {**super().predicted(), "labels": dict(self.options.get("labels") or {})}
