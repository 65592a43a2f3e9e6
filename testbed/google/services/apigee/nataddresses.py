# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""NAT addresses of instances: reserved, and used for calls to the internet once they are activated."""
from __future__ import annotations

from typing import Any

from testbed.google.errors import precondition
from testbed.google.rules import Pattern, Required, Said
from testbed.google.service import Call, handles, on_failure, work
from testbed.google.services.apigee.base import LOCKED, ApigeeService, drop, page, typed
from testbed.google.services.apigee.names import exists, ids, key, organization_of, require

_GUIDE = "Apigee's guide on provisioning NAT IPs"
_COLLECTIONS = ("organizations", "instances", "natAddresses")


def _key(name: str) -> str:
    organization, instance, own = ids(name, *_COLLECTIONS)
    return key("organizations", organization, "instances", instance, "natAddresses", own)


class NatAddresses(ApigeeService):
    """organizations.instances.natAddresses.*: no update but the activation."""

    method_prefix = "apigee.organizations.instances.natAddresses"

    @handles(".create", rules=[
        Required("name", source="apigee.v1 discovery document, NatAddress.name: Required"),
        Pattern("name", r"[a-z](?:[a-z0-9-]{0,18}[a-z0-9])?",
                source=f"{_GUIDE}: at most 20 characters; that it is a name as others are is assumed"),
        Said("the instance is ACTIVE", source="assumed: not documented"), LOCKED])
    def create(self, call: Call) -> dict[str, Any]:
        organization, instance = ids(call.path["parent"], "organizations", "instances")
        owner = require(call.store, "instance", "organizations", organization, "instances", instance)
        if owner["state"] != "ACTIVE":
            raise precondition(f"instance {instance} is not ACTIVE, its state is {owner['state']}")
        target = f"{call.path['parent']}/natAddresses/{call.body['name']}"
        if call.store.exists(_key(target)):
            raise exists("NAT address", target)
        operation = self._start(call, "INSERT", target, "create")
        call.store.put(_key(target), {"name": call.body["name"], "state": "CREATING"})
        return operation

    @work(".create")
    async def reserved(self, run: Any) -> dict[str, Any]:
        async with run.transaction() as tx:
            where = _key(run.arguments["target"])
            document = tx.get(where) or {}
            # From a range for documentation, apart from the one of external addresses.
            document.setdefault("ipAddress", f"198.51.100.{tx.next_number('nat-address', 10) % 250}")
            document["state"] = "RESERVED"
            tx.put(where, document)
        return typed("NatAddress", document)

    @on_failure(".create")
    async def failed(self, run: Any, error: dict[str, Any]) -> None:
        async with run.transaction() as tx:
            tx.delete(_key(run.arguments["target"]))

    @handles(".activate", rules=[
        Said("the address is RESERVED", source=f"{_GUIDE}; that a second activation is refused is assumed"), LOCKED])
    def activate(self, call: Call) -> dict[str, Any]:
        document = self.get(call)
        if document["state"] != "RESERVED":
            raise precondition(f"NAT address {call.path['name']} is not RESERVED, its state is {document['state']}")
        return self._start(call, "UPDATE", call.path["name"], "activate")

    @work(".activate")
    async def activated(self, run: Any) -> dict[str, Any]:
        async with run.transaction() as tx:
            where = _key(run.arguments["target"])
            document = {**(tx.get(where) or {}), "state": "ACTIVE"}
            tx.put(where, document)
        await self.emulator.apply_network()
        return typed("NatAddress", document)

    @handles(".get")
    def get(self, call: Call) -> dict[str, Any]:
        organization, instance, name = ids(call.path["name"], *_COLLECTIONS)
        place = ("organizations", organization, "instances", instance)
        require(call.store, "instance", *place)
        return require(call.store, "NAT address", *place, "natAddresses", name)

    @handles(".list")
    def list(self, call: Call) -> dict[str, Any]:
        organization, instance = ids(call.path["parent"], "organizations", "instances")
        require(call.store, "instance", "organizations", organization, "instances", instance)
        found = call.store.children(key("organizations", organization, "instances", instance, "natAddresses"))
        return page(found, call, "natAddresses")

    @handles(".delete", rules=[LOCKED])
    def delete(self, call: Call) -> dict[str, Any]:
        document = self.get(call)
        operation = self._start(call, "DELETE", call.path["name"], "delete")
        call.store.put(_key(call.path["name"]), {**document, "state": "DELETING"})
        return operation

    @work(".delete")
    async def deleted(self, run: Any) -> None:
        organization, instance, name = ids(run.arguments["target"], *_COLLECTIONS)
        async with run.transaction() as tx:
            drop(tx, "organizations", organization, "instances", instance, "natAddresses", name)
        await self.emulator.apply_network()

    def _start(self, call: Call, kind: str, target: str, verb: str) -> dict[str, Any]:
        return self.start(call, organization_of(target), kind, target, duration="apigee.nat_address",
                          work=f"{self.method_prefix}.{verb}")
