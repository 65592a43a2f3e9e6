# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From host name and path to a proxy: environment groups, their environments, then the longest base path."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from testbed.apigee.bundle.model import ProxyEndpoint
    from testbed.apigee.configuration import Deployment


@dataclass(frozen=True)
class Route:
    """Where a request goes; ``base_path`` is the part of its path that matched, ``suffix`` what follows."""

    deployment: Deployment
    endpoint: ProxyEndpoint
    base_path: str
    suffix: str


class Router:
    """``groups`` are pairs of host names and environment names."""

    def __init__(self, groups: Sequence[tuple[Sequence[str], Sequence[str]]],
                 deployments: Mapping[str, Sequence[Deployment]]) -> None:
        self._exact: dict[str, list[str]] = {}
        self._wildcard: list[tuple[str, list[str]]] = []
        for hostnames, environments in groups:
            for hostname in hostnames:
                name = hostname.lower().rstrip(".")
                if name.startswith("*."):
                    self._wildcard.append((name[1:], list(environments)))
                elif name == "*":
                    self._wildcard.append(("", list(environments)))
                else:
                    self._exact.setdefault(name, []).extend(environments)
        self._wildcard.sort(key=lambda entry: -len(entry[0]))
        self._deployments = deployments

    @property
    def hostnames(self) -> list[str]:
        return sorted(self._exact)

    def environments(self, host: str) -> list[str]:
        """Environments that a host name reaches; empty when no group has it."""
        name = host.lower().rstrip(".")
        if name in self._exact:
            return self._exact[name]
        return next((environments for suffix, environments in self._wildcard if name.endswith(suffix)), [])

    def route(self, host: str, path: str) -> Route | None:
        """The proxy endpoint with the longest base path that matches."""
        best: tuple[tuple[int, int], Route] | None = None
        for environment in self.environments(host):
            for deployment in self._deployments.get(environment, ()):
                for endpoint in deployment.bundle.proxy_endpoints.values():
                    matched = matched_base(endpoint.base_path, path)
                    if matched is None:
                        continue
                    # More path elements win; among equals, literal ones win over wildcards.
                    rank = (len(_elements(endpoint.base_path)), -endpoint.base_path.count("*"))
                    if best is None or rank > best[0]:
                        suffix = path[len(matched):] if matched != "/" else path
                        best = rank, Route(deployment, endpoint, matched, suffix)
        return best[1] if best else None


def _elements(path: str) -> list[str]:
    return [element for element in path.split("/") if element]


def matched_base(base_path: str, path: str) -> str | None:
    """The leading part of a path that a base path (elements may be ``*``) stands for; None when it does not match."""
    wanted = _elements(base_path)
    if not wanted:
        return "/"
    found = path.split("/")[1:]
    if len(found) < len(wanted) or not path.startswith("/"):
        return None
    if any(want not in ("*", have) or not have for want, have in zip(wanted, found, strict=False)):
        return None
    return "/" + "/".join(found[:len(wanted)])
