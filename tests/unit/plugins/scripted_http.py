# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scripted HTTP: a test states, in order, which calls a module makes and what Google answers.

The whole real path runs (module, engine, session, requests); only the socket and the clock are replaced.

    script = Script()
    script.expect("GET", "compute", "compute/v1/projects/p/global/networks/n").replies(404, error="not found")
    script.expect("POST", "compute", "compute/v1/projects/p/global/networks", body={...}).replies({"kind": ...})
    result = script.run(module, name="n", project="p")

Calls of one ``script.together()`` block may come in any order (independent objects are worked on at once).
What a module does with the organisation's ownership records is not scripted: ``script.records`` is a double of them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import threading
import typing as t
from unittest import mock
from urllib.parse import parse_qsl, urlsplit

import requests
from ansible.module_utils import basic

from .records_double import RecordsDouble

try:
    from ansible.module_utils.testing import patch_module_args
except ImportError:  # ansible-core 2.18

    @contextlib.contextmanager
    def patch_module_args(args: dict[str, t.Any]) -> t.Iterator[None]:
        given = json.dumps({"ANSIBLE_MODULE_ARGS": args}).encode()
        with mock.patch.object(basic, "_ANSIBLE_ARGS", given):
            yield


ANY = mock.ANY
TOKEN = "canary-token-4711"


class Finished(Exception):
    """The module ended."""

    def __init__(self, result: dict[str, t.Any]) -> None:
        super().__init__(result)
        self.result = result


@dataclasses.dataclass
class Expectation:
    """One call that must come, and its reply."""

    method: str
    service: str
    path: str
    query: dict[str, t.Any] | None = None
    body: t.Any = None
    content: t.Callable[[bytes], None] | None = None
    status: int = 200
    answer: t.Any = None
    raw: bytes | None = None
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    lost: bool = False
    group: int = 0

    def replies(self, answer: t.Any = None, status: int = 200, **headers: str) -> Expectation:
        """Answer with a document; headers with underscores for dashes."""
        self.answer, self.status = answer, status
        self.headers = {key.replace("_", "-"): value for key, value in headers.items()}
        return self

    def refuses(self, status: int, message: str = "no", code: str = "", reason: str = "", **more: t.Any) -> Expectation:
        """Answer with an error: rpc style with ``code``, compute style without."""
        error: dict[str, t.Any] = {"code": status, "message": message}
        if code:
            error["status"] = code
        if reason and code:
            error["details"] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}]
        elif reason:
            error["errors"] = [{"domain": "global", "message": message, "reason": reason}]
        error.update(more)
        return self.replies({"error": error}, status)

    def is_lost(self) -> Expectation:
        """The connection breaks before the reply arrives."""
        self.lost = True
        return self

    def problem(self, request: requests.PreparedRequest) -> str:
        """Why the request is not this one; "" if it is."""
        url = urlsplit(str(request.url))
        if request.method != self.method:
            return f"method {request.method}, expected {self.method}"
        if url.netloc != f"{self.service}.googleapis.com":
            return f"host {url.netloc}, expected {self.service}"
        if url.path != "/" + self.path:
            return f"path {url.path}, expected /{self.path}"
        query: dict[str, t.Any] = {}
        for key, value in parse_qsl(url.query):
            if key == "$.xgafv":
                continue
            query[key] = value if key not in query else [*_listed(query[key]), value]
        if query.get("requestId") and "requestId" not in (self.query or {}):
            del query["requestId"]
        if query != (self.query or {}):
            return f"query {query}, expected {self.query or {}}"
        if self.content is not None:
            self.content(_bytes(request.body))
            return ""
        body = json.loads(_bytes(request.body)) if request.body else None
        if body != self.body:
            return f"body {json.dumps(body)}, expected {self.body}"
        return ""

    def response(self, request: requests.PreparedRequest) -> requests.Response:
        response = requests.Response()
        response.status_code = self.status
        response.url = str(request.url)
        response.request = request
        response.headers.update(self.headers)
        content = self.raw if self.raw is not None else b"" if self.answer is None else json.dumps(self.answer).encode()
        response._content = content
        return response


def _listed(value: t.Any) -> list[t.Any]:
    return value if isinstance(value, list) else [value]


def _document(request: requests.PreparedRequest) -> t.Any:
    try:
        return json.loads(_bytes(request.body))
    except ValueError:
        return None


def _bytes(body: t.Any) -> bytes:
    return body.encode() if isinstance(body, str) else bytes(body or b"")


def _result_of(module: t.Any) -> dict[str, t.Any]:
    try:
        module.main()
    except Finished as end:
        return end.result
    raise AssertionError("the module ended without a result")


class Script:
    """The calls of one test, in order."""

    def __init__(self) -> None:
        self.expectations: list[Expectation] = []
        self.slept: list[float] = []
        self.unexpected: list[str] = []
        self.records = RecordsDouble()
        self._group = 0
        self._open = False
        self._lock = threading.Lock()

    def expect(self, method: str, service: str, path: str, **what: t.Any) -> Expectation:
        """The next call."""
        if not self._open:
            self._group += 1
        expectation = Expectation(method, service, path, group=self._group, **what)
        self.expectations.append(expectation)
        return expectation

    @contextlib.contextmanager
    def together(self) -> t.Iterator[None]:
        """Calls that may come in any order."""
        self._group += 1
        self._open = True
        yield
        self._open = False

    def _send(self, request: requests.PreparedRequest, **_how: t.Any) -> requests.Response:
        with self._lock:
            first = self.expectations[0].group if self.expectations else 0
            problems = []
            for expectation in [one for one in self.expectations if one.group == first]:
                problem = expectation.problem(request)
                if not problem:
                    self.expectations.remove(expectation)
                    if expectation.lost:
                        raise requests.exceptions.ConnectionError("connection reset")
                    return expectation.response(request)
                problems.append(problem)
            recorded = self.records.answer(str(request.method), str(request.url), _document(request))
            if recorded:
                return Expectation("", "", "").replies(recorded[1], recorded[0]).response(request)
            text = f"{request.method} {request.url}: " + ("; ".join(problems) or "nothing more was expected")
            self.unexpected.append(text)
            raise AssertionError(text)

    def run(self, module: t.Any, check: bool = False, fails: bool = False, **options: t.Any) -> dict[str, t.Any]:
        """Run the module; returns its result. Asserts that every call came, and that no secret is in the result."""
        arguments = {
            "access_token": TOKEN,
            "project": "acme-shop",
            **options,
            "_ansible_check_mode": check,
            "_ansible_diff": True,
            "_ansible_remote_tmp": "/tmp",
            "_ansible_keep_remote_files": False,
        }

        def finish(module_self: basic.AnsibleModule, **result: t.Any) -> None:
            from ansible.module_utils.common.parameters import remove_values

            raise Finished(remove_values({"failed": False, **result}, module_self.no_log_values))

        def failing(module_self: basic.AnsibleModule, msg: str, **result: t.Any) -> None:
            finish(module_self, **{**result, "msg": msg, "failed": True})

        clock = "ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.clock"
        with (
            patch_module_args(arguments),
            mock.patch.object(requests.adapters.HTTPAdapter, "send", self._send),
            mock.patch.object(basic.AnsibleModule, "exit_json", finish),
            mock.patch.object(basic.AnsibleModule, "fail_json", failing),
            mock.patch(f"{clock}.sleep", self.slept.append),
            mock.patch(f"{clock}.now", lambda: sum(self.slept)),
        ):
            result = _result_of(module)
        assert not self.unexpected, "\n".join([*self.unexpected, json.dumps(result, default=str)])
        left = [f"{one.method} {one.path}" for one in self.expectations]
        assert not left, f"calls that never came: {left}; result {json.dumps(result, indent=1, default=str)}"
        assert result["failed"] == fails, result.get("msg", result)
        assert TOKEN not in json.dumps(result, default=str)
        return result
