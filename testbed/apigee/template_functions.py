# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The functions of message templates (Apigee "Message templates"). Arguments are text; None is an unset variable."""
from __future__ import annotations

import base64
import hashlib
import hmac
import html
import json
import random
import re
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

from testbed.apigee.conditions import text_of

# Every function that Apigee has; those without an entry in FUNCTIONS keep a bundle from being deployed here.
KNOWN_TO_APIGEE = frozenset((
    "sha1Hex", "sha1Base64", "sha256Hex", "sha256Base64", "sha384Hex", "sha384Base64", "sha512Hex", "sha512Base64",
    "md5Hex", "md5Base64", "xPath", "xpath", "jsonPath", "substring", "replaceAll", "replaceFirst", "createUuid",
    "randomLong", "hmacMd5", "hmacSha1", "hmacSha224", "hmacSha256", "hmacSha384", "hmacSha512", "timeFormat",
    "timeFormatMs", "timeFormatUTC", "timeFormatUTCMs", "xeger", "escapeJSON", "escapeXML", "escapeXML11", "encodeHTML",
    "decodeBase64", "encodeBase64", "encodeURI", "encodeURIComponent", "toUpperCase", "toLowerCase", "firstnonnull",
    "firstNonNull", "join", "length",
))
_JAVA_DATE = re.compile(r"'([^']*)'|y+|M+|d+|H+|h+|m+|s+|S+|E+|a|X+|Z+|z+|[^A-Za-z']+|[A-Za-z]+")


def _digest(algorithm: str, render: Callable[[bytes], str]) -> Callable[[Any], str]:
    return lambda text: render(hashlib.new(algorithm, text_of(text).encode(), usedforsecurity=False).digest())


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _hmac(algorithm: str) -> Callable[..., str]:
    def compute(key: Any, value: Any, encoding: str = "base16") -> str:
        digest = hmac.new(text_of(key).encode(), text_of(value).encode(), algorithm).digest()
        return _base64(digest) if text_of(encoding).lower() == "base64" else digest.hex()
    return compute


def _substring(text: Any, start: Any, end: Any = None) -> str:
    """Java's substring; negative positions count from the end."""
    value = text_of(text)
    return value[int(start):] if end is None else value[int(start):int(end)]


def _replace(count: int) -> Callable[..., str]:
    def run(text: Any, pattern: Any, replacement: Any) -> str:
        # Java writes $1 where Python writes \1.
        return re.sub(text_of(pattern), re.sub(r"\$(\d)", r"\\\1", text_of(replacement)), text_of(text), count=count)
    return run


def _random_long(*limits: Any) -> int:
    low, high = (int(limits[0]), int(limits[1])) if len(limits) > 1 else (0, int(limits[0]) if limits else 2**63 - 1)
    return random.randrange(low, high)


def _time_format(unit: float) -> Callable[..., str]:
    def run(pattern: Any, at: Any = None) -> str:
        seconds = time.time() if at is None else float(text_of(at)) * unit
        return _java_date(text_of(pattern), datetime.fromtimestamp(seconds, UTC))
    return run


def _java_date(pattern: str, at: datetime) -> str:
    text = ""
    for match in _JAVA_DATE.finditer(pattern):
        token = match.group()
        width = len(token)
        match token[0]:
            case "'":
                text += match.group(1) or "'"
            case "y":
                text += f"{at.year % 100:02d}" if width == 2 else f"{at.year:0{width}d}"
            case "M":
                text += at.strftime("%B") if width > 3 else at.strftime("%b") if width == 3 else f"{at.month:0{width}d}"
            case "d":
                text += f"{at.day:0{width}d}"
            case "H":
                text += f"{at.hour:0{width}d}"
            case "h":
                text += f"{at.hour % 12 or 12:0{width}d}"
            case "m":
                text += f"{at.minute:0{width}d}"
            case "s":
                text += f"{at.second:0{width}d}"
            case "S":
                text += f"{at.microsecond // 1000:03d}"
            case "E":
                text += at.strftime("%A" if width > 3 else "%a")
            case "a":
                text += at.strftime("%p")
            case "X":
                text += "Z"
            case "Z":
                text += "+0000"
            case "z":
                text += "UTC"
            case _:
                text += token
    return text


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "toUpperCase": lambda text: text_of(text).upper(),
    "toLowerCase": lambda text: text_of(text).lower(),
    "substring": _substring,
    "replaceAll": _replace(0),
    "replaceFirst": _replace(1),
    "firstnonnull": lambda *values: next((value for value in values if value is not None), None),
    "firstNonNull": lambda *values: next((value for value in values if value is not None), None),
    "createUuid": lambda: str(uuid.uuid4()),
    "randomLong": _random_long,
    "escapeJSON": lambda text: json.dumps(text_of(text), ensure_ascii=False)[1:-1],
    "escapeXML": lambda text: escape(text_of(text), {'"': "&quot;", "'": "&apos;"}),
    "escapeXML11": lambda text: escape(text_of(text), {'"': "&quot;", "'": "&apos;"}),
    "encodeHTML": lambda text: html.escape(text_of(text)),
    "encodeBase64": lambda text: _base64(text_of(text).encode()),
    "decodeBase64": lambda text: base64.b64decode(text_of(text)).decode("utf-8", "replace"),
    "encodeURI": lambda text: quote(text_of(text), safe="!#$&'()*+,/:;=?@-._~"),
    "encodeURIComponent": lambda text: quote(text_of(text), safe="-._~!*'()"),
    "timeFormat": _time_format(1),
    "timeFormatMs": _time_format(0.001),
    "timeFormatUTC": _time_format(1),
    "timeFormatUTCMs": _time_format(0.001),
    **{f"{name}Hex": _digest(name, bytes.hex) for name in ("md5", "sha1", "sha256", "sha384", "sha512")},
    **{f"{name}Base64": _digest(name, _base64) for name in ("md5", "sha1", "sha256", "sha384", "sha512")},
    **{f"hmac{name.capitalize()}": _hmac(name) for name in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")},
}
