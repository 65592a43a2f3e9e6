# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Resource files of an environment: content under a type and a name. Those of type properties reach the runtime.

There is no such collection in organisations or proxies (discovery document): a proxy's files are in its bundle.
"""
from __future__ import annotations

import hashlib
from typing import Any

from testbed.google.errors import GoogleError
from testbed.google.rules import Pattern, Required, Said
from testbed.google.service import Call, Reply, handles
from testbed.google.services.apigee.base import ApigeeService
from testbed.google.services.apigee.file_contents import blob, document_key, documents
from testbed.google.services.apigee.names import exists, ids, missing, require
from testbed.google.services.apigee.push import push
from testbed.google.services.apigee.upload import form

DOCUMENT = "apigee.v1 discovery document: resourcefiles"
# Source: Apigee "Managing resources", resource types; the discovery document's list was not filled in.
TYPES = ("graphql", "java", "jsc", "oas", "properties", "py", "wsdl", "xsd", "xsl")
NAME = r"[a-zA-Z0-9:/\\!@#$%^&{}\[\]()+\-=,.~'` _]{1,255}"
CONTENT = Said("the content is application/octet-stream or the file of a form", source=f"{DOCUMENT}.create")
KNOWN = Said(f"the type is one of {', '.join(TYPES)}", source='Apigee "Managing resources"')


class ResourceFiles(ApigeeService):
    """organizations.environments.resourcefiles.*"""

    method_prefix = "apigee.organizations.environments.resourcefiles"

    @handles(".create", rules=[
        Required("name", query=True, source=f"{DOCUMENT}.create, name"),
        Required("type", query=True, source=f"{DOCUMENT}.create, type"),
        Pattern("name", NAME, query=True, source=f"{DOCUMENT}.create, name"), KNOWN, CONTENT,
        Said("only files of type properties have an effect: JavaScript, Java, Python and XSL are not executed here",
             source="a limit of the testbed's runtime, not of Apigee")])
    def create(self, call: Call) -> dict[str, Any]:
        parent = self._parent(call)
        kind, name = _type(call.query["type"]), call.query["name"]
        if call.store.exists(document_key(*parent, kind, name)):
            raise exists("resource file", f"{kind}/{name}")
        return self._put(call, *parent, kind, name)

    @handles(".update", rules=[CONTENT])
    def update(self, call: Call) -> dict[str, Any]:
        parent, document = self._named(call)
        return self._put(call, *parent, document["type"], document["name"])

    @handles(".get", rules=[Said("answers the content as it is", source=f"{DOCUMENT}.get: HttpBody")])
    def get(self, call: Call) -> Reply:
        parent, document = self._named(call)
        data = call.store.get_blob(blob(*parent, document["type"], document["name"]))
        return Reply(data or b"", content_type="application/octet-stream")

    @handles(".list", ".listEnvironmentResources", permission="apigee.resourcefiles.list", rules=[KNOWN])
    def list(self, call: Call) -> dict[str, Any]:
        parent = self._parent(call)
        wanted = call.path.get("type") or call.query.get("type") or ""
        if wanted:
            _type(wanted)
        return {"resourceFile": [_shown(item) for item in documents(call.store, *parent)
                                 if wanted in ("", item["type"])]}

    @handles(".delete")
    def delete(self, call: Call) -> dict[str, Any]:
        parent, document = self._named(call)
        call.store.delete(document_key(*parent, document["type"], document["name"]))
        call.store.put_blob(blob(*parent, document["type"], document["name"]), b"")
        call.then(lambda: push(self.emulator, parent[0]))
        return _shown(document)

    @staticmethod
    def _parent(call: Call) -> tuple[str, str]:
        organization, environment = ids(call.path["parent"], "organizations", "environments")
        require(call.store, "environment", "organizations", organization, "environments", environment)
        return organization, environment

    def _named(self, call: Call) -> tuple[tuple[str, str], dict[str, Any]]:
        parent = self._parent(call)
        kind, name = call.path["type"], call.path["name"]
        document = call.store.get(document_key(*parent, kind, name))
        if document is None:
            raise missing("resource file", f"{kind}/{name}")
        return parent, document

    def _put(self, call: Call, organization: str, environment: str, kind: str, name: str) -> dict[str, Any]:
        data = _content(call)
        call.store.put_blob(blob(organization, environment, kind, name), data)
        document = {"name": name, "type": kind, "content": hashlib.sha256(data).hexdigest()}
        call.store.put(document_key(organization, environment, kind, name), document)
        call.then(lambda: push(self.emulator, organization))
        return _shown(document)


def _shown(document: dict[str, Any]) -> dict[str, Any]:
    return {"name": document["name"], "type": document["type"]}


def _type(value: str) -> str:
    if value not in TYPES:
        raise GoogleError(400, f'resource file type "{value}" is invalid: it must be one of {", ".join(TYPES)}')
    return value


def _content(call: Call) -> bytes:
    """The file in a request. Raises GoogleError 400."""
    kind = call.content_type.split(";")[0].strip().lower()
    if kind == "application/octet-stream":
        return call.raw
    if kind != "multipart/form-data":
        raise GoogleError(400, f'Content-Type "{call.content_type}" is not supported: send the file as '
                               "multipart/form-data or application/octet-stream")
    found = [part.content for part in form(call) if part.is_file]
    if not found:
        raise GoogleError(400, "the form has no file")
    return found[0]
