# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates for load balancers: one's own, and those that Google manages.

A managed one is issued once a load balancer shows it. Nobody looks whether its names lead there: the testbed's internet
has no names.
"""

from __future__ import annotations

from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from testbed.google.rules import Said
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
            Said("a managed one has 1 to 100 names, no wildcards, and is global", source=f"{_TEXT} of managed; quotas"),
            Said("one's own has certificate and privateKey", source=f"{_TEXT} of certificate, of privateKey"),
            Said("certificate and key are PEM and belong together", source=f"{_TEXT} of certificate, of privateKey"),
        ],
    )
    def insert(self, call: Call) -> dict[str, Any]:
        if (operation := self.repeated(call)) is not None:
            return operation
        body = call.body
        described = {"description": body["description"]} if body.get("description") else {}
        content = {"name": body["name"], **described, **(self._managed(call) if body.get("type") == "MANAGED"
                                                         else _own(body))}  # fmt: skip
        if "/regions/" in self.scope(call):
            content["region"] = f"{BASE}{self.scope(call)}"
        document = self.created(call, content)
        operation = self.operate(call, document, "insert")
        call.store.put(f"compute/{self.path(call, body['name'])}", document)
        return operation

    def _managed(self, call: Call) -> dict[str, Any]:
        domains = (call.body.get("managed") or {}).get("domains") or []
        if not 1 <= len(domains) <= 100 or any("*" in each for each in domains):
            raise invalid("managed.domains", ",".join(domains), "1 to 100 names without wildcards must be given.")
        if "/regions/" in self.scope(call):
            raise invalid("type", "MANAGED", "A regional certificate must be SELF_MANAGED.")
        waiting = dict.fromkeys(domains, "PROVISIONING")
        return {"type": "MANAGED", "managed": {"domains": domains, "status": "PROVISIONING", "domainStatus": waiting}}

    @handles(".delete", rules=[Said("refused while a proxy uses it", source=f"{_TEXT} of TargetHttpsProxy")])
    def delete(self, call: Call) -> dict[str, Any]:
        document = self.stored(call)
        for user in call.store.children(f"compute/{self.scope(call)}/targetHttpsProxies"):
            if document["selfLink"] in user.get("sslCertificates", []):
                raise in_use(self.path(call), user["selfLink"].removeprefix(BASE))
        return self.operate(call, document, "delete", delete=True)


class RegionSslCertificates(SslCertificates):
    """The same for regional load balancers."""

    method_prefix = "compute.regionSslCertificates"


def issued(document: dict[str, Any], chain: str, key: str) -> dict[str, Any]:
    """Return a managed certificate as it is when it has been issued."""
    managed = {**document["managed"], "status": "ACTIVE",
               "domainStatus": dict.fromkeys(document["managed"]["domains"], "ACTIVE")}  # fmt: skip
    return {**document, "managed": managed, "certificate": chain, "_privateKey": key}


def _own(body: dict[str, Any]) -> dict[str, Any]:
    for name in ("certificate", "privateKey"):
        if not body.get(name):
            raise invalid(name, "", "It must be given for a SELF_MANAGED certificate.")
    leaf = _belonging(body["certificate"], body["privateKey"])
    return {
        "type": "SELF_MANAGED",
        "certificate": body["certificate"],
        "_privateKey": body["privateKey"],
        "expireTime": leaf.not_valid_after_utc.isoformat(),
    }


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
