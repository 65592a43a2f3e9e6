# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""openapi-spec-validator on a document, where it is installed: an optional gate beside our own rules.

It judges a document by the schema of its OpenAPI version; Google's extensions are ours to judge. Private to the
collection.
"""

from __future__ import annotations

import typing as t

from .findings import Finding, spelled
from .source import Source

#: What to install.
LIBRARY = "openapi-spec-validator"
#: As many as are read before the first of them is mended.
MOST = 20


def problems(source: Source, mode: str) -> list[str]:
    """What it finds, as sentences. ``mode`` is ``auto`` (nothing is said where it is missing), ``required``, ``none``."""
    if mode == "none":
        return []
    validator = _validator(source.value)
    if validator is None:
        return [_NOT_THERE] if mode == "required" else []
    return [str(one) for one in _found(validator, source)]


_NOT_THERE = (
    f"validator is required, but the Python library {LIBRARY} is not installed for the interpreter that runs the module. "
    f"Install it (pip install {LIBRARY}), or set validator: auto."
)


def _validator(document: dict[str, t.Any]) -> t.Any:
    """The library's judge of the document's version; None where there is no library, or the version is unknown to it."""
    try:
        import openapi_spec_validator as library
    except ImportError:
        return None
    version = str(document.get("openapi") or document.get("swagger"))
    names = {"2.0": "OpenAPIV2SpecValidator", "3.0": "OpenAPIV30SpecValidator", "3.1": "OpenAPIV31SpecValidator"}
    judge = getattr(library, names.get(version[:3], ""), None)
    return None if judge is None else judge(document)


def _found(validator: t.Any, source: Source) -> list[Finding]:
    found = []
    for error in validator.iter_errors():
        place = tuple(error.absolute_path)
        reason = " ".join(str(error.message).split())[:300].rstrip(".")
        found.append(Finding(source.line(place), spelled(place), f"OpenAPI's schema: {reason}", "Correct it"))
        if len(found) == MOST:
            break
    return sorted(found, key=lambda one: one.line)
