# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From host name and path to a proxy: environment groups, their environments, then the longest base path."""
from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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


@dataclass(frozen=True)
class Group:
    """An environment group. ``owners`` is its routing table: which environment a base path belongs to, where more than
    one has it. Source: discovery document, EnvironmentGroupConfig.routingRules."""

    hostnames: tuple[str, ...]
    environments: tuple[str, ...]
    owners: Mapping[str, str]

    @classmethod
    def from_json(cls, source: Mapping[str, Any]) -> Group:
        """Raises KeyError for an incomplete rule."""
        return cls(tuple(source.get("hostnames", ())), tuple(source.get("environments", ())),
                   {_normal(rule["basepath"]): rule["environment"] for rule in source.get("routing_rules", ())})

    def grants(self, environment: str, base_path: str) -> bool:
        """Whether requests for a base path go to this environment as far as the table says."""
        return self.owners.get(_normal(base_path), environment) == environment


class Router:
    """Of one instance: its groups, and what is deployed in their environments."""

    def __init__(self, groups: Sequence[Group], deployments: Mapping[str, Sequence[Deployment]]) -> None:
        self._exact: dict[str, list[Group]] = {}
        self._wildcard: list[tuple[str, list[Group]]] = []
        for group in groups:
            for hostname in group.hostnames:
                name = hostname.lower().rstrip(".")
                if name.startswith("*."):
                    self._wildcard.append((name[1:], [group]))
                elif name == "*":
                    self._wildcard.append(("", [group]))
                else:
                    self._exact.setdefault(name, []).append(group)
        self._wildcard.sort(key=lambda entry: -len(entry[0]))
        self._deployments = deployments
        self._turn = itertools.count()

    @property
    def hostnames(self) -> list[str]:
        return sorted(self._exact)

    def environments(self, host: str) -> list[str]:
        """Environments that a host name reaches; empty when no group has it."""
        return [environment for group in self._groups(host) for environment in group.environments]

    def _groups(self, host: str) -> list[Group]:
        name = host.lower().rstrip(".")
        if name in self._exact:
            return self._exact[name]
        return next((groups for suffix, groups in self._wildcard if name.endswith(suffix)), [])

    def route(self, host: str, path: str) -> Route | None:
        """The proxy endpoint with the longest base path that matches.

        While a revision is taken up, replicas with the old and the new one answer by turns, as many of a hundred
        requests as each has shares; where no replica has any, nobody answers.
        """
        best: tuple[int, int] | None = None
        routes: list[Route] = []
        for deployment, endpoint in self._reached(host):
            matched = matched_base(endpoint.base_path, path)
            if matched is None:
                continue
            rank = _rank(endpoint.base_path)
            route = Route(deployment, endpoint, matched, path[len(matched):] if matched != "/" else path)
            if best is None or rank > best:
                best, routes = rank, [route]
            elif rank == best and deployment.proxy == routes[0].deployment.proxy and deployment.share < 100:
                routes.append(route)
        if not routes or routes[0].deployment.share >= 100:
            return routes[0] if routes else None
        # 37 and 100 have no common divisor: shares mix well below a hundred requests.
        turn = next(self._turn) * 37 % 100
        for route in routes:
            turn -= route.deployment.share
            if turn < 0:
                return route
        return None

    def owner(self, host: str, path: str) -> str | None:
        """The environment that the routing tables give a path to; None when no base path in them matches."""
        rules = [(_rank(base_path), environment) for group in self._groups(host)
                 for base_path, environment in group.owners.items() if matched_base(base_path, path) is not None]
        return max(rules)[1] if rules else None

    def _reached(self, host: str) -> Iterator[tuple[Deployment, ProxyEndpoint]]:
        for group in self._groups(host):
            for environment in group.environments:
                for deployment in self._deployments.get(environment, ()):
                    for endpoint in deployment.bundle.proxy_endpoints.values():
                        if group.grants(environment, endpoint.base_path):
                            yield deployment, endpoint


def _normal(base_path: str) -> str:
    return "/" + base_path.strip("/")


def _rank(base_path: str) -> tuple[int, int]:
    """More path elements win; among equals, literal ones win over wildcards."""
    return len(_elements(base_path)), -base_path.count("*")


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
