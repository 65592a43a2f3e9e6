# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""What lives directly in an environment (target servers, keystores, references): found, listed, stored, removed."""
from __future__ import annotations

from typing import Any

from testbed.google.errors import GoogleError, precondition
from testbed.google.service import Call, Reply, handles
from testbed.google.services.apigee.base import ApigeeService, check_name, drop, name_list
from testbed.google.services.apigee.names import exists, ids, key, require
from testbed.google.services.apigee.push import push

ENVIRONMENT = "organizations/[^/]+/environments/[^/]+"
PREFIX = "apigee.organizations.environments."


def listed(collection: str, parent: str = ENVIRONMENT) -> tuple[dict[str, Any], ...]:
    """The list of names that the discovery document lacks, for ``extra_routes``."""
    return (name_list(f"{PREFIX}{collection}.list", parent, collection.rsplit(".", 1)[-1]),)


class EnvironmentPart(ApigeeService):
    """A collection of an environment. Every change reaches the runtime before the answer leaves."""

    collection: str
    #: What messages call one.
    kind: str
    #: The same in the middle of a sentence.
    title: str

    @staticmethod
    def parent(call: Call) -> tuple[str, str]:
        """Organisation and environment in the request's ``parent``. Raises GoogleError when one is not there."""
        organization, environment = ids(call.path["parent"], "organizations", "environments")
        require(call.store, "environment", "organizations", organization, "environments", environment)
        return organization, environment

    def named(self, call: Call) -> tuple[list[str], dict[str, Any]]:
        """Organisation, environment and id in the request's ``name``, and the document. Raises GoogleError."""
        path = ids(call.path["name"], "organizations", "environments", self.collection)
        require(call.store, "environment", "organizations", path[0], "environments", path[1])
        return path, require(
            call.store, self.kind, "organizations", path[0], "environments", path[1], self.collection, path[2])

    def where(self, organization: str, environment: str, name: str) -> str:
        """The store key of one."""
        return key("organizations", organization, "environments", environment, self.collection, name)

    def free(self, call: Call, name: str, pattern: str) -> tuple[str, str]:
        """The parent of a new one. Raises GoogleError for a name that is none or is taken."""
        organization, environment = self.parent(call)
        check_name(name, pattern, f"{self.title} name")
        if call.store.exists(self.where(organization, environment, name)):
            raise exists(self.kind, f"{call.path['parent']}/{self.collection}/{name}")
        return organization, environment

    def same_name(self, call: Call, name: str) -> None:
        """Raise GoogleError when a body names another one than the path."""
        if call.body.get("name") not in (None, "", name):
            raise GoogleError(400, f'{self.title} name "{call.body["name"]}" does not match "{name}" in the path')

    def put(self, call: Call, path: tuple[str, str], document: dict[str, Any]) -> dict[str, Any]:
        """Store a document; the runtime is told."""
        call.store.put(self.where(*path, document["name"]), document)
        call.then(lambda: push(self.emulator, path[0]))
        return document

    def remove(self, call: Call, users: list[str]) -> dict[str, Any]:
        """Remove one with all below it, unless it has users; returns its document."""
        path, document = self.named(call)
        if users:
            raise precondition(f"{self.title} {path[2]} is in use: {'; '.join(users)}")
        drop(call.store, "organizations", path[0], "environments", path[1], self.collection, path[2])
        call.then(lambda: push(self.emulator, path[0]))
        return document

    @handles(".list")
    def list(self, call: Call) -> Reply:
        organization, environment = self.parent(call)
        found = call.store.children(key("organizations", organization, "environments", environment, self.collection))
        return Reply([item["name"] for item in found], unchecked=True)

    @handles(".get")
    def get(self, call: Call) -> dict[str, Any]:
        return self.named(call)[1]
