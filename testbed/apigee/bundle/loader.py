# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts a bundle together: descriptor, endpoints or shared flow, policies, resources, and references between them."""
from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from testbed.apigee.bundle import endpoints
from testbed.apigee.bundle.archive import ROOT, SHARED_FLOW_ROOT, BundleError, unpack
from testbed.apigee.bundle.model import Bundle, Endpoint, ProxyEndpoint, SharedFlowBundle, Step, TargetEndpoint
from testbed.apigee.bundle.xml import Node, Problems, parse
from testbed.apigee.policies import POLICIES, TYPES_OF_APIGEE
from testbed.apigee.policies.base import Policy

# Names that Apigee accepts for proxies. Source: apigee v1 discovery document, organizations.apis.create.
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$")


def load(data: bytes) -> Bundle:
    """The validated bundle of an API proxy from the bytes of its zip. Raises BundleError with every violation found."""
    return _proxy(unpack(data)[1])


def load_shared_flow(data: bytes) -> SharedFlowBundle:
    """The validated bundle of a shared flow. Raises BundleError with every violation found."""
    return _shared_flow(unpack(data, (SHARED_FLOW_ROOT,))[1])


def load_either(data: bytes) -> Bundle | SharedFlowBundle:
    """Whichever of the two a zip holds. Raises BundleError with every violation found."""
    root, files = unpack(data, (ROOT, SHARED_FLOW_ROOT))
    return _proxy(files) if root == ROOT else _shared_flow(files)


def _proxy(files: Mapping[str, bytes]) -> Bundle:
    proxies: dict[str, ProxyEndpoint] = {}
    targets: dict[str, TargetEndpoint] = {}
    parts = _Parts(ROOT, "APIProxy", files)
    parts.read({
        "proxies": lambda node: _endpoint(node, "ProxyEndpoint", endpoints.proxy_endpoint, proxies),
        "targets": lambda node: _endpoint(node, "TargetEndpoint", endpoints.target_endpoint, targets)})
    violations = parts.problems.violations
    if not proxies and not violations:
        violations.append(f"{ROOT}proxies/: bundle has no ProxyEndpoint, so it has no base path")
    _references(parts, proxies, targets)
    return Bundle(**parts.common(), proxy_endpoints=proxies, target_endpoints=targets)


def _shared_flow(files: Mapping[str, bytes]) -> SharedFlowBundle:
    flows: dict[str, tuple[Step, ...]] = {}
    parts = _Parts(SHARED_FLOW_ROOT, "SharedFlowBundle", files)

    def read(node: Node) -> None:
        name, steps = endpoints.shared_flow(node)
        if node.tag != "SharedFlow":
            node.invalid("root element must be SharedFlow")
        elif not name:
            node.invalid("SharedFlow without name")
        elif name in flows:
            node.invalid(f"a second SharedFlow is named '{name}'")
        else:
            flows[name] = steps

    parts.read({"sharedflows": read})
    violations = parts.problems.violations
    if len(flows) != 1 and not violations:
        violations.append(f"{SHARED_FLOW_ROOT}sharedflows/: needs exactly one SharedFlow, found "
                          f"{sorted(flows) or 'none'}")
    for name, steps in flows.items():
        parts.check_steps("sharedflows", name, steps)
    common = parts.common()
    (name, steps), = flows.items()
    return SharedFlowBundle(**common, flow_name=name, steps=steps)


@dataclass
class _Parts:
    """The parts that both kinds of bundle have; ``root`` is their folder, ``tag`` the descriptor's root element."""

    root: str
    tag: str
    files: Mapping[str, bytes]
    problems: Problems = field(default_factory=Problems)
    policies: dict[str, Policy | None] = field(default_factory=dict)
    descriptor: Node | None = None

    def read(self, folders: Mapping[str, Callable[[Node], None]]) -> None:
        """Read the descriptor, the policies and the XML files of ``folders``; anything unknown is a violation."""
        self.descriptor = self._descriptor()
        readers = {**folders, "policies": lambda node: _policy(node, self.policies)}
        for path in sorted(self.files):
            folder, _, rest = path.partition("/")
            file = self.root + path
            if folder in readers and rest:
                if "/" in rest or not rest.endswith(".xml"):
                    self.problems.violations.append(f"{file}: only .xml files directly in {folder}/ are allowed")
                    continue
                node = parse(self.files[path], file, self.problems)
                if node is not None:
                    readers[folder](node)
            elif rest and folder not in ("resources", "manifests"):
                self.problems.violations.append(f"{file}: unknown folder {folder}/ in a bundle")

    def _descriptor(self) -> Node | None:
        """The one XML file at the top. Its lists are informational, so only the root and its name are checked."""
        found = [path for path in self.files if "/" not in path and path.endswith(".xml")]
        for path in self.files:
            if "/" not in path and not path.endswith(".xml"):
                self.problems.violations.append(
                    f"{self.root}{path}: only the descriptor may stand at the top of the bundle")
        if len(found) != 1:
            self.problems.violations.append(f"{self.root}: needs exactly one descriptor (an .xml file with root "
                                            f"{self.tag}), found {sorted(found) or 'none'}")
            return None
        node = parse(self.files[found[0]], self.root + found[0], self.problems)
        if node is None:
            return None
        if node.tag != self.tag:
            node.invalid(f"the descriptor's root element must be {self.tag}")
            return None
        if not _NAME.match(node.attribute("name") or ""):
            what = "proxy" if self.root == ROOT else "shared flow"
            node.invalid(f"name '{node.attribute('name') or ''}' is not a valid {what} name")
        return node

    def check_steps(self, folder: str, name: str, steps: Iterable[Step]) -> None:
        """Steps name policies of the bundle."""
        for policy in dict.fromkeys(step.policy for step in steps):
            if policy not in self.policies:
                self.problems.violations.append(f"{self.root}{folder}/{name}.xml: step refers to policy '{policy}', "
                                                "which is not in the bundle")

    def common(self) -> dict[str, Any]:
        """What ``Contents`` holds. Raises BundleError when anything was found wrong."""
        if self.problems.violations or self.descriptor is None:
            raise BundleError(self.problems.violations)
        resources = {path[len("resources/"):]: content for path, content in self.files.items()
                     if path.startswith("resources/")}
        return {
            "name": self.descriptor.attribute("name") or "", "revision": self.descriptor.attribute("revision") or "",
            "display_name": self.descriptor.child_text("DisplayName") or "",
            "description": self.descriptor.child_text("Description") or "",
            "policies": {name: policy for name, policy in self.policies.items() if policy is not None},
            "resources": resources, "unsupported": tuple(self.problems.unsupported),
            "files": tuple(sorted(self.files))}


def _endpoint(node: Node, tag: str, read, found: dict) -> None:
    if node.tag != tag:
        node.invalid(f"root element must be {tag}")
        return
    endpoint = read(node)
    if not endpoint.name:
        node.invalid(f"{tag} without name")
    elif endpoint.name in found:
        node.invalid(f"a second {tag} is named '{endpoint.name}'")
    else:
        found[endpoint.name] = endpoint


def _policy(node: Node, found: dict[str, Policy | None]) -> None:
    name = node.attribute("name") or ""
    if not name:
        node.invalid("policy without name")
        return
    if name in found:
        node.invalid(f"a second policy is named '{name}'")
        return
    found[name] = None
    reader = POLICIES.get(node.tag)
    if reader is not None:
        found[name] = reader.read(node)
    elif node.tag in TYPES_OF_APIGEE:
        node.unsupported(f"policy type {node.tag} is not executed by the testbed's Apigee runtime")
    else:
        node.invalid(f"unknown policy type {node.tag}")


def _references(parts: _Parts, proxies: dict[str, ProxyEndpoint], targets: dict[str, TargetEndpoint]) -> None:
    """Steps name policies, routes name target endpoints, base paths are unique in the bundle."""
    violations = parts.problems.violations

    def check_steps(folder: str, endpoint: Endpoint) -> None:
        parts.check_steps(folder, endpoint.name, endpoint.steps())

    by_path: dict[str, str] = {}
    for proxy in proxies.values():
        check_steps("proxies", proxy)
        place = f"{ROOT}proxies/{proxy.name}.xml"
        for route in proxy.route_rules:
            if route.target_endpoint and route.target_endpoint not in targets:
                violations.append(f"{place}: route rule '{route.name}' refers to target endpoint "
                                  f"'{route.target_endpoint}', which is not in the bundle")
        if proxy.base_path and proxy.base_path in by_path:
            violations.append(f"{place}: base path '{proxy.base_path}' is already that of proxy endpoint "
                              f"'{by_path[proxy.base_path]}'")
        by_path.setdefault(proxy.base_path, proxy.name)
    for target in targets.values():
        check_steps("targets", target)
