# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Global certificates for load balancers: one's own alone, as managed ones need names that the internet knows."""

from __future__ import annotations

from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from testbed.google.rules import Required, Said
from testbed.google.service import Call, handles
from testbed.google.services.compute.common import BASE, NAME_RULES, Readable, in_use, invalid

_TEXT = "compute.v1, field text"


class SslCertificates(Readable):
    """What an Ingress names with pre-shared-cert. The key is taken and never shown."""

    collection, kind, method_prefix = "sslCertificates", "compute#sslCertificate", "compute.sslCertificates"

    @handles(
        ".insert",
        rules=[
            *NAME_RULES,
            Said("only SELF_MANAGED is emulated", source="the testbed's own limit"),
            Required("certificate", source=f"{_TEXT} of certificate"),
            Required("privateKey", source=f"{_TEXT} of privateKey"),
            Said("certificate and key are PEM and belong together", source=f"{_TEXT} of certificate, of privateKey"),
        ],
    )
    def insert(self, call: Call) -> dict[str, Any]:
        if (operation := self.repeated(call)) is not None:
            return operation
        body = call.body
        if body.get("type", "SELF_MANAGED") != "SELF_MANAGED":
            raise invalid("type", body["type"], "The testbed has SELF_MANAGED.")
        leaf = _belonging(body["certificate"], body["privateKey"])
        described = {"description": body["description"]} if body.get("description") else {}
        content = {
            "name": body["name"],
            **described,
            "type": "SELF_MANAGED",
            "certificate": body["certificate"],
            "_privateKey": body["privateKey"],
            "expireTime": leaf.not_valid_after_utc.isoformat(),
        }
        document = self.created(call, content)
        operation = self.operate(call, document, "insert")
        call.store.put(f"compute/{self.path(call, body['name'])}", document)
        return operation

    @handles(".delete", rules=[Said("refused while a proxy uses it", source=f"{_TEXT} of TargetHttpsProxy")])
    def delete(self, call: Call) -> dict[str, Any]:
        document = self.stored(call)
        for user in call.store.children(f"compute/{self.scope(call)}/targetHttpsProxies"):
            if document["selfLink"] in user.get("sslCertificates", []):
                raise in_use(self.path(call), user["selfLink"].removeprefix(BASE))
        return self.operate(call, document, "delete", delete=True)


def _belonging(chain: str, key: str) -> x509.Certificate:
    """Return the first certificate of a chain. Raises GoogleError 400 when the key is not its own."""
    try:
        leaf = x509.load_pem_x509_certificates(chain.encode())[0]
    except ValueError as exc:
        raise invalid("certificate", "", "The SSL certificate could not be parsed.") from exc
    try:
        private = serialization.load_pem_private_key(key.encode(), None)
    except (ValueError, TypeError) as exc:
        raise invalid("privateKey", "", "The SSL key could not be parsed.") from exc
    if private.public_key() != leaf.public_key():
        raise invalid("certificate", "", "The SSL certificate and key do not match.")
    return leaf
