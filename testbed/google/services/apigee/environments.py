# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Environments: three ways to change one, none of which changes its kind."""
from __future__ import annotations

from typing import Any

from testbed.google.errors import GoogleError, field_violation, precondition
from testbed.google.rules import Immutable, Said
from testbed.google.service import Call, Reply, handles, work
from testbed.google.services.apigee import picture
from testbed.google.services.apigee.base import LOCKED, ApigeeService, check_name, drop, name_list, typed
from testbed.google.services.apigee.kinds import KINDS
from testbed.google.services.apigee.names import exists, ids, key, now_ms, require, require_organization
from testbed.google.services.apigee.push import push

DOCUMENT = "apigee.v1 discovery document, Environment"
NAME = r"[.A-Za-z0-9_-]{1,255}"
OUTPUT = ("state", "createdAt", "lastModifiedAt", "name", "hasAttachedFlowHooks")
FIXED = Immutable(("deploymentType", "apiProxyType"), source=f"{DOCUMENT}: can be set when creating, cannot be changed")


class Environments(ApigeeService):
    """organizations.environments.*"""

    extra_routes = (name_list("apigee.organizations.environments.list", "organizations/[^/]+", "environments"),)

    @handles("apigee.organizations.environments.create", rules=[
        LOCKED, Said(f"name (body or query) matches {NAME}", source=f"{DOCUMENT}.name"),
        Said("an ARCHIVE environment is not CONFIGURABLE", source=f"{DOCUMENT}.deploymentType")])
    def create(self, call: Call) -> dict[str, Any]:
        organization, = ids(call.path["parent"], "organizations")
        self.active(call, organization)
        name = call.query.get("name") or call.body.get("name") or ""
        check_name(name, NAME, "environment name")
        target = f"organizations/{organization}/environments/{name}"
        if call.store.exists(key("organizations", organization, "environments", name)):
            raise exists("environment", target)
        document = {field: call.body[field] for field in call.body if field not in OUTPUT}
        document |= {"name": name, "state": "CREATING", "createdAt": str(now_ms()), "lastModifiedAt": str(now_ms())}
        document["deploymentType"] = document.get("deploymentType") or "PROXY"
        document["apiProxyType"] = document.get("apiProxyType") or "PROGRAMMABLE"
        _check(document)
        operation = self.start(call, organization, "INSERT", target, duration="apigee.environment",
                               work="apigee.environment.create")
        call.store.put(key("organizations", organization, "environments", name), document)
        return operation

    @work("apigee.environment.create", "apigee.environment.modify")
    async def ready(self, run: Any) -> dict[str, Any]:
        organization, name = ids(run.arguments["target"], "organizations", "environments")
        async with run.transaction() as tx:
            document = (tx.get(key("organizations", organization, "environments", name)) or {}) | {"state": "ACTIVE"}
            tx.put(key("organizations", organization, "environments", name), document)
        return typed("Environment", document)

    @handles("apigee.organizations.environments.list", permission="apigee.environments.list")
    def list(self, call: Call) -> Reply:
        organization, = ids(call.path["parent"], "organizations")
        require_organization(call.store, organization)
        return Reply(picture.environments(call.store, organization), unchecked=True)

    @handles("apigee.organizations.environments.get", rules=[
        Said("tells the nodes that run in all instances", source=f"{DOCUMENT}, NodeConfig.currentAggregateNodeCount")])
    def get(self, call: Call) -> dict[str, Any]:
        organization, name = ids(call.path["name"], "organizations", "environments")
        found = require(call.store, "environment", "organizations", organization, "environments", name)
        nodes, instances = found.get("nodeConfig"), len(picture.instances_of(call.store, organization, name))
        if nodes and instances:
            count = str(int(nodes.get("minNodeCount") or 2) * instances)
            return {**found, "nodeConfig": {**nodes, "currentAggregateNodeCount": count}}
        return found

    @handles("apigee.organizations.environments.update", "apigee.organizations.environments.updateEnvironment", rules=[
        FIXED, Said("what is not sent is removed", source="text of environments.update"),
        Said("forwardProxyUri cannot be added without sending the nodeConfig that is set",
             source=f"{DOCUMENT}.forwardProxyUri")])
    def update(self, call: Call) -> dict[str, Any]:
        organization, name = ids(call.path["name"], "organizations", "environments")
        before = require(call.store, "environment", "organizations", organization, "environments", name)
        call.immutable(before, call.body)
        if call.body.get("name") not in (None, "", name):
            raise GoogleError(400, f'environment name "{call.body["name"]}" does not match "{name}" in the path')
        new_proxy = call.body.get("forwardProxyUri") and not before.get("forwardProxyUri")
        if new_proxy and before.get("nodeConfig") and not call.body.get("nodeConfig"):
            raise GoogleError(400, "forward_proxy_uri cannot be added to an environment that has a node_config unless "
                                   "the node_config is sent too")
        kept = {field: before[field] for field in (*OUTPUT, "deploymentType", "apiProxyType", "type", "nodeConfig")
                if field in before}
        document = kept | {field: call.body[field] for field in call.body if field not in OUTPUT}
        document["lastModifiedAt"] = str(now_ms())
        _check(document)
        call.store.put(key("organizations", organization, "environments", name), document)
        return document

    @handles("apigee.organizations.environments.modifyEnvironment", rules=[
        LOCKED, Said("only nodeConfig and type",
                     source="text of environments.modifyEnvironment; magic-modules #17844 for type"),
        Said("not on a hybrid organisation", source="text of environments.modifyEnvironment")])
    def modify(self, call: Call) -> dict[str, Any]:
        organization, name = ids(call.path["name"], "organizations", "environments")
        document = require(call.store, "environment", "organizations", organization, "environments", name)
        if require_organization(call.store, organization)["runtimeType"] == "HYBRID":
            raise precondition("environments of runtime type HYBRID cannot be modified")
        mask = call.mask or [field for field in ("nodeConfig", "type") if field in call.body]
        wrong = [path for path in mask if path.split(".")[0] not in ("nodeConfig", "type")]
        if wrong or not mask:
            raise GoogleError(400, "update_mask may only name node_config or type, "
                                   f"got {', '.join(wrong) or 'nothing'}")
        for path in mask:
            top, _dot, inner = path.partition(".")
            if inner:
                document.setdefault(top, {})[inner] = (call.body.get(top) or {}).get(inner)
            else:
                document[top] = call.body.get(top)
        _check(document)
        document |= {"state": "UPDATING", "lastModifiedAt": str(now_ms())}
        operation = self.start(call, organization, "UPDATE", call.path["name"], duration="apigee.environment",
                               work="apigee.environment.modify")
        call.store.put(key("organizations", organization, "environments", name), document)
        return operation

    @handles("apigee.organizations.environments.delete", rules=[
        LOCKED, Said("refused while attached to an instance or a group, or with deployments",
                     source="assumed: references")])
    def delete(self, call: Call) -> dict[str, Any]:
        organization, name = ids(call.path["name"], "organizations", "environments")
        document = require(call.store, "environment", "organizations", organization, "environments", name)
        reasons = [f"it is attached to environment group {group}"
                   for group in picture.groups_of(call.store, organization, name)]
        reasons += [f"it is attached to instance {item['name']}"
                    for item in picture.instances_of(call.store, organization, name)]
        reasons += [f"{KINDS[item['collection']].title} {item['deployment']['apiProxy']} revision "
                    f"{item['deployment']['revision']} is deployed"
                    for item in picture.all_deployments(call.store, organization, name)]
        if reasons:
            raise precondition(f"environment {name} cannot be deleted: {'; '.join(reasons)}")
        operation = self.start(call, organization, "DELETE", call.path["name"], duration="apigee.environment",
                               work="apigee.environment.delete")
        call.store.put(key("organizations", organization, "environments", name), {**document, "state": "DELETING"})
        return operation

    @work("apigee.environment.delete")
    async def deleted(self, run: Any) -> None:
        organization, name = ids(run.arguments["target"], "organizations", "environments")
        async with run.transaction() as tx:
            drop(tx, "organizations", organization, "environments", name)
        await push(self.emulator, organization)


def _check(document: dict[str, Any]) -> None:
    if (document["deploymentType"], document["apiProxyType"]) == ("PROXY", "CONFIGURABLE"):
        raise GoogleError(400, "deployment type PROXY cannot be combined with API proxy type CONFIGURABLE")
    uri = document.get("forwardProxyUri") or ""
    if uri:
        check_name(uri, r"http://[^/:]+:\d+", "forward_proxy_uri")
    algorithm = (document.get("clientIpResolutionConfig") or {}).get("headerIndexAlgorithm")
    if algorithm is not None and not algorithm.get("ipHeaderName"):
        raise field_violation("clientIpResolutionConfig.headerIndexAlgorithm", "ip_header_name is required")
    nodes = document.get("nodeConfig") or {}
    low, high = nodes.get("minNodeCount"), nodes.get("maxNodeCount")
    if low and high and int(low) > int(high):
        raise GoogleError(400, f"node_config: min_node_count {low} is greater than max_node_count {high}")
