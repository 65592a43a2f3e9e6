# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""References: names that lead to a keystore, so that it can be exchanged."""
from __future__ import annotations

from typing import Any

from testbed.google.errors import GoogleError
from testbed.google.rules import Immutable, Required, Said
from testbed.google.service import Call, handles
from testbed.google.services.apigee import tls_material
from testbed.google.services.apigee.environment_parts import PREFIX, EnvironmentPart, listed
from testbed.google.services.apigee.names import key

DOCUMENT = "apigee.v1 discovery document"
RULES = (
    Required("name", source=f"{DOCUMENT}, Reference.name: Required"),
    Required("refers", source=f"{DOCUMENT}, Reference.refers: Required"),
    Said("refers names a keystore of the environment", source=f"{DOCUMENT}, Reference.refers"),
    Said("resourceType is KeyStore or TrustStore", source=f"{DOCUMENT}, Reference.resourceType"))


class References(EnvironmentPart):
    """organizations.environments.references.*"""

    collection, kind, title = "references", "Reference", "reference"
    method_prefix = f"{PREFIX}references"
    extra_routes = listed(collection)

    @handles(".create", rules=RULES)
    def create(self, call: Call) -> dict[str, Any]:
        name = call.body["name"]
        return self._put(call, self.free(call, name, r"[\w\s\-.]+"), name)

    def _put(self, call: Call, path: tuple[str, str], name: str) -> dict[str, Any]:
        kind, refers = call.body.get("resourceType"), call.body["refers"]
        if kind not in ("KeyStore", "TrustStore"):
            raise GoogleError(400, f'resource_type "{kind or ""}" is invalid: it must be KeyStore or TrustStore')
        if not call.store.exists(key("organizations", path[0], "environments", path[1], "keystores", refers)):
            raise GoogleError(400, f'reference {name} cannot refer to keystore "{refers}": it does not exist in '
                                   f"environment {path[1]}")
        document = {"name": name, "refers": refers, "resourceType": kind}
        if call.body.get("description"):
            document["description"] = call.body["description"]
        return self.put(call, path, document)

    @handles(".update", rules=[
        *RULES[1:], Immutable(("resourceType",), source="assumed: Terraform re-creates a reference for it"),
        Said("replaces the whole: what is not sent is reset", source="text of references.update")])
    def update(self, call: Call) -> dict[str, Any]:
        (organization, environment, name), before = self.named(call)
        self.same_name(call, name)
        call.immutable(before, call.body)
        return self._put(call, (organization, environment), name)

    @handles(".delete", rules=[
        Said("refused while a target server names it",
             source="assumed: Reference (it must refer to a keystore that exists); Google publishes no text for it")])
    def delete(self, call: Call) -> dict[str, Any]:
        (organization, environment, name), _found = self.named(call)
        return self.remove(call, tls_material.users(call.store, organization, environment, tls_material.REF + name))
