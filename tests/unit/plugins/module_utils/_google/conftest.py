# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A clock that does not wait, and a server of prepared answers."""

from __future__ import annotations

import typing as t

import pytest
import requests
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google import clock
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.module_utils._google.answers import Server


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    pauses: list[float] = []
    monkeypatch.setattr(clock, "sleep", pauses.append)
    monkeypatch.setattr(clock, "now", lambda: sum(pauses))
    monkeypatch.setattr(clock, "jitter", lambda seconds: seconds)
    return pauses


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch, slept: list[float]) -> t.Callable[..., Server]:
    def start(*answers: t.Any) -> Server:
        server = Server(*answers)
        monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", server.send)
        return server

    return start
