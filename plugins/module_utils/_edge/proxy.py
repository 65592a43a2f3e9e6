# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""API proxies of Edge: content as a revision, deployed to one environment. Private to the collection.

Gateways download of a proxy its base path and its target alone, and only if its name begins with ``edgemicro_``. The
proxy ``edgemicro-auth`` is one that really runs on Edge. Edge's own calls for deployments are not Apigee X's.
"""

from __future__ import annotations

import dataclasses
import typing as t
from urllib.parse import quote

from .._apigee import bundle as bundles
from .._apigee import markup
from .._engine.compare import Change
from .._engine.context import Context
from .._engine.fields import Document, Field, Options
from .._engine.ownership import SENTENCE, Mark
from .._engine.resource import Resource
from .._google.errors import ApiError
from .._resources.apigee_revision_calls import RevisionCalls
from .._resources.apigee_revision_content import Content
from .organization import ENVIRONMENT, ORGANIZATION, OnEdge

_CONTENT = Field("content", api=None)
_REVISION = Field("revision", api=None)


class _RevisionMark(Mark):
    """A sentence in the description of the newest revision: Edge has no other place for it."""

    def owned(self, resource: Resource, found: Document) -> bool:
        return t.cast("EdgeProxy", resource).is_ours(found)


class EdgeProxy(OnEdge, Resource):
    """``organizations.apis`` with the deployment to one environment."""

    kind = "edge_proxy"
    title = "Edge proxy"
    path = "v1/organizations/{organization}/apis/{name}"
    mark: t.ClassVar[Mark] = _RevisionMark()
    fields = (
        ORGANIZATION,
        ENVIRONMENT,
        Field("name", required=True, identity=True),
        Field("bundle", type="path", api=None),
        Field("base_path", api=None),
        Field("target_url", api=None),
        Field("description", api=None),
        Field("revision", output=True),
        Field("revisions", type="list", elements="str", output=True),
    )
    required_if = (("state", "present", ("bundle", "base_path"), True),)
    mutually_exclusive = (("bundle", "base_path"),)
    required_together = (("base_path", "target_url"),)

    def __init__(self, options: Options, context: Context) -> None:
        super().__init__(options, context)
        self.content = _Marked(self.options)
        self.calls = RevisionCalls(self.wire, str(self.options.get("organization")), "apis", str(self.options.get("name")))

    def validate(self) -> list[str]:
        """What is wrong with the options, or with the bundle as a file."""
        if not self.options.get("base_path") and not self.options.get("bundle"):
            return []
        base_path = str(self.options.get("base_path") or "/")
        if not base_path.startswith("/"):
            return [f"base_path is {base_path!r}. Write /{base_path}."]
        try:
            content = self.content.bundle()
        except (bundles.BundleError, ValueError) as error:
            return getattr(error, "problems", [str(error)])
        if content and content.root != "apiproxy":
            return [f"bundle {self.options['bundle']} holds {content.root}, not apiproxy."]
        return []

    # -- reading -----------------------------------------------------------------------------------------------

    def read(self) -> Document | None:
        """Numbers of the revisions, and where which is deployed."""
        found = self.calls.get()
        if found is None:
            return None
        told = self.wire.find(self.service, f"{self.url()}/deployments") or {}
        deployed = {
            str(place["name"]): str(one["name"])
            for place in told.get("environment") or []
            for one in place.get("revision") or []
        }
        revisions = sorted((str(one) for one in found.get("revision") or []), key=int)
        there = deployed.get(str(self.options["environment"]), "")
        return {"revisions": revisions, "deployed": deployed, "revision": there}

    def is_ours(self, found: Document) -> bool:
        """Whether the newest revision carries our sentence."""
        newest = self.calls.download(found["revisions"][-1]) if found["revisions"] else None
        return newest is not None and SENTENCE in _description(newest)

    # -- comparing ---------------------------------------------------------------------------------------------

    def difference(self, found: Document) -> list[Change]:
        """The content of what is deployed here."""
        there = found["revision"]
        if there and self.calls.same_content(there, self.content.digest()):
            return []
        kept = self._kept(found)
        changes = [] if kept else [Change("content", there or None, "new revision", _CONTENT, "content")]
        return [*changes, Change("revision", there or None, kept or "new", _REVISION, "revision")]

    def fixed(self, changes: list[Change]) -> list[Change]:
        """Nothing: a new revision takes the old one's place."""
        return []

    def _kept(self, found: Document) -> str:
        """The newest revision, if it holds the wanted content: one that a killed run imported and did not deploy."""
        newest = found["revisions"][-1] if found["revisions"] else ""
        return newest if newest and self.calls.same_content(newest, self.content.digest()) else ""

    # -- writing -----------------------------------------------------------------------------------------------

    def create(self) -> None:
        """Import, deploy."""
        self._deploy(self._import())

    def update(self, found: Document, changes: list[Change]) -> None:
        """Deploy what is there already, or import it first. The old revision serves until the new one does."""
        self._deploy(self._kept(found) or self._import())

    def _import(self) -> str:
        return self.calls.upload(t.cast(bundles.Bundle, self.content.bundle()))

    def _deploy(self, revision: str) -> None:
        # With override, Edge itself takes the old revision away once the new one is there.
        self.wire.send(self.service, "POST", self._place(str(self.options["environment"]), revision),
                       query={"override": True, "delay": 15}, repeatable=False)

    def delete(self, found: Document) -> None:
        """Everywhere, then the proxy with all its revisions."""
        for environment, revision in sorted(found["deployed"].items()):
            try:
                self.wire.send(self.service, "DELETE", self._place(environment, revision))
            except ApiError as error:
                if not error.missing:
                    raise
        self.calls.delete()

    def _place(self, environment: str, revision: str) -> str:
        organization, name = (quote(str(self.options[key]), safe="") for key in ("organization", "name"))
        place = f"v1/organizations/{organization}/environments/{quote(environment, safe='')}"
        return f"{place}/apis/{name}/revisions/{quote(revision, safe='')}/deployments"


class _Marked(Content):
    """The wanted content with our sentence in its description, by which we know it again."""

    def __init__(self, options: Options) -> None:
        super().__init__(options, "apis")
        self._stamped: bundles.Bundle | None = None

    def bundle(self) -> bundles.Bundle | None:
        """Raises BundleError."""
        if self._stamped is None:
            content = super().bundle()
            self._stamped = content and _stamped(content)
        return self._stamped


def _descriptor(content: bundles.Bundle) -> tuple[str, t.Any]:
    path = content.descriptor
    if path is None:
        raise bundles.BundleError(["the bundle has no file that describes it: one XML file directly below apiproxy."])
    try:
        return path, markup.parse(content.files[path])
    except markup.MarkupError as error:
        raise bundles.BundleError([f"{path} is no XML: {error}."]) from error


def _description(content: bundles.Bundle) -> str:
    try:
        _path, root = _descriptor(content)
    except bundles.BundleError:
        return ""
    return markup.local_text(root.find("Description"))


def _stamped(content: bundles.Bundle) -> bundles.Bundle:
    from xml.etree import ElementTree

    path, root = _descriptor(content)
    element = root.find("Description")
    if element is None:
        element = ElementTree.SubElement(root, "Description")
    element.text = f"{(element.text or '').strip()} {SENTENCE}".strip()
    text = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return dataclasses.replace(content, files={**content.files, path: text})
