# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Key value maps of organisations, environments and proxies: the same methods on three levels."""
from __future__ import annotations

from typing import Any
from urllib.parse import quote

from testbed.google.errors import GoogleError
from testbed.google.rules import Required, Said
from testbed.google.service import Call, Reply, handles
from testbed.google.services.apigee.base import ApigeeService, check_name, name_list
from testbed.google.services.apigee.names import exists, missing, organization_of, require, require_organization
from testbed.google.services.apigee.push import push

DOCUMENT = "apigee.v1 discovery document, KeyValueMap"
NAME = r"[A-Za-z0-9._\-$% ]{1,255}"
SCOPES = ("organizations", "organizations.environments", "organizations.apis")
ENCRYPTED = Said("encrypted is always true", source=f"{DOCUMENT}.encrypted: unencrypted maps are not supported")
# Entries in one page; source: text of entries.list.
PAGE = 100


def methods(verb: str) -> list[str]:
    """The discovery ids of one method on all three levels."""
    return [f"apigee.{scope}.keyvaluemaps.{verb}" for scope in SCOPES]


def _scope_key(call: Call, name: str) -> str:
    """The store key of the map's parent, which must exist."""
    parts = name.split("/")
    require_organization(call.store, parts[1])
    if len(parts) == 4:
        kind = {"environments": "environment", "apis": "API proxy"}[parts[2]]
        require(call.store, kind, *parts)
    return "apigee/" + name


def _map(call: Call, name: str) -> tuple[str, dict[str, Any]]:
    """Store key and document of the map in ``.../keyvaluemaps/NAME``."""
    parent, _slash, own = name.rpartition("/keyvaluemaps/")
    where = f"{_scope_key(call, parent)}/keyvaluemaps/{own}"
    found = call.store.get(where)
    if found is None:
        raise missing("key value map", name)
    return where, found


class KeyValueService(ApigeeService):
    """What maps and entries share: proxies read them."""

    def _tell(self, call: Call) -> None:
        """Give the runtime its picture once the change is made."""
        organization = organization_of(call.path.get("name") or call.path["parent"])
        call.then(lambda: push(self.emulator, organization))


class KeyValueMaps(KeyValueService):
    """*.keyvaluemaps.*"""

    extra_routes = tuple(
        name_list(f"apigee.{scope}.keyvaluemaps.list", pattern, "keyvaluemaps") for scope, pattern in zip(
            SCOPES, ("organizations/[^/]+", "organizations/[^/]+/environments/[^/]+", "organizations/[^/]+/apis/[^/]+"),
            strict=True))

    @handles(*methods("create"), rules=[Required("name", source=f"{DOCUMENT}.name: Required"), ENCRYPTED])
    def create(self, call: Call) -> dict[str, Any]:
        scope, name = _scope_key(call, call.path["parent"]), call.body["name"]
        check_name(name, NAME, "key value map name")
        if call.store.exists(f"{scope}/keyvaluemaps/{name}"):
            raise exists("key value map", f"{call.path['parent']}/keyvaluemaps/{name}")
        self._tell(call)
        return call.store.put(f"{scope}/keyvaluemaps/{name}", _checked(call.body, name))

    @handles(*methods("list"), permission="apigee.keyvaluemaps.list")
    def list(self, call: Call) -> Reply:
        scope = _scope_key(call, call.path["parent"])
        return Reply([item["name"] for item in call.store.children(f"{scope}/keyvaluemaps")], unchecked=True)

    @handles(*methods("get"))
    def get(self, call: Call) -> dict[str, Any]:
        return _map(call, call.path["name"])[1]

    @handles(*methods("update"), rules=[ENCRYPTED])
    def update(self, call: Call) -> dict[str, Any]:
        where, found = _map(call, call.path["name"])
        if call.body.get("name") not in (None, "", found["name"]):
            raise GoogleError(400, f'key value map name "{call.body["name"]}" does not match "{found["name"]}" in the '
                                   "path")
        return call.store.put(where, _checked(call.body, found["name"]))

    @handles(*methods("delete"))
    def delete(self, call: Call) -> dict[str, Any]:
        where, found = _map(call, call.path["name"])
        call.store.delete(where)
        call.store.delete_under(f"{where}/")
        self._tell(call)
        return found


def _checked(body: dict[str, Any], name: str) -> dict[str, Any]:
    if body.get("encrypted") is not True:
        raise GoogleError(400, "unencrypted key value maps are not supported: encrypted must be true")
    return {"name": name, "encrypted": True, "maskedValues": bool(body.get("maskedValues"))}


class KeyValueEntries(KeyValueService):
    """*.keyvaluemaps.entries.*"""

    @staticmethod
    def _entry(call: Call) -> tuple[str, dict[str, Any], dict[str, Any]]:
        """Store key, document and map of the entry in ``.../keyvaluemaps/MAP/entries/KEY``; KEY may hold slashes."""
        parent, _slash, own = call.path["name"].partition("/entries/")
        where, found = _map(call, parent)
        store_key = f"{where}/entries/{quote(own, safe='')}"
        entry = call.store.get(store_key)
        if entry is None:
            raise missing("key value entry", call.path["name"])
        return store_key, entry, found

    @staticmethod
    def _shown(entry: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
        return {**entry, "value": "*****"} if found.get("maskedValues") else entry

    @handles(*methods("entries.create"), rules=[
        Required("name", source="the entry's key"), Required("value", source=f"{DOCUMENT}Entry.value: Required")])
    def create(self, call: Call) -> dict[str, Any]:
        where, found = _map(call, call.path["parent"])
        store_key = f"{where}/entries/{quote(call.body['name'], safe='')}"
        if call.store.exists(store_key):
            raise exists("key value entry", f"{call.path['parent']}/entries/{call.body['name']}")
        entry = call.store.put(store_key, {"name": call.body["name"], "value": call.body["value"]})
        self._tell(call)
        return self._shown(entry, found)

    @handles(*methods("entries.get"))
    def get(self, call: Call) -> dict[str, Any]:
        _key, entry, found = self._entry(call)
        return self._shown(entry, found)

    @handles(*methods("entries.list"), rules=[
        Said("pages by the key of the next entry", source="text of entries.list, pageToken")])
    def list(self, call: Call) -> dict[str, Any]:
        where, found = _map(call, call.path["parent"])
        entries = sorted(call.store.children(f"{where}/entries"), key=lambda item: item["name"])
        token, size = call.query.get("pageToken"), int(call.query.get("pageSize") or PAGE)
        rest = [entry for entry in entries if not token or entry["name"] >= token]
        answer: dict[str, Any] = {"keyValueEntries": [self._shown(entry, found) for entry in rest[:size]]}
        if len(rest) > size:
            answer["nextPageToken"] = rest[size]["name"]
        return answer

    @handles(*methods("entries.update"), rules=[Required("value", source=f"{DOCUMENT}Entry.value: Required")])
    def update(self, call: Call) -> dict[str, Any]:
        store_key, entry, found = self._entry(call)
        if call.body.get("name") not in (None, "", entry["name"]):
            raise GoogleError(400, f'entry name "{call.body["name"]}" does not match "{entry["name"]}" in the path')
        self._tell(call)
        return self._shown(call.store.put(store_key, {"name": entry["name"], "value": call.body["value"]}), found)

    @handles(*methods("entries.delete"))
    def delete(self, call: Call) -> dict[str, Any]:
        store_key, entry, found = self._entry(call)
        call.store.delete(store_key)
        self._tell(call)
        return self._shown(entry, found)
