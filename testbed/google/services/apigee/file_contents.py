# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Resource files as they lie in the store: their documents, their contents, and what the runtime is told of them."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from testbed.google.services.apigee.names import key

if TYPE_CHECKING:
    from testbed.google.store import Transaction


def document_key(organization: str, environment: str, kind: str, name: str) -> str:
    return key("organizations", organization, "environments", environment, "resourcefiles", f"{kind}/{name}")


def blob(organization: str, environment: str, kind: str, name: str) -> str:
    """Where the content is kept."""
    return document_key(organization, environment, kind, name) + "#file"


def documents(store: Transaction, organization: str, environment: str) -> list[dict[str, Any]]:
    """``{"name", "type", "content": sha256}`` of every file of an environment, by type and name."""
    found = store.children(key("organizations", organization, "environments", environment, "resourcefiles"))
    return sorted(found, key=lambda item: (item["type"], item["name"]))


def property_sets(store: Transaction, organization: str, environment: str) -> dict[str, str]:
    """The text of the files of type properties, by name."""
    return {item["name"]: (store.get_blob(blob(organization, environment, item["type"], item["name"])) or b"").decode(
        "utf-8", "replace") for item in documents(store, organization, environment) if item["type"] == "properties"}
