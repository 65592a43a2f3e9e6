# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Callers outside who go on calling through Apigee, and notice every answer that is not a good one."""
from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import time
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Seen:
    """What the callers saw: how many calls, and which of them failed."""

    done: int = 0
    failed: list[str] = field(default_factory=list)


@contextlib.contextmanager
def calling(connection: dict[str, Any], url: str, callers: int = 3, pause: float = 0.1) -> Iterator[Seen]:
    """Call the URL all the time, until the block ends; each caller keeps its connection.

    :param connection: as ``connection.json`` has it.
    :param pause: seconds of each caller between an answer and the next call.
    """
    outcome, stop = Seen(), threading.Event()
    parts = urllib.parse.urlsplit(url)
    host, path = parts.hostname or "", urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
    northbound = connection["northbound"]
    trust = ssl.create_default_context(cafile=northbound["ca_cert"])
    began = time.monotonic()

    def caller() -> None:
        link = None
        while not stop.is_set():
            try:
                if link is None:
                    link = http.client.HTTPConnection(host, timeout=30)
                    plain = socket.create_connection((northbound["address"], northbound["port"]), 10)
                    link.sock = trust.wrap_socket(plain, server_hostname=host)
                link.request("GET", path)
                answer = link.getresponse()
                body = answer.read()
                if answer.status != 200:
                    outcome.failed.append(f"{time.monotonic() - began:.1f} s: {answer.status} {body[:300]!r}")
                if answer.will_close:
                    link = None
            except (OSError, http.client.HTTPException) as error:
                outcome.failed.append(f"{time.monotonic() - began:.1f} s: {error!r}")
                link = None
            outcome.done += 1
            stop.wait(pause)
        if link is not None:
            link.close()

    threads = [threading.Thread(target=caller, daemon=True) for _each in range(callers)]
    for thread in threads:
        thread.start()
    try:
        yield outcome
    finally:
        stop.set()
        for thread in threads:
            thread.join()
