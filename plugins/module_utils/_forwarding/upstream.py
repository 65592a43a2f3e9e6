# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The one upstream: a kept connection per thread, no redirects, no cookies, no proxies, one deadline for all of it.

``http.client`` does none of these by itself, and sends a target as it is given.
"""

from __future__ import annotations

import dataclasses
import http.client
import io
import os
import select
import socket
import ssl
import threading
import time
import typing as t

from . import headers as rules
from .headers import Headers
from .names import Names
from .settings import Settings, forbidden

#: Methods whose request may be sent again when a kept connection turns out to be dead.
IDEMPOTENT = ("GET", "HEAD", "OPTIONS", "PUT", "DELETE")
#: Seconds after which a kept connection is not used again: below the five that Node, and so many a Service, waits.
IDLE = 4.0
#: Beside this file: the authority that has signed the upstream's certificate, where it is not a public one.
AUTHORITY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "upstream-ca.pem")
_PIECE = 64 * 1024


class UpstreamError(Exception):
    """No answer that could be passed on; ``status`` is what the client gets, the text is for the log."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclasses.dataclass(frozen=True)
class Answer:
    """What the upstream answered; hop-by-hop headers are gone."""

    status: int
    headers: Headers
    body: bytes


class _TimedSocket:
    """A socket whose every operation has only what is left until the deadline: slow drips end, too."""

    def __init__(self, plain: socket.socket) -> None:
        self.plain = plain
        self.deadline = 0.0

    def rest(self) -> None:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("no time is left")
        self.plain.settimeout(left)

    def sendall(self, data: bytes) -> None:
        self.rest()
        self.plain.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(self), _PIECE)

    def close(self) -> None:
        self.plain.close()


class _TimedReader(io.RawIOBase):
    def __init__(self, timed: _TimedSocket) -> None:
        self.timed = timed
        # Keeps the file descriptor open when http.client closes the socket before the answer is read.
        self.raw = timed.plain.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: t.Any) -> int | None:
        self.timed.rest()
        return self.raw.readinto(buffer)

    def close(self) -> None:
        self.raw.close()
        super().close()


class _Kept:
    """One thread's connection."""

    def __init__(self, connection: http.client.HTTPConnection, timed: _TimedSocket) -> None:
        self.connection = connection
        self.timed = timed
        self.used = time.monotonic()

    def fit(self) -> bool:
        """Whether it may carry another request: not idle for long, not closed, nothing unasked in it."""
        if time.monotonic() - self.used > IDLE:
            return False
        try:
            readable, _writable, _broken = select.select([self.timed.plain], [], [], 0)
        except (OSError, ValueError):
            return False
        return not readable


class Upstream:
    """Sends requests to the address of the settings, from any number of threads."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.names = Names(settings.host, settings.port)
        self.local = threading.local()
        self.context = None
        if settings.tls:
            self.context = ssl.create_default_context(cafile=AUTHORITY if os.path.exists(AUTHORITY) else None)

    def send(self, method: str, target: str, headers: Headers, body: bytes) -> Answer:
        """One exchange. Raises UpstreamError."""
        deadline = time.monotonic() + self.settings.timeout
        kept = self._kept()
        if kept:
            try:
                return self._exchange(kept, deadline, method, target, headers, body)
            except (ConnectionError, http.client.RemoteDisconnected) as error:
                # It was closed between two requests. Whether this one was carried out, nobody knows.
                if method not in IDEMPOTENT:
                    raise UpstreamError(502, f"kept connection lost: {type(error).__name__}") from error
            except (OSError, http.client.HTTPException) as error:
                raise _translated(error) from error
        try:
            kept = self._connect(deadline)
            return self._exchange(kept, deadline, method, target, headers, body)
        except (OSError, http.client.HTTPException) as error:
            raise _translated(error) from error

    def _kept(self) -> _Kept | None:
        kept = getattr(self.local, "kept", None)
        self.local.kept = None
        if kept and not kept.fit():
            kept.connection.close()
            return None
        return kept

    def _connect(self, deadline: float) -> _Kept:
        """A new connection; tried twice, as VPC egress may need a moment on a fresh instance."""
        try:
            return self._connect_once(deadline)
        except OSError as error:
            if isinstance(error, ssl.SSLError):
                raise
            return self._connect_once(deadline)

    def _connect_once(self, deadline: float) -> _Kept:
        settings = self.settings
        left = min(settings.connect_timeout, deadline - time.monotonic())
        if left <= 0:
            raise TimeoutError("no time is left to connect")
        plain = self.names.connect(left)
        try:
            if forbidden(plain.getpeername()[0]):
                # A name that leads there now, though it did not when the settings were read.
                raise UpstreamError(502, "the upstream's name leads to a forbidden address")
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.context:
                plain = self.context.wrap_socket(plain, server_hostname=settings.host)
        except BaseException:
            plain.close()
            raise
        timed = _TimedSocket(plain)
        connection = http.client.HTTPConnection(settings.host, settings.port)
        connection.sock = t.cast(socket.socket, timed)
        return _Kept(connection, timed)

    def _exchange(
        self, kept: _Kept, deadline: float, method: str, target: str, headers: Headers, body: bytes
    ) -> Answer:
        kept.timed.deadline = deadline
        connection = kept.connection
        keep = False
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            connection.putheader("Host", self.settings.authority)
            for name, value in headers:
                connection.putheader(name, value)
            if body or method in ("POST", "PUT", "PATCH"):
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body or None)
            response = connection.getresponse()
            answer, keep = self._read(method, response)
            keep = keep and not response.will_close
            response.close()
        finally:
            if keep:
                kept.used = time.monotonic()
                self.local.kept = kept
            else:
                connection.close()
        return answer

    def _read(self, method: str, response: http.client.HTTPResponse) -> tuple[Answer, bool]:
        """The whole answer, and whether the connection may carry another one."""
        if response.status < 200:
            raise UpstreamError(502, f"status {response.status} out of place")
        if response.headers.defects:
            raise UpstreamError(502, "headers that are none")
        most = self.settings.response_bytes
        if method != "HEAD" and (response.length or 0) > most:
            raise UpstreamError(502, "answer too large")
        pieces: list[bytes] = []
        size = 0
        while piece := response.read(_PIECE):
            pieces.append(piece)
            size += len(piece)
            if size > most:
                raise UpstreamError(502, "answer too large")
        if response.length:
            raise UpstreamError(502, "answer cut short")
        kept = rules.downward(response.getheaders())
        stated = response.headers.get_all("Content-Length") or []
        if method == "HEAD" and len(stated) == 1 and stated[0].isdigit():
            kept.append(("Content-Length", stated[0]))
        # An upstream that wrongly sends the body it announces here would answer the next caller with it.
        bodiless = method == "HEAD" or response.status in (204, 304)
        announced = any(value.strip() != "0" for value in stated) or "Transfer-Encoding" in response.headers
        return Answer(response.status, kept, b"".join(pieces)), not (bodiless and announced)


def _translated(error: Exception) -> UpstreamError:
    """What an error of the network or of the upstream's HTTP means for the client."""
    # Names of a network that there is no way into are not known; to the client it is as far away as its addresses.
    status = 504 if isinstance(error, (TimeoutError, socket.gaierror)) else 502
    return UpstreamError(status, type(error).__name__)
