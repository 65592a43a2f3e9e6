# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A double of a cluster's API server, for modules that only read from it."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._kubernetes import reader


class ApiServer:
    """Stands for the connection; answers in order, and notes what was asked and with which token."""

    def __init__(self, *answers: t.Any) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.tokens: set[str] = set()

    def __call__(self, _endpoint: str, **_how: t.Any) -> ApiServer:
        return self

    def request(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> None:
        # Nothing is ever stored: what is sent is sent in a dry run.
        assert method == "GET" and body is None or path.endswith("?dryRun=All")
        self.asked.append(path)
        self.tokens.add(headers["Authorization"])

    def getresponse(self) -> ApiServer:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        self.status, self.body = answer if isinstance(answer, tuple) else (200, answer)
        return self

    def read(self) -> bytes:
        return json.dumps(self.body).encode()

    def close(self) -> None:
        """Nothing to give back."""


def starter(monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., ApiServer]:
    """What a fixture gives to tests: it puts a double with these answers in the place of every connection."""

    def start(*answers: t.Any) -> ApiServer:
        server = ApiServer(*answers)
        monkeypatch.setattr(reader.http.client, "HTTPSConnection", server)
        return server

    return start
