# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""API products, developers, apps and keys of the configuration, and the question whether a key admits a request."""
from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from testbed.apigee.conditions import path_matches


@dataclass(frozen=True)
class Credential:
    """A key with the app and developer it belongs to, all in the Apigee API's JSON."""

    key: Mapping[str, Any]
    app: Mapping[str, Any]
    developer: Mapping[str, Any] | None


class Identities:
    """Read-only index over one configuration."""

    def __init__(self, products: Iterable[Mapping] = (), developers: Iterable[Mapping] = (),
                 apps: Iterable[Mapping] = ()) -> None:
        self._products = {product["name"]: product for product in products}
        by_name = {identity: developer for developer in developers
                   for identity in (developer.get("developerId"), developer.get("email")) if identity}
        self._credentials: dict[str, Credential] = {}
        for app in apps:
            developer = by_name.get(app.get("developerId")) or by_name.get(app.get("developerEmail"))
            for key in app.get("credentials", ()):
                self._credentials[key["consumerKey"]] = Credential(key, app, developer)

    def credential(self, key: str) -> Credential | None:
        return self._credentials.get(key)

    def approved_products(self, credential: Credential) -> list[Mapping[str, Any]]:
        """Products associated with the key; a product reference that is not approved does not count."""
        return [self._products[reference["apiproduct"]] for reference in credential.key.get("apiProducts", ())
                if reference.get("apiproduct") in self._products and reference.get("status", "approved") == "approved"]


def expired(credential: Credential) -> bool:
    """``expiresAt`` is in milliseconds since the epoch, -1 for never."""
    expires = int(credential.key.get("expiresAt", -1) or -1)
    return expires >= 0 and expires <= time.time() * 1000


def admits(product: Mapping[str, Any], environment: str, proxy: str, path_suffix: str, verb: str) -> bool:
    """Whether a product covers a request. Empty lists mean no restriction, as in Apigee."""
    if product.get("environments") and environment not in product["environments"]:
        return False
    operations = product.get("operationGroup", {}).get("operationConfigs", ())
    if operations:
        return any(config.get("apiSource") == proxy and _operation_admits(config, path_suffix, verb)
                   for config in operations)
    if product.get("proxies") and proxy not in product["proxies"]:
        return False
    resources = product.get("apiResources", ())
    return not resources or any(resource_matches(resource, path_suffix) for resource in resources)


def _operation_admits(config: Mapping[str, Any], path_suffix: str, verb: str) -> bool:
    return any(resource_matches(operation.get("resource", "/"), path_suffix)
               and (not operation.get("methods") or verb in operation["methods"])
               for operation in config.get("operations", ()))


def resource_matches(resource: str, path_suffix: str) -> bool:
    """Resource paths of products: ``/`` and ``/**`` mean everything under the base path."""
    if resource in ("", "/", "/**"):
        return True
    return path_matches(path_suffix or "/", resource)
