# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Products, developers and apps in the management API of the double: objects are kept as they are sent."""
from __future__ import annotations

import secrets
import time
from typing import Any

from aiohttp import web

from .organization import Organization
from .replies import document, refusal


class Consumers:
    """Mixed into what holds the organisation and checks who calls."""

    organization: Organization

    def _route(self, method: str, path: str, handler: Any) -> web.RouteDef:
        raise NotImplementedError

    def consumers(self, base: str) -> list[web.RouteDef]:
        """Routes below an organisation."""
        apps = f"{base}/developers/{{email}}/apps"
        key = f"{apps}/{{name}}/keys/{{key}}"
        return [
            *self._collection(f"{base}/apiproducts", "products", "name"),
            *self._collection(f"{base}/developers", "developers", "email"),
            *(self._route(method, path, handler) for method, path, handler in (
                ("POST", f"{base}/developers/{{email}}", self.act_on_developer),
                ("GET", apps, self.list_apps),
                ("POST", apps, self.create_app),
                ("GET", f"{apps}/{{name}}", self.show_app),
                ("PUT", f"{apps}/{{name}}", self.update_app),
                ("POST", f"{apps}/{{name}}", self.act_on_app),
                ("DELETE", f"{apps}/{{name}}", self.delete_app),
                ("POST", key, self.bind_products),
                ("DELETE", key, self.delete_key),
                ("DELETE", f"{key}/apiproducts/{{product}}", self.unbind_product),
            )),
        ]

    def _collection(self, base: str, kind: str, identity: str) -> list[web.RouteDef]:
        """Five calls on objects that are kept as they were sent, under their name."""
        kept: dict[str, dict[str, Any]] = getattr(self.organization, kind)
        defaults: dict[str, Any] = {"status": "active", "apps": []} if kind == "developers" else {
            "approvalType": "auto", "proxies": [], "apiResources": [], "scopes": [], "environments": []}

        def known(request: web.Request) -> str:
            name = request.match_info[identity]
            if name not in kept:
                raise refusal(404, f"keymanagement.service.{kind}_does_not_exist", f"{name} does not exist")
            return name

        async def everything(request: web.Request) -> web.Response:
            return web.json_response(sorted(kept))

        async def create(request: web.Request) -> web.Response:
            told = await document(request, identity)
            if told[identity] in kept:
                raise refusal(409, f"keymanagement.service.{kind}_already_exists", f"{told[identity]} exists")
            kept[told[identity]] = {**defaults, **told, "createdAt": int(time.time() * 1000)}
            return web.json_response(kept[told[identity]], status=201)

        async def show(request: web.Request) -> web.Response:
            return web.json_response(kept[known(request)])

        async def update(request: web.Request) -> web.Response:
            name = known(request)
            kept[name] = {**defaults, **await document(request), identity: name,
                          "createdAt": kept[name]["createdAt"]}
            return web.json_response(kept[name])

        async def delete(request: web.Request) -> web.Response:
            name = known(request)
            users = [app for (email, _name), app in self.organization.apps.items()
                     if kind == "products" and any(one["apiproduct"] == name for credential in app["credentials"]
                                                   for one in credential["apiProducts"])]
            if users:
                raise refusal(409, "keymanagement.service.apiproduct_in_use", f"{name} is used by apps")
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
            raise refusal(404, "developer.service.AppDoesNotExist", f"App named {place[1]} does not exist")
        return place

    async def list_apps(self, request: web.Request) -> web.Response:
        email = request.match_info["email"]
        return web.json_response(sorted(name for owner, name in self.organization.apps if owner == email))

    async def create_app(self, request: web.Request) -> web.Response:
        email = request.match_info["email"]
        if email not in self.organization.developers:
            raise refusal(404, "developer.service.DeveloperDoesNotExist", f"Developer {email} does not exist")
        told = await document(request, "name")
        if (email, told["name"]) in self.organization.apps:
            raise refusal(409, "developer.service.AppAlreadyExists", f"{told['name']} exists")
        for name in told.get("apiProducts", ()):
            if name not in self.organization.products:
                raise refusal(400, "keymanagement.service.apiproduct_doesnt_exist", f"{name} does not exist")
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
        told = await document(request)
        app |= {name: told[name] for name in ("attributes", "callbackUrl") if name in told}
        return web.json_response(app)

    async def act_on_app(self, request: web.Request) -> web.Response:
        app = self.organization.apps[self._app(request)]
        app["status"] = {"approve": "approved", "revoke": "revoked"}[request.query["action"]]
        return web.Response(status=204)

    async def act_on_developer(self, request: web.Request) -> web.Response:
        developer = self.organization.developers.get(request.match_info["email"])
        if developer is None:
            raise refusal(404, "developer.service.DeveloperDoesNotExist", "no such developer")
        developer["status"] = request.query["action"]
        return web.Response(status=204)

    def _credential(self, request: web.Request) -> dict[str, Any]:
        for credential in self.organization.apps[self._app(request)]["credentials"]:
            if credential["consumerKey"] == request.match_info["key"]:
                return credential
        raise refusal(404, "keymanagement.service.InvalidClientIdForGivenApp", "no such key")

    async def bind_products(self, request: web.Request) -> web.Response:
        credential = self._credential(request)
        bound = {one["apiproduct"] for one in credential["apiProducts"]}
        for name in (await document(request)).get("apiProducts", ()):
            if name not in self.organization.products:
                raise refusal(400, "keymanagement.service.apiproduct_doesnt_exist", f"{name} does not exist")
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
