# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Apigee organisations: one for each project, peered with a network or not."""
from __future__ import annotations

import base64
import logging
import time
from typing import Any

from testbed.google.errors import GoogleError, precondition
from testbed.google.rules import Required, Said
from testbed.google.service import Call, handles, work
from testbed.google.services.apigee import picture
from testbed.google.services.apigee.base import ApigeeService, drop, name_list, public, typed
from testbed.google.services.apigee.names import ids, key, now_ms, require_organization
from testbed.google.services.apigee.networking import authorized
from testbed.google.services.apigee.push import push
from testbed.world import WorldError

log = logging.getLogger("testbed.google.apigee")
DOCUMENT = "apigee.v1 discovery document"
# Seconds for which a deleted organisation blocks its project; source: the text of organizations.delete.
RETENTION = {"": 7 * 86400, "DELETION_RETENTION_UNSPECIFIED": 7 * 86400, "MINIMUM": 86400, "NO_RETENTION": 0}
_HIDDEN = ("deleted_at", "blocked_until", "network_project")


class Organizations(ApigeeService):
    """organizations.*"""

    volatile = ("blocked_until", "deleted_at")
    # Name lists of kinds that are not emulated yet: they answer 501 and name themselves, not 404.
    extra_routes = (
        name_list("apigee.organizations.sharedflows.revisions.list", "organizations/[^/]+/sharedflows/[^/]+",
                  "revisions"),
    )

    @handles("apigee.organizations.create", rules=[
        Required("parent", query=True, source=f"{DOCUMENT}: parent is required"),
        Required("runtimeType", source=f"{DOCUMENT}, Organization.runtimeType: Required"),
        Said("authorizedNetwork or disableVpcPeering=true is required for runtimeType CLOUD",
             source=f"{DOCUMENT}, Organization.disableVpcPeering"),
        Said("authorizedNetwork must exist and have a private services connection", source="google-apis.md section 8"),
        Said("the organisation's name is the project's id", source="Apigee documentation, precog-provision"),
        Said("a project whose organisation is kept after deletion gets no new one",
             source=f"{DOCUMENT}, organizations.delete"),
    ])
    def create(self, call: Call) -> dict[str, Any]:
        body = call.body
        project = call.project(str(call.query["parent"]))["projectId"]
        if body.get("name") not in (None, project):
            raise GoogleError(400, f'organization name "{body["name"]}" must match the project id "{project}"')
        if not body.get("analyticsRegion") and not body.get("apiConsumerDataLocation"):
            raise GoogleError(400, "analytics_region is required")
        existing = call.store.get(key("organizations", project))
        if existing and not existing.get("deleted_at"):
            raise GoogleError(409, f"organization {project} already exists")
        if existing and existing["blocked_until"] > time.time():
            raise precondition(f"organization {project} was deleted and its data is still retained; it cannot be "
                               "created again in this project during the retention period")
        document = {name: body[name] for name in body if name not in (
            "state", "createdAt", "lastModifiedAt", "environments", "projectId", "apigeeProjectId", "caCertificates")}
        document |= {"name": project, "projectId": project, "state": "CREATING",
                     "createdAt": str(now_ms()), "lastModifiedAt": str(now_ms()),
                     "billingType": body.get("billingType") or "EVALUATION",
                     "apigeeProjectId": f"{project[:20]}-tp"}
        document["subscriptionType"] = "TRIAL" if document["billingType"] == "EVALUATION" else "PAID"
        self._network(call, project, document)
        call.store.put(key("organizations", project), document)
        return self.start(call, project, "INSERT", f"organizations/{project}", duration="apigee.organization",
                          work="apigee.organization.create")

    def _network(self, call: Call, project: str, document: dict[str, Any]) -> None:
        """Check the network of a CLOUD organisation."""
        network, unpeered = document.get("authorizedNetwork"), document.get("disableVpcPeering")
        if document["runtimeType"] != "CLOUD":
            if network or unpeered:
                raise GoogleError(400, "authorized_network and disable_vpc_peering are valid only for runtime type "
                                       "CLOUD")
            return
        if network and unpeered:
            raise GoogleError(400, "authorized_network must not be set when disable_vpc_peering is true")
        if not network and not unpeered:
            raise GoogleError(400, "authorized_network is required unless disable_vpc_peering is true")
        document.pop("network_project", None)
        if network:
            document["network_project"], _name = authorized(call, project, network)

    @work("apigee.organization.create")
    async def created(self, run: Any) -> dict[str, Any]:
        target = run.arguments["target"]
        async with run.transaction() as tx:
            document = tx.get(f"apigee/{target}")
            document["state"] = "ACTIVE"
            tx.put(f"apigee/{target}", document)
        return typed("Organization", self._shown(document, []))

    @handles("apigee.organizations.get")
    def get(self, call: Call) -> dict[str, Any]:
        organization, = ids(call.path["name"], "organizations")
        return self._shown(require_organization(call.store, organization),
                           picture.environments(call.store, organization))

    def _shown(self, document: dict[str, Any], environments: list[str]) -> dict[str, Any]:
        shown = {**public(document, *_HIDDEN), "environments": environments}
        if document["runtimeType"] == "CLOUD":
            shown["caCertificates"] = [base64.b64encode(self.emulator.world.authority_certificate()).decode()]
        return shown

    @handles("apigee.organizations.list", permission="")
    def list(self, call: Call) -> dict[str, Any]:
        allowed = self.emulator.identity.allowed
        found = [item for item in call.store.children("apigee/organizations") if not item.get("deleted_at")
                 and allowed(call.store, call.principal, "apigee.organizations.get", item["projectId"])]
        return {"organizations": [self._mapping(item) for item in found]}

    @staticmethod
    def _mapping(document: dict[str, Any]) -> dict[str, Any]:
        return {"organization": document["name"], "projectId": document["projectId"],
                "projectIds": [document["projectId"]], "location": document.get("apiConsumerDataLocation") or "global"}

    @handles("apigee.organizations.getProjectMapping", permission="apigee.organizations.get")
    def mapping(self, call: Call) -> dict[str, Any]:
        organization, = ids(call.path["name"], "organizations")
        return self._mapping(require_organization(call.store, organization))

    @handles("apigee.organizations.update", rules=[
        Said("only properties, display name and description change; the network only while there is no instance; "
             "everything else is ignored", source=f"{DOCUMENT}: organizations.update, Organization.authorizedNetwork"),
    ])
    def update(self, call: Call) -> dict[str, Any]:
        organization, = ids(call.path["name"], "organizations")
        document = self.active(call, organization)
        for name in ("properties", "displayName", "description"):
            if name in call.body:
                document[name] = call.body[name]
        changed = [name for name in ("authorizedNetwork", "disableVpcPeering")
                   if name in call.body and call.body[name] != document.get(name)]
        if changed:
            if call.store.children(key("organizations", organization, "instances")):
                raise precondition(f"{' and '.join(changed)} cannot be updated while the organization has runtime "
                                   "instances")
            document |= {name: call.body[name] for name in changed}
            self._network(call, organization, document)
        document["lastModifiedAt"] = str(now_ms())
        call.store.put(key("organizations", organization), document)
        return self._shown(document, picture.environments(call.store, organization))

    @handles("apigee.organizations.delete", rules=[
        Said("EVALUATION is deleted at once, others are kept for 7 days, 24 hours with MINIMUM, not at all with "
             "NO_RETENTION", source=f"{DOCUMENT}, organizations.delete"),
    ])
    def delete(self, call: Call) -> dict[str, Any]:
        organization, = ids(call.path["name"], "organizations")
        document = require_organization(call.store, organization)
        retention = RETENTION[call.query.get("retention") or ""]
        if document["billingType"] == "EVALUATION":
            retention = 0
        operation = self.start(call, organization, "DELETE", f"organizations/{organization}",
                               duration="apigee.organization", work="apigee.organization.delete", real=True,
                               arguments={"retention": retention})
        call.store.put(key("organizations", organization), {**document, "state": "DELETING"})
        return operation

    @work("apigee.organization.delete")
    async def deleted(self, run: Any) -> None:
        organization, = ids(run.arguments["target"], "organizations")
        snapshot = self.emulator.store.snapshot()
        for instance in snapshot.children(key("organizations", organization, "instances")):
            await run.world.stop_instance(organization, instance["name"])
        async with run.transaction() as tx:
            document = tx.get(key("organizations", organization)) or {}
            drop(tx, "organizations", organization)
            if run.arguments["retention"]:
                tx.put(key("organizations", organization), {
                    "name": organization, "projectId": document.get("projectId", organization), "state": "DELETING",
                    "deleted_at": time.time(), "blocked_until": time.time() + run.arguments["retention"]})

    async def restore(self) -> None:
        """After a restart: start the runtimes of the stored instances again and give them their picture."""
        from testbed.google.services.apigee.instances import world_instance

        snapshot = self.emulator.store.snapshot()
        for organization in snapshot.children("apigee/organizations"):
            active = picture.instances_of(snapshot, organization["name"])
            for instance in active:
                try:
                    await self.emulator.world.start_instance(world_instance(organization, instance))
                except WorldError:
                    # The others still start, and the push below records what does not answer.
                    log.exception("instance %s could not be started again", instance["name"])
            if active:
                await push(self.emulator, organization["name"])


class OrganizationOperations(ApigeeService):
    """organizations.operations.*"""

    @handles("apigee.organizations.operations.get")
    async def get(self, call: Call) -> dict[str, Any]:
        organization, _operation = ids(call.path["name"], "organizations", "operations")
        self._known(call, organization)
        return await call.operations.poll(call, call.path["name"])

    @handles("apigee.organizations.operations.list")
    def list(self, call: Call) -> dict[str, Any]:
        organization, = ids(call.path["name"], "organizations")
        self._known(call, organization)
        return {"operations": call.operations.list(call.store, "apigee", f"organizations/{organization}")}

    @staticmethod
    def _known(call: Call, organization: str) -> None:
        # The operation that deletes an organisation can be polled after the organisation is gone.
        if not call.operations.list(call.store, "apigee", f"organizations/{organization}"):
            require_organization(call.store, organization)
