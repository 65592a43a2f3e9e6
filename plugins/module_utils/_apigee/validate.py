# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: nothing outside gatewayops.apigee_gke may import it.
"""What can be known to be wrong with a bundle before Apigee sees it: every finding at once, each with its remedy."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from xml.etree import ElementTree

from . import check_descriptor, check_policies, check_targets, markup
from .bundle import Bundle
from .findings import Finding, Findings


def validate(bundle: Bundle) -> list[Finding]:
    """Return every fault of ``bundle``, ordered by file. An empty list means that nothing is known to be wrong."""
    return _ordered(_Validation(bundle).run().faults)


def advice(bundle: Bundle) -> list[Finding]:
    """Return what in ``bundle`` works and should not stay so, ordered by file."""
    return _ordered(_Validation(bundle).run().advice)


def _ordered(findings: list[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: (finding.file, finding.element))


def base_paths(bundle: Bundle) -> list[str]:
    """Return the base paths of a bundle's proxy endpoints, in the order of their files."""
    result = []
    for data in bundle.below("proxies").values():
        try:
            root = markup.parse(data)
        except markup.MarkupError:
            continue
        path = markup.local_text(root.find("HTTPProxyConnection/BasePath"))
        if path and path not in result:
            result.append(path)
    return result


def target_servers(bundle: Bundle) -> list[str]:
    """Return the names of the target servers that a bundle uses, sorted."""
    names: set[str] = set()
    for data in bundle.below("targets").values():
        try:
            root = markup.parse(data)
        except markup.MarkupError:
            continue
        names.update(s.get("name", "") for s in root.iterfind("HTTPTargetConnection/LoadBalancer/Server"))
    return sorted(names - {""})


class _Validation:
    """How the parts of one bundle hang together; what each part says is checked by kind, see the neighbours."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.found = Findings(bundle)
        self.add = self.found.add
        self.parse = self.found.parse

    def run(self) -> Findings:
        """Look at everything."""
        check_descriptor.check(self.found)
        policies = self.named("policies", None)
        for path, root in policies.values():
            check_policies.check(self.found, path, root)
        if self.bundle.root == "sharedflowbundle":
            flows = self.named("sharedflows", "SharedFlow")
            if not self.bundle.below("sharedflows"):
                self.add("sharedflowbundle", "", "it has no shared flow", "Add sharedflows/default.xml")
            for path, root in flows.values():
                self.check_steps(path, root, policies)
            return self.found
        targets = self.named("targets", "TargetEndpoint")
        proxies = self.named("proxies", "ProxyEndpoint")
        if not self.bundle.below("proxies"):
            self.add("apiproxy", "", "it has no proxy endpoint", "Add proxies/default.xml with a ProxyEndpoint")
        owners: dict[str, str] = {}
        for path, root in proxies.values():
            self.check_base_path(path, root, owners)
            self.check_routes(path, root, targets)
            self.check_steps(path, root, policies)
        for path, root in targets.values():
            check_targets.check(self.found, path, root)
            self.check_steps(path, root, policies)
        return self.found

    def named(self, folder: str, wanted: str | None) -> dict[str, tuple[str, ElementTree.Element]]:
        """Read every XML file of ``folder``; return (path, root) by the name attribute, reporting what breaks that."""
        result: dict[str, tuple[str, ElementTree.Element]] = {}
        for path in self.bundle.below(folder):
            root = self.parse(path)
            stem = path.rsplit("/", 1)[-1][: -len(".xml")]
            if root is None:
                # The name is still taken, so that one malformed file does not cause a finding at each use of it.
                result.setdefault(stem, (path, ElementTree.Element(wanted or "Malformed")))
                continue
            if wanted and root.tag != wanted:
                self.add(
                    path, root.tag, f"{folder} must hold {wanted} elements", "Move the file or correct its root element"
                )
                continue
            name = root.get("name")
            if not name:
                self.add(path, root.tag, "the attribute name is missing", f'State it, as name="{stem}"')
                result.setdefault(stem, (path, root))
            elif name in result:
                self.add(
                    path,
                    f"{root.tag} {name}",
                    f"the name is already used by {result[name][0]}",
                    "Give each its own name",
                )
            else:
                result[name] = (path, root)
        # An unreadable file blocks every check that depends on it, not the others.
        return {name: (path, root) for name, (path, root) in result.items()}

    def check_base_path(self, path: str, root: ElementTree.Element, owners: dict[str, str]) -> None:
        if not len(root) and not root.get("name"):
            return  # malformed, reported already
        element = f"ProxyEndpoint {root.get('name')}, HTTPProxyConnection"
        base_path = markup.local_text(root.find("HTTPProxyConnection/BasePath"))
        if not base_path:
            self.add(
                path,
                element,
                "it has no BasePath",
                "Add <BasePath>/...</BasePath>: the path under which the proxy is called",
            )
        elif not base_path.startswith("/"):
            self.add(path, element, f"the BasePath {base_path!r} does not start with a slash", f"Write /{base_path}")
        elif base_path in owners:
            self.add(
                path,
                element,
                f"the BasePath {base_path} is already used by {owners[base_path]}",
                "Give each endpoint its own",
            )
        else:
            owners[base_path] = path

    def check_routes(self, path: str, root: ElementTree.Element, targets: Iterable[str]) -> None:
        seen: set[str] = set()
        for rule in root.iterfind("RouteRule"):
            name = rule.get("name", "")
            element = f"RouteRule {name}".rstrip()
            if not name:
                self.add(path, element, "the attribute name is missing", "Name each route rule")
            elif name in seen:
                self.add(path, element, "the name is used twice", "Give each route rule its own name")
            seen.add(name)
            target = markup.local_text(rule.find("TargetEndpoint"))
            if target and target not in targets:
                remedy = _nearest(target, targets, "target endpoint", "targets")
                self.add(path, element, f"it routes to {target}, which is no target endpoint of this bundle", remedy)

    def check_steps(self, path: str, root: ElementTree.Element, policies: Iterable[str]) -> None:
        flows: set[str] = set()
        for flow in root.iterfind("Flows/Flow"):
            name = flow.get("name", "")
            if not name or name in flows:
                problem = "the name is used twice" if name else "the attribute name is missing"
                self.add(path, f"Flow {name}".rstrip(), problem, "Give each flow its own name")
            flows.add(name)
        reported: set[str] = set()
        for step in root.iter("Step"):
            policy = markup.local_text(step.find("Name"))
            if not policy:
                self.add(path, "Step", "it names no policy", "Add <Name>...</Name>")
            elif policy not in policies and policy not in reported:
                reported.add(policy)
                remedy = _nearest(policy, policies, "policy", "policies")
                self.add(path, f"Step {policy}", f"there is no policy {policy} in this bundle", remedy)


def _nearest(name: str, known: Iterable[str], kind: str, folder: str) -> str:
    close = difflib.get_close_matches(name, list(known), 1)
    if close:
        return f"Did you mean {close[0]}? If not, add {folder}/{name}.xml"
    return f"Add {folder}/{name}.xml or name an existing {kind}"
