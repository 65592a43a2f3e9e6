# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Target servers: named backends of an environment. Every change reaches the runtime before the answer leaves."""
from __future__ import annotations

import re
from typing import Any

from testbed.google.errors import GoogleError, precondition
from testbed.google.rules import Immutable, Range, Required, Said
from testbed.google.service import Call, handles
from testbed.google.services.apigee.environment_parts import PREFIX, EnvironmentPart, listed
from testbed.google.services.apigee.names import require

DOCUMENT = "apigee.v1 discovery document, TargetServer"
NAME = r"[A-Za-z0-9._\-$% ]{1,255}"
LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
RULES = [
    Required("host", source=f"{DOCUMENT}.host: Required"),
    Required("port", source=f"{DOCUMENT}.port: Required"),
    Range("port", 1, 65535, source=f"{DOCUMENT}.port: between 1 and 65535"),
    Said("host is a host name (RFC 1123) or an address", source=f"{DOCUMENT}.host"),
    Said("two-way TLS needs keyStore and keyAlias", source="apigee.v1 discovery document, TlsInfo"),
]


class TargetServers(EnvironmentPart):
    """organizations.environments.targetservers.*"""

    collection, kind, title = "targetservers", "TargetServer", "target server"
    method_prefix = f"{PREFIX}targetservers"
    extra_routes = listed(collection)

    @handles(".create", rules=RULES)
    def create(self, call: Call) -> dict[str, Any]:
        organization, environment = self.parent(call)
        found = require(call.store, "environment", "organizations", organization, "environments", environment)
        if found["deploymentType"] == "ARCHIVE":
            raise precondition(f"target servers cannot be managed in environment {environment}: its deployment type is "
                               "ARCHIVE")
        name = call.query.get("name") or call.body.get("name") or ""
        return self.put(call, self.free(call, name, NAME), {"name": name, **_complete(call.body)})

    @handles(".update", rules=[
        *RULES, Immutable(("protocol",), source=f"{DOCUMENT}.protocol: Immutable"),
        Said("replaces the whole: what is not sent is reset", source="text of targetservers.update")])
    def update(self, call: Call) -> dict[str, Any]:
        (organization, environment, name), before = self.named(call)
        self.same_name(call, name)
        call.immutable(before, call.body)
        document = {"name": name, **_complete({"protocol": before["protocol"], **call.body})}
        return self.put(call, (organization, environment), document)

    @handles(".delete")
    def delete(self, call: Call) -> dict[str, Any]:
        return self.remove(call, [])


def _complete(body: dict[str, Any]) -> dict[str, Any]:
    """A target server with its defaults (isEnabled is true, protocol HTTP), checked."""
    document = {name: value for name, value in body.items() if name != "name"}
    document["isEnabled"] = body.get("isEnabled", True)
    document["protocol"] = body.get("protocol") or "HTTP"
    host = document["host"]
    if len(host) > 253 or not all(re.fullmatch(LABEL, part) for part in host.split(".")):
        raise GoogleError(400, f'host "{host}" is not a valid host name')
    tls = document.get("sSLInfo") or {}
    if tls.get("clientAuthEnabled") and not (tls.get("keyStore") and tls.get("keyAlias")):
        raise GoogleError(400, "ssl_info: key_store and key_alias are required if client_auth_enabled is true")
    return document
