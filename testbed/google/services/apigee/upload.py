# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Uploads: the parts of a form, and the bundle in a request (a file part of any name, or the whole body).

Sources: text of apis.create (multipart/form-data, form field ``file``) and revisions.updateApiProxyRevision
(also application/octet-stream); apigee/apigeecli sends the part as ``proxy`` and that works.
"""
from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from testbed.apigee.bundle import BundleError, load, load_shared_flow
from testbed.google.errors import GoogleError
from testbed.google.services.apigee import descriptor
from testbed.google.services.apigee.kinds import PROXY, Kind
from testbed.google.services.apigee.names import request_info

if TYPE_CHECKING:
    from testbed.google.service import Call

# Bytes; source: Apigee limits, "API proxy bundle size".
MAXIMUM = 15 * 2**20
BAD_BUNDLE = "type.googleapis.com/edge.configstore.bundle.BadBundle"


def bundle_bytes(call: Call, kind: Kind) -> bytes:
    """The zip in a request. Raises GoogleError 400 when there is none or it is too large."""
    kind = call.content_type.split(";")[0].strip().lower()
    if kind == "multipart/form-data":
        data = next((part.content for part in form(call) if part.is_file), b"")
    elif kind in ("application/octet-stream", "application/zip"):
        data = call.raw
    else:
        raise GoogleError(400, f'Content-Type "{call.content_type}" is not supported: send the bundle as '
                               "multipart/form-data or application/octet-stream")
    if not data:
        raise GoogleError(400, f"the request has no {kind.title} bundle")
    if len(data) > MAXIMUM:
        raise GoogleError(400, f"the {kind.title} bundle has {len(data)} bytes, the limit is {MAXIMUM}")
    return data


@dataclass(frozen=True)
class Part:
    """One part of a form."""

    name: str
    content: bytes
    is_file: bool


def form(call: Call) -> list[Part]:
    """The parts of a multipart/form-data body, in order. Raises GoogleError 400."""
    found = re.search(r'boundary="?([^";,]+)"?', call.content_type, re.IGNORECASE)
    if not found:
        raise GoogleError(400, "multipart/form-data without a boundary")
    parts = []
    for part in (b"\r\n" + call.raw).split(b"\r\n--" + found[1].encode())[1:]:
        head, blank, content = part.partition(b"\r\n\r\n")
        named = re.search(rb"content-disposition:[^\r\n]*[; ]name=\"?([^\";\r\n]*)", head, re.IGNORECASE)
        if blank:
            is_file = re.search(rb"content-disposition:[^\r\n]*\bfilename=", head, re.IGNORECASE) is not None
            parts.append(Part(named[1].decode() if named else "", content, is_file))
    return parts


def checked(data: bytes, kind: Kind) -> descriptor.Listing:
    """What a valid bundle lists, or GoogleError 400 with every violation, as Apigee lists them.

    Source of the shape: scastria/terraform-provider-apigee #5.
    """
    try:
        (load if kind is PROXY else load_shared_flow)(data)
        return descriptor.read(data, kind)
    except BundleError as error:
        violations = [_violation(text, kind) for text in error.violations]
    except ValueError as error:
        violations = [{"description": str(error)}]
    raise GoogleError(400, "bundle contains errors",
                      details=[{"@type": BAD_BUNDLE, "violations": violations}, request_info()])


def _violation(text: str, kind: Kind) -> dict[str, str]:
    """A violation, with the file it names when it begins with one (``apiproxy/policies/x.xml: ...``)."""
    name, colon, rest = text.partition(": ")
    if colon and name.startswith(kind.root):
        return {"filename": name, "description": rest}
    return {"description": text}
