# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Keystores, aliases and references as they lie in the store: who uses what, and what the runtime is told of them.

The private key of an alias is a blob of its own and never part of a document: no answer and no dump can show it.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from testbed.google.services.apigee.names import key

if TYPE_CHECKING:
    from testbed.google.store import Transaction

REF = "ref://"


def environment_key(organization: str, environment: str, *more: str) -> str:
    return key("organizations", organization, "environments", environment, *more)


def key_blob(organization: str, environment: str, keystore: str, alias: str) -> str:
    """Where the private key of an alias is kept; empty when it has none."""
    return environment_key(organization, environment, "keystores", keystore, "aliases", alias) + "#key"


def aliases(store: Transaction, organization: str, environment: str, keystore: str) -> list[dict[str, Any]]:
    """Alias documents: ``alias``, ``type``, ``certificates`` (PEM)."""
    return store.children(environment_key(organization, environment, "keystores", keystore, "aliases"))


def users(store: Transaction, organization: str, environment: str, name: str) -> list[str]:
    """Who names a keystore (its name) or a reference (``ref://`` and its name): sentences for a refusal."""
    found = []
    if not name.startswith(REF):
        found = [f"reference {item['name']} refers to it"
                 for item in store.children(environment_key(organization, environment, "references"))
                 if item["refers"] == name]
    for server in store.children(environment_key(organization, environment, "targetservers")):
        tls = server.get("sSLInfo") or {}
        found += [f"target server {server['name']} names it as its {field}"
                  for field in ("trustStore", "keyStore") if tls.get(field) == name]
    return found


def alias_users(store: Transaction, organization: str, environment: str, keystore: str, alias: str) -> list[str]:
    """Target servers that show the certificate of an alias, named directly or through a reference."""
    names = {keystore} | {REF + item["name"] for item in store.children(
        environment_key(organization, environment, "references")) if item["refers"] == keystore}
    return [f"target server {server['name']} names it as its keyAlias"
            for server in store.children(environment_key(organization, environment, "targetservers"))
            if (server.get("sSLInfo") or {}).get("keyStore") in names and server["sSLInfo"].get("keyAlias") == alias]


def picture(store: Transaction, organization: str, environment: str) -> dict[str, Any]:
    """What the runtime gets: keystores (alias -> ``certificates`` and, where there is one, ``key``) and references."""
    keystores: dict[str, dict[str, dict[str, str]]] = {}
    for keystore in store.children(environment_key(organization, environment, "keystores")):
        keystores[keystore["name"]] = {}
        for alias in aliases(store, organization, environment, keystore["name"]):
            content = {"certificates": alias["certificates"]}
            secret = store.get_blob(key_blob(organization, environment, keystore["name"], alias["alias"]))
            if secret:
                content["key"] = secret.decode()
            keystores[keystore["name"]][alias["alias"]] = content
    references = {item["name"]: {"refers": item["refers"], "resourceType": item["resourceType"]}
                  for item in store.children(environment_key(organization, environment, "references"))}
    return {"keystores": keystores, "references": references}
