# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Attachments of environments: to an instance, which runs them, and to a group, under whose host names they answer."""
from __future__ import annotations

import uuid
from typing import Any

from testbed.google.errors import precondition
from testbed.google.service import Call, handles, work
from testbed.google.services.apigee.base import LOCKED, ApigeeService, drop, page, typed
from testbed.google.services.apigee.names import exists, ids, key, now_ms, organization_of, require
from testbed.google.services.apigee.push import push


def refuse_attached(call: Call, kind: str, *parts: str) -> None:
    """Raise GoogleError while environments are attached to the resource that ``parts`` name, which goes."""
    attached = call.store.children(key(*parts, "attachments"))
    if attached:
        raise precondition(f"{kind} {parts[-1]} still has environments attached: "
                           f"{', '.join(sorted(item['environment'] for item in attached))}")


class Attachments(ApigeeService):
    """Base of both kinds. A class says what it is attached to, and marks its own ``create`` with its own rules."""

    parents: str = ""
    """Collection of what environments are attached to: instances or envgroups."""
    parent: str = ""
    """One of those, as messages call it."""
    listed: str = ""
    """Field of a list's answer."""
    message: str = ""
    """Type of an attachment in the discovery document."""
    parent_field: str = ""
    """Field of an attachment that repeats what it is attached to, "" where there is none."""
    duration: str = ""

    def owner(self, call: Call, parameter: str) -> dict[str, Any]:
        """What the attachments of a call belong to, by the path parameter that names it. Raises GoogleError."""
        organization, name = ids(call.path[parameter], "organizations", self.parents)
        return require(call.store, self.parent, "organizations", organization, self.parents, name.split("/")[0])

    def attach(self, call: Call) -> dict[str, Any]:
        """Start to attach the environment of the body. Raises GoogleError where it is missing or attached already."""
        organization, name = ids(call.path["parent"], "organizations", self.parents)
        environment = call.body["environment"]
        require(call.store, "environment", "organizations", organization, "environments", environment)
        for item in call.store.children(key("organizations", organization, self.parents, name, "attachments")):
            if item["environment"] == environment:
                raise exists("attachment of environment", f"{environment} to {self.parent} {name}")
        target = f"{call.path['parent']}/attachments/{uuid.uuid4()}"
        return self.start(call, organization, "INSERT", target, duration=self.duration,
                          work=f"{self.method_prefix}.create", arguments={"environment": environment})

    @work(".create")
    async def attached(self, run: Any) -> dict[str, Any]:
        organization, owner, name = ids(run.arguments["target"], "organizations", self.parents, "attachments")
        document = {"name": name, "environment": run.arguments["environment"], "createdAt": str(now_ms())}
        if self.parent_field:
            document[self.parent_field] = owner
        async with run.transaction() as tx:
            tx.put(key("organizations", organization, self.parents, owner, "attachments", name), document)
        await push(self.emulator, organization)
        return typed(self.message, document)

    @handles(".get")
    def get(self, call: Call) -> dict[str, Any]:
        self.owner(call, "name")
        organization, owner, name = ids(call.path["name"], "organizations", self.parents, "attachments")
        return require(call.store, "attachment", "organizations", organization, self.parents, owner, "attachments",
                       name)

    @handles(".list")
    def list(self, call: Call) -> dict[str, Any]:
        self.owner(call, "parent")
        organization, owner = ids(call.path["parent"], "organizations", self.parents)
        return page(call.store.children(key("organizations", organization, self.parents, owner, "attachments")), call,
                    self.listed)

    @handles(".delete", rules=[LOCKED])
    def delete(self, call: Call) -> dict[str, Any]:
        self.get(call)
        return self.start(call, organization_of(call.path["name"]), "DELETE", call.path["name"], duration=self.duration,
                          work=f"{self.method_prefix}.delete")

    @work(".delete")
    async def detached(self, run: Any) -> None:
        organization, owner, name = ids(run.arguments["target"], "organizations", self.parents, "attachments")
        async with run.transaction() as tx:
            drop(tx, "organizations", organization, self.parents, owner, "attachments", name)
        await push(self.emulator, organization)
