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


@dataclass(frozen=True)
class Match:
    """Why a product covers a request: through one of its operations, or as a whole (``operation`` is empty then)."""

    product: Mapping[str, Any]
    operation: Mapping[str, Any]

    @property
    def label(self) -> str:
        """What tells the operation from its like; empty for a product without operations."""
        parts = (self.operation.get("apiSource"), ",".join(self.pair.get("methods", ())), self.pair.get("resource"))
        return " ".join(part for part in parts if part)

    @property
    def pair(self) -> Mapping[str, Any]:
        """Path and methods of the operation."""
        return next(iter(self.operation.get("operations", ())), {})


@dataclass(frozen=True)
class ProductQuota:
    """How often the product of a verified key may be used, and whose counter counts it.

    ``limit``, ``interval`` and ``unit`` are empty where neither the operation nor the product states a quota. An
    operation's own quota replaces the product's and has a counter of its own; the product's is counted as its
    quotaCounterScope says. Source: discovery document, OperationConfig.quota and ApiProduct.quotaCounterScope; that
    operations share their product's counter unless that says otherwise is assumed.
    """

    limit: str
    interval: str
    unit: str
    counter: tuple[str, ...]

    @classmethod
    def of(cls, match: Match, app: Mapping[str, Any], proxy: str) -> ProductQuota:
        product, own = match.product, match.operation.get("quota")
        who = (str(app.get("appId") or app.get("name")), product["name"])
        if own:
            return cls(str(own.get("limit", "")), str(own.get("interval", "")), own.get("timeUnit") or "hour",
                       (*who, match.label))
        scope = {"OPERATION": match.label, "PROXY": proxy}.get(product.get("quotaCounterScope", ""), "")
        return cls(product.get("quota") or "", product.get("quotaInterval") or "", product.get("quotaTimeUnit") or "",
                   (*who, scope))


def match(product: Mapping[str, Any], environment: str, proxy: str, path_suffix: str, verb: str) -> Match | None:
    """How a product covers a request, None if it does not. Empty lists mean no restriction, as in Apigee."""
    if product.get("environments") and environment not in product["environments"]:
        return None
    operations = product.get("operationGroup", {}).get("operationConfigs", ())
    if operations:
        found = next((config for config in operations
                      if config.get("apiSource") == proxy and _operation_admits(config, path_suffix, verb)), None)
        return None if found is None else Match(product, found)
    if product.get("proxies") and proxy not in product["proxies"]:
        return None
    resources = product.get("apiResources", ())
    if resources and not any(resource_matches(resource, path_suffix) for resource in resources):
        return None
    return Match(product, {})


def _operation_admits(config: Mapping[str, Any], path_suffix: str, verb: str) -> bool:
    return any(resource_matches(operation.get("resource", "/"), path_suffix)
               and (not operation.get("methods") or verb in operation["methods"])
               for operation in config.get("operations", ()))


def resource_matches(resource: str, path_suffix: str) -> bool:
    """Resource paths of products: ``/`` and ``/**`` mean everything under the base path."""
    if resource in ("", "/", "/**"):
        return True
    return path_matches(path_suffix or "/", resource)
