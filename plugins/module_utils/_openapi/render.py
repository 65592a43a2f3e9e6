# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Declared routes as an OpenAPI 2.0 document. Private to the collection.

A declaration has ``title``, ``version``, ``backend`` (``address``, ``jwt_audience`` or ``disable_auth``), ``security``
(a preset, for all routes that state none), the presets' own settings (``jwt``, ``google_id_token``, ``firebase``),
``deadline`` (s) and ``routes``: each ``path``, ``methods`` and, where it differs, ``security``, ``deadline``,
``backend``, ``summary`` and ``operation_id``.
"""

from __future__ import annotations

import re
import typing as t

from . import presets
from .findings import nearest
from .rules import METHODS

Options = dict[str, t.Any]

#: Seconds; Google's own 15 are fewer than what a cold function may take.
DEADLINE = 30.0
_ROUTE = ("path", "methods", "security", "deadline", "backend", "summary", "operation_id")
_ROOT = (
    "title",
    "version",
    "description",
    "backend",
    "security",
    "deadline",
    "routes",
    "jwt",
    "google_id_token",
    "firebase",
)
_BACKEND = ("address", "jwt_audience", "disable_auth", "path_translation", "protocol")


class Undeclarable(Exception):
    """The declaration is wrong: ``problems`` are sentences with name, value and remedy."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


def render(declared: Options) -> Options:
    """The document. Raises Undeclarable with everything that is wrong."""
    wrong = _problems(declared)
    if wrong:
        raise Undeclarable(wrong)
    routes = declared["routes"]
    security = declared.get("security") or "api_key"
    used = [security, *(route["security"] for route in routes if route.get("security"))]
    document: Options = {
        "swagger": "2.0",
        "info": {"title": declared["title"], "version": str(declared.get("version") or "1.0.0")},
        "schemes": ["https"],
        "produces": ["application/json"],
        "x-google-backend": _backend(declared["backend"], declared.get("deadline") or DEADLINE),
    }
    if declared.get("description"):
        document["info"]["description"] = declared["description"]
    definitions = presets.definitions(used, declared)
    if definitions:
        document["securityDefinitions"] = definitions
    document["security"] = presets.requirement(security)
    document["paths"] = {}
    for route in routes:
        item = document["paths"].setdefault(route["path"], {})
        for method in route["methods"]:
            item[method] = _operation(declared, route, method)
    return document


def _operation(declared: Options, route: Options, method: str) -> Options:
    names = re.findall(r"\{([^{}]*)\}", route["path"])
    found: Options = {
        "operationId": route.get("operation_id") or identifier(method, route["path"]),
        "responses": {"default": {"description": "Whatever the service answers"}},
    }
    if route.get("summary"):
        found["summary"] = route["summary"]
    if names:
        found["parameters"] = [{"name": name, "in": "path", "required": True, "type": "string"} for name in names]
    if route.get("security"):
        found["security"] = presets.requirement(route["security"])
    if route.get("backend") or route.get("deadline"):
        backend = {**declared["backend"], **(route.get("backend") or {})}
        # An operation's own backend would otherwise get every path of its own as a query.
        backend.setdefault("path_translation", "APPEND_PATH_TO_ADDRESS")
        found["x-google-backend"] = _backend(backend, route.get("deadline") or declared.get("deadline") or DEADLINE)
    return found


def complete(document: Options, backend: Options, deadline: float) -> Options:
    """A document of the user's own with the backend for all operations, where it names none: the function's URL is made up
    by Google, so that nobody can write it down before."""
    if "x-google-backend" in document or "x-google-api-management" in document or "openapi" in document:
        return document
    return {**document, "x-google-backend": _backend(backend, deadline)}


def identifier(method: str, path: str) -> str:
    """An operation's name from what it is: ``get`` and ``/orders/{id}`` make ``get_orders_id``."""
    return "_".join([method, *re.findall(r"[A-Za-z0-9]+", path)])


def _backend(stated: Options, deadline: float) -> Options:
    found: Options = {"address": stated["address"], "deadline": float(deadline)}
    found["path_translation"] = stated.get("path_translation") or "APPEND_PATH_TO_ADDRESS"
    for name in ("jwt_audience", "disable_auth", "protocol"):
        if stated.get(name) is not None:
            found[name] = stated[name]
    return found


# -- what is wrong -------------------------------------------------------------------------------------------------


def _problems(declared: Options) -> list[str]:
    found = _unknown(declared, _ROOT, "")
    for name in ("title", "backend", "routes"):
        if not declared.get(name):
            found.append(f"{name} is missing. State it.")
    if declared.get("backend"):
        found += _unknown(declared["backend"], _BACKEND, "backend.")
        if not declared["backend"].get("address"):
            found.append("backend.address is missing. State where the gateway sends calls.")
    used = [declared.get("security") or "api_key"]
    taken: dict[tuple[str, str], int] = {}
    identifiers: dict[str, str] = {}
    for index, route in enumerate(declared.get("routes") or []):
        where = f"routes[{index}]"
        found += _unknown(route, _ROUTE, f"{where}.")
        if route.get("security"):
            used.append(route["security"])
        found += _route_problems(where, route, taken, identifiers, index)
    for preset in dict.fromkeys(used):
        if preset not in presets.PRESETS:
            found.append(f"security {preset} is unknown. {nearest(str(preset), presets.PRESETS)}.")
    return found + presets.problems(used, declared)


def _route_problems(
    where: str, route: Options, taken: dict[tuple[str, str], int], identifiers: dict[str, str], index: int
) -> list[str]:
    found = []
    path = str(route.get("path") or "")
    if not path.startswith("/"):
        found.append(f"{where}.path is {path!r}. Begin it with a slash.")
    if not route.get("methods"):
        found.append(f"{where}.methods is empty. List what callers may do, such as get.")
    for method in route.get("methods") or []:
        if method not in METHODS:
            found.append(f"{where}.methods has {method}. {nearest(str(method), METHODS)}.")
            continue
        other = taken.setdefault((path, method), index)
        if other != index:
            found.append(f"{where} declares {method} {path}, as routes[{other}] does. Remove one of them.")
            continue
        name = route.get("operation_id") or identifier(method, path)
        if identifiers.setdefault(name, where) != where or (route.get("operation_id") and len(route["methods"]) > 1):
            found.append(
                f"{where}: the operation {method} {path} would be called {name}, as another is. State operation_id, and "
                "one method in a route that has it."
            )
    deadline = route.get("deadline")
    if deadline is not None and (not isinstance(deadline, (int, float)) or deadline <= 0):
        found.append(f"{where}.deadline is {deadline!r}. State seconds, more than 0.")
    return found


def _unknown(stated: Options, known: tuple[str, ...], prefix: str) -> list[str]:
    return [f"{prefix}{name} is unknown. {nearest(str(name), known)}." for name in stated if name not in known]


def deadline_problems(upstream: float, function: float, gateway: float) -> list[str]:
    """Time-outs along the chain must grow towards the caller (s), or a call is given up while somebody still works."""
    found = []
    if not 0 < upstream < function:
        found.append(
            f"the function waits {upstream:g} s for the service and may run {function:g} s. "
            "Let it wait for less than it may run, so that it can answer 504 itself."
        )
    if not function < gateway:
        found.append(
            f"the function may run {function:g} s and the gateway waits {gateway:g} s. "
            "Let the gateway wait longer than the function may run."
        )
    return found
