# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What API proxies and shared flows have in common: content as revisions, and where these serve. Private to the collection.

Apigee makes a new revision at every import, of equal content too, and keeps 250. So content is compared before anything
is sent: with what the object remembers about its revisions, else with the newest and the deployed ones themselves.

Order of writes: make room, import, remember, deploy, undeploy elsewhere, prune. A run that is cut off between any two
of them is completed by the next: an imported revision that nobody remembers is recognised by its content.
"""

from __future__ import annotations

import typing as t

from .._apigee import bundle as bundles
from .._apigee import diff as diffs
from .._engine.compare import Change
from .._engine.fields import Document, Field, Options
from .._engine.resource import Reference, State
from . import apigee_deployment_status as statuses
from . import apigee_revision_comparing as comparing
from . import apigee_revision_declared as declared
from . import apigee_revision_pruning as pruning
from . import apigee_revision_reading as reading
from . import apigee_revision_telling as telling
from . import apigee_revision_work as work
from .apigee_common import ApigeeResource
from .apigee_revision_calls import RevisionCalls
from .apigee_revision_content import Content

#: Options of both kinds, after those that say what the content is.
OPTIONS = (
    comparing.REVISION,
    comparing.ENVIRONMENTS,
    Field("undeploy_elsewhere", type="bool", api=None),
    Field("service_account", api=None),
    Field("override", type="bool", api=None),
    Field("rollback", type="bool", api=None),
    Field("keep_revisions", type="int", api=None),
    Field("lint", choices=("auto", "required", "none"), api=None),
)


class ApigeeRevisions(ApigeeResource):
    """A collection of revisions with deployments. ``found`` is Google's object with its ``deployments``."""

    family = None
    timeout = 600.0
    long_running = True
    #: Folder in Apigee's paths: ``apis`` or ``sharedflows``.
    collection: t.ClassVar[str]
    #: Options that say what the content is; any of them makes content comparable.
    sources: t.ClassVar[tuple[str, ...]] = ("bundle",)

    def __init__(self, options: Options, context: t.Any) -> None:
        super().__init__(options, context)
        self._calls: RevisionCalls | None = None
        self.content = self.make_content()
        #: The revision that holds what is wanted; empty while it has to be imported.
        self.wanted_revision = ""
        #: Environments where another revision with the same content is deployed: as good as the wanted one.
        self.equal: dict[str, str] = {}
        self._files: list[dict[str, str]] = []
        self.moves: list[str] = []
        self.done: list[str] = []
        #: Whether this run has seen its deployments to a good end.
        self.settled = False
        self._plan = ""
        self.checked = False
        self._joining = False

    @property
    def _items(self) -> str:
        """Name of the array in Apigee's list."""
        return {"apis": "proxies", "sharedflows": "sharedFlows"}[self.collection]

    def make_content(self) -> Content:
        """The wanted content, read when first asked for."""
        return Content(self.options, self.collection)

    @property
    def calls(self) -> RevisionCalls:
        """The line to Apigee; made when first used, since the project may have to be asked for."""
        if self._calls is None:
            self._calls = RevisionCalls(self.wire, self.organization, self.collection, self.name)
        return self._calls

    # -- what kinds differ in ----------------------------------------------------------------------------------

    def remembered(self, found: Document) -> str:
        """The revision with the wanted content as far as that is known without a download; else empty."""
        return ""

    def known_to_differ(self, found: Document, revision: str) -> bool:
        """Whether it is known without a download that a revision has other content than is wanted."""
        return False

    def remember(self, found: Document, imported: bool) -> None:
        """Note which revision has the wanted content."""

    def memory_changes(self, found: Document) -> list[Change]:
        """What of that memory would change."""
        return []

    def forget_content(self, found: Document) -> None:
        """Drop what is remembered of contents, before a revision gets another one."""

    def reusable(self, found: Document) -> str:
        """A revision that may be overwritten instead of making another one; empty when there is none."""
        return ""

    def taken(self) -> list[str]:
        """What forbids importing the wanted content, seeing what others have deployed: sentences."""
        return []

    def forbidden(self, environment: str) -> list[str]:
        """What forbids deploying the wanted revision, in Apigee's words."""
        return []

    def probe(self) -> t.Any:
        """What asks whether a deployment answers; None where nothing is asked."""
        return None

    # -- what is wanted ----------------------------------------------------------------------------------------

    @property
    def environments(self) -> list[str]:
        """Where it should serve."""
        return list(self.options.get("environments") or [])

    def wanted_in(self, environment: str) -> str:
        """The revision that should serve in an environment; empty while it has to be imported."""
        return self.equal.get(environment) or self.wanted_revision

    def same_content(self, revision: str) -> bool:
        """Whether a revision holds the wanted content; False for a pinned revision, which has only its number."""
        return bool(self.content.digest()) and self.calls.same_content(revision, self.content.digest())

    @property
    def pinned(self) -> bool:
        """Whether an existing revision is wanted instead of content."""
        return self.options.get("revision") is not None

    def validate(self) -> list[str]:
        """Everything that is wrong with the bundle and the options, before anything is sent."""
        return self.content.problems() + pruning.invalid(self.options.get("keep_revisions"))

    def references(self) -> list[Reference]:
        """Environments come first, without keeping an existing object from being read."""
        needed = super().references()
        return needed + [Reference("apigee_environment", name, needed=False) for name in self.environments]

    # -- reading -----------------------------------------------------------------------------------------------

    def read(self) -> Document | None:
        """The object with its deployments."""
        return reading.read(self)

    def everything(self) -> list[Document]:
        """All of the organisation, each with its deployments."""
        listed = self.wire.get(self.service, self.parent_url()).get(self._items) or []
        options = {name: value for name, value in self.options.items() if name != "name"}
        others = [type(self)({**options, "name": one["name"]}, self.context) for one in listed]
        for other in others:
            other.wire = self.wire
        found = [other.read() for other in others]
        return [one for one in found if one is not None]

    def listed(self) -> list[tuple[Options, Document | None]]:
        """Names alone."""
        listed = (self.wire.find(self.service, self.parent_url()) or {}).get(self._items) or []
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

    def readiness(self, found: Document) -> tuple[State, str]:
        """PENDING while a wanted deployment is under way. One that failed is a difference: it is deployed again."""
        looked = [(one, statuses.word(one, str(one.get("revision")))) for one in self._ours(found)]
        words = [word for one, word in looked]
        # READY is said while replicas still lack the revision.
        under_way = any(word in ("PROGRESSING", "PARTLY", "RUNTIME_STATE_UNSPECIFIED") for word in words)
        if self._joining and self.context.wait and not self.context.check and (under_way or "ERROR" in words):
            self._joining = False
            work.settle(self, [work.joined(self, one) for one, word in looked if word != "READY"])
            return State.PENDING, "PROGRESSING"
        if under_way:
            return State.PENDING, "PROGRESSING"
        return State.READY, "ERROR" if "ERROR" in words else "READY"

    def _ours(self, found: Document) -> list[Document]:
        """Deployments of the wanted revision in the stated environments."""
        return [
            one
            for one in found.get("deployments") or []
            if one.get("environment") in self.environments
            and str(one.get("revision")) == self.wanted_in(str(one.get("environment")))
        ]

    # -- comparing ---------------------------------------------------------------------------------------------

    def difference(self, found: Document) -> list[Change]:
        """Content, deployments, service account, what is remembered, superfluous revisions."""
        wanted = self.wanted_revision or str(self.options.get("revision") or "") or self.coming_revision(found)
        changes = comparing.changes(self, found, wanted)
        self._files = comparing.files(self, found, changes)
        changes.extend(pruning.changes(self, found, wanted))
        self._plan = telling.planned(wanted, not self.wanted_revision and bool(self.content.digest()), changes)
        self._joining = not changes
        return changes

    def fixed(self, changes: list[Change]) -> list[Change]:
        """Everything changes in place: content by a new revision."""
        return []

    def examine(self, found: Document, changes: list[Change]) -> list[str]:
        """A pinned revision must exist; nobody else may be in the way, in Apigee's view where it can tell already."""
        if self.pinned and not self.wanted_revision:
            there = ", ".join(str(one) for one in found.get("revision") or [])
            return [f"revision {self.options['revision']} does not exist. There are: {there}."]
        problems = self.in_the_way(found, changes)
        if not problems and not self.wanted_revision and any(change.field == "revision" for change in changes):
            problems = pruning.obstacle(self, found) or work.preview_import(self)
        self.checked = True
        return problems

    def in_the_way(self, found: Document, changes: list[Change]) -> list[str]:
        """What others have that keeps the changes from being made: sentences."""
        return []

    def examine_creation(self) -> list[str]:
        """A pinned revision needs an object, and nobody else may be in the way."""
        if self.pinned:
            return [
                f"it does not exist, so there is no revision {self.options['revision']}. State "
                f"{' or '.join(self.sources)}."
            ]
        self.checked = True
        self._files = diffs.compare(None, self.content.bundle(), self.name)
        self._plan = " and ".join(["would import revision 1", *(f"deploy it in {one}" for one in self.environments)])
        return self.taken() or work.preview_import(self)

    def to_deploy(self, changes: list[Change]) -> list[str]:
        """Environments in which something would be deployed."""
        return [
            environment
            for environment in self.environments
            if any(change.field.startswith(f"environments[{environment}].") for change in changes)
        ]

    @property
    def override(self) -> bool:
        """Whether a deployed revision is replaced without a gap."""
        return self.options.get("override") is not False

    def coming_revision(self, found: Document) -> str:
        """The number that an import will get, as far as can be told."""
        numbers = [int(one) for one in found.get("revision") or [] if str(one).isdigit()]
        return self.reusable(found) or str(max(numbers, default=0) + 1)

    # -- writing -----------------------------------------------------------------------------------------------

    def create(self) -> None:
        """Import, remember, deploy. What another run has left half-made is completed."""
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
        first = next((self.equal[one] for one in self.environments if one in self.equal), self.wanted_revision)
        return {
            "organization": self.organization,
            "name": self.name,
            "revision": telling.number(first),
            "latest_revision": telling.number(found.get("latestRevisionId")),
            "revisions": [telling.number(one) for one in found.get("revision") or []],
            "digest": self.content.digest() or None,
            "advice": self.content.advice(),
            "deployments": [telling.deployment(one) for one in found.get("deployments") or []],
        }

    def predicted(self) -> Options:
        """The same for one that is still to be made."""
        return {
            "organization": self.organization,
            "name": self.name,
            "revision": 1,
            "latest_revision": 1,
            "revisions": [1],
            "digest": self.content.digest() or None,
            "advice": self.content.advice(),
            "deployments": [
                {**telling.deployment({"environment": one, "revision": 1}), "state": None} for one in self.environments
            ],
        }
