# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: nothing outside gatewayops.apigee_gke may import it.
"""The content of a bundle as one short text: equal for bundles that behave alike, different for all others.

Left out, because it does not change what is served or is written by Apigee itself:

- order of files in a zip, time stamps, modes, compression; junk files (see ``bundle.py``);
- layout of XML: white space between elements, order of attributes, comments, the XML declaration;
- the manifest folder, and from the root descriptor: its name and revision (they are chosen at import), times, users,
  and the lists of parts (they repeat what the files say).

Everything else counts, byte by byte outside of XML.
"""

from __future__ import annotations

import hashlib
import json

from . import markup
from .bundle import Bundle

#: Elements of the root descriptor that Apigee writes or derives (its API's ApiProxyRevision and downloaded bundles).
SERVER_ELEMENTS = frozenset(
    (
        "Archive",
        "BasePaths",
        "Basepaths",
        "ConfigurationVersion",
        "ContextInfo",
        "CreatedAt",
        "CreatedBy",
        "EntityMetaDataAsProperties",
        "HasExtensiblePolicy",
        "LastModifiedAt",
        "LastModifiedBy",
        "ManifestVersion",
        "Policies",
        "ProxyEndpoints",
        "Resources",
        "SharedFlows",
        "Spec",
        "TargetEndpoints",
        "TargetServers",
        "Type",
        "subType",
    )
)

#: Hexadecimal digits kept: 160 bits, and a label's value holds at most 63 characters.
DIGITS = 40

#: Folders whose XML is structure only, so that a blank leaf there is an empty one.
_STRUCTURE = ("proxies", "targets", "sharedflows")


def digest(bundle: Bundle, name: str | None = None) -> str:
    """Return the content digest of ``bundle``: ``DIGITS`` lower-case hexadecimal digits.

    ``name`` is what the proxy is or will be called in Apigee (default: what the root descriptor says). A display name
    equal to it says nothing.
    """
    text = json.dumps(comparable(bundle, name), sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:DIGITS]


def comparable(bundle: Bundle, name: str | None = None) -> dict[str, object]:
    """Return the parts that count, by path: canonical lists for XML, a hash for any other file.

    The root descriptor appears under the fixed path ``<root>/*`` since Apigee names the file after the proxy.
    """
    result: dict[str, object] = {}
    for path, data in bundle.files.items():
        if path.startswith(bundle.root + "/manifests/"):
            continue
        key = f"{bundle.root}/*" if path == bundle.descriptor else path
        result[key] = form(bundle, path, name) or ["bytes", hashlib.sha256(data).hexdigest()]
    return result


def form(bundle: Bundle, path: str, name: str | None = None) -> list | None:
    """Return the canonical form of one XML file of Apigee's own, or None for any other or unreadable file."""
    folder = path.split("/")[1] if path.count("/") > 1 else ""
    if not path.lower().endswith(".xml") or (folder and folder not in (*_STRUCTURE, "policies")):
        return None
    try:
        root = markup.parse(bundle.files[path])
    except markup.MarkupError:
        return None
    if path != bundle.descriptor:
        return markup.canonical(root, blank_is_empty=folder in _STRUCTURE)
    name = name or root.get("name", "")
    for child in list(root):
        text = markup.local_text(child)
        # Apigee fills in a display name equal to the name, and an empty description.
        filled_in = (child.tag == "DisplayName" and text in ("", name)) or (child.tag == "Description" and not text)
        if child.tag in SERVER_ELEMENTS or filled_in:
            root.remove(child)
    root.attrib.pop("name", None)
    root.attrib.pop("revision", None)
    canonical = markup.canonical(root, blank_is_empty=True)
    canonical[2] = sorted((part for part in canonical[2] if isinstance(part, list)), key=repr)
    return canonical
