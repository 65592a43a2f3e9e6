# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A forwarder between a client and the emulator that keeps what passes: the calls that a converge makes."""

from __future__ import annotations

import dataclasses
import http.client
import http.server
import threading
import time
import urllib.parse

# Headers that belong to one connection, or that the replaying client sets itself.
NOT_KEPT = {"host", "connection", "content-length", "authorization", "accept-encoding", "transfer-encoding"}


@dataclasses.dataclass(frozen=True)
class Call:
    """One call: what was sent, what came back, and how long the answer took (seconds)."""

    verb: str
    path: str
    headers: dict[str, str]
    body: bytes
    status: int
    at: float
    seconds: float

    @property
    def service(self) -> str:
        """The API, as the emulator's addresses name it: ``compute``, ``apigee``, ..."""
        return self.path.split("/")[1]


class Recorder:
    """Listens on a free loopback port while used as a context manager; ``calls`` holds what passed."""

    def __init__(self, emulator: str) -> None:
        self.calls: list[Call] = []
        self._target = urllib.parse.urlsplit(emulator)
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Recorder:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def endpoints(self, services: dict[str, str]) -> dict[str, str]:
        """Endpoint overrides that lead here, for the services given (name to address)."""
        return {name: f"{self.url}{urllib.parse.urlsplit(address).path}" for name, address in services.items()}

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        recorder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _pass_on(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                began = time.time()
                link = http.client.HTTPConnection(recorder._target.hostname, recorder._target.port, timeout=300)
                try:
                    link.request(self.command, self.path, body or None, dict(self.headers))
                    answer = link.getresponse()
                    content = answer.read()
                finally:
                    link.close()
                kept = {name: value for name, value in self.headers.items() if name.lower() not in NOT_KEPT}
                recorder.calls.append(
                    Call(self.command, self.path, kept, body, answer.status, began, time.time() - began)
                )
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.getheader("Content-Type") or "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass_on

            def log_message(self, format: str, *args: object) -> None:
                """Be quiet."""

        return Handler
