# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one upstream, where the network's names give trouble. The resolver is a double; connections are real."""

from __future__ import annotations

import socket
import threading
import time
import typing as t

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._forwarding.settings import Settings
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._forwarding.upstream import Upstream, UpstreamError

SETTINGS = Settings("shop-api.acme.internal", 80, connect_timeout=0.3, timeout=1.0)


def refused(upstream: Upstream) -> int:
    with pytest.raises(UpstreamError) as raised:
        upstream.send("GET", "/", [], b"")
    return raised.value.status


def test_a_resolver_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    answer, asked = threading.Event(), []

    def stuck(*arguments: t.Any) -> list[tuple]:
        asked.append(arguments)
        answer.wait(20)
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", stuck)
    upstream, started = Upstream(SETTINGS), time.monotonic()
    try:
        assert [refused(upstream), refused(upstream)] == [504, 504]
        # Two requests, each tried twice, have one question under way.
        assert time.monotonic() - started < 5 and len(asked) == 1
    finally:
        answer.set()


def test_a_name_that_is_not_there_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        answers: list[t.Any] = [socket.gaierror("not yet"), socket.gaierror("not yet")]
        answers.append([(socket.AF_INET, socket.SOCK_STREAM, 6, "", server.getsockname())])

        def resolve(*_arguments: t.Any) -> list[tuple]:
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        upstream = Upstream(SETTINGS)
        assert refused(upstream) == 504
        served = threading.Thread(target=_answer_one, args=(server,))
        served.start()
        assert upstream.send("GET", "/", [], b"").status == 204
        served.join()


def _answer_one(server: socket.socket) -> None:
    connection, _address = server.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
