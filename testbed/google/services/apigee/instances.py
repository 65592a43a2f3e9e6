# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Apigee runtime instances and the environments attached to them. An ACTIVE instance is a running process."""
from __future__ import annotations

import uuid
from typing import Any

from testbed.google.errors import GoogleError, precondition
from testbed.google.rules import Pattern, Required, Said
from testbed.google.service import Call, handles, on_failure, work
from testbed.google.services.apigee import ranges
from testbed.google.services.apigee.attachments import Attachments, refuse_attached
from testbed.google.services.apigee.base import LOCKED, ApigeeService, drop, page, typed
from testbed.google.services.apigee.names import exists, ids, key, now_ms, require, require_organization
from testbed.google.services.apigee.networking import reserved_ranges
from testbed.google.services.apigee.push import push
from testbed.world import Instance

DOCUMENT = "apigee.v1 discovery document"
NAME = r"[a-z][a-z\-\d]{0,30}[a-z\d]"
# Fields that a PATCH may name; source: google-apis.md section 5 (accept list, logging, maintenance).
PATCHABLE = ("consumerAcceptList", "accessLoggingConfig", "maintenanceUpdatePolicy")
# Where the runtime of an organisation without VPC peering lives: Google's side, never routed into the customer's VPC.
UNPEERED = ("172.31.248.0/21",)


def world_instance(organization: dict[str, Any], instance: dict[str, Any]) -> Instance:
    """An instance as the world starts it; without VPC peering it belongs to no network."""
    return Instance(
        organization=organization["name"], name=instance["name"], location=instance["location"],
        ip_range=instance["ipRange"].split(",")[0], host=instance["host"],
        network=_full_name(organization))


def _full_name(organization: dict[str, Any]) -> str:
    """The authorized network as the world knows it; empty without VPC peering."""
    network = (organization.get("authorizedNetwork") or "").rsplit("/", 1)[-1]
    return network and f"projects/{organization['network_project']}/global/networks/{network}"


class Instances(ApigeeService):
    """organizations.instances.*"""

    volatile = ("serviceAttachment",)

    @handles("apigee.organizations.instances.create", rules=[
        Required("name", source=f"{DOCUMENT}, Instance.name: Required"),
        Required("location", source=f"{DOCUMENT}, Instance.location: Required"),
        Pattern("name", NAME, source=f"{DOCUMENT}, Instance.name"),
        Pattern("location", r"[a-z]+-[a-z]+\d+", source=f"{DOCUMENT}, Instance.location: a Compute Engine region"),
        Said("ipRange lies in the ranges reserved for service networking, one /22 and one /28",
             source=f"{DOCUMENT}, Instance.ipRange"),
        LOCKED,
    ])
    def create(self, call: Call) -> dict[str, Any]:
        organization, = ids(call.path["parent"], "organizations")
        owner = self.active(call, organization)
        if owner["runtimeType"] != "CLOUD":
            raise precondition("instances are not supported for runtime type HYBRID")
        name = call.body["name"]
        target = f"organizations/{organization}/instances/{name}"
        siblings = call.store.children(key("organizations", organization, "instances"))
        if any(item["name"] == name for item in siblings):
            raise exists("instance", target)
        allocation = self._allocate(call, owner, siblings)
        document = {name_: call.body[name_] for name_ in call.body if name_ not in (
            "host", "port", "state", "createdAt", "lastModifiedAt", "serviceAttachment", "runtimeVersion")}
        document |= {"ipRange": str(allocation), "host": allocation.host, "port": "443", "state": "CREATING",
                     "createdAt": str(now_ms()), "lastModifiedAt": str(now_ms()), "runtimeVersion": "1-17-0-apigee-1",
                     "serviceAttachment": f"projects/{owner['apigeeProjectId']}/regions/{call.body['location']}/"
                                          f"serviceAttachments/apigee-{call.body['location']}-{uuid.uuid4().hex[:4]}"}
        document.setdefault("consumerAcceptList", [owner["projectId"]])
        operation = self.start(call, organization, "INSERT", target, duration="apigee.instance",
                               work="apigee.instance.create", real=True)
        call.store.put(key("organizations", organization, "instances", name), document)
        return operation

    @staticmethod
    def _allocate(call: Call, owner: dict[str, Any], siblings: list[dict[str, Any]]) -> ranges.Allocation:
        network = owner.get("authorizedNetwork")
        pools = (reserved_ranges(call, owner["network_project"], network.rsplit("/", 1)[-1]) if network
                 else list(UNPEERED))
        try:
            return ranges.allocate(call.body.get("ipRange") or "", pools, [item["ipRange"] for item in siblings])
        except ranges.RangeError as error:
            raise GoogleError(400, str(error)) from error

    @work("apigee.instance.create")
    async def created(self, run: Any) -> dict[str, Any]:
        organization, name = ids(run.arguments["target"], "organizations", "instances")
        snapshot = self.emulator.store.snapshot()
        document = snapshot.get(key("organizations", organization, "instances", name))
        await run.world.start_instance(world_instance(snapshot.get(key("organizations", organization)), document))
        async with run.transaction() as tx:
            document = tx.get(key("organizations", organization, "instances", name)) | {"state": "ACTIVE"}
            tx.put(key("organizations", organization, "instances", name), document)
        await push(self.emulator, organization)
        return typed("Instance", document)

    @on_failure("apigee.instance.create")
    async def failed(self, run: Any, error: dict[str, Any]) -> None:
        organization, name = ids(run.arguments["target"], "organizations", "instances")
        async with run.transaction() as tx:
            drop(tx, "organizations", organization, "instances", name)

    @handles("apigee.organizations.instances.get")
    def get(self, call: Call) -> dict[str, Any]:
        organization, name = ids(call.path["name"], "organizations", "instances")
        return require(call.store, "instance", "organizations", organization, "instances", name)

    @handles("apigee.organizations.instances.list")
    def list(self, call: Call) -> dict[str, Any]:
        organization, = ids(call.path["parent"], "organizations")
        require_organization(call.store, organization)
        return page(call.store.children(key("organizations", organization, "instances")), call, "instances")

    @handles("apigee.organizations.instances.patch", rules=[
        Said(f"only {', '.join(PATCHABLE)} change in place", source="google-apis.md section 5"), LOCKED])
    def patch(self, call: Call) -> dict[str, Any]:
        organization, name = ids(call.path["name"], "organizations", "instances")
        document = require(call.store, "instance", "organizations", organization, "instances", name)
        mask = call.mask or [field for field in PATCHABLE if field in call.body]
        wrong = [field for field in mask if field.split(".")[0] not in PATCHABLE]
        if wrong or not mask:
            raise GoogleError(400, f"update_mask may only name {', '.join(PATCHABLE)}, "
                                   f"got {', '.join(wrong) or 'nothing'}")
        for field in {path.split(".")[0] for path in mask}:
            document[field] = call.body.get(field)
        document["lastModifiedAt"] = str(now_ms())
        operation = self.start(call, organization, "UPDATE", call.path["name"], duration="apigee.environment",
                               response=typed("Instance", document))
        call.store.put(key("organizations", organization, "instances", name), document)
        return operation

    @handles("apigee.organizations.instances.delete", rules=[
        LOCKED, Said("refused while environments are attached", source="assumed: not documented")])
    def delete(self, call: Call) -> dict[str, Any]:
        organization, name = ids(call.path["name"], "organizations", "instances")
        document = require(call.store, "instance", "organizations", organization, "instances", name)
        refuse_attached(call, "instance", "organizations", organization, "instances", name)
        operation = self.start(call, organization, "DELETE", call.path["name"], duration="apigee.instance_delete",
                               work="apigee.instance.delete", real=True)
        call.store.put(key("organizations", organization, "instances", name), {**document, "state": "DELETING"})
        return operation

    @work("apigee.instance.delete")
    async def deleted(self, run: Any) -> None:
        organization, name = ids(run.arguments["target"], "organizations", "instances")
        await run.world.stop_instance(organization, name)
        async with run.transaction() as tx:
            drop(tx, "organizations", organization, "instances", name)
        await push(self.emulator, organization)


class InstanceAttachments(Attachments):
    """organizations.instances.attachments.*"""

    method_prefix = "apigee.organizations.instances.attachments"
    generated_names = ("apigee/organizations/*/instances/*/attachments/*",)
    parents, parent, listed = "instances", "instance", "attachments"
    message = "InstanceAttachment"
    duration = "apigee.attachment"

    @handles(".create", rules=[
        Required("environment", source="nothing else could be attached"), LOCKED,
        Said("the instance is ACTIVE and the environment exists and is not attached yet", source="references")])
    def create(self, call: Call) -> dict[str, Any]:
        instance = self.owner(call, "parent")
        if instance["state"] != "ACTIVE":
            raise precondition(f"instance {instance['name']} is not ACTIVE, its state is {instance['state']}")
        return self.attach(call)
