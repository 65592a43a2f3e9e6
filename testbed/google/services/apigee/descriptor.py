# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""What the management API reads out of an uploaded bundle, and what it writes into a downloaded one.

The runtime's loader (``testbed.apigee.bundle``) judges whether a bundle may be imported; this file only knows the
listing that a revision shows and the root descriptor (``apiproxy/NAME.xml`` or ``sharedflowbundle/NAME.xml``) that
Apigee rewrites: the revision number, creation and change times, base paths and the lists of parts.
"""
from __future__ import annotations

import hashlib
import io
import re
import zipfile
from dataclasses import dataclass, field
from xml.etree import ElementTree

from testbed.google.services.apigee.kinds import PROXY, Kind


@dataclass(frozen=True)
class Listing:
    """The names that a revision's JSON lists.

    ``target_servers`` are those that load balancers refer to, ``callouts`` the shared flows that policies call.
    """

    display_name: str = ""
    description: str = ""
    base_paths: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    proxy_endpoints: tuple[str, ...] = ()
    target_endpoints: tuple[str, ...] = ()
    target_servers: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    shared_flows: tuple[str, ...] = ()
    callouts: tuple[str, ...] = ()
    files: tuple[str, ...] = field(default=(), repr=False)


def read(data: bytes, kind: Kind = PROXY) -> Listing:
    """List a bundle. Raises ValueError on what is no zip; broken XML is the loader's business and skipped here."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except zipfile.BadZipFile as error:
        raise ValueError("the bundle is not a zip archive") from error
    names = sorted(name for name in archive.namelist() if not name.endswith("/"))
    parsed = {name: _parse(archive.read(name)) for name in names if name.endswith(".xml")}
    servers: list[str] = []
    paths: list[str] = []
    callouts: list[str] = []
    root = kind.root
    for name, tree in parsed.items():
        if tree is None:
            continue
        if name.startswith(f"{root}proxies/"):
            paths += [node.text.strip() for node in tree.iter("BasePath") if node.text]
        if tree.tag == "FlowCallout":
            callouts.append(_text(tree, "SharedFlowBundle"))
        servers += [node.get("name", "") for balancer in tree.iter("LoadBalancer") for node in balancer.iter("Server")]
    descriptor = next((tree for name, tree in parsed.items()
                       if re.fullmatch(rf"{root}[^/]+\.xml", name) and tree is not None), None)
    return Listing(
        display_name=_text(descriptor, "DisplayName"),
        description=_text(descriptor, "Description"),
        base_paths=tuple(dict.fromkeys(paths)),
        policies=_named(parsed, f"{root}policies"),
        proxy_endpoints=_named(parsed, f"{root}proxies"),
        target_endpoints=_named(parsed, f"{root}targets"),
        target_servers=tuple(dict.fromkeys(name for name in servers if name)),
        resources=tuple(_resource(name.removeprefix(f"{root}resources/")) for name in names
                        if name.startswith(f"{root}resources/")),
        shared_flows=_named(parsed, f"{root}sharedflows"),
        callouts=tuple(dict.fromkeys(name for name in callouts if name)),
        files=tuple(names),
    )


def content_digest(data: bytes) -> str:
    """SHA-256 over the names and contents of a bundle's files: the same however and whenever it was zipped."""
    archive = zipfile.ZipFile(io.BytesIO(data))
    total = hashlib.sha256()
    for name in sorted(name for name in archive.namelist() if not name.endswith("/")):
        total.update(f"{name}\0{hashlib.sha256(archive.read(name)).hexdigest()}\n".encode())
    return total.hexdigest()


def with_server_fields(data: bytes, kind: Kind, name: str, revision: str, created_at: int, modified_at: int) -> bytes:
    """The bundle as Apigee stores it: every file unchanged except the root descriptor, which Apigee rewrites.

    Times are milliseconds since epoch. The entries carry the change time, so that a download differs from the upload
    in bytes though not in content: clients must compare content.
    """
    listing = read(data, kind)
    source = zipfile.ZipFile(io.BytesIO(data))
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr(f"{kind.root}{name}.xml",
                        _descriptor(listing, kind.descriptor, name, revision, created_at, modified_at))
        for entry in listing.files:
            if not re.fullmatch(rf"{kind.root}[^/]+\.xml", entry):
                target.writestr(entry, source.read(entry))
    return output.getvalue()


def _descriptor(listing: Listing, tag: str, name: str, revision: str, created_at: int, modified_at: int) -> str:
    root = ElementTree.Element(tag, {"revision": revision, "name": name})
    _child(root, "DisplayName", listing.display_name or name)
    _child(root, "Description", listing.description)
    _child(root, "CreatedAt", str(created_at))
    _child(root, "LastModifiedAt", str(modified_at))
    for path in listing.base_paths:
        _child(root, "BasePaths", path)
    for group, item, values in (("Policies", "Policy", listing.policies),
                                ("ProxyEndpoints", "ProxyEndpoint", listing.proxy_endpoints),
                                ("Resources", "Resource", listing.resources),
                                ("SharedFlows", "SharedFlow", listing.shared_flows),
                                ("TargetServers", "TargetServer", listing.target_servers),
                                ("TargetEndpoints", "TargetEndpoint", listing.target_endpoints)):
        if values:
            parent = ElementTree.SubElement(root, group)
            for value in values:
                _child(parent, item, value)
    if tag != PROXY.descriptor:
        _child(root, "subType", "SharedFlow")
    ElementTree.indent(root)
    return ('<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
            + ElementTree.tostring(root, encoding="unicode") + "\n")


def _child(parent: ElementTree.Element, tag: str, text: str) -> None:
    ElementTree.SubElement(parent, tag).text = text


def _parse(content: bytes) -> ElementTree.Element | None:
    # A document type could define entities; Apigee's own files have none, so such a file is not read at all.
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        return None
    try:
        return ElementTree.fromstring(content)
    except ElementTree.ParseError:
        return None


def _text(tree: ElementTree.Element | None, tag: str) -> str:
    return (tree.findtext(tag) or "").strip() if tree is not None else ""


def _named(parsed: dict[str, ElementTree.Element | None], folder: str) -> tuple[str, ...]:
    return tuple((tree.get("name") if tree is not None else None) or name.rsplit("/", 1)[1].removesuffix(".xml")
                 for name, tree in parsed.items() if re.fullmatch(rf"{folder}/[^/]+\.xml", name))


def _resource(name: str) -> str:
    kind, _slash, rest = name.partition("/")
    return f"{kind}://{rest}"
