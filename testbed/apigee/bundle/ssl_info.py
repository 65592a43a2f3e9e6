# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads SSLInfo of a target endpoint. Source: Apigee "Endpoint configuration reference", TLS/SSL."""
from __future__ import annotations

from testbed.apigee.bundle.xml import Node
from testbed.apigee.tls import TlsInfo

_FLAGS = {"Enabled": "enabled", "Enforce": "enforce", "ClientAuthEnabled": "clientAuthEnabled",
          "IgnoreValidationErrors": "ignoreValidationErrors"}
_NAMES = {"TrustStore": "trustStore", "KeyStore": "keyStore", "KeyAlias": "keyAlias"}
_LISTS = {"Protocols": ("Protocol", "protocols"), "Ciphers": ("Cipher", "ciphers")}


def ssl_info(node: Node) -> TlsInfo | None:
    """None when TLS is switched off there; variables as names are beyond this runtime."""
    node.check(children=(*_FLAGS, *_NAMES, *_LISTS, "CommonName"))
    stated: dict = {field: node.boolean(node.child_text(tag), False, tag) for tag, field in _FLAGS.items()}
    for tag, field in _NAMES.items():
        stated[field] = node.child_text(tag) or ""
        if stated[field].startswith("{"):
            node.unsupported(f"{tag} by a variable is not executed by the testbed's Apigee runtime")
    for tag, (item, field) in _LISTS.items():
        parent = node.child(tag)
        if parent is not None:
            parent.check(children=(item,))
            stated[field] = [child.text for child in parent.all(item)]
    name = node.child("CommonName")
    if name is not None:
        name.check(attributes=("wildcardMatch",))
        wildcard = name.boolean(name.attribute("wildcardMatch"), False, "wildcardMatch")
        stated["commonName"] = {"value": name.text, "wildcardMatch": wildcard}
    if stated["clientAuthEnabled"] and not (stated["keyStore"] and stated["keyAlias"]):
        node.invalid("ClientAuthEnabled needs KeyStore and KeyAlias")
    return TlsInfo.from_json(stated)
