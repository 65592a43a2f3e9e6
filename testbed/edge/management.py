# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The management API of Apigee Edge as far as setting up gateways needs it: a double.

Paths, documents and refusals follow Edge's published reference (Management API, "Apigee Edge API"); what is not
published about an answer is left out of it.
"""
from __future__ import annotations

import base64
import binascii
import json
import secrets
import time
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from testbed.apigee.bundle.archive import BundleError

from .organization import Organization, Proxy

#: What an encrypted map shows of its values.
MASK = "*****"


class Management:
    """Handlers for one organisation. ``users``: name -> password; anybody else gets 401."""

    def __init__(self, organization: Organization, users: Mapping[str, str]) -> None:
        self.organization = organization
        self.users = users
        #: Environment and map's name -> whether its values are shown.
        self._encrypted: set[tuple[str, str]] = set()

    def routes(self) -> list[web.RouteDef]:
        found = [self._route("GET", "/v1/organizations", self.list_organizations)]
        for base in ("/v1/organizations/{organization}", "/v1/o/{organization}"):
            found += [self._route(method, f"{base}{path}", handler) for method, path, handler in (
                ("GET", "", self.show),
                ("GET", "/apis", self.list_proxies),
                ("POST", "/apis", self.import_proxy),
                ("GET", "/apis/{name}", self.show_proxy),
                ("DELETE", "/apis/{name}", self.delete_proxy),
                ("GET", "/apis/{name}/deployments", self.deployments),
            )]
            for environments in ("environments", "e"):
                place = f"{base}/{environments}/{{environment}}"
                revision = f"{place}/apis/{{name}}/revisions/{{revision}}/deployments"
                found += [self._route(method, path, handler) for method, path, handler in (
                    ("POST", revision, self.deploy),
                    ("DELETE", revision, self.undeploy),
                    ("GET", f"{place}/keyvaluemaps", self.list_maps),
                    ("POST", f"{place}/keyvaluemaps", self.create_map),
                    ("GET", f"{place}/keyvaluemaps/{{name}}", self.show_map),
                    ("DELETE", f"{place}/keyvaluemaps/{{name}}", self.delete_map),
                    ("POST", f"{place}/keyvaluemaps/{{name}}/entries", self.create_entry),
                    ("POST", f"{place}/keyvaluemaps/{{name}}/entries/{{entry}}", self.update_entry),
                    ("DELETE", f"{place}/keyvaluemaps/{{name}}/entries/{{entry}}", self.delete_entry),
                )]
            found += self._collection(f"{base}/apiproducts", "products", "name")
            found += self._collection(f"{base}/developers", "developers", "email")
            apps = f"{base}/developers/{{email}}/apps"
            found += [self._route(method, path, handler) for method, path, handler in (
                ("GET", apps, self.list_apps),
                ("POST", apps, self.create_app),
                ("GET", f"{apps}/{{name}}", self.show_app),
                ("PUT", f"{apps}/{{name}}", self.update_app),
                ("POST", f"{apps}/{{name}}", self.act_on_app),
                ("DELETE", f"{apps}/{{name}}", self.delete_app),
                ("POST", f"{apps}/{{name}}/keys/{{key}}", self.bind_products),
                ("DELETE", f"{apps}/{{name}}/keys/{{key}}", self.delete_key),
                ("DELETE", f"{apps}/{{name}}/keys/{{key}}/apiproducts/{{product}}", self.unbind_product),
                ("POST", f"{base}/developers/{{email}}", self.act_on_developer),
            )]
        return found

    def _route(self, method: str, path: str, handler: Any) -> web.RouteDef:
        async def checked(request: web.Request) -> web.Response:
            self._allow(request)
            return await handler(request)

        return web.route(method, path, checked)

    def _allow(self, request: web.Request) -> None:
        kind, _, value = request.headers.get("Authorization", "").partition(" ")
        try:
            name, _, password = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            name = password = ""
        if kind.lower() != "basic" or not name or self.users.get(name) != password:
            raise web.HTTPUnauthorized(text="")
        told = request.match_info
        if told.get("organization", self.organization.name) != self.organization.name:
            raise _refusal(404, "organizations.OrganizationDoesNotExist",
                           f"Organization {told['organization']} does not exist")
        environment = told.get("environment")
        if environment is not None and environment not in self.organization.environments:
            raise _refusal(404, "messaging.config.beans.EnvironmentDoesNotExist",
                           f"Environment {environment} does not exist")

    # -- the organisation and its proxies ---------------------------------------------------------------------
    async def show(self, request: web.Request) -> web.Response:
        environments = list(self.organization.environments)
        told = {"name": self.organization.name, "type": "paid", "environments": environments}
        return web.json_response({**told, **self.organization.properties})

    async def list_organizations(self, request: web.Request) -> web.Response:
        return web.json_response([self.organization.name])

    async def list_proxies(self, request: web.Request) -> web.Response:
        return web.json_response(sorted(self.organization.revisions))

    async def import_proxy(self, request: web.Request) -> web.Response:
        name = request.query.get("name", "")
        if request.query.get("action") != "import" or not name:
            raise _refusal(400, "messaging.config.beans.ImportFailed", "action=import and name are needed")
        try:
            proxy = self.organization.import_proxy(name, await _archive(request))
        except BundleError as error:
            raise _refusal(400, "messaging.config.beans.ImportFailed", str(error)) from error
        return web.json_response({"name": name, "revision": str(proxy.revision), "basepaths": [proxy.base_path]},
                                 status=201)

    def _proxy(self, request: web.Request) -> list[Proxy]:
        name = request.match_info["name"]
        found = self.organization.revisions.get(name)
        if not found:
            raise _refusal(404, "messaging.config.beans.ApplicationDoesNotExist",
                           f"APIProxy named {name} does not exist in organization {self.organization.name}")
        return found

    async def show_proxy(self, request: web.Request) -> web.Response:
        revisions = [str(proxy.revision) for proxy in self._proxy(request)]
        return web.json_response({"name": request.match_info["name"], "revision": revisions})

    async def delete_proxy(self, request: web.Request) -> web.Response:
        self._proxy(request)
        name = request.match_info["name"]
        if any(proxy == name for _environment, proxy in self.organization.deployments):
            raise _refusal(400, "messaging.config.beans.ApplicationIsDeployed", f"APIProxy {name} is deployed")
        del self.organization.revisions[name]
        return web.json_response({"name": name})

    async def deployments(self, request: web.Request) -> web.Response:
        self._proxy(request)
        name = request.match_info["name"]
        found = [
            {"name": environment, "revision": [{"name": str(revision), "state": "deployed"}]}
            for (environment, proxy), revision in sorted(self.organization.deployments.items())
            if proxy == name
        ]
        return web.json_response({"name": name, "organization": self.organization.name, "environment": found})

    async def deploy(self, request: web.Request) -> web.Response:
        told = request.match_info
        known = self._proxy(request)
        if not told["revision"].isdigit() or not 1 <= int(told["revision"]) <= len(known):
            raise _refusal(404, "messaging.config.beans.ApplicationRevisionDoesNotExist",
                           f"APIProxy revision {told['revision']} does not exist")
        place = (told["environment"], told["name"])
        current = self.organization.deployments.get(place)
        replaces = request.query.get("override") == "true"
        if current == int(told["revision"]):
            raise _refusal(400, "messaging.config.beans.ApplicationAlreadyDeployed", "already deployed")
        base_path = known[int(told["revision"]) - 1].base_path
        taken = [proxy.name for proxy in self.organization.served(place[0])
                 if proxy.base_path == base_path and (proxy.name != place[1] or not replaces)]
        if taken:
            raise _refusal(400, "messaging.runtime.BasePathConflict",
                           f"base path {base_path} is taken by {', '.join(taken)}")
        self.organization.deployments[place] = int(told["revision"])
        return web.json_response({"aPIProxy": told["name"], "environment": told["environment"],
                                  "revision": told["revision"], "state": "deployed"})

    async def undeploy(self, request: web.Request) -> web.Response:
        told = request.match_info
        place = (told["environment"], told["name"])
        if self.organization.deployments.get(place) != int(told["revision"]):
            raise _refusal(400, "distribution.ApplicationNotDeployed", "this revision is not deployed")
        del self.organization.deployments[place]
        return web.json_response({"aPIProxy": told["name"], "state": "undeployed"})

    # -- key value maps of an environment ---------------------------------------------------------------------
    async def list_maps(self, request: web.Request) -> web.Response:
        environment = request.match_info["environment"]
        return web.json_response(sorted(name for place, name in self.organization.maps if place == environment))

    async def create_map(self, request: web.Request) -> web.Response:
        told = await _document(request, "name")
        place = (request.match_info["environment"], told["name"])
        if place in self.organization.maps:
            raise _refusal(409, "keyvaluemap.service.keyvaluemap_already_exists", f"{told['name']} already exists")
        self.organization.maps[place] = {one["name"]: one["value"] for one in told.get("entry", ())}
        if str(told.get("encrypted", "")).lower() == "true":
            self._encrypted.add(place)
        return web.json_response(self._map(place), status=201)

    async def show_map(self, request: web.Request) -> web.Response:
        return web.json_response(self._map(self._place(request)))

    async def delete_map(self, request: web.Request) -> web.Response:
        place = self._place(request)
        shown = self._map(place)
        del self.organization.maps[place]
        self._encrypted.discard(place)
        return web.json_response(shown)

    async def create_entry(self, request: web.Request) -> web.Response:
        entries = self.organization.maps[self._place(request)]
        told = await _document(request, "name", "value")
        if told["name"] in entries:
            raise _refusal(409, "keyvaluemap.service.entry_already_exists", f"{told['name']} already exists")
        entries[told["name"]] = told["value"]
        return web.json_response({"name": told["name"]}, status=201)

    async def update_entry(self, request: web.Request) -> web.Response:
        entries = self.organization.maps[self._place(request)]
        told = await _document(request, "value")
        if request.match_info["entry"] not in entries:
            raise _refusal(404, "keyvaluemap.service.entry_does_not_exist", "no such entry")
        entries[request.match_info["entry"]] = told["value"]
        return web.json_response({"name": request.match_info["entry"]})

    async def delete_entry(self, request: web.Request) -> web.Response:
        entries = self.organization.maps[self._place(request)]
        if entries.pop(request.match_info["entry"], None) is None:
            raise _refusal(404, "keyvaluemap.service.entry_does_not_exist", "no such entry")
        return web.json_response({"name": request.match_info["entry"]})

    def _place(self, request: web.Request) -> tuple[str, str]:
        place = (request.match_info["environment"], request.match_info["name"])
        if place not in self.organization.maps:
            raise _refusal(404, "keyvaluemap.service.keyvaluemap_doesnt_exist",
                           f"KeyValueMap {place[1]} does not exist in environment {place[0]}")
        return place

    def _map(self, place: tuple[str, str]) -> dict[str, Any]:
        hidden = place in self._encrypted
        entries = [{"name": name, "value": MASK if hidden else value}
                   for name, value in self.organization.maps[place].items()]
        return {"name": place[1], "encrypted": hidden, "entry": entries}

    # -- products, developers, apps ---------------------------------------------------------------------------
    def _collection(self, base: str, kind: str, identity: str) -> list[web.RouteDef]:
        """Five calls on objects that are kept as they were sent, under their name."""
        kept: dict[str, dict[str, Any]] = getattr(self.organization, kind)
        defaults: dict[str, Any] = {"status": "active", "apps": []} if kind == "developers" else {
            "approvalType": "auto", "proxies": [], "apiResources": [], "scopes": [], "environments": []}

        def known(request: web.Request) -> str:
            name = request.match_info[identity]
            if name not in kept:
                raise _refusal(404, f"keymanagement.service.{kind}_does_not_exist", f"{name} does not exist")
            return name

        async def everything(request: web.Request) -> web.Response:
            return web.json_response(sorted(kept))

        async def create(request: web.Request) -> web.Response:
            told = await _document(request, identity)
            if told[identity] in kept:
                raise _refusal(409, f"keymanagement.service.{kind}_already_exists", f"{told[identity]} exists")
            kept[told[identity]] = {**defaults, **told, "createdAt": int(time.time() * 1000)}
            return web.json_response(kept[told[identity]], status=201)

        async def show(request: web.Request) -> web.Response:
            return web.json_response(kept[known(request)])

        async def update(request: web.Request) -> web.Response:
            name = known(request)
            kept[name] = {**defaults, **await _document(request), identity: name,
                          "createdAt": kept[name]["createdAt"]}
            return web.json_response(kept[name])

        async def delete(request: web.Request) -> web.Response:
            name = known(request)
            users = [app for (email, _name), app in self.organization.apps.items()
                     if kind == "products" and any(one["apiproduct"] == name for credential in app["credentials"]
                                                   for one in credential["apiProducts"])]
            if users:
                raise _refusal(409, "keymanagement.service.apiproduct_in_use", f"{name} is used by apps")
            for place in [place for place in self.organization.apps if kind == "developers" and place[0] == name]:
                del self.organization.apps[place]
            return web.json_response(kept.pop(name))

        one = f"{base}/{{{identity}}}"
        return [self._route(*call) for call in (
            ("GET", base, everything), ("POST", base, create), ("GET", one, show), ("PUT", one, update),
            ("DELETE", one, delete))]

    def _app(self, request: web.Request) -> tuple[str, str]:
        place = (request.match_info["email"], request.match_info["name"])
        if place not in self.organization.apps:
            raise _refusal(404, "developer.service.AppDoesNotExist", f"App named {place[1]} does not exist")
        return place

    async def list_apps(self, request: web.Request) -> web.Response:
        email = request.match_info["email"]
        return web.json_response(sorted(name for owner, name in self.organization.apps if owner == email))

    async def create_app(self, request: web.Request) -> web.Response:
        email = request.match_info["email"]
        if email not in self.organization.developers:
            raise _refusal(404, "developer.service.DeveloperDoesNotExist", f"Developer {email} does not exist")
        told = await _document(request, "name")
        if (email, told["name"]) in self.organization.apps:
            raise _refusal(409, "developer.service.AppAlreadyExists", f"{told['name']} exists")
        for name in told.get("apiProducts", ()):
            if name not in self.organization.products:
                raise _refusal(400, "keymanagement.service.apiproduct_doesnt_exist", f"{name} does not exist")
        manual = {name for name in told.get("apiProducts", ())
                  if self.organization.products[name]["approvalType"] == "manual"}
        credential = {
            "consumerKey": secrets.token_urlsafe(24),
            "consumerSecret": secrets.token_urlsafe(12),
            "status": "approved",
            "expiresAt": -1,
            "apiProducts": [{"apiproduct": name, "status": "pending" if name in manual else "approved"}
                            for name in told.get("apiProducts", ())],
        }
        app = {"name": told["name"], "attributes": told.get("attributes", []), "status": "approved",
               "credentials": [credential]}
        self.organization.apps[email, told["name"]] = app
        return web.json_response(app, status=201)

    async def show_app(self, request: web.Request) -> web.Response:
        return web.json_response(self.organization.apps[self._app(request)])

    async def update_app(self, request: web.Request) -> web.Response:
        app = self.organization.apps[self._app(request)]
        told = await _document(request)
        app |= {name: told[name] for name in ("attributes", "callbackUrl") if name in told}
        return web.json_response(app)

    async def act_on_app(self, request: web.Request) -> web.Response:
        app = self.organization.apps[self._app(request)]
        app["status"] = {"approve": "approved", "revoke": "revoked"}[request.query["action"]]
        return web.Response(status=204)

    async def act_on_developer(self, request: web.Request) -> web.Response:
        developer = self.organization.developers.get(request.match_info["email"])
        if developer is None:
            raise _refusal(404, "developer.service.DeveloperDoesNotExist", "no such developer")
        developer["status"] = request.query["action"]
        return web.Response(status=204)

    def _credential(self, request: web.Request) -> dict[str, Any]:
        for credential in self.organization.apps[self._app(request)]["credentials"]:
            if credential["consumerKey"] == request.match_info["key"]:
                return credential
        raise _refusal(404, "keymanagement.service.InvalidClientIdForGivenApp", "no such key")

    async def bind_products(self, request: web.Request) -> web.Response:
        credential = self._credential(request)
        bound = {one["apiproduct"] for one in credential["apiProducts"]}
        for name in (await _document(request)).get("apiProducts", ()):
            if name not in self.organization.products:
                raise _refusal(400, "keymanagement.service.apiproduct_doesnt_exist", f"{name} does not exist")
            if name not in bound:
                credential["apiProducts"].append({"apiproduct": name, "status": "approved"})
        return web.json_response(credential)

    async def unbind_product(self, request: web.Request) -> web.Response:
        credential = self._credential(request)
        name = request.match_info["product"]
        credential["apiProducts"] = [one for one in credential["apiProducts"] if one["apiproduct"] != name]
        return web.json_response(credential)

    async def delete_key(self, request: web.Request) -> web.Response:
        credential = self._credential(request)
        self.organization.apps[self._app(request)]["credentials"].remove(credential)
        return web.json_response(credential)

    async def delete_app(self, request: web.Request) -> web.Response:
        return web.json_response(self.organization.apps.pop(self._app(request)))


async def _archive(request: web.Request) -> bytes:
    """The bundle: the body itself, or the first file of a form."""
    if not request.content_type.startswith("multipart/"):
        return await request.read()
    part = await (await request.multipart()).next()
    return bytes(await part.read(decode=True)) if part is not None and hasattr(part, "read") else b""


async def _document(request: web.Request, *fields: str) -> dict[str, Any]:
    try:
        found = json.loads(await request.text())
    except ValueError as error:
        raise _refusal(400, "messaging.config.beans.InvalidRequest", str(error)) from error
    missing = [name for name in fields if not isinstance(found, dict) or not found.get(name)]
    if missing:
        raise _refusal(400, "messaging.config.beans.InvalidRequest", f"missing {', '.join(missing)}")
    return found


def _refusal(status: int, code: str, message: str) -> web.HTTPException:
    """An answer in the shape of the management API's errors."""
    kinds = {400: web.HTTPBadRequest, 404: web.HTTPNotFound, 409: web.HTTPConflict}
    return kinds[status](text=json.dumps({"code": code, "message": message, "contexts": []}),
                         content_type="application/json")
