# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Service attachments: the producer's end of Private Service Connect decides who is connected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from testbed.google.errors import GoogleError
from testbed.google.rules import Required, Said
from testbed.google.service import Call, handles
from testbed.google.services.compute.common import BASE, NAME_RULES, Readable, fingerprint, in_use, invalid

if TYPE_CHECKING:
    from testbed.google.store import Transaction

_TEXT = "compute.v1, field text"
_CHANGEABLE = (
    "connectionPreference", "consumerAcceptLists", "consumerRejectLists", "description", "enableProxyProtocol",
    "natSubnets", "reconcileConnections",
)  # fmt: skip
_PREFERENCES = ("ACCEPT_AUTOMATIC", "ACCEPT_MANUAL")


class ServiceAttachments(Readable):
    """In front of an internal forwarding rule of the same region."""

    collection = "serviceAttachments"
    kind = "compute#serviceAttachment"
    method_prefix = "compute.serviceAttachments"

    @handles(
        ".insert",
        rules=[
            *NAME_RULES,
            Required("connectionPreference", source=_TEXT),
            Required("natSubnets", source=_TEXT),
            Said("targetService or producerForwardingRule names a forwarding rule of the region", source=_TEXT),
            Said("the NAT subnetwork exists", source=_TEXT),
        ],
    )
    def insert(self, call: Call) -> dict[str, Any]:
        if (operation := self.repeated(call)) is not None:
            return operation
        body = call.body
        named = body.get("targetService") or body.get("producerForwardingRule") or ""
        _, rule = self.reference(call, "targetService", named, r"regions/[^/]+/forwardingRules/[^/]+")
        document = self.created(
            call,
            {
                "name": body["name"],
                "targetService": rule["selfLink"],
                "region": f"{BASE}{self.scope(call)}",
                **self._settings(call, body),
            },
        )
        document["fingerprint"] = fingerprint(document)
        operation = self.operate(call, document, "insert")
        call.store.put(f"compute/{self.path(call, body['name'])}", document)
        return operation

    def _settings(self, call: Call, body: dict[str, Any]) -> dict[str, Any]:
        found = {name: body[name] for name in _CHANGEABLE if name in body}
        if found.get("connectionPreference", "ACCEPT_MANUAL") not in _PREFERENCES:
            raise invalid("connectionPreference", found["connectionPreference"], f"One of {', '.join(_PREFERENCES)}.")
        if "natSubnets" in found:
            pattern = r"regions/[^/]+/subnetworks/[^/]+"
            subnets = [self.reference(call, "natSubnets", each, pattern)[1] for each in found["natSubnets"]]
            found["natSubnets"] = [each["selfLink"] for each in subnets]
        return found

    def shown(self, call: Call, document: dict[str, Any]) -> dict[str, Any]:
        path = document["selfLink"].removeprefix(BASE)
        users = endpoints(call.store, path)
        shown = [{"endpoint": user["name"], "status": connection(call.store, path, user["tenant"])} for user in users]
        return {**document, "connectedEndpoints": shown} if shown else document

    @handles(
        ".patch",
        rules=[
            Said("needs the current fingerprint (412 otherwise)", source=f"{_TEXT} of fingerprint"),
            Said("changes who is accepted, and the NAT subnetworks", source=_TEXT),
        ],
    )
    def patch(self, call: Call) -> dict[str, Any]:
        before = self.stored(call)
        if call.body.get("fingerprint") != before["fingerprint"]:
            raise GoogleError(412, "Invalid fingerprint.", reason="conditionNotMet")
        document = {**before, **self._settings(call, call.body)}
        document["fingerprint"] = fingerprint(document)
        operation = self.operate(call, document, "patch", before=before)
        call.store.put(f"compute/{self.path(call)}", document)
        return operation

    @handles(".delete", rules=[Said("refused while an endpoint is connected", source=_TEXT)])
    def delete(self, call: Call) -> dict[str, Any]:
        document = self.stored(call)
        for user in endpoints(call.store, self.path(call)):
            raise in_use(self.path(call), user["name"])
        return self.operate(call, document, "delete", delete=True)


def endpoints(tx: Transaction, path: str) -> list[dict[str, Any]]:
    """Return Apigee's endpoint attachments to a service attachment, each with the tenant project that it is of."""
    found = []
    for key, document in tx.items("apigee/organizations/"):
        parts = key.split("/")
        if len(parts) == 5 and parts[3] == "endpointAttachments" and document["serviceAttachment"] == path:
            found.append({**document, "tenant": tx.get("/".join(parts[:3]))["apigeeProjectId"]})
    return found


def connection(tx: Transaction, path: str, consumer: str) -> str:
    """Return what a service attachment says of a consumer's project.

    Source: compute.v1, ServiceAttachment.connectionPreference and the lists. Google keeps an accepted connection when
    the lists change unless reconcileConnections; here the lists count at once.
    """
    document = tx.get(f"compute/{path}")
    if document is None:
        return "CLOSED"
    if consumer in document.get("consumerRejectLists", []):
        return "REJECTED"
    if document["connectionPreference"] == "ACCEPT_AUTOMATIC":
        return "ACCEPTED"
    accepted = {each.get("projectIdOrNum") for each in document.get("consumerAcceptLists", [])}
    return "ACCEPTED" if consumer in accepted else "PENDING"
