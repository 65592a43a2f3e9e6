# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The management API of Apigee Edge as far as setting up gateways needs it: a double.

Paths, documents and refusals follow Edge's published reference (Management API, "Apigee Edge API"); what is not
published about an answer is left out of it.
"""
from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from testbed.apigee.bundle.archive import BundleError

from .consumers import Consumers
from .organization import Organization, Proxy
from .replies import document, refusal

#: What an encrypted map shows of its values.
MASK = "*****"


class Management(Consumers):
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
                ("GET", "/apis/{name}/revisions/{revision}", self.download),
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
            found += self.consumers(base)
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
            raise refusal(404, "organizations.OrganizationDoesNotExist",
                           f"Organization {told['organization']} does not exist")
        environment = told.get("environment")
        if environment is not None and environment not in self.organization.environments:
            raise refusal(404, "messaging.config.beans.EnvironmentDoesNotExist",
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
            raise refusal(400, "messaging.config.beans.ImportFailed", "action=import and name are needed")
        try:
            proxy = self.organization.import_proxy(name, await _archive(request))
        except BundleError as error:
            raise refusal(400, "messaging.config.beans.ImportFailed", str(error)) from error
        return web.json_response({"name": name, "revision": str(proxy.revision), "basepaths": [proxy.base_path]},
                                 status=201)

    def _proxy(self, request: web.Request) -> list[Proxy]:
        name = request.match_info["name"]
        found = self.organization.revisions.get(name)
        if not found:
            raise refusal(404, "messaging.config.beans.ApplicationDoesNotExist",
                           f"APIProxy named {name} does not exist in organization {self.organization.name}")
        return found

    async def show_proxy(self, request: web.Request) -> web.Response:
        revisions = [str(proxy.revision) for proxy in self._proxy(request)]
        return web.json_response({"name": request.match_info["name"], "revision": revisions})

    async def delete_proxy(self, request: web.Request) -> web.Response:
        self._proxy(request)
        name = request.match_info["name"]
        if any(proxy == name for _environment, proxy in self.organization.deployments):
            raise refusal(400, "messaging.config.beans.ApplicationIsDeployed", f"APIProxy {name} is deployed")
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

    def _revision(self, request: web.Request) -> Proxy:
        known, told = self._proxy(request), request.match_info["revision"]
        if not told.isdigit() or not 1 <= int(told) <= len(known):
            raise refusal(404, "messaging.config.beans.ApplicationRevisionDoesNotExist",
                           f"APIProxy revision {told} does not exist")
        return known[int(told) - 1]

    async def download(self, request: web.Request) -> web.Response:
        proxy = self._revision(request)
        if request.query.get("format") == "bundle":
            return web.Response(body=proxy.archive, content_type="application/octet-stream")
        return web.json_response({"name": proxy.name, "revision": str(proxy.revision), "basepaths": [proxy.base_path]})

    async def deploy(self, request: web.Request) -> web.Response:
        told = request.match_info
        base_path = self._revision(request).base_path
        place = (told["environment"], told["name"])
        current = self.organization.deployments.get(place)
        replaces = request.query.get("override") == "true"
        if current == int(told["revision"]):
            raise refusal(400, "messaging.config.beans.ApplicationAlreadyDeployed", "already deployed")
        if current is not None and not replaces:
            raise refusal(400, "messaging.config.beans.ApplicationAlreadyDeployed",
                           f"revision {current} is deployed; override=true replaces it")
        taken = [proxy.name for proxy in self.organization.served(place[0])
                 if proxy.base_path == base_path and (proxy.name != place[1] or not replaces)]
        if taken:
            raise refusal(400, "messaging.runtime.BasePathConflict",
                           f"base path {base_path} is taken by {', '.join(taken)}")
        self.organization.deployments[place] = int(told["revision"])
        return web.json_response({"aPIProxy": told["name"], "environment": told["environment"],
                                  "revision": told["revision"], "state": "deployed"})

    async def undeploy(self, request: web.Request) -> web.Response:
        told = request.match_info
        place = (told["environment"], told["name"])
        if self.organization.deployments.get(place) != int(told["revision"]):
            raise refusal(400, "distribution.ApplicationNotDeployed", "this revision is not deployed")
        del self.organization.deployments[place]
        return web.json_response({"aPIProxy": told["name"], "state": "undeployed"})

    # -- key value maps of an environment ---------------------------------------------------------------------
    async def list_maps(self, request: web.Request) -> web.Response:
        environment = request.match_info["environment"]
        return web.json_response(sorted(name for place, name in self.organization.maps if place == environment))

    async def create_map(self, request: web.Request) -> web.Response:
        told = await document(request, "name")
        place = (request.match_info["environment"], told["name"])
        if place in self.organization.maps:
            raise refusal(409, "keyvaluemap.service.keyvaluemap_already_exists", f"{told['name']} already exists")
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
        told = await document(request, "name", "value")
        if told["name"] in entries:
            raise refusal(409, "keyvaluemap.service.entry_already_exists", f"{told['name']} already exists")
        entries[told["name"]] = told["value"]
        return web.json_response({"name": told["name"]}, status=201)

    async def update_entry(self, request: web.Request) -> web.Response:
        entries = self.organization.maps[self._place(request)]
        told = await document(request, "value")
        if request.match_info["entry"] not in entries:
            raise refusal(404, "keyvaluemap.service.entry_does_not_exist", "no such entry")
        entries[request.match_info["entry"]] = told["value"]
        return web.json_response({"name": request.match_info["entry"]})

    async def delete_entry(self, request: web.Request) -> web.Response:
        entries = self.organization.maps[self._place(request)]
        if entries.pop(request.match_info["entry"], None) is None:
            raise refusal(404, "keyvaluemap.service.entry_does_not_exist", "no such entry")
        return web.json_response({"name": request.match_info["entry"]})

    def _place(self, request: web.Request) -> tuple[str, str]:
        place = (request.match_info["environment"], request.match_info["name"])
        if place not in self.organization.maps:
            raise refusal(404, "keyvaluemap.service.keyvaluemap_doesnt_exist",
                           f"KeyValueMap {place[1]} does not exist in environment {place[0]}")
        return place

    def _map(self, place: tuple[str, str]) -> dict[str, Any]:
        hidden = place in self._encrypted
        entries = [{"name": name, "value": MASK if hidden else value}
                   for name, value in self.organization.maps[place].items()]
        return {"name": place[1], "encrypted": hidden, "entry": entries}


async def _archive(request: web.Request) -> bytes:
    """The bundle: the body itself, or the first file of a form."""
    if not request.content_type.startswith("multipart/"):
        return await request.read()
    part = await (await request.multipart()).next()
    return bytes(await part.read(decode=True)) if part is not None and hasattr(part, "read") else b""
