# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts a bundle together: descriptor, endpoints, policies, resources, and the references between them."""
from __future__ import annotations

import re

from testbed.apigee.bundle import endpoints
from testbed.apigee.bundle.archive import ROOT, BundleError, unpack
from testbed.apigee.bundle.model import Bundle, Endpoint, ProxyEndpoint, TargetEndpoint
from testbed.apigee.bundle.xml import Node, Problems, parse
from testbed.apigee.policies import POLICIES, TYPES_OF_APIGEE
from testbed.apigee.policies.base import Policy

# Names that Apigee accepts for proxies. Source: apigee v1 discovery document, organizations.apis.create.
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$")


def load(data: bytes) -> Bundle:
    """A validated bundle from the bytes of its zip. Raises BundleError with every violation found."""
    files = unpack(data)
    problems = Problems()
    descriptor = _descriptor(files, problems)
    policies: dict[str, Policy | None] = {}
    proxies: dict[str, ProxyEndpoint] = {}
    targets: dict[str, TargetEndpoint] = {}
    for path in sorted(files):
        folder, _, rest = path.partition("/")
        file = ROOT + path
        if folder in ("proxies", "targets", "policies") and rest:
            if "/" in rest or not rest.endswith(".xml"):
                problems.violations.append(f"{file}: only .xml files directly in {folder}/ are allowed")
                continue
            node = parse(files[path], file, problems)
            if node is None:
                continue
            if folder == "policies":
                _policy(node, policies)
            elif folder == "proxies":
                _endpoint(node, "ProxyEndpoint", endpoints.proxy_endpoint, proxies)
            else:
                _endpoint(node, "TargetEndpoint", endpoints.target_endpoint, targets)
        elif rest and folder not in ("resources", "manifests"):
            problems.violations.append(f"{file}: unknown folder {folder}/ in a bundle")
    resources = {path[len("resources/"):]: content for path, content in files.items() if path.startswith("resources/")}
    if not proxies and not problems.violations:
        problems.violations.append(f"{ROOT}proxies/: bundle has no ProxyEndpoint, so it has no base path")
    _references(problems, policies, proxies, targets)
    if problems.violations or descriptor is None:
        raise BundleError(problems.violations)
    return Bundle(
        name=descriptor.attribute("name") or "", revision=descriptor.attribute("revision") or "",
        display_name=descriptor.child_text("DisplayName") or "", description=descriptor.child_text("Description") or "",
        proxy_endpoints=proxies, target_endpoints=targets,
        policies={name: policy for name, policy in policies.items() if policy is not None},
        resources=resources, unsupported=tuple(problems.unsupported), files=tuple(sorted(files)))


def _descriptor(files: dict[str, bytes], problems: Problems) -> Node | None:
    """The one XML file in apiproxy/. Its lists are informational, so only the root and its name are checked."""
    found = [path for path in files if "/" not in path and path.endswith(".xml")]
    for path in files:
        if "/" not in path and not path.endswith(".xml"):
            problems.violations.append(f"{ROOT}{path}: only the descriptor may stand at the top of the bundle")
    if len(found) != 1:
        problems.violations.append(f"{ROOT}: needs exactly one descriptor (an .xml file with root APIProxy), found "
                                   f"{sorted(found) or 'none'}")
        return None
    node = parse(files[found[0]], ROOT + found[0], problems)
    if node is None:
        return None
    if node.tag != "APIProxy":
        node.invalid("the descriptor's root element must be APIProxy")
        return None
    if not _NAME.match(node.attribute("name") or ""):
        node.invalid(f"name '{node.attribute('name') or ''}' is not a valid proxy name")
    return node


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


def _references(problems: Problems, policies: dict, proxies: dict[str, ProxyEndpoint],
                targets: dict[str, TargetEndpoint]) -> None:
    """Steps name policies, routes name target endpoints, base paths are unique in the bundle."""
    def check_steps(kind: str, endpoint: Endpoint) -> None:
        for name in dict.fromkeys(step.policy for step in endpoint.steps()):
            if name not in policies:
                problems.violations.append(
                    f"{ROOT}{kind}/{endpoint.name}.xml: step refers to policy '{name}', which is not in the bundle")

    by_path: dict[str, str] = {}
    for proxy in proxies.values():
        check_steps("proxies", proxy)
        place = f"{ROOT}proxies/{proxy.name}.xml"
        for route in proxy.route_rules:
            if route.target_endpoint and route.target_endpoint not in targets:
                problems.violations.append(f"{place}: route rule '{route.name}' refers to target endpoint "
                                           f"'{route.target_endpoint}', which is not in the bundle")
        if proxy.base_path and proxy.base_path in by_path:
            problems.violations.append(f"{place}: base path '{proxy.base_path}' is already that of proxy endpoint "
                                       f"'{by_path[proxy.base_path]}'")
        by_path.setdefault(proxy.base_path, proxy.name)
    for target in targets.values():
        check_steps("targets", target)
