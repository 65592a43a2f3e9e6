# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Flow hooks: four points of an environment, at each of which at most one shared flow runs for every proxy."""
from __future__ import annotations

from typing import Any

from testbed.google.errors import GoogleError, precondition
from testbed.google.rules import Required, Said
from testbed.google.service import Call, handles
from testbed.google.services.apigee import picture
from testbed.google.services.apigee.base import ApigeeService
from testbed.google.services.apigee.kinds import SHARED_FLOW
from testbed.google.services.apigee.names import ids, key, require
from testbed.google.services.apigee.push import push

DOCUMENT = "apigee.v1 discovery document, FlowHook"
POINTS = ("PreProxyFlowHook", "PostProxyFlowHook", "PreTargetFlowHook", "PostTargetFlowHook")
KNOWN = Said(f"the hook is one of {', '.join(POINTS)}", source=f"{DOCUMENT}.flowHookPoint")


class FlowHooks(ApigeeService):
    """organizations.environments.flowhooks.*"""

    method_prefix = "apigee.organizations.environments.flowhooks"

    @handles(".get", rules=[KNOWN, Said("a point without a shared flow is no error", source="text of flowhooks.get")])
    def get(self, call: Call) -> dict[str, Any]:
        _path, where = self._where(call)
        return call.store.get(where) or {"flowHookPoint": where.rsplit("/", 1)[1]}

    @handles(".attachSharedFlowToFlowHook", permission="apigee.flowhooks.attachSharedFlow", rules=[
        KNOWN, Required("sharedFlow", source=f"{DOCUMENT}.sharedFlow"),
        Said("the shared flow is deployed to the environment",
             source='text of sharedflows.revisions.deploy: "You cannot use a shared flow until it has been deployed"'),
        Said("replaces what was attached; continueOnError is true unless sent", source=f"{DOCUMENT}.continueOnError")])
    def attach(self, call: Call) -> dict[str, Any]:
        (organization, environment, point), where = self._where(call)
        name = call.body["sharedFlow"]
        live = [item["deployment"]["apiProxy"] for item in
                picture.deployments(call.store, organization, environment, kind=SHARED_FLOW)
                if item["phase"] != "removing"]
        if name not in live:
            raise precondition(f'shared flow "{name}" is not deployed in environment "{environment}"')
        return self._changed(call, organization, environment, call.store.put(where, {
            "flowHookPoint": point, "sharedFlow": name, "description": call.body.get("description", ""),
            "continueOnError": call.body.get("continueOnError", True)}))

    @handles(".detachSharedFlowFromFlowHook", permission="apigee.flowhooks.detachSharedFlow", rules=[KNOWN])
    def detach(self, call: Call) -> dict[str, Any]:
        (organization, environment, point), where = self._where(call)
        before = call.store.get(where) or {"flowHookPoint": point}
        call.store.delete(where)
        return self._changed(call, organization, environment, before)

    @staticmethod
    def _where(call: Call) -> tuple[list[str], str]:
        """Organisation, environment and point, and the key in the store. Raises GoogleError."""
        path = ids(call.path["name"], "organizations", "environments", "flowhooks")
        require(call.store, "environment", "organizations", path[0], "environments", path[1])
        if path[2] not in POINTS:
            raise GoogleError(400, f'flow hook "{path[2]}" is invalid: it must be one of {", ".join(POINTS)}')
        return path, key("organizations", path[0], "environments", path[1], "flowhooks", path[2])

    def _changed(self, call: Call, organization: str, environment: str, answer: dict[str, Any]) -> dict[str, Any]:
        """Note in the environment whether anything is attached to it, and give the runtime its picture."""
        where = key("organizations", organization, "environments", environment)
        attached = bool(call.store.children(f"{where}/flowhooks"))
        call.store.put(where, {**(call.store.get(where) or {}), "hasAttachedFlowHooks": attached})
        call.then(lambda: push(self.emulator, organization))
        return answer
