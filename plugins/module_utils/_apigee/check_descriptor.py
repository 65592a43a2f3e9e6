# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: nothing outside gatewayops.apigee_gke may import it.
"""The root descriptor, and what lies beside it: apigeelint looks at neither (apigee-peers.md 6b)."""

from __future__ import annotations

from xml.etree import ElementTree

from . import markup
from .findings import Findings

#: Root element of the descriptor, by root folder.
_DESCRIPTOR_ELEMENT = {"apiproxy": "APIProxy", "sharedflowbundle": "SharedFlowBundle"}

#: Lists of parts in the descriptor, the element of one part, and the folder that holds them.
_LISTS = (
    ("Policies", "Policy", "policies"),
    ("ProxyEndpoints", "ProxyEndpoint", "proxies"),
    ("TargetEndpoints", "TargetEndpoint", "targets"),
    ("SharedFlows", "SharedFlow", "sharedflows"),
)

#: Folders that Apigee reads.
_FOLDERS = ("policies", "proxies", "targets", "sharedflows", "resources", "manifests", "integration-endpoints", "stepdefinitions")


def check(found: Findings) -> None:
    """The root descriptor: exactly one, and what it says of the parts."""
    root, wanted = found.bundle.root, _DESCRIPTOR_ELEMENT[found.bundle.root]
    candidates = found.bundle.descriptors
    if len(candidates) != 1:
        problem = (
            f"it has {len(candidates)} root descriptors ({', '.join(candidates)})"
            if candidates
            else "it has no root descriptor"
        )
        found.add(root, "", problem, f'Keep exactly one file {root}/<name>.xml with <{wanted} name="..."/>')
        return
    element = found.parse(candidates[0])
    if element is None:
        return
    if element.tag != wanted:
        found.add(candidates[0], element.tag, "this is not a root descriptor", f"The root element must be {wanted}")
    elif not element.get("name"):
        found.add(candidates[0], wanted, "the attribute name is missing", "State the name of the proxy")
    else:
        _check_lists(found, candidates[0], element)
    _check_strays(found)


def _check_lists(found: Findings, path: str, element: ElementTree.Element) -> None:
    """Apigee goes by the files; a list that says otherwise misleads whoever reads it."""
    for plural, singular, folder in _LISTS:
        listed = {markup.local_text(part) for part in element.iterfind(f"{plural}/{singular}")} - {""}
        if not listed:
            continue
        there = {file.rsplit("/", 1)[-1][: -len(".xml")] for file in found.bundle.below(folder)}
        for name in sorted(listed - there):
            found.advise(path, plural, f"it lists {name}, but there is no {folder}/{name}.xml", "Take it out, or add the file")
        for name in sorted(there - listed):
            found.advise(path, plural, f"it does not list {name}, but there is {folder}/{name}.xml", "Add it to the list")


def _check_strays(found: Findings) -> None:
    """Files that Apigee does not read: most often in the wrong folder."""
    root = found.bundle.root
    for path in sorted(found.bundle.files):
        parts = path.split("/")
        if parts[0] != root or (len(parts) > 2 and parts[1] not in _FOLDERS) or (len(parts) == 2 and not path.endswith(".xml")):
            found.advise(path, "", "Apigee does not read it there", f"Move it below one of {root}/{{{','.join(_FOLDERS[:5])}}}, or remove it")
