# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""One connection of the webhook: TLS, one request after the other, and a moment until which each step must be done.

Private to the collection. Nothing here waits: the listener calls when bytes have come or may go.
"""

from __future__ import annotations

import json
import logging
import socket
import ssl
import typing as t

from . import messages

if t.TYPE_CHECKING:
    from .listener import Listener

_log = logging.getLogger("tls-sidecar.http")

MUTATE, METRICS, ALIVE, READY = "/mutate", "/metrics", "/healthz", "/readyz"
_LINGER_SECONDS = 1.0
_PIECE = 65536


class Limits(t.NamedTuple):
    """Bytes and seconds."""

    body: int = 6 * 1024 * 1024
    handshake: float = 5.0
    first: float = 10.0
    request: float = 5.0
    """From the first byte of a request to the last of its answer. The API server waits no longer for a webhook of ours."""

    idle: float = 120.0
    """Longer than the 90 s after which the API server drops its idle connections, so that the two never meet."""

    connections: int = 256
    stalled: float = 0.5
    """A request that has taken longer than this has to make room, where nobody else can."""

    held: int = 24 * 1024 * 1024
    """Bytes of all requests and answers that are not whole yet or not gone yet."""


USUAL = Limits()


class Ended(Exception):
    """There is nothing more to do for a connection."""


class Connection:
    """A socket that does not block, and what has come over it so far."""

    def __init__(
        self, listener: Listener, plain: socket.socket, address: str, context: ssl.SSLContext | None, now: float
    ) -> None:
        self.socket = plain
        self.address = address
        """Of the caller."""

        self.busy = False
        """Whether a request has begun and its answer has not gone yet."""

        self.since = now
        """The moment at which the present step began: the handshake, waiting for a request, a request."""

        self.deadline = now + (listener.limits.handshake if context else listener.limits.first)
        self._listener = listener
        self._limits = listener.limits
        self._received = bytearray()
        self._searched = 0
        self._head: messages.Head | None = None
        self._begins = 0
        self._to_send = b""
        self._closing = self._lingering = False
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True) if context else None
        self._shaken = context is None

    @property
    def writing(self) -> bool:
        """Whether bytes are left to be sent. Until they are gone, none are read."""
        return bool(self._to_send)

    @property
    def leaving(self) -> bool:
        """Whether all is said, and only the caller's end is waited for."""
        return self._lingering and not self._to_send

    @property
    def called(self) -> bool:
        """Whether bytes have come that were not read yet, or the caller's end."""
        try:
            self.socket.recv(1, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            pass
        return True

    @property
    def held(self) -> int:
        """Bytes that are kept for it."""
        return len(self._received) + len(self._to_send)

    def readable(self, now: float) -> None:
        """Take what has come. Raises Ended, OSError or ssl.SSLError."""
        try:
            data = self.socket.recv(_PIECE)
        except (BlockingIOError, InterruptedError):
            return
        if not data:
            raise Ended
        if self._lingering:
            return
        if self._tls is None:
            self._received += data
        else:
            self._incoming.write(data)
            if not self._shaken and not self._shake(now):
                return
            self._decrypt()
        self._answer(now)

    def writable(self, now: float) -> None:
        """Send what is left. Raises Ended or OSError."""
        self._send(now)
        if not self._to_send and not self._closing:
            self._answered(now)
            self._answer(now)

    def further(self, now: float) -> None:
        """Answer what has come already, after others had their turn. Raises Ended, OSError or ssl.SSLError."""
        if not self.writing:
            self._answer(now)

    def late(self, now: float) -> bool:
        """Whether the moment for the next step has passed."""
        return now >= self.deadline

    def close(self) -> None:
        """Let go, whatever is left to be said."""
        self.socket.close()

    def _shake(self, now: float) -> bool:
        """Go on with the handshake; whether it is done."""
        try:
            self._tls.do_handshake()
            self._shaken, self.since = True, now
            self._listener.expect(self, now + self._limits.first)
        except ssl.SSLWantReadError:
            pass
        finally:
            # An alert, where it has failed.
            self._to_send += self._outgoing.read()
            self._send(now)
        return self._shaken

    def _decrypt(self) -> None:
        """Move what has come into ``_received``."""
        try:
            while self._incoming.pending or self._tls.pending():
                data = self._tls.read(_PIECE)
                if not data:
                    raise Ended
                self._received += data
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            raise Ended from None

    def _answer(self, now: float) -> None:
        """Answer one request, if it has come as a whole. The next one is answered when all others had their turn."""
        if not self._received or self._closing or self._to_send:
            return
        if not self.busy:
            self.busy, self.since = True, now
            self._listener.expect(self, now + self._limits.request)
        try:
            if not self._one(now):
                return
        except messages.Refused as refusal:
            self._turn_down(refusal, now)
            return
        self._answered(now)
        if self._received and not self._closing:
            self._listener.again(self)

    def _answered(self, now: float) -> None:
        """The answer is on its way: the next step is to send the rest of it, or to wait for the next request."""
        self.busy = bool(self._to_send)
        if not self.busy:
            self.since = now
        if not self._closing:
            self._listener.expect(self, now + (self._limits.request if self._to_send else self._limits.idle))

    def _one(self, now: float) -> bool:
        """Answer one request, if it is there as a whole."""
        if self._head is None:
            end = self._received.find(messages.END, self._searched)
            if end < 0:
                messages.unfinished(self._received)
                self._searched = max(0, len(self._received) - len(messages.END))
                return False
            self._head = messages.head(bytes(self._received[:end]), self._limits.body)
            self._begins = end + len(messages.END)
            if self._head.method == "POST" and (self._head.path != MUTATE or not self._listener.admits):
                raise messages.Refused(404, "there is nothing here")
            if self._head.waits and len(self._received) < self._begins + self._head.length:
                self._say(messages.CONTINUE, now)
        ends = self._begins + self._head.length
        if len(self._received) < ends:
            return False
        asked, self._head, self._searched = self._head, None, 0
        body = self._received[self._begins : ends]
        del self._received[:ends]
        self._closing = asked.closes or self._listener.draining.is_set()
        self._say(self._answer_to(asked, body), now)
        return True

    def _answer_to(self, asked: messages.Head, body: bytearray) -> bytes:
        if asked.method == "GET":
            return self._status(asked.path)
        if messages.values(body) > messages.VALUES:
            return self._whole(413, f"at most {messages.VALUES} values are taken\n", messages.TEXT)
        try:
            review = json.loads(body.decode())
        except (ValueError, RecursionError) as error:
            return self._whole(400, f"the body is no JSON: {error}\n", messages.TEXT)
        return self._whole(200, self._listener.admit(review), messages.JSON)

    def _status(self, path: str) -> bytes:
        """Health and metrics."""
        listener = self._listener
        if path == ALIVE:
            return self._whole(200, "alive\n", messages.TEXT)
        if path == READY:
            trouble = listener.trouble()
            return self._whole(503 if trouble else 200, f"{trouble or 'ready'}\n", messages.TEXT)
        if path == METRICS and listener.shows_metrics:
            return self._whole(200, listener.metrics.text(), messages.TEXT)
        return self._whole(404, "there is nothing here\n", messages.TEXT)

    def _whole(self, code: int, text: str, kind: str) -> bytes:
        self._listener.metrics.responded(code)
        return messages.answer(code, text, kind, self._closing)

    def _turn_down(self, refusal: messages.Refused, now: float) -> None:
        """Answer without having read all. What still comes in is taken for a moment, or the answer would be lost."""
        self._closing = self._lingering = True
        self._received.clear()
        self._listener.expect(self, min(self.deadline, now + _LINGER_SECONDS))
        self._say(self._whole(refusal.code, f"{refusal.text}\n", messages.TEXT), now)

    def _say(self, data: bytes, now: float) -> None:
        if self._tls is None:
            self._to_send += data
        else:
            self._tls.write(data)
            if self._closing:
                try:
                    self._tls.unwrap()
                except ssl.SSLError as error:
                    # It says goodbye, and would like to hear the same.
                    _log.debug("goodbye: %s", error)
            self._to_send += self._outgoing.read()
        self._send(now)

    def _send(self, now: float) -> None:
        """Send as much as the socket takes; end the connection where that was the last."""
        if self._to_send:
            try:
                sent = self.socket.send(self._to_send)
            except (BlockingIOError, InterruptedError):
                sent = 0
            self._to_send = self._to_send[sent:]
            if self._to_send:
                self._listener.blocked(self)
                return
        if self._closing:
            self.socket.shutdown(socket.SHUT_WR)
            if not self._lingering:
                # The caller hears the end before it may send more; one that does is cut off soon.
                self._lingering, self.busy = True, False
                self._listener.expect(self, now + _LINGER_SECONDS)
