# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A double of the private Service: it records what reaches it as it stood on the wire, and answers by the path."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Upstream

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def handle_any(self) -> None:
        # requestline, not path: http.server rewrites that.
        target = self.requestline.split(" ")[1]
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        self.request_seen = {"line": self.requestline, "headers": self.headers.items(), "body": body.decode()}
        self.server.seen.append(self.request_seen)
        action = target.partition("?")[0].split("/")[1]
        getattr(self, f"answer_{action}", self.answer_echo)(target)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = handle_any

    def reply(self, body: bytes = b"", status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def answer_echo(self, target: str) -> None:
        self.reply(json.dumps(self.request_seen).encode(), headers=(("Content-Type", "application/json"),))

    def answer_cookies(self, target: str) -> None:
        self.reply(b"set", headers=(("Set-Cookie", "session=one; Path=/"), ("Set-Cookie", "other=two")))

    def answer_redirect(self, target: str) -> None:
        self.reply(status=302, headers=(("Location", f"http://127.0.0.1:{self.server.forbidden_port}/token"),))

    def answer_status(self, target: str) -> None:
        self.reply(b"{}", int(target.split("/")[2]))

    def answer_plain(self, target: str) -> None:
        self.reply(b"<b>not HTML</b>")

    def answer_hop(self, target: str) -> None:
        self.reply(b"x", headers=(("Connection", "X-Hop"), ("X-Hop", "1"), ("Keep-Alive", "timeout=9"), ("X-End", "2")))

    def answer_large(self, target: str) -> None:
        self.reply(b"x" * int(target.split("/")[2]))

    def answer_endless(self, target: str) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            while not self.server.stopping.is_set():
                self.wfile.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
        except OSError:
            self.close_connection = True

    def answer_slow(self, target: str) -> None:
        self.server.stopping.wait(60)
        self.close_connection = True

    def answer_drip(self, target: str) -> None:
        """One byte of the headers at a time, each well within any time-out of a single read."""
        try:
            for byte in b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 1000:
                if self.server.stopping.wait(0.1):
                    break
                self.wfile.write(bytes([byte]))
        except OSError:
            pass
        self.close_connection = True

    def answer_cut(self, target: str) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")
        self.close_connection = True

    def answer_raw(self, target: str) -> None:
        answers = {
            "switch": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n",
            "folded": b"HTTP/1.1 200 OK\r\nX-A: a\r\n Set-Cookie: b\r\nContent-Length: 0\r\n\r\n",
            "noise": b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
            "name": b"HTTP/1.1 200 OK\r\nX A: a\r\nContent-Length: 0\r\n\r\n",
        }
        self.wfile.write(answers[target.split("/")[2]])
        self.close_connection = True

    def answer_vanish(self, target: str) -> None:
        """Reads the request and hangs up without a word, as often as it is asked."""
        self.close_connection = True

    def answer_extra(self, target: str) -> None:
        """A second answer that nobody asked for, behind the first."""
        one = b"HTTP/1.1 200 OK\r\nContent-Length: "
        self.wfile.write(one + b"5\r\n\r\nfirst" + one + b"6\r\n\r\nsecond")

    def log_message(self, format: str, *arguments: object) -> None:
        """Says nothing."""


class Upstream(ThreadingHTTPServer):
    """On a port of loopback. ``seen``: requests in order; ``connections``: how many were opened."""

    daemon_threads = True

    def __init__(self, certificate: Path | None = None) -> None:
        """With the folder of a certificate (``tls.crt``, ``tls.key``) it speaks TLS."""
        super().__init__(("127.0.0.1", 0), _Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate / "tls.crt", certificate / "tls.key")
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.seen: list[dict] = []
        self.connections = 0
        self.stopping = threading.Event()
        #: Where nobody may ever be led: stands for a metadata server.
        self.forbidden = socket.create_server(("127.0.0.1", 0))
        self.forbidden.settimeout(0.2)
        self.forbidden_port = self.forbidden.getsockname()[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        return self.server_address[1]

    def forget(self) -> None:
        self.seen.clear()
        self.connections = 0

    def headers(self) -> dict[str, str]:
        """Of the last request, names in lower case."""
        return {name.lower(): value for name, value in self.seen[-1]["headers"]}

    def stop(self) -> None:
        self.stopping.set()
        self.shutdown()
        self.server_close()
        self.forbidden.close()
