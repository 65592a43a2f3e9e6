# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The full configuration of an organisation, made executable: deployments, routes, identities.

A configuration is immutable once built, so a request keeps the one it began with. Deployments that did not change are
carried over, with their rotation state.
"""
from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from testbed.apigee import property_sets
from testbed.apigee.balancer import Balancer, TargetServer
from testbed.apigee.bundle import Bundle, SharedFlowBundle
from testbed.apigee.bundle.model import TargetEndpoint
from testbed.apigee.identities import Identities
from testbed.apigee.key_value_maps import without_values
from testbed.apigee.pools import PoolKey, TargetSettings
from testbed.apigee.property_sets import Sets
from testbed.apigee.router import Group, Router
from testbed.apigee.tls import Keystores, TlsInfo, TlsSettings, TlsUnusable, without_keys

AnyBundle = Bundle | SharedFlowBundle
# By digest: the bundle, or the violations that keep it from being one.
Bundles = Mapping[str, AnyBundle | list[str]]


class ConfigurationError(ValueError):
    """The configuration as a whole cannot be used; the message says why."""


@dataclass(frozen=True)
class SharedFlow:
    """One revision of one shared flow in one environment, ready to be called."""

    name: str
    revision: str
    bundle: SharedFlowBundle


@dataclass(frozen=True)
class FlowHook:
    """What is attached to one point of an environment."""

    shared_flow: str
    continue_on_error: bool

    @classmethod
    def from_json(cls, hook: Mapping[str, Any]) -> FlowHook:
        """From Apigee's JSON, in which continueOnError is true when it is absent (discovery document)."""
        return cls(hook["sharedFlow"], hook.get("continueOnError", True))


@dataclass
class Deployment:
    """One revision of one proxy in one environment, ready to serve."""

    organization: str
    environment: str
    proxy: str
    revision: str
    region: str
    bundle: Bundle
    digest: str
    servers: Mapping[str, TargetServer]
    # Percentage of the replicas that have this revision while another is taken up.
    share: int = 100
    balancers: dict[str, Balancer] = field(default_factory=dict)
    property_sets: Sets = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.property_sets = property_sets.of_bundle(self.bundle.resources)
        for name, target in self.bundle.target_endpoints.items():
            if target.load_balancer is not None:
                self.balancers[name] = Balancer(target.load_balancer, self.servers)

    def uses(self, key: PoolKey, keystores: Keystores) -> bool:
        """Whether connections of a pool can still be wanted by this deployment, as ``keystores`` are now."""
        if (key.environment, key.proxy) != (self.environment, self.proxy):
            return False
        target = self.bundle.target_endpoints.get(key.target_endpoint)
        if target is None:
            # Routes by URL have no target endpoint of their own.
            return key.target_endpoint == "" and any(
                route.url for endpoint in self.bundle.proxy_endpoints.values() for route in endpoint.route_rules)
        if settings_of(target) != key.settings:
            return False
        if target.load_balancer is None:
            return key.tls is None or key.tls == _settings(target.tls or TlsInfo(), keystores)
        servers = [self.servers[entry.name] for entry in target.load_balancer.servers]
        return any((server.host, server.port) == (key.host, key.port) and _settings(server.tls, keystores) == key.tls
                   for server in servers)


def _settings(info: TlsInfo | None, keystores: Keystores) -> TlsSettings | None:
    """TLS as it would be done now; None without TLS, and where the names lead nowhere."""
    try:
        return None if info is None else keystores.settings(info)
    except TlsUnusable:
        return None


def settings_of(target: TargetEndpoint) -> TargetSettings:
    """Connection settings from the endpoint's properties, else Apigee's defaults."""
    names = {"connect_timeout": "connect.timeout.millis", "io_timeout": "io.timeout.millis",
             "keepalive_timeout": "keepalive.timeout.millis"}
    return TargetSettings(**{field_name: int(target.properties[name]) for field_name, name in names.items()
                             if name in target.properties})


@dataclass
class Configuration:
    """What the runtime executes, and how many requests are still being served with it."""

    source: Mapping[str, Any]
    deployments: list[Deployment]
    router: Router
    identities: Identities
    report: dict[str, Any]
    # By environment.
    keystores: Mapping[str, Keystores] = field(default_factory=dict)
    # By environment and name.
    shared_flows: Mapping[str, Mapping[str, SharedFlow]] = field(default_factory=dict)
    # By environment and point.
    flow_hooks: Mapping[str, Mapping[str, FlowHook]] = field(default_factory=dict)
    # By environment and name.
    property_sets: Mapping[str, Sets] = field(default_factory=dict)
    in_flight: int = 0

    def keystores_of(self, deployment: Deployment) -> Keystores:
        """What names of keystores and references lead to for a deployment."""
        return self.keystores.get(deployment.environment) or Keystores(deployment.environment)

    def surroundings(self, deployment: Deployment) -> dict[str, Any]:
        """What a deployment finds in its environment, as the fields of a request's context."""
        environment = deployment.environment
        return {"keystores": self.keystores_of(deployment), "shared_flows": self.shared_flows.get(environment, {}),
                "flow_hooks": self.flow_hooks.get(environment, {}),
                "property_sets": {**self.property_sets.get(environment, {}), **deployment.property_sets}}

    def uses(self, key: PoolKey) -> bool:
        """Whether connections of a pool can still be wanted."""
        return any(each.uses(key, self.keystores_of(each)) for each in self.deployments)

    @classmethod
    def empty(cls) -> Configuration:
        return cls({}, [], Router([], {}), Identities(), {"deployments": []})


def missing_bundles(source: Mapping[str, Any], known: Mapping[str, Any]) -> list[str]:
    """Digests that the configuration names and that were not uploaded."""
    return sorted({deployment["bundle"] for environment in source.get("environments", {}).values()
                   for listed in ("deployments", "shared_flows")
                   for deployment in environment.get(listed, ())} - set(known))


def build(source: Mapping[str, Any], bundles: Bundles, previous: Configuration) -> Configuration:
    """An executable configuration. Raises ConfigurationError when required keys are missing or of the wrong shape."""
    try:
        return _build(source, bundles, previous)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ConfigurationError(f"configuration is malformed: {type(error).__name__}: {error}") from error


def _build(source: Mapping[str, Any], bundles: Bundles, previous: Configuration) -> Configuration:
    organization = source["organization"]
    region = (source.get("instance") or {}).get("location", "")
    carried = {_identity(each): each for each in previous.deployments}
    deployments: list[Deployment] = []
    shared_flows: dict[str, dict[str, SharedFlow]] = {}
    report: list[dict[str, Any]] = []
    report_of_flows: list[dict[str, Any]] = []
    for environment, content in sorted(source.get("environments", {}).items()):
        servers = {server["name"]: TargetServer.from_json(server) for server in content.get("target_servers", ())}
        taken: dict[str, str] = {}
        shared_flows[environment], reported = _shared_flows(environment, content.get("shared_flows", ()), bundles)
        report_of_flows += reported
        for entry in content.get("deployments", ()):
            proxy, revision, digest = entry["proxy"], str(entry["revision"]), entry["bundle"]
            bundle = bundles[digest]
            errors = _bundle_errors(bundle, Bundle) or _errors(bundle, servers, environment, proxy, taken)
            report.append({"environment": environment, "proxy": proxy, "revision": revision,
                           "state": "ERROR" if errors else "READY", "errors": errors})
            if errors:
                continue
            for base_path in bundle.base_paths:
                taken[base_path] = proxy
            used = {name: servers[name] for name in bundle.target_servers}
            share = int(entry.get("share", 100))
            deployment = Deployment(organization, environment, proxy, revision, region, bundle, digest, used, share)
            deployments.append(carried.get(_identity(deployment), deployment))
    groups = [Group.from_json(group) for group in source.get("environment_groups", ())]
    by_environment: dict[str, list[Deployment]] = {}
    for deployment in deployments:
        by_environment.setdefault(deployment.environment, []).append(deployment)
    identities = Identities(source.get("products", ()), source.get("developers", ()), source.get("apps", ()))
    keystores = {name: Keystores(name, content.get("keystores"), content.get("references"))
                 for name, content in source.get("environments", {}).items()}
    hooks = {name: {hook["flowHookPoint"]: FlowHook.from_json(hook) for hook in content.get("flow_hooks", ())}
             for name, content in source.get("environments", {}).items()}
    sets = {name: property_sets.of_files((content.get("resource_files") or {}).get("properties", {}))
            for name, content in source.get("environments", {}).items()}
    shown = {**source, "environments": {name: without_keys(content)
                                        for name, content in source.get("environments", {}).items()}}
    if "key_value_maps" in source:
        shown["key_value_maps"] = without_values(source["key_value_maps"])
    return Configuration(json.loads(json.dumps(shown)), deployments, Router(groups, by_environment), identities,
                         {"organization": organization, "deployments": report, "shared_flows": report_of_flows},
                         keystores, shared_flows, hooks, sets)


def _shared_flows(environment: str, entries: Iterable[Mapping[str, Any]],
                  bundles: Bundles) -> tuple[dict[str, SharedFlow], list[dict[str, Any]]]:
    """The shared flows of an environment by name, and the report about them."""
    found, report = {}, []
    for entry in entries:
        name, revision, bundle = entry["shared_flow"], str(entry["revision"]), bundles[entry["bundle"]]
        errors = _bundle_errors(bundle, SharedFlowBundle) or list(bundle.unsupported)
        report.append({"environment": environment, "shared_flow": name, "revision": revision,
                       "state": "ERROR" if errors else "READY", "errors": errors})
        if not errors:
            # While a revision is taken up in parts (fault control) the newer one, which is named first, is called.
            found.setdefault(name, SharedFlow(name, revision, bundle))
    return found, report


def _bundle_errors(bundle: AnyBundle | list[str], wanted: type) -> list[str]:
    """Why this is no bundle of the wanted type."""
    if isinstance(bundle, list):
        return list(bundle)
    return [] if isinstance(bundle, wanted) else [f"the bundle is a {type(bundle).__name__}, not a {wanted.__name__}"]


def _identity(deployment: Deployment) -> tuple:
    return (deployment.organization, deployment.environment, deployment.proxy, deployment.revision, deployment.region,
            deployment.digest, deployment.share, tuple(deployment.servers[name] for name in sorted(deployment.servers)))


def _errors(bundle: Bundle, servers: Mapping[str, TargetServer], environment: str, proxy: str,
            taken: Mapping[str, str]) -> list[str]:
    """What keeps a valid bundle from being deployed."""
    errors = list(bundle.unsupported)
    for name in bundle.target_servers:
        server = servers.get(name)
        if server is None:
            errors.append(f"target server '{name}' does not exist in environment '{environment}'")
        elif server.protocol not in ("HTTP", "PROTOCOL_UNSPECIFIED"):
            errors.append(f"target server '{name}': protocol {server.protocol} is not executed by the testbed's "
                          "Apigee runtime")
    for base_path in bundle.base_paths:
        if taken.get(base_path, proxy) != proxy:
            errors.append(f"base path '{base_path}' is already that of proxy '{taken[base_path]}' in environment "
                          f"'{environment}'")
    return errors


def origin(url: str) -> tuple[str, str, int, str, str]:
    """Scheme, host, port, path and query of a target URL."""
    parts = urlsplit(url)
    return (parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80),
            parts.path, parts.query)
