# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Debug masks: one object for each environment, which is always there. It is kept and shown; nothing here is masked by
it, as debug sessions are not emulated.
"""
from __future__ import annotations

from typing import Any

from testbed.google.errors import GoogleError
from testbed.google.rules import Said
from testbed.google.service import Call, handles
from testbed.google.services.apigee.base import ApigeeService
from testbed.google.services.apigee.names import key, require

DOCUMENT = "apigee.v1 discovery document: environments.updateDebugmask"
LISTS = ("faultJSONPaths", "faultXPaths", "requestJSONPaths", "requestXPaths", "responseJSONPaths", "responseXPaths",
         "variables")
FIELDS = (*LISTS, "namespaces")


class DebugMasks(ApigeeService):
    """organizations.environments.getDebugmask and updateDebugmask"""

    @handles("apigee.organizations.environments.getDebugmask", permission="apigee.maskconfigs.get")
    def get(self, call: Call) -> dict[str, Any]:
        return self._read(call)[1]

    @handles("apigee.organizations.environments.updateDebugmask", permission="apigee.maskconfigs.update", rules=[
        Said("values are appended unless replaceRepeatedFields is true", source=f"{DOCUMENT}, replaceRepeatedFields"),
        Said("updateMask limits what changes; without it, what was sent", source=f"{DOCUMENT}, updateMask"),
        Said("masks nothing: debug sessions are not emulated", source="a limit of the testbed, not of Apigee")])
    def update(self, call: Call) -> dict[str, Any]:
        where, mask = self._read(call)
        # camelCase of faultJSONPaths is not what a mask in snake_case would spell, so masks are taken as they come.
        named = [part.strip() for part in (call.query.get("updateMask") or "").split(",") if part.strip()]
        unknown = [name for name in named if name not in FIELDS]
        if unknown:
            raise GoogleError(400, f"update_mask names no field of a debug mask: {', '.join(unknown)}")
        for name in named or [name for name in FIELDS if name in call.body]:
            sent, there = call.body.get(name), mask.get(name)
            if call.query.get("replaceRepeatedFields"):
                mask[name] = sent or ({} if name == "namespaces" else [])
            elif name == "namespaces":
                mask[name] = {**(there or {}), **(sent or {})}
            else:
                mask[name] = (there or []) + [item for item in sent or [] if item not in (there or [])]
        return call.store.put(where, mask)

    @staticmethod
    def _read(call: Call) -> tuple[str, dict[str, Any]]:
        """The key in the store and the mask, empty at first."""
        name = call.path["name"]
        _organizations, organization, _environments, environment, _debugmask = name.split("/")
        require(call.store, "environment", "organizations", organization, "environments", environment)
        where = key("organizations", organization, "environments", environment, "debugmask")
        return where, dict(call.store.get(where) or {"name": name})
