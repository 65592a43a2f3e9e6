# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages and filters of list methods."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from testbed.google.errors import GoogleError

_TERM = re.compile(r"""([\w.]+)\s*(!=|=|:|\beq\b|\bne\b)\s*("(?:[^"\\]|\\.)*"|'[^']*'|[^\s()]+)""")
_JOIN = re.compile(r"[\s()]*(AND[\s()]*)?\Z", re.IGNORECASE)


def page(items: list[Any], size: Any, token: str | None, default: int = 500) -> tuple[list[Any], str | None]:
    """Return one page of items and the token of the next one (None at the end). Raises GoogleError 400."""
    start = 0
    if token:
        try:
            start = int(base64.urlsafe_b64decode(token).decode().removeprefix("offset:"))
        except (ValueError, binascii.Error) as exc:
            raise GoogleError(400, f"Invalid value for field 'pageToken': '{token}'.") from exc
    end = start + (int(size) if size not in (None, "", 0, "0") else default)
    following = base64.urlsafe_b64encode(f"offset:{end}".encode()).decode() if end < len(items) else None
    return items[start:end], following


def matching(items: list[dict[str, Any]], expression: str | None) -> list[dict[str, Any]]:
    """Return the items that a filter selects: comparisons (=, !=, :, eq, ne) joined by AND or blanks.

    Raises GoogleError 400 for an expression that is not understood, rather than ignoring it.
    """
    if not expression:
        return items
    terms, position = [], 0
    for match in _TERM.finditer(expression):
        if not _JOIN.match(expression[position : match.start()]):
            raise GoogleError(400, f"Invalid list filter expression: {expression}")
        terms.append((match[1], match[2], match[3].strip("\"'")))
        position = match.end()
    if not _JOIN.match(expression[position:]) or not terms:
        raise GoogleError(400, f"Invalid list filter expression: {expression}")
    return [item for item in items if all(_holds(item, *term) for term in terms)]


def _holds(item: dict[str, Any], field: str, operator: str, wanted: str) -> bool:
    value: Any = item
    for part in field.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    text = {True: "true", False: "false", None: ""}.get(value, value) if not isinstance(value, (list, dict)) else value
    if operator == ":":
        return wanted == "*" and bool(text) or wanted in text if isinstance(text, (list, dict, str)) else False
    if operator in ("eq", "ne"):
        same = re.fullmatch(wanted, str(text)) is not None
    else:
        same = re.fullmatch(re.escape(wanted).replace(r"\*", ".*"), str(text), re.IGNORECASE) is not None
    return same == (operator in ("=", "eq"))
