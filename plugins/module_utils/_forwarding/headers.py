# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Which headers cross the function, in either direction."""

from __future__ import annotations

import re
import typing as t

Headers = list[tuple[str, str]]

#: RFC 9110, 7.6.1, with the older names that servers still act on.
HOP_BY_HOP = frozenset(
    [
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
        "trailers", "transfer-encoding", "upgrade", "http2-settings",
    ]
)  # fmt: skip
#: What the caller proved itself with. It was for the gateway or for the function, never for the upstream.
CREDENTIALS = frozenset(
    [
        "authorization", "cookie", "x-api-key", "x-forwarded-authorization", "x-serverless-authorization", "proxy",
    ]
)  # fmt: skip
#: Made anew, or believed by some upstream as if a trusted proxy had written it.
FORGEABLE = frozenset(
    [
        "host", "content-length", "expect", "forwarded", "x-forwarded-host", "x-forwarded-port", "x-forwarded-prefix",
        "x-forwarded-server", "x-forwarded-uri", "x-original-url", "x-original-uri", "x-original-host",
        "x-rewrite-url", "x-real-ip", "x-client-ip", "x-http-method", "x-http-method-override", "x-method-override",
        "metadata-flavor", "x-forwarded-client-cert", "x-forwarded-ssl", "x-forwarded-scheme",
        "x-original-forwarded-for", "true-client-ip", "x-cluster-client-ip",
    ]
)  # fmt: skip
#: Google's own, the gateway's word on the caller among them; then those of a mesh, and of proxies that check certificates.
FORGEABLE_PREFIXES = (
    "x-goog-", "x-google-", "x-endpoint-", "x-apigateway-", "x-envoy-", "x-client-cert", "x-ssl-",
)  # fmt: skip
USER_INFO = "x-apigateway-api-userinfo"
#: The function's server writes its own.
ANSWERED = frozenset(
    [
        "date", "server", "content-length", "alt-svc",
    ]
)  # fmt: skip
_NAME = re.compile(r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class BadHeaders(ValueError):
    """Headers that cannot be passed on as they are."""


def upward(headers: t.Iterable[tuple[str, str]], user_info: bool) -> Headers:
    """What of a request's headers goes upstream."""
    given = list(headers)
    dropped = _dropped(given) | CREDENTIALS | FORGEABLE
    return [(name, value) for name, value in given if _goes_up(name.lower(), dropped, user_info)]


def _goes_up(name: str, dropped: t.AbstractSet[str], user_info: bool) -> bool:
    if name == USER_INFO:
        return user_info
    # Underscores: an upstream with CGI names would read X_Api_Key as X-Api-Key.
    return name not in dropped and "_" not in name and not name.startswith(FORGEABLE_PREFIXES)


def downward(headers: t.Iterable[tuple[str, str]]) -> Headers:
    """What of an answer's headers goes to the client, each Set-Cookie by itself. Raises BadHeaders."""
    given = list(headers)
    dropped = _dropped(given) | ANSWERED
    kept = [(name, value) for name, value in given if name.lower() not in dropped]
    if any(not _NAME.match(name) or _CONTROL.search(value) for name, value in kept):
        raise BadHeaders("a header that is none")
    return kept


def _dropped(headers: Headers) -> set[str]:
    """Hop-by-hop headers and those that Connection names."""
    named = {
        word.strip().lower() for name, value in headers if name.lower() == "connection" for word in value.split(",")
    }
    return HOP_BY_HOP | named
