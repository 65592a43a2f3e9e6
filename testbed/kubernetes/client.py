# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A very small client of the API server, standard library only: the supervisor starts in a few hundredths of a second
with it, where the official client takes a second to import."""
from __future__ import annotations

import http.client
import json
import ssl
import time
import urllib.parse
from collections.abc import Iterator
from typing import Any

from .spec import ClientFiles

#: How often a server that says "later" is asked again before that counts as its answer; client-go's number.
REPEATS = 10


class ApiError(Exception):
    """The API server refused; ``status`` is the HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


class ApiClient:
    """Requests with a client certificate over one connection. Not for several threads at once."""

    def __init__(self, files: ClientFiles, timeout: float = 10.0) -> None:
        url = urllib.parse.urlsplit(files.server)
        context = ssl.create_default_context(cafile=str(files.ca))
        context.load_cert_chain(files.certificate, files.key)
        self._connection = http.client.HTTPSConnection(url.hostname or "", url.port, timeout=timeout, context=context)

    def request(self, method: str, path: str, body: Any = None, content_type: str = "application/json",
                accept: str = "application/json") -> Any:
        """The decoded JSON answer, or its text. Raises ApiError for a refusal, OSError when nobody answers.

        An API server that is busy says when to come again, for one while it sets up the storage of a new kind.
        """
        headers = {"Content-Type": content_type, "Accept": accept}
        response, text = self._answer(method, path, body, headers)
        for _each in range(REPEATS):
            later = response.headers.get("Retry-After", "")
            if not (response.status == 429 or response.status >= 500) or not later.isdigit():
                break
            time.sleep(int(later))
            response, text = self._answer(method, path, body, headers)
        if response.status >= 400:
            raise ApiError(response.status, text[:500])
        return json.loads(text) if response.headers.get_content_type() == "application/json" else text

    def _answer(self, method: str, path: str, body: Any,
                headers: dict[str, str]) -> tuple[http.client.HTTPResponse, str]:
        try:
            self._connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            response = self._connection.getresponse()
            return response, response.read().decode("utf-8", "replace")
        except (http.client.HTTPException, OSError) as error:
            self._connection.close()
            raise error if isinstance(error, OSError) else OSError(str(error)) from error

    def watch(self, path: str) -> Iterator[dict[str, Any]]:
        """The events of a watch, until the API server ends it. Raises ApiError when it refuses, OSError when the
        connection breaks; the client can be used again afterwards."""
        try:
            self._connection.request("GET", path, headers={"Accept": "application/json"})
            response = self._connection.getresponse()
            if response.status >= 400:
                raise ApiError(response.status, response.read().decode("utf-8", "replace")[:500])
            while line := response.readline():
                yield json.loads(line)
        except http.client.HTTPException as error:
            raise OSError(str(error)) from error
        finally:
            self._connection.close()

    def get(self, path: str) -> Any:
        return self.request("GET", path)

    def apply(self, path: str, item: dict[str, Any]) -> Any:
        """Server-side apply of a whole object at its path: makes it or brings it up to date."""
        return self.request("PATCH", f"{path}?fieldManager=testbed&force=true", item, "application/apply-patch+yaml")
