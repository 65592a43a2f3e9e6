# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""API proxies and their revisions: import, validate, read, download, label, delete."""
from __future__ import annotations

import hashlib
import re
from typing import Any

from testbed.google.errors import GoogleError, precondition
from testbed.google.rules import Required, Said
from testbed.google.service import Call, Reply, handles
from testbed.google.services.apigee import descriptor, picture
from testbed.google.services.apigee.base import ApigeeService, check_name, drop, name_list
from testbed.google.services.apigee.names import ids, key, missing, now_ms, require, require_organization
from testbed.google.services.apigee.upload import bundle_bytes, checked
from testbed.google.store import Transaction

DOCUMENT = "apigee.v1 discovery document"
NAME = r"[A-Za-z0-9._-]+"
# Source: Apigee limits, "API proxy revisions".
REVISIONS = 250
BAD = Said("a broken bundle is refused with every violation", source="scastria/terraform-provider-apigee #5")


def revision_documents(store: Transaction, organization: str, proxy: str) -> list[dict[str, Any]]:
    """A proxy's revisions, oldest first."""
    found = store.children(key("organizations", organization, "apis", proxy, "revisions"))
    return sorted(found, key=lambda item: int(item["revision"]["revision"]))


def deployed(store: Transaction, organization: str, proxy: str, number: str | None = None) -> list[str]:
    """Environments to which a proxy (or one revision of it) is deployed."""
    return [item["deployment"]["environment"] for item in picture.deployments(store, organization)
            if item["deployment"]["apiProxy"] == proxy and number in (None, item["deployment"]["revision"])]


class Proxies(ApigeeService):
    """organizations.apis.*"""

    @handles("apigee.organizations.apis.create", permission="apigee.proxies.create", rules=[
        Required("name", query=True, source=f"{DOCUMENT}: apis.create, name"),
        Said("action is import or validate", source=f"{DOCUMENT}: apis.create, action"), BAD,
        Said(f"at most {REVISIONS} revisions", source="Apigee limits"),
        Said("an import always makes a new revision, also of the same content", source="google-apis.md section 4.8")])
    def create(self, call: Call) -> dict[str, Any]:
        organization, = ids(call.path["parent"], "organizations")
        self.active(call, organization)
        name, action = call.query["name"], call.query.get("action") or ""
        check_name(name, NAME, "API proxy name")
        if action not in ("import", "validate"):
            raise GoogleError(400, f'action "{action}" is not supported: it must be import or validate')
        data = bundle_bytes(call)
        _bundle, listing = checked(data)
        proxy = call.store.get(key("organizations", organization, "apis", name))
        revisions = revision_documents(call.store, organization, name)
        if action == "validate":
            return _revision(organization, name, "0", listing, now_ms(), now_ms())
        if len(revisions) >= REVISIONS:
            raise precondition(f"API proxy {name} already has {REVISIONS} revisions, the most that are allowed")
        time = now_ms()
        if proxy is None:
            proxy = {"name": name, "apiProxyType": "PROGRAMMABLE", "last": 0,
                     "metaData": {"createdAt": str(time), "subType": "Proxy"}}
        # Numbers are never given twice, not even after the newest revision was deleted.
        proxy["last"] += 1
        proxy["metaData"]["lastModifiedAt"] = str(time)
        call.store.put(key("organizations", organization, "apis", name), proxy)
        return _store(call, organization, name, str(proxy["last"]), data, listing, time)

    def _shown(self, store: Transaction, organization: str, proxy: dict[str, Any]) -> dict[str, Any]:
        numbers = [item["revision"]["revision"] for item in revision_documents(store, organization, proxy["name"])]
        shown = {field: value for field, value in proxy.items() if field != "last"}
        return {**shown, "revision": numbers, "latestRevisionId": numbers[-1] if numbers else ""}

    @handles("apigee.organizations.apis.get", permission="apigee.proxies.get")
    def get(self, call: Call) -> dict[str, Any]:
        organization, name = ids(call.path["name"], "organizations", "apis")
        return self._shown(call.store, organization, require(call.store, "API proxy", "organizations", organization,
                                                             "apis", name))

    @handles("apigee.organizations.apis.list", permission="apigee.proxies.list")
    def list(self, call: Call) -> dict[str, Any]:
        organization, = ids(call.path["parent"], "organizations")
        require_organization(call.store, organization)
        found = []
        for proxy in call.store.children(key("organizations", organization, "apis")):
            full = self._shown(call.store, organization, proxy)
            shown = {"name": full["name"], "apiProxyType": full["apiProxyType"]}
            if call.query.get("includeRevisions"):
                shown |= {"revision": full["revision"], "latestRevisionId": full["latestRevisionId"]}
            if call.query.get("includeMetaData"):
                shown |= {"metaData": full["metaData"]} | ({"labels": full["labels"]} if full.get("labels") else {})
            found.append(shown)
        return {"proxies": found}

    @handles("apigee.organizations.apis.patch", permission="apigee.proxies.update", rules=[
        Required("updateMask", query=True, source=f"{DOCUMENT}: apis.patch, updateMask: Required"),
        Said("only labels change", source=f"{DOCUMENT}: every other field of ApiProxy is output only")])
    def patch(self, call: Call) -> dict[str, Any]:
        organization, name = ids(call.path["name"], "organizations", "apis")
        proxy = require(call.store, "API proxy", "organizations", organization, "apis", name)
        wrong = [path for path in call.mask if path.split(".")[0] != "labels"]
        if wrong:
            raise GoogleError(400, f"update_mask may only name labels, got {', '.join(wrong)}")
        for label, value in (call.body.get("labels") or {}).items():
            check_name(label, r"[a-z][a-z0-9_-]{0,62}", "label key")
            check_name(value, r"[a-z0-9_-]{0,63}", "label value")
        proxy["labels"] = call.body.get("labels") or {}
        proxy["metaData"]["lastModifiedAt"] = str(now_ms())
        call.store.put(key("organizations", organization, "apis", name), proxy)
        return self._shown(call.store, organization, proxy)

    @handles("apigee.organizations.apis.delete", permission="apigee.proxies.delete", rules=[
        Said("refused while a revision is deployed", source=f"{DOCUMENT}: apis.delete")])
    def delete(self, call: Call) -> dict[str, Any]:
        organization, name = ids(call.path["name"], "organizations", "apis")
        proxy = require(call.store, "API proxy", "organizations", organization, "apis", name)
        where = deployed(call.store, organization, name)
        if where:
            raise precondition(f"API proxy {name} is still deployed to {', '.join(where)}; undeploy it first")
        shown = self._shown(call.store, organization, proxy)
        drop(call.store, "organizations", organization, "apis", name)
        return shown


class Revisions(ApigeeService):
    """organizations.apis.revisions.*"""

    # Two zips of the same files are the same to whoever compares states; "content" tells files apart.
    volatile = ("bundle",)
    extra_routes = (
        name_list("apigee.organizations.apis.revisions.list", "organizations/[^/]+/apis/[^/]+", "revisions"),)

    def _get(self, call: Call) -> tuple[list[str], dict[str, Any]]:
        path = ids(call.path["name"], "organizations", "apis", "revisions")
        require(call.store, "API proxy", "organizations", path[0], "apis", path[1])
        found = picture.revision(call.store, *path)
        if found is None:
            raise missing("API proxy revision", call.path["name"])
        return path, found

    @handles("apigee.organizations.apis.revisions.list", permission="apigee.proxyrevisions.list")
    def list(self, call: Call) -> Reply:
        organization, proxy = ids(call.path["parent"], "organizations", "apis")
        require(call.store, "API proxy", "organizations", organization, "apis", proxy)
        return Reply([item["revision"]["revision"] for item in revision_documents(call.store, organization, proxy)],
                     unchecked=True)

    @handles("apigee.organizations.apis.revisions.get", permission="apigee.proxyrevisions.get", rules=[
        Said("format=bundle answers the zip, its root descriptor rewritten by Apigee",
             source=f"{DOCUMENT}: revisions.get")])
    def get(self, call: Call) -> Reply:
        path, found = self._get(call)
        kind = call.query.get("format") or ""
        if kind not in ("", "bundle"):
            raise GoogleError(400, f'format "{kind}" is not supported: it must be bundle')
        shown = found["revision"]
        if not kind:
            schema = {"$ref": "GoogleCloudApigeeV1ApiProxyRevision"}
            return Reply(call.document.schemas.render(schema, shown, drop_defaults=True), unchecked=True)
        data = call.store.get_blob(picture.bundle_blob(found["bundle"])) or b""
        data = descriptor.with_server_fields(data, path[1], path[2], int(shown["createdAt"]),
                                             int(shown["lastModifiedAt"]))
        return Reply(data, content_type="application/octet-stream",
                     headers={"Content-Disposition": f'attachment; filename="{path[1]}_rev{path[2]}.zip"'})

    @handles("apigee.organizations.apis.revisions.updateApiProxyRevision",
             permission="apigee.proxyrevisions.update", rules=[
                 BAD, Said("only a revision that was never deployed can be updated",
                           source=f"{DOCUMENT}: updateApiProxyRevision")])
    def update(self, call: Call) -> dict[str, Any]:
        (organization, proxy, number), found = self._get(call)
        if found.get("was_deployed"):
            raise precondition(f"revision {number} of API proxy {proxy} has been deployed and is immutable")
        data = bundle_bytes(call)
        _bundle, listing = checked(data)
        return _store(call, organization, proxy, number, data, listing, int(found["revision"]["createdAt"]))

    @handles("apigee.organizations.apis.revisions.delete", permission="apigee.proxyrevisions.delete", rules=[
        Said("refused while deployed", source=f"{DOCUMENT}: revisions.delete")])
    def delete(self, call: Call) -> dict[str, Any]:
        (organization, proxy, number), found = self._get(call)
        where = deployed(call.store, organization, proxy, number)
        if where:
            raise precondition(f"revision {number} of API proxy {proxy} is still deployed to {', '.join(where)}; "
                               "undeploy it first")
        call.store.delete(key("organizations", organization, "apis", proxy, "revisions", number))
        if not revision_documents(call.store, organization, proxy):
            # A proxy without revisions does not exist.
            drop(call.store, "organizations", organization, "apis", proxy)
        return found["revision"]


def _store(call: Call, organization: str, proxy: str, number: str, data: bytes, listing: descriptor.Listing,
           created: int) -> dict[str, Any]:
    digest = hashlib.sha256(data).hexdigest()
    call.store.put_blob(picture.bundle_blob(digest), data)
    shown = _revision(organization, proxy, number, listing, created, now_ms())
    call.store.put(key("organizations", organization, "apis", proxy, "revisions", number), {
        "revision": shown, "bundle": digest, "content": descriptor.content_digest(data),
        "target_servers": list(listing.target_servers), "was_deployed": False})
    return shown


def _revision(organization: str, proxy: str, number: str, listing: descriptor.Listing, created: int,
              modified: int) -> dict[str, Any]:
    """A revision as the API shows it."""
    return {
        "name": proxy, "revision": number, "displayName": listing.display_name or proxy,
        "description": listing.description, "type": "Application",
        "configurationVersion": {"majorVersion": 4, "minorVersion": 0},
        "contextInfo": f"Revision {number} of application {proxy}, in organization {organization}",
        "createdAt": str(created), "lastModifiedAt": str(modified),
        "basepaths": list(listing.base_paths), "policies": list(listing.policies),
        "proxies": list(listing.proxy_endpoints), "proxyEndpoints": list(listing.proxy_endpoints),
        "targets": list(listing.target_endpoints), "targetEndpoints": list(listing.target_endpoints),
        "targetServers": list(listing.target_servers), "resources": list(listing.resources),
        "resourceFiles": {"resourceFile": [
            {"type": found[1], "name": found[2]} for found in
            (re.fullmatch(r"([^:]+)://(.+)", item) for item in listing.resources) if found]},
    }
