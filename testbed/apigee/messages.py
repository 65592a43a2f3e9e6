# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages in flight: headers, body, and the variables each of them offers (``request.header.accept`` and so on)."""
from __future__ import annotations

from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlencode

from multidict import CIMultiDict

# Headers with commas in a single value; all others hold lists, of which a variable gives the first element.
_UNDIVIDED = frozenset(("date", "expires", "last-modified", "if-modified-since", "if-unmodified-since", "retry-after",
                        "set-cookie", "authorization", "user-agent", "location"))


def reason_phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


class Parameters:
    """Query or form parameters: the raw text as long as nothing is changed, so that untouched ones pass unchanged."""

    def __init__(self, raw: str = "") -> None:
        self._raw: str | None = raw
        self._pairs: list[tuple[str, str]] | None = None

    @property
    def pairs(self) -> list[tuple[str, str]]:
        if self._pairs is None:
            self._pairs = parse_qsl(self._raw or "", keep_blank_values=True)
        return self._pairs

    def encoded(self) -> str:
        return self._raw if self._raw is not None else urlencode(self.pairs)

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.pairs if key == name]

    def add(self, name: str, value: str) -> None:
        self.pairs.append((name, value))
        self._raw = None

    def remove(self, name: str | None = None) -> None:
        self._pairs = [pair for pair in self.pairs if name is not None and pair[0] != name]
        self._raw = None

    def set(self, name: str, value: str) -> None:
        self.remove(name)
        self.add(name, value)


class Message:
    """A request or a response. ``stream`` is set instead of ``body`` when the body is passed through unread."""

    def __init__(self, kind: str, *, headers: CIMultiDict | None = None, body: bytes = b"",
                 stream: AsyncIterator[bytes] | None = None, verb: str = "GET", path: str = "", query: str = "",
                 version: str = "1.1", status: int = 200, reason: str | None = None) -> None:
        self.kind = kind
        self.headers: CIMultiDict[str] = CIMultiDict() if headers is None else headers
        self.stream = stream
        self.verb = verb
        self.path = path
        self.query = Parameters(query)
        self.version = version
        self.status = status
        self.reason = reason_phrase(status) if reason is None else reason
        self._body = body

    @property
    def body(self) -> bytes:
        return self._body

    @body.setter
    def body(self, content: bytes) -> None:
        """A new body replaces one that was being streamed."""
        self._body = content
        self.stream = None
        self.headers.popall("Content-Length", None)
        self.headers.popall("Transfer-Encoding", None)

    def copy(self) -> Message:
        twin = Message(self.kind, headers=self.headers.copy(), body=self._body, verb=self.verb, path=self.path,
                       query=self.query.encoded(), version=self.version, status=self.status, reason=self.reason)
        twin.stream = self.stream
        return twin

    # Variables -----------------------------------------------------------------------------------------------------

    def form(self) -> Parameters:
        content_type = self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if content_type != "application/x-www-form-urlencoded":
            return Parameters()
        return Parameters(self._body.decode("utf-8", "replace"))

    def set_form(self, form: Parameters) -> None:
        self.body = form.encoded().encode()
        self.headers["Content-Type"] = "application/x-www-form-urlencoded"

    def get(self, name: str) -> Any:
        """The variable ``name`` of this message (without the message's own prefix); None when unset."""
        group, _, rest = name.partition(".")
        match group:
            case "header":
                return self._header(rest)
            case "queryparam" | "formparam":
                source = self.query if group == "queryparam" else self.form()
                return _indexed(rest, source.values, lambda values: values)
            case "headers":
                return {"count": len(self.headers), "names": list(dict.fromkeys(self.headers))}.get(rest)
            case "queryparams" | "formparams":
                pairs = (self.query if group == "queryparams" else self.form()).pairs
                return {"count": len(pairs), "names": list(dict.fromkeys(name for name, _ in pairs))}.get(rest)
        if name == "content":
            return None if self.stream is not None else self._body.decode("utf-8", "replace")
        if self.kind == "request":
            query = self.query.encoded()
            return {"verb": self.verb, "path": self.path, "querystring": query, "version": self.version,
                    "uri": self.path + ("?" + query if query else ""), "formstring": self.form().encoded()}.get(name)
        return {"status.code": self.status, "reason.phrase": self.reason, "version": self.version}.get(name)

    def _header(self, rest: str) -> Any:
        def elements(values: list[str]) -> list[str]:
            return values if rest.lower().split(".")[0] in _UNDIVIDED else [
                part.strip() for value in values for part in value.split(",")]
        return _indexed(rest, lambda name: self.headers.getall(name, []), elements)

    def set(self, name: str, value: str | None) -> bool:
        """Sets (None: removes) a variable of this message; False when there is no such variable to set."""
        group, _, rest = name.partition(".")
        if group == "header" and rest:
            self.headers.popall(rest, None)
            if value is not None:
                self.headers[rest] = value
        elif group == "queryparam" and rest:
            self.query.remove(rest)
            if value is not None:
                self.query.add(rest, value)
        elif group == "formparam" and rest:
            form = self.form()
            form.remove(rest)
            if value is not None:
                form.add(rest, value)
            self.set_form(form)
        elif name == "content":
            self.body = (value or "").encode()
        elif name == "verb" and self.kind == "request" and value:
            self.verb = value.upper()
        elif name == "path" and self.kind == "request":
            self.path = value or ""
        elif name == "querystring" and self.kind == "request":
            self.query = Parameters(value or "")
        elif name == "status.code" and self.kind == "response" and (value or "").isdigit():
            self.status = int(value or 0)
            self.reason = reason_phrase(self.status)
        elif name == "reason.phrase" and self.kind == "response":
            self.reason = value or ""
        elif name == "version" and value:
            self.version = value
        else:
            return False
        return True


def _indexed(rest: str, values_of, divide) -> Any:
    """``name``, ``name.values``, ``name.values.count``, ``name.values.string`` or ``name.1`` (the first)."""
    name, _, suffix = rest.partition(".")
    if not suffix:
        values = divide(values_of(name))
        return values[0] if values else None
    values = values_of(name)
    if suffix == "values.string":
        return ",".join(values) if values else None
    if suffix == "values":
        return divide(values)
    if suffix == "values.count":
        return len(divide(values))
    if suffix.isdigit():
        divided = divide(values)
        return divided[int(suffix) - 1] if 0 < int(suffix) <= len(divided) else None
    values = divide(values_of(rest))
    return values[0] if values else None
