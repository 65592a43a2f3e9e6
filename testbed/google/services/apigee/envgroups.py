# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Environment groups: host names and the environments behind them, and the routing that results."""
from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from testbed.google.errors import GoogleError
from testbed.google.rules import Required, Said
from testbed.google.service import Call, handles
from testbed.google.services.apigee import picture
from testbed.google.services.apigee.attachments import Attachments, refuse_attached
from testbed.google.services.apigee.base import LOCKED, ApigeeService, check_name, drop, page, typed
from testbed.google.services.apigee.kinds import PROXY, revision_name
from testbed.google.services.apigee.names import exists, ids, key, now_ms, require, require_organization
from testbed.google.services.apigee.push import push

DOCUMENT = "apigee.v1 discovery document, EnvironmentGroup"
NAME = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
HOSTNAME = r"(?:\*|(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)"


class EnvironmentGroups(ApigeeService):
    """organizations.envgroups.*"""

    @handles("apigee.organizations.envgroups.create", rules=[
        Required("hostnames", source=f"{DOCUMENT}.hostnames: Required"), LOCKED,
        Said("host names are valid and belong to one group", source="assumed: requests are routed by host name")])
    def create(self, call: Call) -> dict[str, Any]:
        organization, = ids(call.path["parent"], "organizations")
        self.active(call, organization)
        name = call.query.get("name") or call.body.get("name") or ""
        check_name(name, NAME, "environment group name")
        target = f"organizations/{organization}/envgroups/{name}"
        if call.store.exists(key("organizations", organization, "envgroups", name)):
            raise exists("environment group", target)
        _check_hostnames(call, organization, name, call.body["hostnames"])
        document = {"name": name, "hostnames": call.body["hostnames"], "state": "ACTIVE",
                    "createdAt": str(now_ms()), "lastModifiedAt": str(now_ms())}
        return self._store(call, organization, "INSERT", document)

    def _store(self, call: Call, organization: str, kind: str, document: dict[str, Any]) -> dict[str, Any]:
        target = f"organizations/{organization}/envgroups/{document['name']}"
        # These operations come back finished (google-apis.md section 3).
        operation = self.start(call, organization, kind, target, duration="instant", done=True,
                               response=typed("EnvironmentGroup", document))
        call.store.put(key("organizations", organization, "envgroups", document["name"]), document)
        call.then(lambda: push(self.emulator, organization))
        return operation

    @handles("apigee.organizations.envgroups.get")
    def get(self, call: Call) -> dict[str, Any]:
        organization, name = ids(call.path["name"], "organizations", "envgroups")
        return require(call.store, "environment group", "organizations", organization, "envgroups", name)

    @handles("apigee.organizations.envgroups.list")
    def list(self, call: Call) -> dict[str, Any]:
        organization, = ids(call.path["parent"], "organizations")
        require_organization(call.store, organization)
        return page(call.store.children(key("organizations", organization, "envgroups")), call, "environmentGroups")

    @handles("apigee.organizations.envgroups.patch", rules=[
        LOCKED, Said("only hostnames change", source="google-apis.md section 5")])
    def patch(self, call: Call) -> dict[str, Any]:
        organization, name = ids(call.path["name"], "organizations", "envgroups")
        document = require(call.store, "environment group", "organizations", organization, "envgroups", name)
        wrong = [path for path in call.mask if path != "hostnames"]
        if wrong:
            raise GoogleError(400, f"update_mask may only name hostnames, got {', '.join(wrong)}")
        if not call.body.get("hostnames"):
            raise GoogleError(400, "hostnames must not be empty")
        _check_hostnames(call, organization, name, call.body["hostnames"])
        document |= {"hostnames": call.body["hostnames"], "lastModifiedAt": str(now_ms())}
        return self._store(call, organization, "UPDATE", document)

    @handles("apigee.organizations.envgroups.delete", rules=[
        LOCKED, Said("refused while environments are attached", source="assumed: references")])
    def delete(self, call: Call) -> dict[str, Any]:
        organization, name = ids(call.path["name"], "organizations", "envgroups")
        require(call.store, "environment group", "organizations", organization, "envgroups", name)
        refuse_attached(call, "environment group", "organizations", organization, "envgroups", name)
        operation = self.start(call, organization, "DELETE", call.path["name"], duration="instant", done=True)
        drop(call.store, "organizations", organization, "envgroups", name)
        call.then(lambda: push(self.emulator, organization))
        return operation


class EnvironmentGroupAttachments(Attachments):
    """organizations.envgroups.attachments.*"""

    method_prefix = "apigee.organizations.envgroups.attachments"
    generated_names = ("apigee/organizations/*/envgroups/*/attachments/*",)
    parents, parent, listed = "envgroups", "environment group", "environmentGroupAttachments"
    message = "EnvironmentGroupAttachment"
    parent_field = "environmentGroupId"
    duration = "apigee.environment_group_attachment"

    @handles(".create", rules=[
        Required("environment", source=f"{DOCUMENT}Attachment.environment: Required"),
        LOCKED, Said("the environment exists and is not attached yet", source="references")])
    def create(self, call: Call) -> dict[str, Any]:
        self.owner(call, "parent")
        return self.attach(call)


class IngressConfig(ApigeeService):
    """The routing that the groups' host names have: which environment receives which base path."""

    volatile = ("revisionId",)

    @handles("apigee.organizations.getDeployedIngressConfig", permission="apigee.ingressconfigs.get")
    def organization(self, call: Call) -> dict[str, Any]:
        name, = ids(call.path["name"].removesuffix("/deployedIngressConfig"), "organizations")
        require_organization(call.store, name)
        groups = call.store.children(key("organizations", name, "envgroups"))
        return {"name": f"organizations/{name}/deployedIngressConfig", "uid": _uid(name),
                "revisionId": str(now_ms() // 1000), "revisionCreateTime": _rfc3339(now_ms()),
                "environmentGroups": [self._group(call, name, group) for group in groups]}

    @handles("apigee.organizations.envgroups.getDeployedIngressConfig", permission="apigee.ingressconfigs.get")
    def group(self, call: Call) -> dict[str, Any]:
        organization, name = ids(call.path["name"].removesuffix("/deployedIngressConfig"), "organizations", "envgroups")
        found = require(call.store, "environment group", "organizations", organization, "envgroups", name)
        return self._group(call, organization, found)

    @staticmethod
    def _group(call: Call, organization: str, group: dict[str, Any]) -> dict[str, Any]:
        name = f"organizations/{organization}/envgroups/{group['name']}"
        rules = []
        for rule in picture.tables(call.store, organization)[group["name"]].values():
            winner = rule.winner
            shown: dict[str, Any] = {"basepath": winner.basepath,
                                     "environment": f"organizations/{organization}/environments/{winner.environment}"}
            if rule.losers:
                shown["otherTargets"] = [f"organizations/{organization}/environments/{loser.environment}"
                                         for loser in rule.losers]
            if call.query.get("view") == "FULL":
                shown |= {"receiver": revision_name(PROXY, organization, winner.proxy, winner.revision),
                          "updateTime": _rfc3339(winner.since), "envGroupRevision": str(winner.since // 1000)}
            rules.append(shown)
        return {"name": name, "uid": _uid(name), "revisionId": str(int(group["lastModifiedAt"]) // 1000),
                "hostnames": group["hostnames"], "routingRules": rules}


def _uid(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name))


def _rfc3339(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _check_hostnames(call: Call, organization: str, name: str, hostnames: list[str]) -> None:
    for hostname in hostnames:
        check_name(hostname, HOSTNAME, "host name")
    if len(set(hostnames)) != len(hostnames):
        raise GoogleError(400, "hostnames must not be repeated")
    for group in call.store.children(key("organizations", organization, "envgroups")):
        taken = set(hostnames) & set(group["hostnames"])
        if group["name"] != name and taken:
            raise GoogleError(400, f"hostname {', '.join(sorted(taken))} is already used by environment group "
                                   f"{group['name']}")
