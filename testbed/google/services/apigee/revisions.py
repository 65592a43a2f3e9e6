# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""What API proxies and shared flows have in common before they are deployed: import, validate, read, download, delete.

``proxies`` and ``sharedflows`` give each of these classes its collection.
"""
from __future__ import annotations

import hashlib
import re
from typing import Any, ClassVar

from testbed.google.errors import GoogleError, precondition
from testbed.google.rules import Required, Said
from testbed.google.service import Call, Reply, handles
from testbed.google.services.apigee import descriptor, picture
from testbed.google.services.apigee.base import ApigeeService, check_name, drop
from testbed.google.services.apigee.kinds import PROXY, Kind, revision_name
from testbed.google.services.apigee.names import ids, key, missing, now_ms, require, require_organization
from testbed.google.services.apigee.upload import bundle_bytes, checked
from testbed.google.store import Transaction

DOCUMENT = "apigee.v1 discovery document"
NAME = r"[A-Za-z0-9._-]+"
# Source: Apigee limits, "API proxy revisions" and "Shared flow revisions".
REVISIONS = 250
BAD = Said("a broken bundle is refused with every violation", source="scastria/terraform-provider-apigee #5")


def revision_documents(store: Transaction, kind: Kind, organization: str, name: str) -> list[dict[str, Any]]:
    """The revisions of a proxy or shared flow, oldest first."""
    found = store.children(key("organizations", organization, kind.collection, name, "revisions"))
    return sorted(found, key=lambda item: int(item["revision"]["revision"]))


def deployed(store: Transaction, kind: Kind, organization: str, name: str, number: str | None = None) -> list[str]:
    """Environments to which a proxy or shared flow (or one revision of it) is deployed."""
    return [item["deployment"]["environment"] for item in picture.deployments(store, organization, kind=kind)
            if item["deployment"]["apiProxy"] == name and number in (None, item["deployment"]["revision"])]


class Imported(ApigeeService):
    """organizations.apis.* and organizations.sharedflows.*"""

    kind: ClassVar[Kind]

    @handles(".create", rules=[
        Required("name", query=True, source=f"{DOCUMENT}: create, name"),
        Said("action is import or validate", source=f"{DOCUMENT}: create, action"), BAD,
        Said(f"at most {REVISIONS} revisions", source="Apigee limits"),
        Said("an import always makes a new revision, also of the same content", source="google-apis.md section 4.8")])
    def create(self, call: Call) -> dict[str, Any]:
        organization, = ids(call.path["parent"], "organizations")
        self.active(call, organization)
        name, action = call.query["name"], call.query.get("action") or ""
        check_name(name, NAME, f"{self.kind.title} name")
        if action not in ("import", "validate"):
            raise GoogleError(400, f'action "{action}" is not supported: it must be import or validate')
        data = bundle_bytes(call, self.kind)
        listing = checked(data, self.kind)
        where = key("organizations", organization, self.kind.collection, name)
        document = call.store.get(where)
        revisions = revision_documents(call.store, self.kind, organization, name)
        if action == "validate":
            return _revision(self.kind, organization, name, "0", listing, now_ms(), now_ms())
        if len(revisions) >= REVISIONS:
            raise precondition(f"{self.kind.title} {name} already has {REVISIONS} revisions, the most that are allowed")
        time = now_ms()
        if document is None:
            document = {"name": name, "last": 0, "metaData": {"createdAt": str(time), "subType": self.kind.sub_type}}
            if self.kind is PROXY:
                document["apiProxyType"] = "PROGRAMMABLE"
        # Numbers are never given twice, not even after the newest revision was deleted.
        document["last"] += 1
        document["metaData"]["lastModifiedAt"] = str(time)
        call.store.put(where, document)
        return _store(call, self.kind, organization, name, str(document["last"]), data, listing, time)

    def _require(self, call: Call) -> tuple[str, str, dict[str, Any]]:
        organization, name = ids(call.path["name"], "organizations", self.kind.collection)
        return organization, name, require(call.store, self.kind.title, "organizations", organization,
                                           self.kind.collection, name)

    def _shown(self, store: Transaction, organization: str, document: dict[str, Any]) -> dict[str, Any]:
        numbers = [item["revision"]["revision"]
                   for item in revision_documents(store, self.kind, organization, document["name"])]
        shown = {field: value for field, value in document.items() if field != "last"}
        return {**shown, "revision": numbers, "latestRevisionId": numbers[-1] if numbers else ""}

    @handles(".get")
    def get(self, call: Call) -> dict[str, Any]:
        organization, _name, document = self._require(call)
        return self._shown(call.store, organization, document)

    @handles(".list")
    def list(self, call: Call) -> dict[str, Any]:
        organization, = ids(call.path["parent"], "organizations")
        require_organization(call.store, organization)
        found = []
        for document in call.store.children(key("organizations", organization, self.kind.collection)):
            full = self._shown(call.store, organization, document)
            shown = {field: full[field] for field in ("name", "apiProxyType") if field in full}
            if call.query.get("includeRevisions"):
                shown |= {"revision": full["revision"], "latestRevisionId": full["latestRevisionId"]}
            if call.query.get("includeMetaData"):
                shown |= {"metaData": full["metaData"]} | ({"labels": full["labels"]} if full.get("labels") else {})
            found.append(shown)
        return {"proxies" if self.kind is PROXY else "sharedFlows": found}

    @handles(".delete", rules=[Said("refused while a revision is deployed", source=f"{DOCUMENT}: delete")])
    def delete(self, call: Call) -> dict[str, Any]:
        organization, name, document = self._require(call)
        where = deployed(call.store, self.kind, organization, name)
        if where:
            raise precondition(f"{self.kind.title} {name} is still deployed to {', '.join(where)}; undeploy it first")
        shown = self._shown(call.store, organization, document)
        drop(call.store, "organizations", organization, self.kind.collection, name)
        return shown


class Revisions(ApigeeService):
    """organizations.apis.revisions.* and organizations.sharedflows.revisions.*"""

    kind: ClassVar[Kind]
    # Two zips of the same files are the same to whoever compares states; "content" tells files apart.
    volatile = ("bundle",)

    def _get(self, call: Call) -> tuple[list[str], dict[str, Any]]:
        path = ids(call.path["name"], "organizations", self.kind.collection, "revisions")
        require(call.store, self.kind.title, "organizations", path[0], self.kind.collection, path[1])
        found = picture.revision(call.store, self.kind, *path)
        if found is None:
            raise missing(f"{self.kind.title} revision", call.path["name"])
        return path, found

    @handles(".list")
    def list(self, call: Call) -> Reply:
        organization, name = ids(call.path["parent"], "organizations", self.kind.collection)
        require(call.store, self.kind.title, "organizations", organization, self.kind.collection, name)
        documents = revision_documents(call.store, self.kind, organization, name)
        return Reply([item["revision"]["revision"] for item in documents], unchecked=True)

    @handles(".get", rules=[
        Said("format=bundle answers the zip, its root descriptor rewritten by Apigee",
             source=f"{DOCUMENT}: revisions.get")])
    def get(self, call: Call) -> Reply:
        path, found = self._get(call)
        wanted = call.query.get("format") or ""
        if wanted not in ("", "bundle"):
            raise GoogleError(400, f'format "{wanted}" is not supported: it must be bundle')
        shown = found["revision"]
        if not wanted:
            schema = {"$ref": f"GoogleCloudApigeeV1{self.kind.schema}Revision"}
            return Reply(call.document.schemas.render(schema, shown, drop_defaults=True), unchecked=True)
        data = call.store.get_blob(picture.bundle_blob(found["bundle"])) or b""
        data = descriptor.with_server_fields(data, self.kind, path[1], path[2], int(shown["createdAt"]),
                                             int(shown["lastModifiedAt"]))
        return Reply(data, content_type="application/octet-stream",
                     headers={"Content-Disposition": f'attachment; filename="{path[1]}_rev{path[2]}.zip"'})

    def update(self, call: Call) -> dict[str, Any]:
        """Replace the content of a revision: the methods of the two kinds have names of their own."""
        (organization, name, number), found = self._get(call)
        if found.get("was_deployed"):
            raise precondition(f"revision {number} of {self.kind.title} {name} has been deployed and is immutable")
        data = bundle_bytes(call, self.kind)
        listing = checked(data, self.kind)
        return _store(call, self.kind, organization, name, number, data, listing, int(found["revision"]["createdAt"]))

    @handles(".delete", rules=[Said("refused while deployed", source=f"{DOCUMENT}: revisions.delete")])
    def delete(self, call: Call) -> dict[str, Any]:
        (organization, name, number), found = self._get(call)
        where = deployed(call.store, self.kind, organization, name, number)
        if where:
            raise precondition(f"revision {number} of {self.kind.title} {name} is still deployed to "
                               f"{', '.join(where)}; undeploy it first")
        call.store.delete(key(*revision_name(self.kind, organization, name, number).split("/")))
        if not revision_documents(call.store, self.kind, organization, name):
            # Neither exists without revisions.
            drop(call.store, "organizations", organization, self.kind.collection, name)
        return found["revision"]


UPDATE_RULES = [BAD, Said("only a revision that was never deployed can be updated", source=f"{DOCUMENT}: update")]


def _store(call: Call, kind: Kind, organization: str, name: str, number: str, data: bytes,
           listing: descriptor.Listing, created: int) -> dict[str, Any]:
    digest = hashlib.sha256(data).hexdigest()
    call.store.put_blob(picture.bundle_blob(digest), data)
    shown = _revision(kind, organization, name, number, listing, created, now_ms())
    call.store.put(key("organizations", organization, kind.collection, name, "revisions", number), {
        "revision": shown, "bundle": digest, "content": descriptor.content_digest(data),
        "target_servers": list(listing.target_servers), "callouts": list(listing.callouts), "was_deployed": False})
    return shown


def _revision(kind: Kind, organization: str, name: str, number: str, listing: descriptor.Listing, created: int,
              modified: int) -> dict[str, Any]:
    """A revision as the API shows it."""
    shown = {
        "name": name, "revision": number, "displayName": listing.display_name or name,
        "description": listing.description, "type": "Application",
        "configurationVersion": {"majorVersion": 4, "minorVersion": 0},
        "contextInfo": f"Revision {number} of application {name}, in organization {organization}",
        "createdAt": str(created), "lastModifiedAt": str(modified),
        "policies": list(listing.policies), "resources": list(listing.resources),
        "resourceFiles": {"resourceFile": [
            {"type": found[1], "name": found[2]} for found in
            (re.fullmatch(r"([^:]+)://(.+)", item) for item in listing.resources) if found]},
    }
    if kind is not PROXY:
        return {**shown, "sharedFlows": list(listing.shared_flows)}
    return {
        **shown, "basepaths": list(listing.base_paths),
        "proxies": list(listing.proxy_endpoints), "proxyEndpoints": list(listing.proxy_endpoints),
        "targets": list(listing.target_endpoints), "targetEndpoints": list(listing.target_endpoints),
        "targetServers": list(listing.target_servers)}
