# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Developer apps and their keys.

An app document holds its keys as ``credentials``; a key opens the products it is associated with, each association
with its own status.
"""
from __future__ import annotations

import re
import secrets
import string
import uuid
from typing import Any

from testbed.google.errors import GoogleError
from testbed.google.rules import MaxItems, Pattern, Required, Said
from testbed.google.service import Call, Reply, handles
from testbed.google.services.apigee import picture
from testbed.google.services.apigee.base import ApigeeService, counted, page
from testbed.google.services.apigee.developers import status_of
from testbed.google.services.apigee.names import exists, ids, key, missing, now_ms, require, require_organization
from testbed.google.services.apigee.push import push
from testbed.google.store import Transaction

DOCUMENT = "apigee.v1 discovery document, DeveloperApp"
APP = "apigee.organizations.developers.apps"
OUTPUT = ("appId", "developerId", "credentials", "createdAt", "lastModifiedAt", "status", "apiProducts")
LETTERS = string.ascii_letters + string.digits
STATUS = {"approve": "approved", "revoke": "revoked"}
# Bytes of a key or secret; source: text of keys.create.
LONGEST = 2048


def app_key(organization: str, email: str, app: str) -> str:
    return key("organizations", organization, "developers", email, "apps", app)


def new_credential(store: Transaction, organization: str, products: list[str], expires_in: str | None,
                   **fields: Any) -> dict[str, Any]:
    """A key with generated values unless given. ``expires_in``: milliseconds as a string, "-1" for never."""
    expires = int(expires_in or -1)
    return {
        "consumerKey": "".join(secrets.choice(LETTERS) for _ in range(48)),
        "consumerSecret": "".join(secrets.choice(LETTERS) for _ in range(64)),
        "apiProducts": associations(store, organization, products),
        "issuedAt": str(now_ms()), "expiresAt": "-1" if expires < 0 else str(now_ms() + expires),
        "status": "approved", "scopes": [], **fields,
    }


def associations(store: Transaction, organization: str, products: list[str]) -> list[dict[str, str]]:
    """Associations with products, approved or pending as each product says. Refused for a product that is unknown."""
    found = []
    for name in products:
        product = store.get(key("organizations", organization, "apiproducts", name))
        if product is None:
            raise GoogleError(400, f'API product "{name}" does not exist')
        found.append({"apiproduct": name, "status": "pending" if product["approvalType"] == "manual" else "approved"})
    return found


def check_scopes(store: Transaction, organization: str, credential: dict[str, Any], scopes: list[str]) -> None:
    """Refused for scopes that no product of the key defines. Source: text of replaceDeveloperAppKey."""
    products = [store.get(key("organizations", organization, "apiproducts", item["apiproduct"])) or {}
                for item in credential["apiProducts"]]
    defined = {scope for product in products for scope in product.get("scopes", [])}
    unknown = [scope for scope in scopes if scope not in defined]
    if unknown:
        raise GoogleError(400, f"scopes {', '.join(unknown)} are not defined by the API products of the key")


class AppService(ApigeeService):
    """What apps and keys share."""

    def _app(self, call: Call, *extra: str) -> tuple[list[str], dict[str, Any]]:
        """The ids in the path and the app they lead to; ``extra`` names the collections below the app."""
        path = ids(call.path.get("name") or call.path["parent"], "organizations", "developers", "apps", *extra)
        require(call.store, "developer", "organizations", path[0], "developers", path[1])
        return path, require(call.store, "app", "organizations", path[0], "developers", path[1], "apps", path[2])

    def _save(self, call: Call, path: list[str], app: dict[str, Any]) -> dict[str, Any]:
        app["lastModifiedAt"] = str(now_ms())
        call.store.put(app_key(path[0], path[1], path[2]), app)
        call.then(lambda: push(self.emulator, path[0]))
        return app


class DeveloperApps(AppService):
    """organizations.developers.apps.*"""

    @handles(f"{APP}.create", rules=[
        Required("name", source=f"{DOCUMENT}.name"),
        Pattern("name", r"[A-Za-z0-9._\-$ %]+", source="assumed: as for products"),
        MaxItems("attributes", 18, source="google-apis.md section 4.9"),
        Said("generates a key for the products named, which exist, with the scopes, which the products define",
             source="text of developers.apps.create; DeveloperApp.scopes")])
    def create(self, call: Call) -> dict[str, Any]:
        organization, email = ids(call.path["parent"], "organizations", "developers")
        developer = require(call.store, "developer", "organizations", organization, "developers", email)
        name = call.body["name"]
        if call.store.exists(app_key(organization, email, name)):
            raise exists("app", f"{name} of developer {email}")
        app = {field: value for field, value in call.body.items() if field not in OUTPUT}
        app |= {"appId": str(uuid.uuid4()), "developerId": developer["developerId"], "status": "approved",
                "appFamily": app.get("appFamily") or "default", "createdAt": str(now_ms()),
                "credentials": [new_credential(call.store, organization, call.body.get("apiProducts") or [],
                                               call.body.get("keyExpiresIn"), scopes=call.body.get("scopes") or [])]}
        check_scopes(call.store, organization, app["credentials"][0], app.get("scopes") or [])
        return self._save(call, [organization, email, name], app)

    @handles(f"{APP}.get")
    def get(self, call: Call) -> dict[str, Any]:
        return self._app(call)[1]

    @handles(f"{APP}.list", rules=[
        Said("ids only; shallowExpand adds names, expand everything; count and startKey page",
             source="text of developers.apps.list; gcloud sends shallowExpand")])
    def list(self, call: Call) -> dict[str, Any]:
        organization, email = ids(call.path["parent"], "organizations", "developers")
        require(call.store, "developer", "organizations", organization, "developers", email)
        if call.query.get("expand") and (call.query.get("count") or call.query.get("startKey")):
            raise GoogleError(400, "expand is not valid together with count or startKey")
        found = counted(call.store.children(key("organizations", organization, "developers", email, "apps")), call,
                        "name", limit=100)
        fields = ("appId", "name") if call.query.get("shallowExpand") else ("appId",)
        return {"app": found if call.query.get("expand") else [
            {field: item[field] for field in fields} for item in found]}

    @handles(f"{APP}.update", rules=[
        MaxItems("attributes", 18, source="google-apis.md section 4.9"),
        Said("replaces attributes; products that no key of the app has get a new key; name, scopes and expiry stay",
             source="text of developers.apps.update")])
    def update(self, call: Call) -> dict[str, Any]:
        path, before = self._app(call)
        if call.body.get("name") not in (None, "", path[2]):
            raise GoogleError(400, f'app name "{call.body["name"]}" cannot be changed from "{path[2]}"')
        app = {field: value for field, value in call.body.items() if field not in (*OUTPUT, "scopes", "keyExpiresIn")}
        app |= {field: before[field] for field in (*OUTPUT, "name", "scopes", "keyExpiresIn", "appFamily")
                if field in before}
        known = {item["apiproduct"] for credential in before["credentials"] for item in credential["apiProducts"]}
        added = [name for name in call.body.get("apiProducts") or [] if name not in known]
        if added:
            app["credentials"] = [*before["credentials"],
                                  new_credential(call.store, path[0], added, before.get("keyExpiresIn"))]
        return self._save(call, path, app)

    @handles(f"{APP}.generateKeyPairOrUpdateDeveloperAppStatus", permission="apigee.developerapps.manage", rules=[
        Said("?action=approve|revoke with application/octet-stream answers 204; without it makes a new key and "
             "replaces attributes and callback URL, those that are not sent go",
             source="text of generateKeyPairOrUpdateDeveloperAppStatus")])
    def generate(self, call: Call) -> dict[str, Any] | Reply:
        path, app = self._app(call)
        if call.query.get("action"):
            self._save(call, path, app | {"status": status_of(call, STATUS)})
            return Reply(None, status=204, unchecked=True)
        credential = new_credential(call.store, path[0], call.body.get("apiProducts") or [],
                                    call.body.get("keyExpiresIn"))
        kept = {name: value for name, value in app.items() if name not in ("attributes", "callbackUrl")}
        replaced = {name: call.body[name] for name in ("attributes", "callbackUrl") if name in call.body}
        return self._save(call, path, kept | replaced | {"credentials": [*app["credentials"], credential]})

    @handles(f"{APP}.delete")
    def delete(self, call: Call) -> dict[str, Any]:
        path, app = self._app(call)
        call.store.delete(app_key(*path))
        call.then(lambda: push(self.emulator, path[0]))
        return app


class Keys(AppService):
    """organizations.developers.apps.keys.*"""

    @handles(f"{APP}.keys.create", f"{APP}.keys.create.create", rules=[
        Required("consumerKey", source="text of keys.create"), Required("consumerSecret", source="text of keys.create"),
        Pattern("consumerKey", r"[A-Za-z0-9_-]+", source="text of keys.create: letters, numbers, underscores, hyphens"),
        Pattern("consumerSecret", r"[A-Za-z0-9_-]+", source="text of keys.create"),
        Said("no product is associated, the status is approved whatever is sent", source="text of keys.create"),
        Said("a key belongs to one app of the organisation", source="assumed: it identifies the app")])
    def create(self, call: Call) -> dict[str, Any]:
        path, app = self._app(call)
        for field in ("consumerKey", "consumerSecret"):
            if len(call.body[field]) > LONGEST:
                raise GoogleError(400, f"{field} is longer than {LONGEST} bytes")
        if any(credential["consumerKey"] == call.body["consumerKey"]
               for other in picture.apps(call.store, path[0]) for credential in other["credentials"]):
            raise exists("consumer key", "with this value")
        seconds = int(call.body.get("expiresInSeconds") or -1)
        credential = new_credential(
            call.store, path[0], [], None if seconds < 0 else str(seconds * 1000),
            **{field: call.body[field] for field in ("consumerKey", "consumerSecret", "attributes", "scopes")
               if field in call.body})
        self._save(call, path, app | {"credentials": [*app["credentials"], credential]})
        return credential

    def _credential(self, call: Call, *extra: str) -> tuple[list[str], dict[str, Any], dict[str, Any]]:
        path, app = self._app(call, "keys", *extra)
        for credential in app["credentials"]:
            if credential["consumerKey"] == path[3]:
                return path, app, credential
        raise missing("consumer key", f"of app {path[2]}")

    @handles(f"{APP}.keys.get")
    def get(self, call: Call) -> dict[str, Any]:
        return self._credential(call)[2]

    @handles(f"{APP}.keys.updateDeveloperAppKey", permission="apigee.appkeys.manage", rules=[
        Said("adds products, replaces attributes (those that are not sent go); ?action=approve|revoke with "
             "application/octet-stream sets the status",
             source="text of updateDeveloperAppKey")])
    def update(self, call: Call) -> dict[str, Any] | Reply:
        path, app, credential = self._credential(call)
        if call.query.get("action"):
            credential["status"] = status_of(call, STATUS)
            self._save(call, path, app)
            return Reply(None, status=204, unchecked=True)
        known = {item["apiproduct"] for item in credential["apiProducts"]}
        wanted = [item["apiproduct"] if isinstance(item, dict) else str(item)
                  for item in call.body.get("apiProducts") or []]
        credential["apiProducts"] += associations(call.store, path[0], [name for name in wanted if name not in known])
        credential["attributes"] = call.body.get("attributes") or []
        self._save(call, path, app)
        return credential

    @handles(f"{APP}.keys.replaceDeveloperAppKey", permission="apigee.appkeys.manage", rules=[
        Said("replaces the scopes, which a product of the key defines", source="text of replaceDeveloperAppKey")])
    def replace(self, call: Call) -> dict[str, Any]:
        path, app, credential = self._credential(call)
        check_scopes(call.store, path[0], credential, call.body.get("scopes") or [])
        credential["scopes"] = call.body.get("scopes") or []
        self._save(call, path, app)
        return credential

    @handles(f"{APP}.keys.delete")
    def delete(self, call: Call) -> dict[str, Any]:
        path, app, credential = self._credential(call)
        app["credentials"].remove(credential)
        self._save(call, path, app)
        return credential

    def _association(self, call: Call) -> tuple[list[str], dict[str, Any], dict[str, Any], dict[str, str]]:
        path, app, credential = self._credential(call, "apiproducts")
        for item in credential["apiProducts"]:
            if item["apiproduct"] == path[4]:
                return path, app, credential, item
        raise missing("API product", f"{path[4]} of the consumer key")

    @handles(f"{APP}.keys.apiproducts.updateDeveloperAppKeyApiProduct", permission="apigee.appkeys.manage", rules=[
        Said("?action=approve|revoke", source="text of updateDeveloperAppKeyApiProduct")])
    def judge(self, call: Call) -> Reply:
        path, app, _credential, association = self._association(call)
        association["status"] = status_of(call, STATUS)
        self._save(call, path, app)
        return Reply(None, status=204, unchecked=True)

    @handles(f"{APP}.keys.apiproducts.delete")
    def dissociate(self, call: Call) -> dict[str, Any]:
        path, app, credential, association = self._association(call)
        credential["apiProducts"].remove(association)
        self._save(call, path, app)
        return credential


class OrganizationApps(ApigeeService):
    """organizations.apps: all apps by their ids."""

    @staticmethod
    def _all(call: Call, organization: str) -> list[dict[str, Any]]:
        require_organization(call.store, organization)
        emails = {item["developerId"]: item["email"]
                  for item in call.store.children(key("organizations", organization, "developers"))}
        hidden = ("apiProducts", "appFamily")
        return sorted(({**{name: value for name, value in app.items() if name not in hidden},
                        "developerEmail": emails.get(app["developerId"], "")}
                       for app in picture.apps(call.store, organization)), key=lambda app: app["appId"])

    @handles("apigee.organizations.apps.get")
    def get(self, call: Call) -> dict[str, Any]:
        organization, identifier = ids(call.path["name"], "organizations", "apps")
        for app in self._all(call, organization):
            if app["appId"] == identifier:
                return app
        raise missing("app", identifier)

    @handles("apigee.organizations.apps.list", rules=[
        Said("filters developerEmail, status, appId and appName with =", source="text of apps.list, filter")])
    def list(self, call: Call) -> dict[str, Any]:
        organization, = ids(call.path["parent"], "organizations")
        found = self._all(call, organization)
        for condition in filter(None, (call.query.get("filter") or "").split(" AND ")):
            match = re.fullmatch(r'\s*(developerEmail|status|appId|appName)\s*=\s*"?([^"]*?)"?\s*', condition)
            if not match:
                raise GoogleError(400, f'filter "{condition}" is not supported')
            field = {"appName": "name"}.get(match[1], match[1])
            found = [app for app in found if app.get(field) == match[2]]
        wanted = [item for item in (call.query.get("ids") or "").split(",") if item]
        start = call.query.get("startKey") or ""
        found = [app for app in found if (not wanted or app["appId"] in wanted) and app["appId"] >= start]
        found = found[:int(call.query.get("rows") or 1000)]
        if not call.query.get("includeCred"):
            found = [{name: value for name, value in app.items() if name != "credentials"} for app in found]
        if not call.query.get("expand"):
            found = [{"appId": app["appId"]} for app in found]
        return page(found, call, "app", 1000)
