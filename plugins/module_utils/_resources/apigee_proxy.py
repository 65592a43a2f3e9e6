# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""API proxy: its content as a revision, and where that revision serves. Private to the collection.

Apigee makes a new revision at every import, of equal content too, and keeps 250. So content is compared before anything
is sent. The digest of what we imported, and the revision it became, are kept in labels of the proxy, outside its
content. Where the labels do not tell, the newest and the deployed revisions are downloaded and compared.

Order of writes: import, label, deploy. A run that is cut off between any two of them is completed by the next: an
imported revision without a label is recognised by its content and not imported again.
"""

from __future__ import annotations

import typing as t

from .._apigee import bundle as bundles
from .._apigee import diff as diffs
from .._engine import normalise
from .._engine.compare import Change
from .._engine.fields import Document, Field, Options
from .._engine.ownership import LabelMark
from .._engine.resource import Reference, State
from .._google.errors import ApiError
from . import apigee_proxy_declared as declared
from . import apigee_proxy_rollout as rollout
from . import apigee_proxy_routes as routes
from . import apigee_proxy_telling as telling
from . import apigee_proxy_work as work
from .apigee_common import ORGANIZATION, ApigeeResource
from .apigee_proxy_calls import ProxyCalls
from .apigee_proxy_content import Content
from .apigee_proxy_labels import DIGEST_LABEL, REVISION_LABEL, users_labels, wanted_labels

_REVISION = Field("revision", type="int", api=None)
_ENVIRONMENTS = Field("environments", type="list", elements="str", api=None)
_LABELS = Field("labels", type="dict", keep_extra=True)


class ApigeeProxy(ApigeeResource):
    """``organizations.apis`` with revisions and deployments. ``found`` is the proxy with its ``deployments``."""

    kind = "apigee_proxy"
    title = "proxy"
    family = None
    path = "v1/organizations/{organization}/apis/{name}"
    mark = LabelMark()
    timeout = 600.0
    long_running = True
    after = (
        "project_services",
        "apigee_environment",
        "apigee_environment_group_attachment",
        "apigee_instance_attachment",
        "apigee_target_server",
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
        Field("description", api=None),
        _REVISION,
        _ENVIRONMENTS,
        Field("undeploy_elsewhere", type="bool", api=None),
        Field("service_account", api=None),
        Field("override", type="bool", api=None),
        Field("sequenced_rollout", type="bool", api=None),
        Field("compare", choices=("label", "content"), api=None),
        _LABELS,
    )
    required_if = (("state", "present", ("bundle", "base_path", "revision"), True),)
    mutually_exclusive = (("bundle", "base_path", "revision"), ("target_servers", "target_url"))

    def __init__(self, options: Options, context: t.Any) -> None:
        super().__init__(options, context)
        self._calls: ProxyCalls | None = None
        self.content = Content(self.options)
        #: The revision that holds what is wanted; empty while it has to be imported.
        self.wanted_revision = ""
        self._files: list[dict[str, str]] = []
        self.moves: list[str] = []
        self._reports: dict[str, tuple[list[str], list[str]]] = {}
        self.done: list[str] = []
        self._plan = ""
        self.checked = False
        self._joining = False

    @property
    def calls(self) -> ProxyCalls:
        """The line to Apigee; made when first used, since the project may have to be asked for."""
        if self._calls is None:
            self._calls = ProxyCalls(self.wire, self.organization, self.name)
        return self._calls

    # -- what is wanted ----------------------------------------------------------------------------------------

    @property
    def environments(self) -> list[str]:
        """Where it should serve."""
        return list(self.options.get("environments") or [])

    def validate(self) -> list[str]:
        """Everything that is wrong with the bundle and the options, before anything is sent."""
        return self.content.problems()

    def references(self) -> list[Reference]:
        """Environments come first, without keeping an existing proxy from being read."""
        needed = super().references()
        return needed + [Reference("apigee_environment", name, needed=False) for name in self.environments]

    # -- reading -----------------------------------------------------------------------------------------------

    def read(self) -> Document | None:
        """The proxy with its deployments. Two reads when its labels tell everything and one environment is stated."""
        proxy = self.calls.get()
        if proxy is None:
            return None
        found = {**proxy, "deployments": []}
        known: list[Document] = []
        self.wanted_revision = self._labelled(found)
        if self.wanted_revision:
            known = found["deployments"] = self._statuses(self.wanted_revision)
            if len(known) == len(self.environments) and not self.options.get("undeploy_elsewhere"):
                return found
        found["deployments"] = self.calls.deployments()
        if not any(self.options.get(name) for name in ("bundle", "base_path", "revision", "environments")):
            found["deployments"] = [self._with_state(one) for one in found["deployments"]]
            return found
        if not self.wanted_revision:
            self.wanted_revision = self._by_content(found)
            known = self._statuses(self.wanted_revision)
        statuses = {status["environment"]: status for status in known}
        found["deployments"] = [
            statuses.get(str(one.get("environment")), one) if str(one.get("revision")) == self.wanted_revision else one
            for one in found["deployments"]
        ]
        return found

    def everything(self) -> list[Document]:
        """All proxies of the organisation, each with its deployments."""
        listed = self.wire.get(self.service, self.parent_url()).get("proxies") or []
        options = {name: value for name, value in self.options.items() if name != "name"}
        proxies = [ApigeeProxy({**options, "name": one["name"]}, self.context) for one in listed]
        for proxy in proxies:
            proxy.wire = self.wire
        found = [proxy.read() for proxy in proxies]
        return [one for one in found if one is not None]

    def listed(self) -> list[tuple[Options, Document | None]]:
        """Names alone."""
        listed = (self.wire.find(self.service, self.parent_url()) or {}).get("proxies") or []
        return [(self.identify(one), None) for one in listed]

    def declaration(self, found: Document) -> Options:
        """Pinned to the revision that serves, where it does; its content stands beside (:meth:`holds`)."""
        return declared.declaration(self, found)

    def holds(self, found: Document) -> bundles.Bundle | None:
        """The content of that revision."""
        return self.calls.download(declared.revision(found))

    def untold(self, found: Document) -> list[str]:
        """Environments where another revision serves."""
        return declared.untold(found)

    def withheld(self, found: Document) -> list[str]:
        """Nothing."""
        return []

    def _with_state(self, one: Document) -> Document:
        return self.calls.status(str(one.get("environment")), str(one.get("revision"))) or one

    def _labelled(self, found: Document) -> str:
        """The revision that the labels name for the wanted content, or the pinned one; empty when they do not tell."""
        revisions = [str(one) for one in found.get("revision") or []]
        pinned = self.options.get("revision")
        if pinned is not None:
            return str(pinned) if str(pinned) in revisions else ""
        labels = found.get("labels") or {}
        revision = str(labels.get(REVISION_LABEL) or "")
        told = self.options.get("compare") != "content" and revision in revisions
        return revision if told and self.content.digest() and labels.get(DIGEST_LABEL) == self.content.digest() else ""

    def _by_content(self, found: Document) -> str:
        """The newest or a deployed revision with the wanted content; empty when there is none."""
        if not self.content.digest():
            return ""
        labels = found.get("labels") or {}
        latest = str(found.get("latestRevisionId") or "")
        deployed = [str(one.get("revision")) for one in found["deployments"]]
        for revision in dict.fromkeys([latest, *deployed]):
            known_to_differ = (
                revision == labels.get(REVISION_LABEL)
                and labels.get(DIGEST_LABEL, "") != self.content.digest()
                and self.options.get("compare") != "content"
            )
            if revision and not known_to_differ and self.calls.same_content(revision, self.content.digest()):
                return revision
        return ""

    def _statuses(self, revision: str) -> list[Document]:
        """Deployments of a revision in the stated environments, with their states."""
        if not revision:
            return []
        found = [self.calls.status(environment, revision) for environment in self.environments]
        return [
            {"environment": environment, "revision": revision, **status}
            for environment, status in zip(self.environments, found, strict=True)
            if status is not None
        ]

    def readiness(self, found: Document) -> tuple[State, str]:
        """PENDING while a wanted deployment is under way. One that failed is a difference: it is deployed again."""
        words = [str(one.get("state") or "") for one in self._ours(found)]
        if self._joining and "ERROR" in words:
            self._joining = False
            bad = next(one for one in self._ours(found) if one.get("state") == "ERROR")
            raise rollout.failure(self.calls, bad["environment"], bad["revision"], bad, [])
        if "PROGRESSING" in words or "RUNTIME_STATE_UNSPECIFIED" in words:
            if self._joining and self.context.wait and not self.context.check and self.wire.deadline.over():
                self._joining = False
                slow = next(one for one in self._ours(found) if one.get("state") != "READY")
                raise rollout.late(self.calls, slow["environment"], slow["revision"], slow, [])
            return State.PENDING, "PROGRESSING"
        return State.READY, "ERROR" if "ERROR" in words else "READY"

    def _ours(self, found: Document) -> list[Document]:
        """Deployments of the wanted revision in the stated environments."""
        return [
            one
            for one in found.get("deployments") or []
            if str(one.get("revision")) == self.wanted_revision and one.get("environment") in self.environments
        ]

    # -- comparing ---------------------------------------------------------------------------------------------

    def difference(self, found: Document) -> list[Change]:
        """Content, deployments, service account, labels."""
        changes: list[Change] = []
        latest = str(found.get("latestRevisionId") or "")
        wanted = self.wanted_revision or str(self.options.get("revision") or "") or self.next_revision(found)
        if not self.wanted_revision and self.options.get("revision") is None and self.content.digest():
            changes.append(Change("revision", telling.number(latest), telling.number(wanted), _REVISION, "revision"))
        deployed = {str(one.get("environment")): one for one in found.get("deployments") or []}
        for environment in self.environments:
            changes.extend(self.deployment_changes(environment, deployed.get(environment), wanted))
        if self.options.get("undeploy_elsewhere"):
            for environment in sorted(set(deployed) - set(self.environments)):
                before = telling.number(deployed[environment].get("revision"))
                changes.append(Change(f"environments[{environment}]", before, None, _ENVIRONMENTS, "environments"))
        before, after = (
            found.get("labels") or {},
            wanted_labels(found, self.options.get("labels"), self.wanted_revision, self.content.digest()),
        )
        for label in sorted(set(before) | set(after)):
            if before.get(label) != after.get(label):
                changes.append(Change(f"labels.{label}", before.get(label), after.get(label), _LABELS, "labels"))
        self._see_files(found, changes)
        self._plan = telling.planned(wanted, not self.wanted_revision and bool(self.content.digest()), changes)
        self._joining = not changes
        return changes

    def deployment_changes(self, environment: str, live: Document | None, wanted: str) -> list[Change]:
        name = f"environments[{environment}]"
        if live is None or str(live.get("revision")) != wanted:
            before = telling.number(live.get("revision")) if live else None
            return [Change(f"{name}.revision", before, telling.number(wanted), _ENVIRONMENTS, "environments")]
        if live.get("state") == "ERROR":
            return [Change(f"{name}.state", "ERROR", "READY", _ENVIRONMENTS, "environments")]
        account = self.options.get("service_account")
        there = normalise.service_account(live.get("serviceAccount"))
        if account is not None and (account or None) != (there or None):
            return [Change(f"{name}.service_account", there, account, _ENVIRONMENTS, "environments")]
        return []

    def _see_files(self, found: Document, changes: list[Change]) -> None:
        """Find the files that would change for those who call the proxy, to be shown."""
        self._files = []
        known = self.wanted_revision or self.content.digest()
        if not known or not any(change.field.endswith("revision") for change in changes):
            return
        serving = [
            str(one.get("revision"))
            for one in found.get("deployments") or []
            if one["environment"] in self.environments and str(one.get("revision")) != self.wanted_revision
        ]
        # Nothing else serves: a new revision is compared with the newest, one that exists with nothing.
        before = serving[0] if serving else "" if self.wanted_revision else str(found.get("latestRevisionId") or "")
        if before:
            after = self.calls.download(self.wanted_revision) if self.wanted_revision else self.content.bundle()
            self._files = diffs.compare(self.calls.download(before), after, self.name)

    def fixed(self, changes: list[Change]) -> list[Change]:
        """Everything about a proxy changes in place: its content by a new revision."""
        return []

    def examine(self, found: Document, changes: list[Change]) -> list[str]:
        """A pinned revision must exist; base paths must be free, in Apigee's view where it can tell already."""
        pinned = self.options.get("revision")
        if pinned is not None and not self.wanted_revision:
            there = ", ".join(str(one) for one in found.get("revision") or [])
            return [f"revision {pinned} does not exist. There are: {there}."]
        problems = [
            f"it is deployed to environment {one['environment']}, but {routes.conflict_text(conflict)}. Choose another "
            "base path, or undeploy that proxy."
            for one in self._ours(found)
            for conflict in one.get("routeConflicts") or []
        ]
        if not problems and not self.wanted_revision and any(change.field == "revision" for change in changes):
            problems = self.taken()
        elif not problems and self.wanted_revision:
            for environment in self._to_deploy(changes):
                try:
                    forbids, moves = self.report(environment)
                except ApiError as error:
                    if not error.missing:
                        raise
                    # An environment that is still to be made; the report is asked for again before the deployment.
                    continue
                problems.extend(f"it cannot be deployed to environment {environment}: {one}." for one in forbids)
                self.moves.extend(move for move in moves if move not in self.moves)
        self.checked = True
        return problems

    def examine_creation(self) -> list[str]:
        """A pinned revision needs a proxy, and base paths must be free."""
        if self.options.get("revision") is not None:
            return [
                f"it does not exist, so there is no revision {self.options['revision']}. State bundle or base_path."
            ]
        self.checked = True
        self._files = diffs.compare(None, self.content.bundle(), self.name)
        self._plan = " and ".join(["would import revision 1", *(f"deploy it in {one}" for one in self.environments)])
        return self.taken()

    def report(self, environment: str) -> tuple[list[str], list[str]]:
        """Apigee's change report on the wanted revision, asked for once per environment."""
        if environment not in self._reports:
            report = self.calls.report(environment, self.wanted_revision, self.override)
            self._reports[environment] = routes.reported(report)
        return self._reports[environment]

    def taken(self) -> list[str]:
        return routes.conflicts(self, self.content.base_paths())

    def _to_deploy(self, changes: list[Change]) -> list[str]:
        return [
            environment
            for environment in self.environments
            if any(change.field.startswith(f"environments[{environment}].") for change in changes)
        ]

    @property
    def override(self) -> bool:
        return self.options.get("override") is not False

    @staticmethod
    def next_revision(found: Document) -> str:
        numbers = [int(one) for one in found.get("revision") or [] if str(one).isdigit()]
        return str(max(numbers, default=0) + 1)

    # -- writing -----------------------------------------------------------------------------------------------

    def create(self) -> None:
        """Import, label, deploy. What another run has left half-made is completed."""
        # Looked for already, unless something else had to be made first.
        work.bring_about(self, {} if self.checked else self.read() or {})

    def update(self, found: Document, changes: list[Change]) -> None:
        """The same, beginning at what differs."""
        work.bring_about(self, found)

    def delete(self, found: Document) -> None:
        """Undeploy everywhere, wait until nothing serves, delete."""
        for one in self.calls.deployments():
            work.undeploy(self, str(one["environment"]), str(one["revision"]))
        self.calls.delete()

    # -- telling -----------------------------------------------------------------------------------------------

    def diff(self, action: str, found: Document | None, changes: list[Change]) -> Document | list[Document] | None:
        """The files that differ, one after the other, then what else differs."""
        rest = [change.shown() for change in changes]
        if action == "created":
            rest = [{"field": f"environments[{one}].revision", "before": None, "after": 1} for one in self.environments]
        return telling.difference(f"{self.kind} {self.name}", action, found, self._files, rest)

    def remark(self, action: str) -> str:
        """``would import revision 8 and deploy it over 7 in prod``, or what was done."""
        if self.done:
            return self._with_moves("; ".join(self.done))
        if not self.context.check or action not in ("created", "updated"):
            return ""
        return self._with_moves(self._plan)

    def _with_moves(self, text: str) -> str:
        return "; ".join([text, *self.moves]) if text else ""

    def output(self, found: Document) -> Options:
        """Revisions, digest, and one entry per deployment."""
        labels = found.get("labels") or {}
        return {
            "organization": self.organization,
            "name": self.name,
            "revision": telling.number(self.wanted_revision),
            "latest_revision": telling.number(found.get("latestRevisionId")),
            "revisions": [telling.number(one) for one in found.get("revision") or []],
            "digest": self.content.digest() or labels.get(DIGEST_LABEL),
            "labels": users_labels(labels),
            "deployments": [telling.deployment(one) for one in found.get("deployments") or []],
        }

    def predicted(self) -> Options:
        """The same for a proxy that is still to be made."""
        return {
            "organization": self.organization,
            "name": self.name,
            "revision": 1,
            "latest_revision": 1,
            "revisions": [1],
            "digest": self.content.digest() or None,
            "labels": dict(self.options.get("labels") or {}),
            "deployments": [
                {**telling.deployment({"environment": one, "revision": 1}), "state": None} for one in self.environments
            ],
        }
