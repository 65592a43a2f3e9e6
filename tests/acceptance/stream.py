# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A constant stream of requests through the runtime, as clients outside send them, and what became of each."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

#: Seconds between two requests of one client.
PAUSE = 0.01
#: Seconds for which a stream runs at most unless told otherwise: a test that hangs shall not send for ever.
LONGEST = 120.0


@dataclass(frozen=True)
class Answer:
    """One request: when it was sent (monotonic seconds), its status (0: none came), and its body."""

    sent: float
    status: int
    text: str


@dataclass
class Stream:
    """Clients that each send one request after the other to one path, on connections of their own."""

    northbound: dict[str, Any]
    host: str
    path: str
    clients: int = 2
    headers: dict[str, str] = field(default_factory=dict)
    longest: float = LONGEST
    answers: list[Answer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._trust = ssl.create_default_context(cafile=self.northbound["ca_cert"])
        self._threads = [threading.Thread(target=self._send, daemon=True) for _ in range(self.clients)]

    def __enter__(self) -> Stream:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(20)

    @property
    def lost(self) -> list[Answer]:
        """Requests that were not answered with 200."""
        return [one for one in self.answers if one.status != 200]

    @property
    def bodies(self) -> set[str]:
        """What the good answers said."""
        return {one.text for one in self.answers if one.status == 200}

    @property
    def outage(self) -> float:
        """Seconds from the first to the last request that was lost."""
        return max((one.sent for one in self.lost), default=0.0) - min((one.sent for one in self.lost), default=0.0)

    def _send(self) -> None:
        until = time.monotonic() + self.longest
        connection: http.client.HTTPSConnection | None = None
        while not self._stop.is_set() and time.monotonic() < until:
            sent = time.monotonic()
            try:
                connection = connection or self._connect()
                connection.request("GET", self.path, headers={"Host": self.host, **self.headers})
                reply = connection.getresponse()
                self.answers.append(Answer(sent, reply.status, reply.read().decode(errors="replace").strip()))
                if reply.will_close:
                    # http.client would connect again by itself, to the host name.
                    connection.close()
                    connection = None
            except (OSError, http.client.HTTPException) as error:
                self.answers.append(Answer(sent, 0, str(error)))
                connection = None
            time.sleep(PAUSE)
        if connection is not None:
            connection.close()

    def once(self, method: str = "GET") -> Answer:
        """One request on a connection of its own."""
        sent, connection = time.monotonic(), self._connect()
        try:
            connection.request(method, self.path, headers={"Host": self.host, **self.headers})
            reply = connection.getresponse()
            return Answer(sent, reply.status, reply.read().decode(errors="replace").strip())
        finally:
            connection.close()

    def _connect(self) -> http.client.HTTPSConnection:
        connection = http.client.HTTPSConnection(self.host, context=self._trust, timeout=60)
        plain = socket.create_connection((self.northbound["address"], self.northbound["port"]), 60)
        connection.sock = self._trust.wrap_socket(plain, server_hostname=self.host)
        return connection
