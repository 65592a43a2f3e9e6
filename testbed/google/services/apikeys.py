# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""API keys of a project: soft deletion, restrictions, and a string that is told by one method alone."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import secrets
import uuid
from typing import Any

from testbed.google import gateway_picture
from testbed.google.errors import GoogleError, field_violation
from testbed.google.operations import Run
from testbed.google.paging import page
from testbed.google.rules import Pattern, Rule, Said
from testbed.google.service import Call, Service, handles, now, work
from testbed.google.store import Transaction

ALL = "apikeys.projects.locations.keys"
_TYPE = "type.googleapis.com/google.api.apikeys.v2."
_MUTABLE = ("displayName", "restrictions", "annotations")
_SOURCE = "apikeys.v2, text of "
_CLIENTS = ("browserKeyRestrictions", "serverKeyRestrictions", "androidKeyRestrictions", "iosKeyRestrictions")
RULES: list[Rule] = [
    Pattern("displayName", r".{0,63}", source=_SOURCE + "V2Key.displayName: at most 63 characters"),
    Said("at most one kind of client restriction", source="apikeys.v2, union field client_restrictions"),
    Said("allowedIps are addresses or ranges", source=_SOURCE + "V2ServerKeyRestrictions"),
]
GLOBAL = Said("global is the only location", source=_SOURCE + "keys.create: NOTE")


class ApiKeys(Service):
    """projects.locations.keys.*, keys.lookupKey and their operations."""

    document = "apikeys.v2"
    prefix = "apikeys"
    api = "apikeys.googleapis.com"
    volatile = ("keyString",)

    @handles(
        f"{ALL}.create",
        rules=[
            Pattern(
                "keyId",
                r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?",
                query=True,
                source=_SOURCE + "keys.create, parameter keyId",
            ),
            *RULES,
            GLOBAL,
            Said("the name of a deleted key is taken for 30 days", source="google-apis.md 4.13"),
        ],
    )
    def create(self, call: Call) -> dict[str, Any]:
        identifier = call.query.get("keyId") or str(uuid.uuid4())
        key = f"{self._parent(call, call.path['parent'])}/{identifier}"
        if call.store.exists(key):
            raise GoogleError(409, f"Resource already exists: {identifier}")
        given = {name: call.body[name] for name in (*_MUTABLE, "serviceAccountEmail") if call.body.get(name)}
        _check(given)
        document = {
            "name": f"projects/{call.project()['number']}/locations/global/keys/{identifier}",
            "uid": str(uuid.uuid4()),
            "keyString": "AIza" + secrets.token_urlsafe(48)[:35],
            "createTime": now(),
            "updateTime": now(),
            **given,
        }
        return self._start(call, key, document)

    @handles(f"{ALL}.get")
    def get(self, call: Call) -> dict[str, Any]:
        return _shown(self._named(call)[1])

    @handles(f"{ALL}.list", rules=[GLOBAL])
    def list(self, call: Call) -> dict[str, Any]:
        found = call.store.children(self._parent(call, call.path["parent"]))
        items = [_shown(one) for one in found if call.query.get("showDeleted") or "deleteTime" not in one]
        shown, following = page(items, call.query.get("pageSize"), call.query.get("pageToken"), 300)
        return {"keys": shown, "nextPageToken": following}

    @handles(f"{ALL}.getKeyString")
    def key_string(self, call: Call) -> dict[str, Any]:
        return {"keyString": self._named(call, call.path["name"].removesuffix("/keyString"))[1]["keyString"]}

    @handles(
        f"{ALL}.patch",
        rules=[
            *RULES,
            Said("changes displayName, restrictions and annotations alone", source=_SOURCE + "keys.patch, updateMask"),
            Said("an outdated etag is refused with 409 ABORTED", source=_SOURCE + "V2Key.etag; AIP-154"),
        ],
    )
    def patch(self, call: Call) -> dict[str, Any]:
        key, document = self._named(call)
        if "deleteTime" in document:
            raise GoogleError(404, f"Resource '{call.path['name']}' was not found: it is deleted.")
        _same(document, call.body.get("etag"))
        mask = call.mask or [name for name in _MUTABLE if name in call.body]
        for name in _MUTABLE if mask == ["*"] else mask:
            if name not in _MUTABLE:
                raise field_violation("updateMask", f"Field mask path {name} cannot be changed.")
            document.pop(name, None)
            if call.body.get(name):
                document[name] = call.body[name]
        _check(document)
        return self._start(call, key, {**document, "updateTime": now()})

    @handles(
        f"{ALL}.delete", rules=[Said("a deleted key can be brought back for 30 days", source=_SOURCE + "keys.delete")]
    )
    def delete(self, call: Call) -> dict[str, Any]:
        key, document = self._named(call)
        if "deleteTime" in document:
            raise GoogleError(404, f"Resource '{call.path['name']}' was not found: it is deleted.")
        _same(document, call.query.get("etag"))
        return self._start(call, key, {**document, "deleteTime": now()})

    @handles(f"{ALL}.undelete")
    def undelete(self, call: Call) -> dict[str, Any]:
        key, document = self._named(call)
        document.pop("deleteTime", None)
        return self._start(call, key, document)

    @handles("apikeys.keys.lookupKey", permission="")
    def lookup(self, call: Call) -> dict[str, Any]:
        found = by_string(call.store, call.query.get("keyString") or "")
        if found is None:
            raise GoogleError(403, "The caller does not have permission to look up this key, or it does not exist.")
        return {"parent": found["name"].rsplit("/keys/", 1)[0], "name": found["name"]}

    @handles("apikeys.operations.get", permission="")
    async def operation(self, call: Call) -> dict[str, Any]:
        return await call.operations.poll(call, call.path["name"])

    @work("apikeys.write")
    async def written(self, run: Run) -> dict[str, Any]:
        """Make the change visible; its answer holds the key string, as Google's does."""
        async with run.transaction() as tx:
            document = tx.put(run.arguments["key"], run.arguments["document"])
        await gateway_picture.push(run.emulator)
        return {"@type": _TYPE + "Key", **_shown(document), "keyString": document["keyString"]}

    def _start(self, call: Call, key: str, document: dict[str, Any]) -> dict[str, Any]:
        return call.operations.start(
            call,
            "longrunning",
            scope="",
            duration="apikeys.key",
            work="apikeys.write",
            arguments={"key": key, "document": document},
        )

    @staticmethod
    def _parent(call: Call, parent: str) -> str:
        if parent.rsplit("/", 1)[-1] != "global":
            raise GoogleError(400, f"Location '{parent.rsplit('/', 1)[-1]}' is not supported: the only one is global.")
        return f"apikeys/projects/{call.project()['projectId']}/locations/global/keys"

    def _named(self, call: Call, name: str = "") -> tuple[str, dict[str, Any]]:
        name = name or call.path["name"]
        parent, _, identifier = name.partition("/keys/")
        key = f"{self._parent(call, parent)}/{identifier}"
        document = call.store.get(key)
        if document is None:
            raise GoogleError(404, f"Resource '{name}' was not found.")
        return key, document


def by_string(tx: Transaction, text: str) -> dict[str, Any] | None:
    """Return the key with a key string, deleted ones included, or None."""
    for _, document in tx.items("apikeys/projects/"):
        if secrets.compare_digest(document["keyString"].encode(), text.encode()):
            return document
    return None


def _check(document: dict[str, Any]) -> None:
    """Raise GoogleError 400 for restrictions that Google refuses."""
    restrictions = document.get("restrictions") or {}
    given = [name for name in _CLIENTS if restrictions.get(name)]
    if len(given) > 1:
        raise field_violation("restrictions", f"Only one of {', '.join(_CLIENTS)} may be set, got {', '.join(given)}.")
    for text in (restrictions.get("serverKeyRestrictions") or {}).get("allowedIps", []):
        try:
            ipaddress.ip_network(text)
        except ValueError as exc:
            raise field_violation("restrictions.serverKeyRestrictions.allowedIps", f"Invalid address: {text}") from exc


def _same(document: dict[str, Any], etag: str | None) -> None:
    if etag and etag != _etag(document):
        raise GoogleError(409, "The etag is outdated: the key was changed meanwhile.", status="ABORTED")


def _etag(document: dict[str, Any]) -> str:
    return f'W/"{hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:22]}"'


def _shown(document: dict[str, Any]) -> dict[str, Any]:
    """Return a key as every method but getKeyString shows it."""
    return {name: value for name, value in document.items() if name != "keyString"} | {"etag": _etag(document)}
