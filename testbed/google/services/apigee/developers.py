# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Developers: the owners of apps."""
from __future__ import annotations

import uuid
from typing import Any

from testbed.google.errors import GoogleError
from testbed.google.rules import MaxItems, Pattern, Required, Said
from testbed.google.service import Call, Reply, handles
from testbed.google.services.apigee.base import ApigeeService, counted, drop
from testbed.google.services.apigee.names import exists, ids, key, now_ms, require, require_organization
from testbed.google.services.apigee.push import push

DOCUMENT = "apigee.v1 discovery document, Developer"
RULES = [
    *(Required(name, source=f"{DOCUMENT}.{name}: Required") for name in ("email", "firstName", "lastName", "userName")),
    Pattern("email", r"[^@A-Z\s]+@[^@A-Z\s]+", source=f"{DOCUMENT}.email: lowercase only"),
    MaxItems("attributes", 18, source=f"{DOCUMENT}.attributes: the limit is 18"),
]
OUTPUT = ("apps", "createdAt", "lastModifiedAt", "developerId", "organizationName", "status")
OCTETS = "application/octet-stream"


def status_of(call: Call, words: dict[str, str]) -> str:
    """The status that ``?action=`` sets. Refused with another Content-Type than the one the API asks for."""
    action = call.query.get("action") or ""
    if action not in words:
        raise GoogleError(400, f'action "{action}" is invalid: it must be {" or ".join(words)}')
    if call.content_type.split(";")[0].strip() != OCTETS:
        raise GoogleError(400, f'Content-Type must be {OCTETS}, got "{call.content_type}"')
    return words[action]


class Developers(ApigeeService):
    """organizations.developers.*"""

    @handles("apigee.organizations.developers.create", rules=RULES)
    def create(self, call: Call) -> dict[str, Any]:
        organization, = ids(call.path["parent"], "organizations")
        self.active(call, organization)
        email = call.body["email"]
        if call.store.exists(key("organizations", organization, "developers", email)):
            raise exists("developer", email)
        document = {name: value for name, value in call.body.items() if name not in OUTPUT}
        document |= {"developerId": str(uuid.uuid4()), "status": "active", "organizationName": organization,
                     "createdAt": str(now_ms()), "lastModifiedAt": str(now_ms())}
        return self._put(call, organization, document)

    def _put(self, call: Call, organization: str, document: dict[str, Any]) -> dict[str, Any]:
        call.store.put(key("organizations", organization, "developers", document["email"]), document)
        call.then(lambda: push(self.emulator, organization))
        return self._shown(call, organization, document)

    @staticmethod
    def _shown(call: Call, organization: str, document: dict[str, Any]) -> dict[str, Any]:
        found = call.store.children(key("organizations", organization, "developers", document["email"], "apps"))
        return {**document, "apps": [app["name"] for app in found[:100]]}

    @staticmethod
    def _get(call: Call) -> tuple[str, str, dict[str, Any]]:
        organization, email = ids(call.path["name"], "organizations", "developers")
        return organization, email, require(call.store, "developer", "organizations", organization, "developers", email)

    @handles("apigee.organizations.developers.get")
    def get(self, call: Call) -> dict[str, Any]:
        organization, _email, found = self._get(call)
        return self._shown(call, organization, found)

    @handles("apigee.organizations.developers.list", rules=[
        Said("e-mails only unless expand=true; count and startKey page", source="text of developers.list")])
    def list(self, call: Call) -> dict[str, Any]:
        organization, = ids(call.path["parent"], "organizations")
        require_organization(call.store, organization)
        if call.query.get("expand") and (call.query.get("count") or call.query.get("startKey")):
            raise GoogleError(400, "expand is not valid together with count or startKey")
        found = counted(call.store.children(key("organizations", organization, "developers")), call, "email")
        wanted = [item for item in (call.query.get("ids") or "").split(",") if item]
        app = call.query.get("app")
        shown = [self._shown(call, organization, item) for item in found
                 if not wanted or item["developerId"] in wanted]
        shown = [item for item in shown if not app or app in item["apps"]]
        return {"developer": shown if call.query.get("expand") else [{"email": item["email"]} for item in shown]}

    @handles("apigee.organizations.developers.update", rules=[
        *RULES, Said("replaces the whole; status and e-mail stay", source="text of developers.update")])
    def update(self, call: Call) -> dict[str, Any]:
        organization, email, before = self._get(call)
        if call.body["email"] != email:
            raise GoogleError(400, f'developer e-mail "{call.body["email"]}" does not match "{email}" in the path')
        document = {name: value for name, value in call.body.items() if name not in OUTPUT}
        document |= {name: before[name] for name in OUTPUT if name in before} | {"lastModifiedAt": str(now_ms())}
        return self._put(call, organization, document)

    @handles("apigee.organizations.developers.setDeveloperStatus", permission="apigee.developers.update", rules=[
        Said("Content-Type application/octet-stream, 204", source="text of setDeveloperStatus")])
    def status(self, call: Call) -> Reply:
        organization, _email, document = self._get(call)
        document["status"] = status_of(call, {"active": "active", "inactive": "inactive"})
        self._put(call, organization, document | {"lastModifiedAt": str(now_ms())})
        return Reply(None, status=204, unchecked=True)

    @handles("apigee.organizations.developers.delete", rules=[
        Said("takes the developer's apps and keys along", source="text of developers.delete")])
    def delete(self, call: Call) -> dict[str, Any]:
        organization, email, found = self._get(call)
        shown = self._shown(call, organization, found)
        drop(call.store, "organizations", organization, "developers", email)
        call.then(lambda: push(self.emulator, organization))
        return shown
