# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Listens, gives each connection a thread of a bounded number, and drains. Private to the collection."""

from __future__ import annotations

import logging
import socket
import socketserver
import ssl
import threading
import time
import typing as t

from ..review import Answer
from .certificate import Certificate
from .handler import HANDSHAKE_ERRORS, USUAL, Handler, Limits
from .metrics import Metrics

_log = logging.getLogger("tls-sidecar.http")


class Listener(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """One port. With a certificate it speaks TLS and admits; without one it shows metrics and health, in clear.

    decide: the answer to a review. It must not raise.
    """

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 512

    def __init__(
        self,
        address: tuple[str, int],
        metrics: Metrics,
        certificate: Certificate,
        decide: t.Callable[[t.Any], Answer] | None = None,
        limits: Limits = USUAL,
    ) -> None:
        self.metrics = metrics
        self.limits = limits
        self.draining = threading.Event()
        self._certificate = certificate
        self._decide = decide
        self._slots = threading.BoundedSemaphore(limits.connections)
        self._lock = threading.Lock()
        self._ending = False
        self._open: dict[socket.socket, bool] = {}
        super().__init__(address, Handler)

    # -- what a handler asks --------------------------------------------------------------------------------------

    @property
    def admits(self) -> bool:
        """Whether this port answers reviews."""
        return self._decide is not None

    @property
    def shows_metrics(self) -> bool:
        """Whether this port shows metrics."""
        return self._decide is None

    def context(self) -> ssl.SSLContext | None:
        """The context for a new handshake. Raises OSError when there is no certificate yet."""
        if not self.admits:
            return None
        if self._certificate.context is None:
            raise ConnectionRefusedError("there is no certificate yet")
        return self._certificate.context

    def trouble(self) -> str:
        """Why no request should be sent here; nothing when all is well."""
        if self.draining.is_set():
            return "draining"
        return "" if self._certificate.usable else "no usable certificate"

    def admit(self, review: t.Any) -> str:
        """The answer to a review as JSON, counted."""
        began = time.perf_counter()
        answer = self._decide(review)
        self.metrics.answered(answer, time.perf_counter() - began)
        return answer.text()

    def busy(self, connection: socket.socket, working: bool) -> None:
        """A request has begun or ended."""
        with self._lock:
            if connection in self._open:
                self._open[connection] = working

    def encrypted(self, plain: socket.socket, connection: socket.socket) -> None:
        """From now on a connection goes by another object."""
        with self._lock:
            if self._open.pop(plain, None) is not None:
                self._open[connection] = False

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._open)

    # -- connections ----------------------------------------------------------------------------------------------

    def process_request(self, request: socket.socket, client_address: t.Any) -> None:
        """Give a connection its thread. Above the limit, new ones wait in the kernel's queue."""
        while not self._slots.acquire(timeout=0.2):
            if self._ending:
                self.shutdown_request(request)
                return
        with self._lock:
            self._open[request] = False
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._gone(request)
            raise

    def process_request_thread(self, request: socket.socket, client_address: t.Any) -> None:
        """A connection from its first byte to its last."""
        handler = Handler.__new__(Handler)
        try:
            handler.__init__(request, client_address, self)  # type: ignore[misc]
        except HANDSHAKE_ERRORS as error:
            _log.debug("connection from %s came to nothing: %s", client_address, error)
        except Exception:
            _log.exception("connection from %s", client_address)
        finally:
            connection = getattr(handler, "connection", request)
            self._gone(request, connection)
            self.shutdown_request(connection)

    def _gone(self, *names: socket.socket) -> None:
        with self._lock:
            for each in names:
                self._open.pop(each, None)
        self._slots.release()

    def drain(self, seconds: float, grace: float) -> None:
        """Go on answering for ``seconds``, asking every caller to leave; then stop, giving what runs ``grace``."""
        self.draining.set()
        time.sleep(seconds)
        self._ending = True
        self.shutdown()
        self.server_close()
        deadline = time.monotonic() + grace
        while any(self._open.values()) and time.monotonic() < deadline:
            time.sleep(0.01)
