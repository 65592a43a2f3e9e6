# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers from a list instead of Google's, below the transport: requests' adapter is what is replaced."""

from __future__ import annotations

import json
import typing as t

import requests
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.session import Client


class Server:
    """Answers from a list; remembers what was asked."""

    def __init__(self, *answers: t.Any) -> None:
        self.answers = list(answers)
        self.requests: list[requests.PreparedRequest] = []

    def send(self, request: requests.PreparedRequest, **_how: t.Any) -> requests.Response:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, document = answer if isinstance(answer, tuple) else (200, answer)
        response = requests.Response()
        response.status_code = status
        response._content = document if isinstance(document, bytes) else json.dumps(document).encode()
        response.request, response.url = request, str(request.url)
        return response


def client(**options: t.Any) -> Client:
    return Client({"access_token": "token-1", **options})
