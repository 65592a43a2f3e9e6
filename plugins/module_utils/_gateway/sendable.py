# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a request cannot hold, said before anything is done. Values of headers are never repeated.

Private to this collection.
"""

from __future__ import annotations

import ipaddress
import re
import typing as t
from urllib.parse import urlsplit

# Source: RFC 9110 sections 5.6.2 (token) and 5.5 (field content); beyond Latin-1 nothing can be sent.
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t -~\x80-\xff]*")
# Source: RFC 1123 section 2.1; underscores are in use all the same.
_LABEL = re.compile(r"[0-9A-Za-z_]([0-9A-Za-z_-]{0,61}[0-9A-Za-z_])?")
_LONGEST_NAME = 253
_LAST_PORT = 65535


def problems(stated: t.Mapping[str, t.Any]) -> list[str]:
    """Why a request cannot be sent as it is stated, as sentences that begin with the option's name.

    Args:
        stated: any of ``url``, ``host`` (with a port or without), ``method``, ``headers``, ``address``, ``port`` and
            ``tls_name``. What is missing or empty is fine.
    """
    found = [
        f"{option} is {stated[option]!r}. {remedy}"
        for option, right, remedy in _RULES
        if stated.get(option) and not right(str(stated[option]))
    ]
    for name, value in (stated.get("headers") or {}).items():
        if not _TOKEN.fullmatch(str(name)):
            # Whoever took a whole header for its name has the value in it.
            found.append("headers has a name that no header can have. Write letters, digits and dashes.")
        elif not _VALUE.fullmatch(str(value)):
            found.append(
                f"headers: the value of {name} holds a line break or another character that no header can hold. Correct "
                "it; the filter trim takes a line break from its end."
            )
    return found


def _is_name(text: str) -> bool:
    """Whether it is a host name or an address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        labels = text.removesuffix(".").split(".")
        return len(text) <= _LONGEST_NAME and all(_LABEL.fullmatch(label) for label in labels)
    return True


def _is_authority(text: str) -> bool:
    """Whether it is a host name or an address, with a port or without."""
    try:
        parts = urlsplit(f"//{text}")
        port = parts.port
    except ValueError:
        return False
    return parts.netloc == text and "@" not in text and port != 0 and _is_name(parts.hostname or "")


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(re.fullmatch("[!-~]+", text)) and _is_authority(parts.netloc)


def _is_port(text: str) -> bool:
    return text.isdecimal() and int(text) <= _LAST_PORT


_NAME_REMEDY = "Write a host name in letters, digits, dashes and dots (xn-- for others), or an address."
_RULES: tuple[tuple[str, t.Callable[[str], bool], str], ...] = (
    ("url", _is_url, "Write http:// or https://, a host name, and a percent-encoded path."),
    ("host", _is_authority, _NAME_REMEDY),
    ("address", _is_name, _NAME_REMEDY),
    ("tls_name", _is_name, _NAME_REMEDY),
    ("port", _is_port, f"Write a number from 1 to {_LAST_PORT}."),
    ("method", lambda text: bool(_TOKEN.fullmatch(text)), "Write one word, such as GET."),
)
