# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""API products: which proxies, resources and environments a key opens, and how often."""
from __future__ import annotations

import re
from typing import Any

from testbed.google.errors import GoogleError, precondition
from testbed.google.rules import MaxItems, Pattern, Required, Said
from testbed.google.service import Call, handles
from testbed.google.services.apigee import picture
from testbed.google.services.apigee.base import ApigeeService, counted
from testbed.google.services.apigee.names import exists, ids, key, now_ms, require, require_organization
from testbed.google.services.apigee.push import push

DOCUMENT = "apigee.v1 discovery document, ApiProduct"
ATTRIBUTES = MaxItems("attributes", 18, source=f"{DOCUMENT}.attributes: a maximum of 18")
RULES = [
    Pattern("name", r"[A-Za-z0-9._\-$ %]+", source=f"{DOCUMENT}.name"),
    Required("displayName", source="assumed: the console's required field"),
    ATTRIBUTES,
    Pattern("approvalType", "auto|manual", source=f"{DOCUMENT}.approvalType"),
    Pattern("quota", r"\d+", source=f"{DOCUMENT}.quota"),
    Pattern("quotaInterval", r"\d+", source=f"{DOCUMENT}.quotaInterval"),
    Pattern("quotaTimeUnit", "minute|hour|day|month", source=f"{DOCUMENT}.quotaTimeUnit"),
    Said("quota, quotaInterval and quotaTimeUnit come together", source="assumed: none means anything alone"),
    Said("either proxies and apiResources or operationGroup", source=f"{DOCUMENT}.operationGroup"),
    Said("an operation config names exactly one resource",
         source="apigee.v1 discovery document, OperationConfig.operations"),
    Said("the proxies and environments exist", source=f"{DOCUMENT}.proxies: they will be validated"),
]


class Products(ApigeeService):
    """organizations.apiproducts.*"""

    @handles("apigee.organizations.apiproducts.create", rules=[Required("name", source=f"{DOCUMENT}.name"), *RULES])
    def create(self, call: Call) -> dict[str, Any]:
        organization, = ids(call.path["parent"], "organizations")
        self.active(call, organization)
        name = call.body["name"]
        if call.store.exists(key("organizations", organization, "apiproducts", name)):
            raise exists("API product", name)
        return self._put(call, organization, name, str(now_ms()))

    def _put(self, call: Call, organization: str, name: str, created: str) -> dict[str, Any]:
        _check(call, organization)
        document = {**call.body, "name": name, "createdAt": created, "lastModifiedAt": str(now_ms())}
        document["approvalType"] = document.get("approvalType") or "auto"
        call.store.put(key("organizations", organization, "apiproducts", name), document)
        call.then(lambda: push(self.emulator, organization))
        return document

    @staticmethod
    def _get(call: Call) -> tuple[str, str, dict[str, Any]]:
        organization, name = ids(call.path["name"], "organizations", "apiproducts")
        found = require(call.store, "API product", "organizations", organization, "apiproducts", name)
        return organization, name, found

    @handles("apigee.organizations.apiproducts.get")
    def get(self, call: Call) -> dict[str, Any]:
        return self._get(call)[2]

    @handles("apigee.organizations.apiproducts.list", rules=[
        Said("names only unless expand=true; count and startKey page", source="text of apiproducts.list")])
    def list(self, call: Call) -> dict[str, Any]:
        organization, = ids(call.path["parent"], "organizations")
        require_organization(call.store, organization)
        found = counted(call.store.children(key("organizations", organization, "apiproducts")), call, "name")
        name, value = call.query.get("attributename"), call.query.get("attributevalue")
        if name:
            found = [item for item in found if {"name": name, "value": value} in (item.get("attributes") or [])]
        return {"apiProduct": found if call.query.get("expand") else [{"name": item["name"]} for item in found]}

    @handles("apigee.organizations.apiproducts.update", rules=[
        *RULES, Said("replaces the whole; the name cannot change",
                     source=f"{DOCUMENT}.name, text of apiproducts.update")])
    def update(self, call: Call) -> dict[str, Any]:
        organization, name, before = self._get(call)
        if call.body.get("name") not in (None, "", name):
            raise GoogleError(400, f'API product name "{call.body["name"]}" cannot be changed from "{name}"')
        return self._put(call, organization, name, before["createdAt"])

    @handles("apigee.organizations.apiproducts.delete", rules=[
        Said("a product that a key names is not deleted",
             source="apigee/apigee-config-maven-plugin #46: \"Cannot delete Product [..] used in Application\"")])
    def delete(self, call: Call) -> dict[str, Any]:
        organization, name, before = self._get(call)
        users = sorted({app["name"] for app in picture.apps(call.store, organization)
                        for credential in app["credentials"] for item in credential["apiProducts"]
                        if item["apiproduct"] == name})
        if users:
            raise precondition(f"Cannot delete Product [{name}] used in Application: {', '.join(users)}")
        call.store.delete(key("organizations", organization, "apiproducts", name))
        call.then(lambda: push(self.emulator, organization))
        return before


def _check(call: Call, organization: str) -> None:
    body = call.body
    operations = (body.get("operationGroup") or {}).get("operationConfigs") or []
    if operations and (body.get("proxies") or body.get("apiResources")):
        raise GoogleError(400, "operation_group cannot be combined with proxies or api_resources")
    for config in operations:
        if len(config.get("operations") or []) > 1:
            raise GoogleError(400, f"operation config for {config.get('apiSource')} names more than one resource")
        if not config.get("apiSource"):
            raise GoogleError(400, "operation config without api_source")
    quota = [name for name in ("quota", "quotaInterval", "quotaTimeUnit") if body.get(name)]
    if len(quota) not in (0, 3):
        raise GoogleError(400, "quota, quota_interval and quota_time_unit must be given together, "
                               f"got {', '.join(quota)}")
    remote = (body.get("operationGroup") or {}).get("operationConfigType") == "remoteservice"
    wanted = list(body.get("proxies") or []) + ([] if remote else [config["apiSource"] for config in operations])
    for proxy in wanted:
        if not call.store.exists(key("organizations", organization, "apis", proxy)):
            raise GoogleError(400, f'API proxy "{proxy}" does not exist')
    for environment in body.get("environments") or []:
        if not call.store.exists(key("organizations", organization, "environments", environment)):
            raise GoogleError(400, f'environment "{environment}" does not exist')
    for attribute in body.get("attributes") or []:
        if not attribute.get("name"):
            raise GoogleError(400, "attribute without a name")
        if attribute["name"] == "access" and not re.fullmatch("public|private|internal", attribute.get("value") or ""):
            raise GoogleError(400, f'access "{attribute.get("value")}" must be public, private or internal')
