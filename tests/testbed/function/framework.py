# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real functions-framework with a function's real source, and callers that write their requests byte by byte."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._function import package

from testbed.ports import free_port
from testbed.processes import end_started, listens


@dataclass(frozen=True)
class Answer:
    """What came back; ``headers`` as they stood, names in lower case."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for found, value in self.headers if found == name]


class Framework:
    """``functions-framework`` as a process on loopback, started as the buildpack starts it (gunicorn, threads)."""

    def __init__(self, folder: Path, settings: dict[str, str], extra: dict[str, bytes] | None = None) -> None:
        source = folder / "source"
        for path, content in {**package.forwarding(), **(extra or {})}.items():
            (source / path).parent.mkdir(parents=True, exist_ok=True)
            (source / path).write_bytes(content)
        self.port = free_port()
        self.log = folder / "log"
        command = [str(Path(sys.executable).with_name("functions-framework")), "--target", package.ENTRY_POINT]
        environment = {
            "PATH": os.environ["PATH"],
            "PORT": str(self.port),
            "HOST": "127.0.0.1",
            "THREADS": "4",
            "WORKERS": "1",
            "CLOUD_RUN_TIMEOUT_SECONDS": "60",
            "PYTHONDONTWRITEBYTECODE": "1",
            # Variables that a client library might obey.
            "http_proxy": "http://127.0.0.1:9",
            "HTTP_PROXY": "http://127.0.0.1:9",
            **settings,
        }
        with self.log.open("w") as output:
            self.process = subprocess.Popen(
                [*command, "--host", "127.0.0.1"],
                cwd=source,
                env=environment,
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
            )

    def ready(self, seconds: float = 60.0) -> None:
        """Wait until it listens. Raises RuntimeError with its log."""
        if not listens(self.process, self.port, seconds):
            raise RuntimeError(f"the functions-framework does not listen:\n{self.log.read_text()}")

    def stop(self) -> None:
        end_started(self.process, 10)

    def raw(self, request: bytes, method: str = "GET") -> Answer:
        """Send these bytes and read one answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            connection.sendall(request)
            response = http.client.HTTPResponse(connection, method=method)
            response.begin()
            headers = [(name.lower(), value) for name, value in response.getheaders()]
            return Answer(response.status, headers, response.read())

    def call(self, target: str, *headers: str, method: str = "GET", body: bytes = b"") -> Answer:
        """One request with exactly these header lines beside Host and Content-Length."""
        lines = [f"{method} {target} HTTP/1.1", "Host: client.example", "Connection: close", *headers]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        return self.raw("\r\n".join([*lines, "", ""]).encode("latin-1") + body, method)
