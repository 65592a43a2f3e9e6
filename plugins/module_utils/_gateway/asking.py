# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests through a gateway: connect here, ask for that name, repeat while the answer means "not yet".

Standard library only. Private to this collection.
"""

from __future__ import annotations

import dataclasses
import http.client
import socket
import ssl
import time
import typing as t
from urllib.parse import SplitResult, urlsplit

from . import answers

#: Seconds between two attempts.
PAUSE = 1.0
_LONGEST_BODY = 256 * 1024

#: The error of a request that cannot be written down: waiting does not help. It repeats no value, which may be secret.
_UNSENDABLE = "the request cannot be sent as it is stated; see its host name, address, port, method and headers"

Request = dict[str, t.Any]
Response = dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Way:
    """How the gateway is reached. Empty values mean what the URL itself says; times are in seconds."""

    address: str | None = None
    port: int | None = None
    tls_name: str | None = None
    ca_cert: str | None = None
    ca_cert_content: str | None = None
    timeout: float = 120.0
    request_timeout: float = 20.0

    def context(self) -> ssl.SSLContext:
        """Trust: the stated authorities, else the system's. Raises OSError (ssl.SSLError is one)."""
        return ssl.create_default_context(cafile=self.ca_cert, cadata=self.ca_cert_content or None)

    def place(self, parts: SplitResult) -> tuple[str, int]:
        """Where to connect to for a URL: address and port."""
        port = self.port or parts.port or (443 if parts.scheme == "https" else 80)
        return self.address or parts.hostname or "", port

    def obstacle(self, url: str, seconds: float) -> str:
        """Why no connection comes about within ``seconds``; empty when one does."""
        try:
            socket.create_connection(self.place(urlsplit(url)), seconds).close()
        except (OSError, ValueError, OverflowError) as error:
            # The latter two: no name that can be looked up, no port that there is.
            return str(error) or type(error).__name__
        return ""


class _Direct(http.client.HTTPSConnection):
    """Connects to a given address while asking for, and checking the certificate of, a given name."""

    def __init__(self, host: str, place: tuple[str, int], tls_name: str, **options: t.Any) -> None:
        super().__init__(host, **options)
        self._place = place
        self._tls_name = tls_name
        self._trust: ssl.SSLContext = options["context"]

    def connect(self) -> None:
        plain = socket.create_connection(self._place, self.timeout)
        self.sock = self._trust.wrap_socket(plain, server_hostname=self._tls_name)


def _connection(parts: SplitResult, way: Way, context: ssl.SSLContext | None) -> http.client.HTTPConnection:
    host, place = parts.hostname or "", way.place(parts)
    if parts.scheme == "https":
        return _Direct(host, place, way.tls_name or host, context=context, timeout=way.request_timeout)
    return http.client.HTTPConnection(*place, timeout=way.request_timeout)


def send(request: Request, way: Way, context: ssl.SSLContext | None) -> tuple[int, bytes, float]:
    """One request on a fresh connection: status, body, milliseconds.

    Raises OSError or HTTPException; ValueError or OverflowError, which may repeat a header, for what cannot be sent.
    """
    parts = urlsplit(request["url"])
    connection = _connection(parts, way, context)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    stated = {str(name): str(value) for name, value in (request.get("headers") or {}).items()}
    headers = {"Host": parts.netloc, "Accept": "application/json", **stated}
    try:
        connection.connect()
        started = time.monotonic()
        connection.request(request.get("method") or "GET", path, headers=headers)
        reply = connection.getresponse()
        body = reply.read(_LONGEST_BODY)
        return reply.status, body, round((time.monotonic() - started) * 1000, 1)
    finally:
        connection.close()


def prove(
    request: Request,
    way: Way,
    context: ssl.SSLContext | None,
    good: t.Callable[[Request, Response], bool] = answers.good,
    gateway: str = answers.APIGEE,
) -> Response:
    """Send a request until the answer is good, or shows that waiting will not help, or time is up."""
    deadline = time.monotonic() + way.timeout
    attempts = 0
    while True:
        attempts += 1
        response = {**answers.blank(request), "attempts": attempts}
        try:
            status, body, milliseconds = send(request, way, context)
        except ssl.SSLCertVerificationError as error:
            return {**response, "error": f"{answers.UNTRUSTED}: {error.verify_message}"}
        except (OSError, http.client.HTTPException) as error:
            response["error"] = str(error) or type(error).__name__
        except (ValueError, OverflowError):
            return {**response, "error": _UNSENDABLE}
        else:
            response.update(answers.answered(status, milliseconds, body))
        late = time.monotonic() + PAUSE > deadline
        if good(request, response) or not answers.not_yet(response, gateway) or late:
            return response
        time.sleep(PAUSE)
