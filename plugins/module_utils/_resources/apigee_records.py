# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The records of what we made in an organisation and Apigee gives no place for a mark. Private to the collection.

A record is an entry of the organisation's key value map ``gatewayops-ownership``. It is written twice: ``making`` before
Google is asked to make the object, ``made`` once Google has. So a run that is killed in between leaves a record that says
so, and that alone makes nothing ours. Where Google tells when an object was made, the record tells it too: another object
of the same name is another one. All records are read at once, when the first of a run is asked for.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import typing as t
from urllib.parse import quote

from .._google.errors import ApiError
from .apigee_model import hidden

if t.TYPE_CHECKING:
    from .._engine.fields import Document
    from .._engine.resource import Resource

MAP = "gatewayops-ownership"

#: What tells where an object is, beside the organisation and its name.
_PLACES = ("environment", "proxy", "keystore")


@dataclasses.dataclass(frozen=True)
class Record:
    """What is known of one object.

    name     as :attr:`Resource.name`
    made     Google has said that it made it for us, or it was adopted
    created  when, in Google's words; "" where Google does not tell
    inside   what it is in: option -> name
    aliases  of a keystore: what we have put into it that has no records of its own
    """

    kind: str
    name: str
    made: bool = False
    created: str = ""
    inside: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    aliases: tuple[str, ...] = ()

    @classmethod
    def of(cls, resource: Resource, **more: t.Any) -> Record:
        """The record of an object that is to be made."""
        inside = {place: str(resource.options[place]) for place in _PLACES if resource.options.get(place)}
        return cls(resource.kind, resource.name, inside=inside, **more)

    @classmethod
    def read(cls, value: str) -> Record:
        """From an entry; what cannot be read tells nothing."""
        try:
            told = json.loads(value)
            return cls(
                str(told["kind"]),
                str(told["name"]),
                told.get("state") == "made",
                str(told.get("created") or ""),
                dict(told.get("inside") or {}),
                tuple(told.get("aliases") or ()),
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            return cls("", "")

    @property
    def key(self) -> str:
        """What the entry is called: the kind and what tells the object from its like, apart also where names have dots."""
        readable = ".".join(part.strip("/") for part in (self.kind, *self.name.split("/")))
        if "." not in self.name:
            return readable
        return f"{readable}-{hashlib.sha256(self.name.encode()).hexdigest()[:8]}"

    @property
    def entry(self) -> Document:
        """The entry."""
        value: Document = {"kind": self.kind, "name": self.name, "state": "made" if self.made else "making"}
        more = {"inside": dict(self.inside), "created": self.created, "aliases": list(self.aliases)}
        value.update({name: told for name, told in more.items() if told})
        return {"name": self.key, "value": json.dumps(value)}


class Records:
    """The records of one organisation; one such object for all who ask in a run."""

    def __init__(self, organization: str) -> None:
        self._maps = f"v1/organizations/{organization}/keyvaluemaps"
        self._entries = f"{self._maps}/{MAP}/entries"
        self._lock = ("records", organization)
        self._known: dict[str, Record] | None = None
        #: Keys of records that this run was the one to begin.
        self._begun: set[str] = set()

    @classmethod
    def of(cls, resource: t.Any) -> Records:
        """Those of an object's organisation."""
        name: str = resource.organization
        return resource.context.once(("apigee_records", name), lambda: cls(name))

    def all(self, resource: Resource) -> dict[str, Record]:
        """All records by their keys: read once. An organisation without the map, or that is gone, has none."""
        with resource.context.lock(self._lock):
            if self._known is None:
                try:
                    entries = resource.wire.pages("apigee", self._entries, "keyValueEntries")
                except ApiError as error:
                    if not (error.missing or hidden(error)):
                        raise
                    entries = []
                self._known = {str(one["name"]): Record.read(str(one.get("value") or "")) for one in entries}
            return dict(self._known)

    def find(self, resource: Resource) -> Record | None:
        """The record of an object."""
        found = self.all(resource).get(Record.of(resource).key)
        return found if found and (found.kind, found.name) == (resource.kind, resource.name) else None

    def begin(self, resource: Resource, record: Record) -> None:
        """Note that an object is about to be made, and first make the map where there is none.

        A record that is there already stays as it is: another run that makes the same object now may have written it.
        """
        if self._add(resource, record):
            self._begun.add(record.key)
            self._note(resource, record.key, record)

    def confirm(self, resource: Resource, record: Record) -> None:
        """Note that an object is ours."""
        record = dataclasses.replace(record, made=True)
        try:
            resource.wire.send("apigee", "PUT", self._path(record.key), body=record.entry, repeatable=True)
        except ApiError as error:
            if not error.missing:
                raise
            self._add(resource, record)
        self._note(resource, record.key, record)

    def withdraw(self, resource: Resource, record: Record) -> None:
        """Take back what this run has begun, unless another run has made the object meanwhile.

        That run may note it between a look at the record and its removal. So the removal itself is the look: Apigee
        answers with the entry that it deleted, and one that says "made" is written again. The map stays, even empty,
        because the other run may be about to write to it.
        """
        if record.key not in self._begun:
            return
        try:
            deleted = resource.wire.send("apigee", "DELETE", self._path(record.key)).json()
        except ApiError as error:
            if not error.missing:
                raise
            deleted = {}
        found = Record.read(str(deleted.get("value") or ""))
        if found.made:
            self._post(resource, found)
        self._note(resource, record.key, found if found.made else None)

    def remove(self, resource: Resource, keys: t.Iterable[str]) -> None:
        """Remove records, and the map with the last of them."""
        for key in keys:
            _forgiving(lambda error: error.missing, resource, "DELETE", self._path(key))
            self._note(resource, key, None)
        with resource.context.lock(self._lock):
            if self._known or not self._empty(resource):
                return
            _forgiving(lambda error: error.missing, resource, "DELETE", f"{self._maps}/{MAP}")

    def _empty(self, resource: Resource) -> bool:
        """Whether the map is there and holds nothing: other runs write to it too."""
        found = resource.wire.find("apigee", self._entries, {"pageSize": 1})
        return found is not None and not found.get("keyValueEntries")

    def _add(self, resource: Resource, record: Record) -> bool:
        """Whether the entry was not there before."""
        try:
            return self._post(resource, record)
        except ApiError as error:
            if not error.missing:
                raise
        _forgiving(
            lambda error: error.exists, resource, "POST", self._maps, {"name": MAP, "encrypted": True}, repeatable=True
        )
        return self._post(resource, record)

    def _post(self, resource: Resource, record: Record) -> bool:
        return _forgiving(lambda error: error.exists, resource, "POST", self._entries, record.entry, repeatable=True)

    def _note(self, resource: Resource, key: str, record: Record | None) -> None:
        with resource.context.lock(self._lock):
            if self._known is None:
                return
            if record is None:
                self._known.pop(key, None)
            else:
                self._known[key] = record

    def _path(self, key: str) -> str:
        return f"{self._entries}/{quote(key, safe='')}"


def _forgiving(
    forgiven: t.Callable[[ApiError], bool],
    resource: Resource,
    method: str,
    path: str,
    body: Document | None = None,
    repeatable: bool = False,
) -> bool:
    """Send a write that may have been made already; whether it was this one that made it."""
    try:
        resource.wire.send("apigee", method, path, body=body, repeatable=repeatable)
    except ApiError as error:
        if not forgiven(error):
            raise
        return error.uncertain
    return True
