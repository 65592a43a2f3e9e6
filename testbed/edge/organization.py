# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the double of an Apigee Edge organisation holds. Nothing of it is real, and nothing outlives the process."""
from __future__ import annotations

import hmac
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from testbed.apigee.bundle.archive import unpack

#: Only proxies with this prefix reach a gateway (Edge Microgateway's documentation).
AWARE = "edgemicro_"
#: The proxy that gateways and clients ask for tokens. A key is good there only if a product of it lists this proxy.
AUTH_PROXY = "edgemicro-auth"
#: The key value map of an environment from which that proxy takes its keys.
KEYS_MAP = "microgateway"
_SECONDS = {"minute": 60, "hour": 3600, "day": 86400, "week": 604800, "month": 2592000}


@dataclass(frozen=True)
class Proxy:
    """One revision: its archive, and what a gateway is told of it. ``target`` is empty where it names no address."""

    name: str
    revision: int
    base_path: str
    target: str
    archive: bytes = field(repr=False, default=b"")


@dataclass
class Organization:
    """Objects by their names. Products, developers and apps are the management API's own documents."""

    name: str
    environments: tuple[str, ...] = ("test",)
    #: What else the organisation says of itself.
    properties: dict[str, str] = field(default_factory=dict)
    revisions: dict[str, list[Proxy]] = field(default_factory=dict)
    #: Environment and proxy -> revision.
    deployments: dict[tuple[str, str], int] = field(default_factory=dict)
    products: dict[str, dict[str, Any]] = field(default_factory=dict)
    developers: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: Developer's address and app's name -> app.
    apps: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    #: Environment and name -> entries of a key value map.
    maps: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    #: Environment -> key and secret of each gateway. A name can be registered again with another secret.
    credentials: dict[str, dict[str, str]] = field(default_factory=dict)
    #: Records that gateways have sent for analytics.
    records: list[dict[str, Any]] = field(default_factory=list)
    _counters: dict[tuple[str, int], int] = field(default_factory=dict)

    # -- proxies ----------------------------------------------------------------------------------------------
    def import_proxy(self, name: str, archive: bytes) -> Proxy:
        """Take a bundle as a new revision. Raises BundleError. Its policies are not looked at."""
        _root, files = unpack(archive)
        known = self.revisions.setdefault(name, [])
        proxy = Proxy(name, len(known) + 1, _first(files, "proxies/", "BasePath") or "/",
                      _first(files, "targets/", "URL"), archive)
        known.append(proxy)
        return proxy

    def served(self, environment: str) -> Iterator[Proxy]:
        """What is deployed in an environment, in the order of names."""
        for (where, name), revision in sorted(self.deployments.items()):
            if where == environment:
                yield self.revisions[name][revision - 1]

    # -- callers ----------------------------------------------------------------------------------------------
    def is_gateway(self, environment: str, key: str, secret: str) -> bool:
        """Whether these are the credentials of a registered gateway."""
        expected = self.credentials.get(environment, {}).get(key)
        return expected is not None and hmac.compare_digest(expected, secret)

    def holder(self, key: str) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]] | None:
        """Developer, app and credential of a consumer key that may ask ``edgemicro-auth``; None for any other.

        Edge's VerifyAPIKey wants key and app approved, the developer active, and a product with that proxy. What it
        makes of resource paths there is not published; nothing is assumed.
        """
        for (address, _name), app in self.apps.items():
            for credential in app["credentials"]:
                if credential["consumerKey"] != key:
                    continue
                developer = self.developers[address]
                good = credential["status"] == app["status"] == "approved" and developer["status"] == "active"
                listed = [self.products.get(one["apiproduct"], {}) for one in credential["apiProducts"]
                          if one["status"] == "approved"]
                admitted = any(AUTH_PROXY in product.get("proxies", ()) for product in listed)
                return (developer, app, credential) if good and admitted else None
        return None

    # -- quotas -----------------------------------------------------------------------------------------------
    def count(self, identifier: str, weight: int, interval: int, unit: str, allow: int) -> dict[str, Any]:
        """Count calls in a window of the calendar, as the policy of ``edgemicro-auth`` does. Times in milliseconds.

        That ``used`` goes beyond ``allowed`` is what the engine relies on; Edge's own number there is not published.
        """
        length = interval * _SECONDS[unit]
        now = time.time()
        window = int(now // length)
        used = self._counters[identifier, window] = self._counters.get((identifier, window), 0) + weight
        return {
            "allowed": allow,
            "used": used,
            "exceeded": max(0, used - allow),
            "available": max(0, allow - used),
            "expiryTime": (window + 1) * length * 1000,
            "timestamp": int(now * 1000),
        }


def _first(files: dict[str, bytes], folder: str, tag: str) -> str:
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    for path in sorted(files):
        if path.startswith(folder) and path.endswith(".xml"):
            found = etree.fromstring(files[path], parser).find(f".//{tag}")
            if found is not None and found.text:
                return found.text.strip()
    return ""
