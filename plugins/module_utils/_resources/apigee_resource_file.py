# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Resource file of an environment: a script, a schema, a property set. Private to the collection.

Contents are compared by their digest and never shown: property sets are where people keep what should be in a key
value map. The API has such files in environments only; those of a proxy or a shared flow are in its bundle.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import typing as t

from .._engine.compare import Change
from .._engine.fields import Document, Field, Options
from .._google.errors import ApiError, Failure
from .apigee_common import IN_ENVIRONMENT, ApigeeResource
from .apigee_keystore import ENVIRONMENT_PATH
from .apigee_ownership import RecordMark

#: Source: Apigee "Managing resources", resource types.
TYPES = ("graphql", "java", "jsc", "oas", "properties", "py", "wsdl", "xsd", "xsl")
_SOURCES = ("content", "content_base64", "src")
_RAW = "application/octet-stream"


class ApigeeResourceFile(ApigeeResource):
    """``organizations.environments.resourcefiles``: every write is synchronous."""

    kind = "apigee_resource_file"
    title = "resource file"
    family = None
    path = ENVIRONMENT_PATH + "/resourcefiles/{type}/{name}"
    parent_path = ENVIRONMENT_PATH + "/resourcefiles"
    update_method = "PUT"
    mark = RecordMark()
    fields = (
        *IN_ENVIRONMENT,
        Field("type", required=True, identity=True, choices=TYPES),
        Field("name", required=True, identity=True),
        Field("content", api=None, secret=True),
        Field("content_base64", api=None, secret=True),
        Field("src", type="path", api=None),
        Field("digest", output=True),
        Field("size", type="int", output=True),
    )
    required_if = (("state", "present", _SOURCES, True),)
    mutually_exclusive = (_SOURCES,)

    @property
    def name(self) -> str:
        """Its environment, its type and its name."""
        return "/".join(str(self.options.get(option)) for option in ("environment", "type", "name"))

    def validate(self) -> list[str]:
        """Whether there is content, and it can be read."""
        if self.options.get("state", "present") != "present":
            return []
        try:
            self.wanted()
        except Failure as error:
            return [str(error)]
        return []

    def wanted(self) -> bytes:
        """The content as it should be. Raises Failure."""
        if self.options.get("content") is not None:
            return str(self.options["content"]).encode("utf-8")
        if self.options.get("content_base64") is not None:
            try:
                return base64.b64decode(self.options["content_base64"], validate=True)
            except (binascii.Error, ValueError):
                raise Failure("content_base64 is no base64. Use the filter b64encode, or state src.") from None
        source = self.options.get("src")
        if source is None:
            raise Failure("the content is missing. State content, content_base64 or src.")
        try:
            with open(source, "rb") as file:
                return file.read()
        except OSError as error:
            raise Failure(f"src: {source} cannot be read: {error.strerror or error}.") from None

    # -- reading -----------------------------------------------------------------------------------------------

    def read(self) -> Document | None:
        """The file with its content (bytes)."""
        try:
            content = self.wire.send(self.service, "GET", self.url()).content
        except ApiError as error:
            if error.missing:
                return None
            raise
        return {"name": self.options["name"], "type": self.options["type"], "content": content}

    def listed(self) -> list[tuple[Options, Document | None]]:
        """Names and types alone."""
        found = self.wire.find(self.service, self.parent_url()) or {}
        return [(self.identify(entry), None) for entry in found.get("resourceFile") or []]

    def everything(self) -> list[Document]:
        """All files of the environment; of one type, where a type is stated."""
        wanted = self.options.get("type")
        single = [type(self)({**self.options, **named}, self.context) for named, _none in self._of_type(wanted)]
        for one in single:
            one.wire = self.wire
        return [found for found in (one.read() for one in single) if found is not None]

    def _of_type(self, wanted: t.Any) -> list[tuple[Options, Document | None]]:
        plain = type(self)({k: v for k, v in self.options.items() if k not in ("type", "name")}, self.context)
        plain.wire = self.wire
        return [entry for entry in plain.listed() if wanted in (None, entry[0]["type"])]

    def declaration(self, found: Document) -> Options:
        """With the content: as text where it is text."""
        try:
            return {**self._place(), "content": found["content"].decode("utf-8")}
        except UnicodeDecodeError:
            return {**self._place(), "content_base64": base64.b64encode(found["content"]).decode("ascii")}

    def withheld(self, found: Document) -> list[str]:
        """Nothing: whoever may read the declaration may read the file."""
        return []

    def output(self, found: Document) -> Options:
        """Digest and size, never the content."""
        return {**self._place(found), **_told(found["content"])}

    def predicted(self) -> Options:
        """The same for one that is still to be made."""
        return {**self._place(), **_told(self.wanted())}

    def _place(self, found: Document | None = None) -> Options:
        named = {name: found[name] for name in ("type", "name")} if found else {}
        return {**{name: value for name, value in self.options.items() if name in self._shown_identity()}, **named}

    # -- comparing and writing ---------------------------------------------------------------------------------

    def difference(self, found: Document) -> list[Change]:
        """By digest."""
        before, after = _told(found["content"])["digest"], _told(self.wanted())["digest"]
        field = next(field for field in self.fields if field.name == "digest")
        return [] if before == after else [Change("digest", before, after, field, "digest")]

    def diff(
        self, action: str, found: Document | None, changes: list[Change]
    ) -> dict[str, t.Any] | list[dict[str, t.Any]] | None:
        """Digests and sizes."""
        before = _told(found["content"]) if found is not None and (action == "deleted" or changes) else {}
        after = _told(self.wanted()) if action in ("created", "recreated", "updated") else {}
        if not before and not after:
            return None
        label = f"{self.kind} {self.name}"
        return {"before_header": label, "after_header": label, "before": before, "after": after}

    def create(self) -> None:
        """Upload it."""
        query = {"name": self.options["name"], "type": self.options["type"]}
        self._upload("POST", self.parent_url(), query)

    def update(self, found: Document, changes: list[Change]) -> None:
        """Replace the content."""
        self._upload("PUT", self.url(), {})

    def _upload(self, method: str, path: str, query: dict[str, str]) -> None:
        self.wire.send(
            self.service, method, path, query=query, content=self.wanted(), content_type=_RAW, repeatable=True
        )


def _told(content: bytes) -> Options:
    return {"digest": "sha256:" + hashlib.sha256(content).hexdigest(), "size": len(content)}
