# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""SSL policies: which versions of TLS a load balancer accepts. Cipher suites of profiles are not served."""

from __future__ import annotations

from typing import Any

from testbed.google.errors import GoogleError
from testbed.google.rules import Immutable, Said
from testbed.google.service import Call, handles
from testbed.google.services.compute.common import BASE, NAME_RULES, Readable, fingerprint, in_use, invalid

_TEXT = "compute.v1, field text"
_SETTINGS = ("description", "profile", "minTlsVersion", "customFeatures")
_FITTING = [
    Said("TLS_1_3 wants RESTRICTED, FIPS_202205 wants TLS_1_2", source=f"{_TEXT} of minTlsVersion, of profile"),
    Said("customFeatures belong to CUSTOM", source=f"{_TEXT} of customFeatures"),
]


class SslPolicies(Readable):
    """What a FrontendConfig names with sslPolicy, for global load balancers."""

    collection, kind, method_prefix = "sslPolicies", "compute#sslPolicy", "compute.sslPolicies"

    @handles(".insert", rules=[*NAME_RULES, *_FITTING])
    def insert(self, call: Call) -> dict[str, Any]:
        if (operation := self.repeated(call)) is not None:
            return operation
        settings = {name: call.body[name] for name in _SETTINGS if call.body.get(name)}
        content = {"name": call.body["name"], "profile": "COMPATIBLE", "minTlsVersion": "TLS_1_0", **settings}
        if "/regions/" in self.scope(call):
            content["region"] = f"{BASE}{self.scope(call)}"
        _fitting(content)
        document = self.created(call, content)
        document["fingerprint"] = fingerprint(document)
        operation = self.operate(call, document, "insert")
        call.store.put(f"compute/{self.path(call, call.body['name'])}", document)
        return operation

    @handles(
        ".patch",
        rules=[
            *_FITTING,
            Immutable(("name",), source=_TEXT),
            Said("needs the current fingerprint (412 otherwise)", source=f"{_TEXT} of fingerprint"),
        ],
    )
    def patch(self, call: Call) -> dict[str, Any]:
        before = self.stored(call)
        call.immutable(before, call.body)
        if call.body.get("fingerprint") != before["fingerprint"]:
            raise GoogleError(412, "Invalid fingerprint.", reason="conditionNotMet")
        document = {**before, **{name: call.body[name] for name in _SETTINGS if name in call.body}}
        _fitting(document)
        document["fingerprint"] = fingerprint(document)
        operation = self.operate(call, document, "patch", before=before)
        call.store.put(f"compute/{self.path(call)}", document)
        return operation

    @handles(".delete", rules=[Said("refused while a proxy uses it", source=f"{_TEXT} of TargetHttpsProxy")])
    def delete(self, call: Call) -> dict[str, Any]:
        document = self.stored(call)
        for user in call.store.children(f"compute/{self.scope(call)}/targetHttpsProxies"):
            if user.get("sslPolicy") == document["selfLink"]:
                raise in_use(self.path(call), user["selfLink"].removeprefix(BASE))
        return self.operate(call, document, "delete", delete=True)


class RegionSslPolicies(SslPolicies):
    """The same for regional load balancers."""

    method_prefix = "compute.regionSslPolicies"


def _fitting(document: dict[str, Any]) -> None:
    profile, version = document["profile"], document["minTlsVersion"]
    if version == "TLS_1_3" and profile != "RESTRICTED":
        raise invalid("minTlsVersion", version, "TLS_1_3 must be used with the profile RESTRICTED.")
    if profile == "FIPS_202205" and version != "TLS_1_2":
        raise invalid("minTlsVersion", version, "FIPS_202205 must be used with TLS_1_2.")
    if bool(document.get("customFeatures")) != (profile == "CUSTOM"):
        raise invalid("customFeatures", "", "They must be given with the profile CUSTOM, and with no other.")
