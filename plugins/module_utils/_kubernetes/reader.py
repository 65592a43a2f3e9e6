# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads from a cluster's API server, nothing more: no client library, whose import costs a second. Private.

Changes are made by kubernetes.core alone, in the role ``_kubernetes``. A dry run stores nothing.
"""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import time
import typing as t
from urllib.parse import urlencode

from .._google.errors import Failure

_FIX = "Check that the API server can be reached from here, and that the account may read there."


class ReadError(Exception):
    """The API server gave no list. ``again``: it may give one later."""

    def __init__(self, message: str, again: bool = True) -> None:
        super().__init__(message)
        self.again = again


def unread(cluster: str, what: str, error: ReadError | ValueError, fix: str = _FIX) -> Failure:
    """What a module ends with that could not read.

    :param cluster: where it is, as ``at HOST`` with its name before or not.
    :param what: what of it was not read, as a sentence without its full stop.
    :param error: as :class:`Reader` raises them.
    """
    if isinstance(error, ReadError):
        return Failure(f"cluster {cluster}: {what}.\n  because   {error}\n  fix       {fix}")
    return Failure(f"ca_certificate is no certificate in base64: {error}")


def labelled(labels: t.Mapping[str, str]) -> str:
    """The query that leaves of a list only objects that carry these labels."""
    return urlencode({"labelSelector": ",".join(f"{name}={value}" for name, value in sorted(labels.items()))})


Found = t.TypeVar("Found", bound=t.Mapping[str, t.Any])


def wait(look: t.Callable[[], Found], seconds: float, pause: float) -> Found:
    """What ``look`` gives once none of its values is empty, or when time is up.

    Raises ReadError when there is no answer until then, or none is to be expected.
    """
    deadline = time.monotonic() + seconds
    while True:
        late = time.monotonic() + pause > deadline
        try:
            found = look()
            if late or all(found.values()):
                return found
        except ReadError as error:
            if late or not error.again:
                raise
        time.sleep(pause)


class Reader:
    """Lists objects of one cluster, over one connection that is made again when it breaks."""

    def __init__(self, endpoint: str, ca_certificate: str, token: t.Callable[[], str], timeout: float = 15.0) -> None:
        """``endpoint`` is a host, with a port or without; ``ca_certificate`` PEM in base64, the system's when empty.

        Raises ValueError when the certificate is none.
        """
        authority = base64.b64decode(ca_certificate).decode("ascii") if ca_certificate else None
        try:
            self._context = ssl.create_default_context(cadata=authority)
        except ssl.SSLError as error:
            raise ValueError(str(error)) from error
        self._endpoint = endpoint
        self._token = token
        self._timeout = timeout
        self._connection: http.client.HTTPSConnection | None = None

    def list(self, path: str, labels: t.Mapping[str, str]) -> list[dict[str, t.Any]]:
        """All objects below a path (``/api/v1/namespaces/shop/pods``) that carry these labels. Raises ReadError."""
        return self._get(f"{path}?{labelled(labels)}").get("items") or []

    def get(self, path: str) -> dict[str, t.Any] | None:
        """One object, None when there is none. Raises ReadError."""
        try:
            return self._get(path)
        except ReadError as error:
            if error.args[0].startswith("HTTP 404"):
                return None
            raise

    def certificates(self, namespace: str, secret: str) -> tuple[str, str]:
        """Authority (``ca.crt``) and certificate (``tls.crt``) in a TLS Secret, as PEM; each "" when there is none yet.

        The API server cannot give a part of a Secret; the private key beside it is dropped here. Raises ReadError.
        """
        data = (self.get(f"/api/v1/namespaces/{namespace}/secrets/{secret}") or {}).get("data") or {}
        authority, own = (base64.b64decode(data.get(name) or "").decode("ascii", "replace") for name in ("ca.crt", "tls.crt"))
        return authority, own

    def authorities(self, namespace: str, config_map: str) -> str:
        """The authorities (``ca.crt``) in a ConfigMap as PEM, "" when there are none. Raises ReadError."""
        found = self.get(f"/api/v1/namespaces/{namespace}/configmaps/{config_map}") or {}
        return (found.get("data") or {}).get("ca.crt") or ""

    def serves(self, api_version: str, kind: str) -> bool:
        """Whether the API server knows a kind. Raises ReadError."""
        root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        return any(entry.get("kind") == kind for entry in (self.get(root) or {}).get("resources") or [])

    def dry_run(self, path: str, definition: dict[str, t.Any]) -> str | None:
        """What the API server says against making an object below a path; None when nothing. Nothing is stored.

        Raises ReadError when it gave no answer about the object: it or something it asks is not there.
        """
        status, document = self._ask("POST", f"{path}?dryRun=All", definition)
        said = document.get("message") or ""
        # A webhook that denies answers with its own status, or 403; one that does not answer makes it a 500.
        if status >= 500 or status in (401, 404) or (status == 403 and "admission webhook" not in said):
            raise ReadError(f"HTTP {status}: {said or 'no reason given'}", again=status not in (401, 403))
        return said if status >= 400 else None

    def preview(self, path: str, definition: dict[str, t.Any]) -> dict[str, t.Any]:
        """The object as the API server would store it below a path. Nothing is stored. Raises ReadError."""
        return self._answer("POST", f"{path}?dryRun=All", definition)

    def ask_service(self, path: str, headers: t.Mapping[str, str]) -> tuple[int, str]:
        """Status and text of a GET through the proxy to a Service. ``path`` begins with the proxy's own. Raises ReadError."""
        status, content = self._exchange("GET", path, None, {"Accept": "*/*", **headers})
        return status, content.decode("utf-8", "replace")

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _get(self, path: str) -> dict[str, t.Any]:
        return self._answer("GET", path)

    def _answer(self, method: str, path: str, body: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        status, document = self._ask(method, path, body)
        if status >= 400:
            raise ReadError(
                f"HTTP {status}: {document.get('message') or 'no reason given'}", again=status not in (401, 403, 404)
            )
        return document

    def _ask(self, method: str, path: str, body: dict[str, t.Any] | None = None) -> tuple[int, dict[str, t.Any]]:
        """Status and document (empty when the answer is none). Raises ReadError when there is no answer."""
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        status, content = self._exchange(method, path, None if body is None else json.dumps(body), headers)
        try:
            document = json.loads(content)
        except ValueError:
            document = {}
        return status, document if isinstance(document, dict) else {}

    def _exchange(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> tuple[int, bytes]:
        """Status and content. Raises ReadError when there is no answer."""
        try:
            if self._connection is None:
                self._connection = http.client.HTTPSConnection(
                    self._endpoint, context=self._context, timeout=self._timeout
                )
            allowed = {**headers, "Authorization": f"Bearer {self._token()}"}
            self._connection.request(method, path, body, allowed)
            reply = self._connection.getresponse()
            return reply.status, reply.read()
        except ssl.SSLCertVerificationError as error:
            self.close()
            raise ReadError(f"its certificate is not trusted: {error.verify_message}", again=False) from error
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise ReadError(f"no answer: {error or type(error).__name__}") from error
