# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""HTTP/1.1 as far as the webhook needs it: heads of requests in, answers out. Private to the collection.

The standard library's own server reads headers as mail, which takes longer than everything else in an admission.
"""

from __future__ import annotations

import email.utils
import functools
import http
import re
import time
import typing as t

JSON, TEXT = "application/json", "text/plain; version=0.0.4; charset=utf-8"
END = b"\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
HEADERS, LINE = 100, 65536
"""At most so many headers, and bytes of each line."""

HEAD = 2 * LINE
"""Bytes of a head that has not ended. It is looked at whenever more of it comes, for which all others wait."""

VALUES = 400_000
"""Of a body, for the memory that they take once they are read, which may be thirty times that of their text. A pod has a
few hundred; 130,000 environment variables would fit."""

_PHRASES = {status.value: status.phrase for status in http.HTTPStatus}
_METHODS, _VERSIONS = ("GET", "POST"), ("HTTP/1.1", "HTTP/1.0")
_KEPT = 2048
"""Bytes of a head that is remembered: a stranger's must not fill the memory."""

_ONCE = ("content-length", "transfer-encoding")


class Refused(Exception):
    """A request that cannot be taken: status, and a text that says why."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text


class Head(t.NamedTuple):
    """What a request begins with. ``path`` is without its query."""

    method: str
    path: str
    length: int
    closes: bool
    """Whether the caller wants the connection to end."""

    waits: bool
    """Whether the caller wants to hear that its body is welcome before it sends that."""


def head(data: bytes, longest: int) -> Head:
    """Read what stands before the empty line. Raises Refused; ``longest`` are the bytes that a body may have."""
    # The API server sends the same each time, but for the length, which replicas share.
    return _known(data, longest) if len(data) < _KEPT else _read(data, longest)


def _read(data: bytes, longest: int) -> Head:
    first, *lines = data.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(first) > LINE:
        raise Refused(414, "the address is too long")
    if len(words) != 3 or not re.fullmatch(r"HTTP/[0-9]+\.[0-9]+", words[2]):
        raise Refused(400, "this is no request")
    method, target, version = words
    if version not in _VERSIONS:
        raise Refused(505, "HTTP/1.1 is spoken here")
    if method not in _METHODS:
        raise Refused(501, "only GET and POST are answered")
    headers = _headers(lines)
    length = headers.get("content-length", "0" if method == "GET" else "")
    if "transfer-encoding" in headers or not (length.isascii() and length.isdigit() and len(length) < 12):
        raise Refused(411, "a Content-Length is needed")
    longest = longest if method == "POST" else 0
    if int(length) > longest:
        raise Refused(413, f"at most {longest} bytes are taken")
    closes = version != "HTTP/1.1" or headers.get("connection", "").lower() == "close"
    waits = headers.get("expect", "").lower() == "100-continue"
    return Head(method, target.partition("?")[0], int(length), closes, waits)


_known = functools.lru_cache(maxsize=128)(_read)


def _headers(lines: list[str]) -> dict[str, str]:
    if len(lines) > HEADERS:
        raise Refused(431, "there are too many headers")
    found: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        name = name.lower()
        if len(line) > LINE:
            raise Refused(431, "a header is too long")
        # A space before the colon, or a line that goes on: what one server skips, another may believe.
        if not colon or name != name.strip() or (name in _ONCE and name in found):
            raise Refused(400, "the headers cannot be read")
        found[name] = value.strip()
    return found


def values(body: bytes | bytearray) -> int:
    """How many values the JSON text has at most. Inside of strings, too, each of these signs counts as one."""
    return sum(map(body.count, (b",", b"{", b"[")))


def unfinished(data: bytearray) -> None:
    """Look at a head whose end has not come yet. Raises Refused when it must not grow any more."""
    line = data.find(b"\r\n")
    if line > LINE or (line < 0 and len(data) > LINE):
        raise Refused(414, "the address is too long")
    if len(data) > HEAD or len(data) - data.rfind(b"\r\n") > LINE or data.count(b"\r\n") > HEADERS + 1:
        raise Refused(431, "the headers are too long or too many")


def answer(code: int, text: str, kind: str, closes: bool) -> bytes:
    """A whole answer."""
    data = text.encode("utf-8", "backslashreplace")
    close = "Connection: close\r\n" if closes else ""
    begin = (
        f"HTTP/1.1 {code} {_PHRASES[code]}\r\nServer: tls-sidecar\r\nDate: {_date(int(time.time()))}\r\n"
        f"Content-Type: {kind}\r\nContent-Length: {len(data)}\r\n{close}\r\n"
    )
    return begin.encode("ascii") + data


@functools.lru_cache(maxsize=1)
def _date(seconds: int) -> str:
    """Of a header, for a second of the epoch."""
    return email.utils.formatdate(seconds, usegmt=True)
