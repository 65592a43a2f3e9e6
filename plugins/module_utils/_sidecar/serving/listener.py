# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Listens, and serves a bounded number of connections in one thread, which is woken only when there is something to do.

Private to the collection. An admission is a fraction of a millisecond of Python, in which threads only take turns; so
one thread spares their switches and locks.
"""

from __future__ import annotations

import contextlib
import logging
import math
import selectors
import socket
import ssl
import threading
import time
import typing as t

from ..review import Answer
from .certificate import Certificate
from .connection import USUAL, Connection, Ended, Limits
from .metrics import Metrics
from .places import Places

_log = logging.getLogger("tls-sidecar.http")

_BACKLOG = 512
_AT_ONCE = 16
"""So many connections are taken before those that are open have their turn."""


class Listener:
    """One port. With ``decide`` it speaks TLS and admits; without, it shows metrics and health, in clear.

    decide: the answer to a review. It must not raise.
    """

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
        self._open = Places(limits)
        self._further: dict[Connection, None] = {}
        """Those of which a further request may have come already, in the order of their turns."""

        self._next_look = math.inf
        """The moment at which the earliest deadline may have passed."""

        self._cut = math.inf
        """The moment at which what still runs is ended; a number once the listener leaves."""

        self._ended = threading.Event()
        self._selector = selectors.DefaultSelector()
        self._waker, self._woken = socket.socketpair()
        self._woken.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ, self._take_wake)
        self._socket = socket.create_server(address, backlog=_BACKLOG)
        self._socket.setblocking(False)
        self._selector.register(self._socket, selectors.EVENT_READ, self._accept)
        self._accepting = True
        self.server_address: tuple[str, int] = self._socket.getsockname()

    # -- what a connection asks -----------------------------------------------------------------------------------

    @property
    def admits(self) -> bool:
        """Whether this port answers reviews."""
        return self._decide is not None

    @property
    def shows_metrics(self) -> bool:
        """Whether this port shows metrics."""
        return self._decide is None

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

    def expect(self, connection: Connection, deadline: float) -> None:
        """The next step of a connection must be done by then."""
        connection.deadline = deadline
        self._next_look = min(self._next_look, deadline)

    def blocked(self, connection: Connection) -> None:
        """A connection has more to send than its socket takes now."""
        self._selector.modify(connection.socket, selectors.EVENT_WRITE, connection)

    def again(self, connection: Connection) -> None:
        """A further request of a connection may have come already."""
        self._further[connection] = None

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._open)

    @property
    def evicted(self) -> int:
        """How many have had to make room for others."""
        return self._open.evicted

    # -- the loop -------------------------------------------------------------------------------------------------

    def serve_forever(self) -> None:
        """Serve until drained."""
        try:
            while True:
                now = time.monotonic()
                if self._cut < math.inf:
                    self._leave(now)
                    if not self._open:
                        break
                if now >= self._next_look:
                    self._look(now)
                rest = 0 if self._further else min(self._next_look, self._cut) - now
                for key, events in self._selector.select(None if rest == math.inf else max(0.0, rest)):
                    if isinstance(key.data, Connection):
                        self._serve(key.data, events)
                    else:
                        key.data()
                for connection in list(self._further):
                    # It may have had to make room for one before it.
                    if connection in self._further:
                        del self._further[connection]
                        self._attempt(connection, connection.further)
        except Exception:
            _log.exception("the port %s is served no more", self.server_address)
            raise
        finally:
            self._socket.close()
            for connection in list(self._open):
                self._open.discard(connection)
                connection.close()
            self._selector.close()
            self._woken.close()
            self._ended.set()

    def _serve(self, connection: Connection, events: int) -> None:
        if connection not in self._open:
            # It had to make room in this very turn.
            return
        writing = bool(events & selectors.EVENT_WRITE)
        self._attempt(connection, connection.writable if writing else connection.readable)
        if writing and connection in self._open and not connection.writing:
            self._selector.modify(connection.socket, selectors.EVENT_READ, connection)

    def _attempt(self, connection: Connection, step: t.Callable[[float], None]) -> None:
        try:
            step(time.monotonic())
        except Ended:
            self._drop(connection)
        except (OSError, ssl.SSLError) as error:
            _log.debug("a connection came to nothing: %s", error)
            self._drop(connection)
        except Exception:
            _log.exception("a connection is given up")
            self._drop(connection)
        else:
            heavy = self._open.weigh(connection)
            if heavy is not None:
                self._drop(heavy)

    def _accept(self) -> None:
        """Take new connections. Above the limit the one that can best be spared makes room; where none can, one more
        is let in and the others wait in the kernel's queue."""
        for _each in range(_AT_ONCE):
            try:
                accepted, address = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                _log.error("a connection cannot be accepted: %s", error)
                return
            context = self._certificate.context if self.admits else None
            if self.admits and context is None:
                # There is no certificate yet.
                accepted.close()
                continue
            accepted.setblocking(False)
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
            now = time.monotonic()
            connection = Connection(self, accepted, address[0], context, now)
            self.expect(connection, connection.deadline)
            spared = self._open.add(connection, now)
            self._selector.register(accepted, selectors.EVENT_READ, connection)
            if spared is not None:
                self._drop(spared)
            if self._open.full:
                self._selector.unregister(self._socket)
                self._accepting = False
                # Somebody may be spared soon.
                self._next_look = min(self._next_look, now + self.limits.stalled)
                return

    def _drop(self, connection: Connection) -> None:
        self._open.discard(connection)
        self._further.pop(connection, None)
        self._selector.unregister(connection.socket)
        connection.close()
        self._accept_again()

    def _accept_again(self) -> None:
        if not self._accepting and self._cut == math.inf and not self._open.full:
            self._selector.register(self._socket, selectors.EVENT_READ, self._accept)
            self._accepting = True

    def _look(self, now: float) -> None:
        """End what is late, and find out when the next may be."""
        for connection in [each for each in self._open if each.late(now)]:
            self._drop(connection)
        self._next_look = min((each.deadline for each in self._open), default=math.inf)
        if not self._accepting and self._cut == math.inf:
            stalled = self._open.spare(now)
            if stalled is None:
                self._next_look = min(self._next_look, now + self.limits.stalled)
            else:
                self._drop(stalled)

    def _take_wake(self) -> None:
        self._woken.recv(1024)

    # -- the end --------------------------------------------------------------------------------------------------

    def drain(self, seconds: float, grace: float) -> None:
        """Go on answering for ``seconds``, asking every caller to leave; then stop, giving what runs ``grace``."""
        self.draining.set()
        time.sleep(seconds)
        self._cut = time.monotonic() + grace
        if not self._ended.is_set():
            # Woken by a caller, it may have ended in this very moment.
            with contextlib.suppress(OSError):
                self._waker.send(b".")
        self._ended.wait()
        self._waker.close()

    def _leave(self, now: float) -> None:
        """Take no more, and let go of those that wait for nothing, in the end of all."""
        if self._accepting:
            self._selector.unregister(self._socket)
            self._socket.close()
            self._accepting = False
        for connection in [each for each in self._open if not each.busy or now >= self._cut]:
            self._drop(connection)
