# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The upstream's addresses within a deadline, of which the system's resolver knows nothing: it asks for many seconds."""

from __future__ import annotations

import concurrent.futures
import socket
import threading
import time


class Names:
    """Looks up one host; one look-up at a time, for which all threads wait, so that stuck ones do not pile up."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self._lock = threading.Lock()
        self._running: concurrent.futures.Future[list[tuple]] | None = None

    def addresses(self, seconds: float) -> list[tuple]:
        """What ``socket.getaddrinfo`` answers. Raises what it raises, and TimeoutError."""
        with self._lock:
            asked = self._running
            if asked is None or asked.done():
                asked = self._running = concurrent.futures.Future()
                threading.Thread(target=self._ask, args=(asked,), daemon=True).start()
        try:
            return asked.result(timeout=seconds)
        except concurrent.futures.TimeoutError as error:
            raise TimeoutError("the name was not looked up in time") from error

    def connect(self, seconds: float) -> socket.socket:
        """A connection to the first address that takes one, all of it within the time. Raises OSError."""
        until = time.monotonic() + seconds
        failure = OSError("the name has no address")
        for family, kind, protocol, _name, address in self.addresses(seconds):
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError("no time is left to connect")
            plain = socket.socket(family, kind, protocol)
            try:
                plain.settimeout(left)
                plain.connect(address)
                return plain
            except OSError as error:
                plain.close()
                failure = error
        raise failure

    def _ask(self, asked: concurrent.futures.Future[list[tuple]]) -> None:
        try:
            asked.set_result(socket.getaddrinfo(self.host, self.port, 0, socket.SOCK_STREAM))
        except Exception as error:  # whatever it is, those who wait are to have it
            asked.set_exception(error)
