# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The function itself: one request in, one answer out. ``build`` gives what the functions-framework calls."""

from __future__ import annotations

import dataclasses
import json
import sys
import typing as t

from . import headers as rules
from . import targets
from .headers import BadHeaders, Headers
from .settings import Settings, read
from .upstream import Answer, Upstream, UpstreamError

TEXTS = {
    400: "The request's target or headers cannot be forwarded.",
    404: "Nothing is served at this path.",
    405: "This method is not served.",
    413: "The request's body is too large.",
    502: "The upstream gave no usable answer.",
    504: "The upstream did not answer in time.",
}


@dataclasses.dataclass(frozen=True)
class Request:
    """``target`` as it stood in the request line; ``body`` reads at most so many bytes."""

    method: str
    target: str
    headers: Headers
    body: t.Callable[[int], bytes]


class Forwarder:
    """Judges requests by the settings and sends those that pass to the upstream."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.upstream = Upstream(settings)

    def answer(self, request: Request) -> Answer:
        """The upstream's answer, or one of ours: fixed texts, in which no address and nothing of the request stands."""
        settings = self.settings
        try:
            path, target = targets.target(request.target)
        except targets.BadTarget as error:
            return refusal(400, str(error))
        if not targets.within(path, settings.prefixes):
            return refusal(404)
        if request.method not in settings.methods:
            return refusal(405, headers=[("Allow", ", ".join(settings.methods))])
        body = request.body(settings.request_bytes + 1)
        if len(body) > settings.request_bytes:
            return refusal(413)
        try:
            return self.upstream.send(request.method, target, rules.upward(request.headers, settings.user_info), body)
        except UpstreamError as error:
            return refusal(error.status, str(error))
        except BadHeaders as error:
            return refusal(502, str(error))
        except ValueError:
            # http.client will not write a header that could end the line it is on.
            return refusal(400, "headers that cannot be written")


def refusal(status: int, reason: str = "", headers: Headers | None = None) -> Answer:
    """An answer of the function itself. The reason goes to the log; nothing of the request does."""
    if reason:
        line = {"severity": "WARNING", "message": f"{status}: {reason}"}
        sys.stderr.write(json.dumps(line) + "\n")
        sys.stderr.flush()
    body = json.dumps({"code": status, "message": TEXTS[status]}).encode()
    return Answer(status, [*(headers or []), ("Content-Type", "application/json")], body)


def build(environment: t.Mapping[str, str]) -> t.Callable[[t.Any], t.Any]:
    """The function that the framework calls with Flask's request. Raises SettingsError."""
    from flask import Response

    forwarder = Forwarder(read(environment))

    def forward(request: t.Any) -> t.Any:
        raw = request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI") or ""
        answer = forwarder.answer(Request(request.method, raw, list(request.headers.items()), request.stream.read))
        response = Response([answer.body], status=answer.status, headers=answer.headers)
        if not any(name.lower() == "content-type" for name, _value in answer.headers):
            # Flask would call it HTML.
            response.headers.pop("Content-Type", None)
        return response

    return forward
