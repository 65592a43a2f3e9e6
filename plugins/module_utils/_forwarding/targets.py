# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Which request targets go on, and how they are spelt upstream.

The target is judged and sent as the client spelt it: decoding it and encoding it again would make two spellings one.
Whatever two parsers could read differently is refused.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_plus, unquote_to_bytes

#: Query parameters in which API Gateway takes the API key: the upstream has no use for it.
KEY_PARAMETERS = ("key", "api_key")
#: How often a path may be decoded before it says what it means. One more level than any upstream we know decodes.
_LEVELS = 4
_AUTHORITY = re.compile(r"^https?://[^/?#]*", re.IGNORECASE)
#: What RFC 3986 lets stand in a target, and what browsers leave as it is beside it.
_ALLOWED = re.compile(r"""^[A-Za-z0-9._~!$&'()*+,;=:@%/?\[\]{}|^`"<>-]*$""")
_BAD_ENCODING = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ENCODED_SEPARATOR = re.compile(r"%(?:2f|5c)", re.IGNORECASE)


class BadTarget(ValueError):
    """A target that is not passed on; the text says why without repeating it."""


def target(raw: str) -> tuple[str, str]:
    """Path decoded for comparing, and the target to send. Raises BadTarget."""
    raw = _AUTHORITY.sub("", raw, count=1)
    if not raw.startswith("/"):
        raise BadTarget("the target is no path")
    if not _ALLOWED.match(raw):
        raise BadTarget("the target has a character that must be percent-encoded")
    path, mark, query = raw.partition("?")
    decoded = _decoded(path)
    rest = _without_keys(query)
    return decoded, path + (mark + rest if rest or (mark and not query) else "")


def within(path: str, prefixes: tuple[str, ...]) -> bool:
    """Whether a decoded path is one of the prefixes or below it; whole segments count."""
    return any(prefix == "/" or path == prefix or path.startswith(prefix + "/") for prefix in prefixes)


def _decoded(path: str) -> str:
    """The path decoded once; all deeper readings of it are judged too."""
    if _BAD_ENCODING.search(path):
        raise BadTarget("the path has a percent sign that encodes nothing")
    first, level = "", path
    for _level in range(_LEVELS):
        _judge(level)
        try:
            current = unquote_to_bytes(level).decode("utf-8")
        except UnicodeDecodeError as error:
            # Overlong forms of "." and "/" are among these.
            raise BadTarget("the path is not UTF-8") from error
        first = first or current
        if current == level:
            return first
        level = current
    raise BadTarget("the path is encoded too often")


def _judge(path: str) -> None:
    if path.startswith("//"):
        raise BadTarget("the path begins with two slashes")
    if "\\" in path or _ENCODED_SEPARATOR.search(path):
        raise BadTarget("the path has a backslash or an encoded slash")
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in path):
        raise BadTarget("the path has a control character")
    # A parameter after the dots ("..;x") is cut off by some servers before they resolve the segment.
    if any(segment.split(";", 1)[0] in (".", "..") for segment in path.split("/")):
        raise BadTarget("the path has dot segments")


def _without_keys(query: str) -> str:
    kept = [part for part in query.split("&") if unquote_plus(part.partition("=")[0]) not in KEY_PARAMETERS]
    return "&".join(kept)
