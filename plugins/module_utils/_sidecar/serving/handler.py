# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""One connection of the webhook: HTTP/1.1 with limits on size and time. Private to the collection."""

from __future__ import annotations

import email.utils
import functools
import http
import http.server
import io
import json
import logging
import socket
import ssl
import time
import typing as t

_log = logging.getLogger("tls-sidecar.http")

MUTATE, METRICS, ALIVE, READY = "/mutate", "/metrics", "/healthz", "/readyz"
JSON, TEXT = "application/json", "text/plain; version=0.0.4; charset=utf-8"
_LINGER_SECONDS = 1.0
_PIECE = 65536
_LATE_SECONDS = 0.1
_HEADERS, _LINE = 100, 65536
"""At most so many headers, and bytes of each."""


class Limits(t.NamedTuple):
    """Bytes and seconds. ``idle`` is longer than the 90 s after which the API server drops its idle connections, so
    that the two never meet."""

    body: int = 6 * 1024 * 1024
    handshake: float = 5.0
    first: float = 10.0
    request: float = 8.0
    idle: float = 120.0
    connections: int = 256


USUAL = Limits()


class _Timed(io.RawIOBase):
    """Reads from a socket until a moment, however the bytes drip in."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._allowed = 0.0
        self.until = 0.0

    def readable(self) -> bool:
        return True

    def allow(self, seconds: float) -> None:
        """For whatever the connection does next."""
        if seconds != self._allowed:
            self._connection.settimeout(seconds)
            self._allowed = seconds

    def readinto(self, buffer: t.Any) -> int:
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError("time is up")
        # A system call, and a request comes in many pieces: only where the moment has moved enough to matter.
        if not left <= self._allowed <= left + _LATE_SECONDS:
            self.allow(left)
        return self._connection.recv_into(buffer)


@functools.lru_cache(maxsize=1)
def _date(seconds: int) -> str:
    """Of a header, for a second of the epoch."""
    return email.utils.formatdate(seconds, usegmt=True)


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers one connection after the other request. ``server`` is a listener.Listener."""

    protocol_version = "HTTP/1.1"
    server_version = "tls-sidecar"
    sys_version = ""
    disable_nagle_algorithm = True

    def setup(self) -> None:
        """Shake hands, in the connection's own thread, with the certificate of the moment."""
        self.connection = self.request
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        limits = self.server.limits
        context = self.server.context()
        if context is not None:
            self.connection.settimeout(limits.handshake)
            self.connection = context.wrap_socket(self.connection, server_side=True)
            self.server.encrypted(self.request, self.connection)
            self.request = self.connection
        self._timed = _Timed(self.connection)
        self._timed.until = time.monotonic() + limits.first
        self.rfile = io.BufferedReader(self._timed, _PIECE)
        self.wfile = self.connection.makefile("wb", _PIECE)

    def handle_one_request(self) -> None:
        """Wait for a first byte, then let everything that a request needs happen in time."""
        self.close_connection = True
        try:
            if not self.rfile.peek(1):
                return
            self.server.busy(self.request, True)
            self._timed.until = time.monotonic() + self.server.limits.request
            super().handle_one_request()
            self._timed.until = time.monotonic() + self.server.limits.idle
        except (OSError, ValueError) as error:
            self.close_connection = True
            _log.debug("connection from %s ended: %s", self.client_address, error)
        finally:
            self.server.busy(self.request, False)

    def parse_request(self) -> bool:
        """Read the head of a request. What the API server sends is read here: the base class reads headers as mail, which
        takes longer than all the rest. What begins differently is left to it."""
        words = self.raw_requestline.rstrip(b"\r\n").split(b" ")
        if len(words) != 3 or words[0] not in (b"POST", b"GET") or words[2] != b"HTTP/1.1" or words[1][:2] in (b"", b"//"):
            return super().parse_request()
        self.requestline = self.raw_requestline.decode("latin-1").rstrip("\r\n")
        self.command, self.path, self.request_version = self.requestline.split(" ")
        headers: dict[str, str] = {}
        for _each in range(_HEADERS + 1):
            line = self.rfile.readline(_LINE + 1)
            if line in (b"\r\n", b"\n", b""):
                break
            name, colon, value = line.decode("latin-1").partition(":")
            name = name.lower()
            if len(line) > _LINE:
                return self._no_request(431, "a header is too long")
            if not colon or name != name.strip() or name in ("content-length", "transfer-encoding") and name in headers:
                return self._no_request(400, "the headers cannot be read")
            headers[name] = value.strip()
        else:
            return self._no_request(431, "there are too many headers")
        self.headers = headers
        self.close_connection = headers.get("connection", "").lower() == "close"
        expected = headers.get("expect", "").lower() == "100-continue"
        return self.handle_expect_100() if expected else True

    def _no_request(self, code: int, text: str) -> bool:
        self.send_error(code, text)
        return False

    def do_GET(self) -> None:  # the name is the base class's
        """Health and metrics."""
        path = self.path.partition("?")[0]
        if path == ALIVE:
            self._answer(200, "alive\n", TEXT)
        elif path == READY:
            trouble = self.server.trouble()
            self._answer(503 if trouble else 200, f"{trouble or 'ready'}\n", TEXT)
        elif path == METRICS and self.server.shows_metrics:
            self._answer(200, self.server.metrics.text(), TEXT)
        else:
            self._answer(404, "there is nothing here\n", TEXT)

    def do_POST(self) -> None:  # the name is the base class's
        """An admission."""
        if self.path.partition("?")[0] != MUTATE or not self.server.admits:
            self._turn_down(404, "there is nothing here")
            return
        length = self.headers.get("content-length", "")
        if self.headers.get("transfer-encoding") or not (length.isascii() and length.isdigit() and len(length) < 12):
            self._turn_down(411, "a Content-Length is needed")
        elif int(length) > self.server.limits.body:
            self._turn_down(413, f"at most {self.server.limits.body} bytes are taken")
        else:
            self._admit(self.rfile.read(int(length)), int(length))

    def _admit(self, body: bytes, length: int) -> None:
        if len(body) < length:
            self.close_connection = True
            return
        try:
            review = json.loads(body)
        except (ValueError, RecursionError) as error:
            self._answer(400, f"the body is no JSON: {error}\n", TEXT)
            return
        self._answer(200, self.server.admit(review), JSON)

    def _turn_down(self, code: int, text: str) -> None:
        """Answer without having read the body. What still comes in is taken, or the answer would be lost."""
        self.close_connection = True
        self._answer(code, f"{text}\n", TEXT)
        self.wfile.flush()
        self._timed.until = min(self._timed.until, time.monotonic() + _LINGER_SECONDS)
        self.connection.shutdown(socket.SHUT_WR)
        while self.rfile.read1(_PIECE):
            pass

    def _answer(self, code: int, text: str, kind: str) -> None:
        data = text.encode("utf-8", "backslashreplace")
        if self.server.draining.is_set():
            self.close_connection = True
        self.server.metrics.responded(code)
        close = "Connection: close\r\n" if self.close_connection else ""
        head = (
            f"{self.protocol_version} {code} {http.HTTPStatus(code).phrase}\r\nServer: {self.server_version}\r\n"
            f"Date: {_date(int(time.time()))}\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}\r\n{close}\r\n"
        )
        self._timed.allow(self.server.limits.request)
        self.wfile.write(head.encode("ascii"))
        self.wfile.write(data)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the base class refuses: in our form, and never a page."""
        self.close_connection = True
        # Of what is no request the base class says that it is HTTP/0.9, which has no status.
        self.request_version = self.protocol_version
        self._answer(int(code), f"{message or http.HTTPStatus(code).phrase}\n", TEXT)

    def log_message(self, format: str, *args: t.Any) -> None:  # the names are the base class's
        """Nothing for every request: the metrics count them."""

    def log_request(self, code: t.Any = "-", size: t.Any = "-") -> None:
        """Nothing either."""

    def finish(self) -> None:
        """Say what is left to be said; whoever does not listen any more is let go."""
        try:
            self.wfile.close()
        except (OSError, ValueError) as error:
            _log.debug("connection from %s ended: %s", self.client_address, error)


HANDSHAKE_ERRORS = (ssl.SSLError, OSError)
