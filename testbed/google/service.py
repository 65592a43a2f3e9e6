# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a service of the emulator is made of: handlers for methods, work of operations, and the call itself.

    class Firewalls(ComputeService):
        @handles("compute.firewalls.insert", rules=[Required("name", source="compute.v1 annotations.required")])
        def insert(self, call: Call) -> dict: ...

        @work("compute.firewalls.insert")
        async def inserted(self, run: Run) -> dict | None: ...

A handler is a plain or async function. It returns the stored object; the core checks the answer against the contract,
drops default values, writes 64-bit integers as strings and logs. Writing handlers run inside one transaction at a time
and must not wait for the world: that is the work of operations, or of call.then().
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from testbed.google.contract import Document, Method
from testbed.google.errors import GoogleError
from testbed.google.rules import Immutable, Rule
from testbed.google.store import Transaction

if TYPE_CHECKING:
    from testbed.google.emulator import Emulator
    from testbed.google.operations import Operations

Function = TypeVar("Function", bound=Callable[..., Any])

__all__ = ["Call", "GoogleError", "Handler", "Reply", "Service", "handles", "now", "on_failure", "work"]


def now() -> str:
    """Return the present time as Google writes it (RFC 3339, UTC)."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def milliseconds() -> str:
    """Return the present time as Apigee writes it: milliseconds since 1970 as a string."""
    return str(int(datetime.now(UTC).timestamp() * 1000))


@dataclass
class Reply:
    """An answer that is not simply a JSON object with status 200.

    body: an object or list (JSON), bytes (sent as they are) or None (empty). Undocumented answers, such as Apigee's
    bare lists of names, set unchecked=True.
    """

    body: Any = None
    status: int = 200
    content_type: str = "application/json; charset=UTF-8"
    headers: dict[str, str] = field(default_factory=dict)
    unchecked: bool = False


@dataclass
class Call:
    """One request that passed the contract."""

    emulator: Emulator
    service: Service
    document: Document
    method: Method
    path: dict[str, str]
    query: dict[str, Any]
    body: dict[str, Any]
    raw: bytes
    content_type: str
    headers: Mapping[str, str]
    principal: str
    store: Transaction
    rules: Sequence[Rule] = ()
    faults: dict[str, Any] = field(default_factory=dict)
    consequences: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    @property
    def operations(self) -> Operations:
        """The operations of all families; start one with call.operations.start(call, ...)."""
        return self.emulator.operations

    @property
    def world(self) -> Any:
        """The world in which objects have consequences (testbed.world.World)."""
        return self.emulator.world

    @property
    def mask(self) -> list[str]:
        """The paths of updateMask, in camelCase; empty when none was given."""
        from testbed.google.schema import camel

        text = self.query.get("updateMask") or ""
        return [".".join(camel(part) for part in path.strip().split(".")) for path in text.split(",") if path.strip()]

    def then(self, consequence: Callable[[], Awaitable[None]]) -> None:
        """Run consequence after the commit and before the reply, for synchronous calls that change the world."""
        self.consequences.append(consequence)

    def project(self, name: str | None = None) -> dict[str, Any]:
        """Return the project {projectId, number, ...} of the path, or of name (an id, a number or projects/x).

        Raises GoogleError 403 for a project that does not exist, as Resource Manager does.
        """
        return self.emulator.project(self.store, name or self.service.project_name(self) or "")

    def immutable(self, before: dict[str, Any], after: dict[str, Any], message: str = "") -> None:
        """Raise GoogleError 400 when after changes a field that the method's Immutable rules protect."""
        for rule in self.rules:
            if isinstance(rule, Immutable):
                for name in rule.changed(before, after):
                    raise GoogleError(400, message or f"Invalid value for field '{name}': the field cannot be changed.")


@dataclass(frozen=True)
class Handler:
    """A method's function and what guards it."""

    method: str
    function: str
    rules: tuple[Rule, ...]
    permission: str | None
    public: bool


def handles(
    *methods: str, rules: Sequence[Rule] = (), permission: str | None = None, public: bool = False
) -> Callable[[Function], Function]:
    """Mark a function as the handler of one or more discovery methods.

    A method that begins with a dot is one of the class's own collection: a base shared by several collections says
    ".get", and each of its classes names its collection (Service.method_prefix). permission is the IAM permission it
    needs (derived from the method's id when None); public=True lets callers without a token in.
    """

    def mark(function: Function) -> Function:
        marks = getattr(function, "_handles", [])
        marks += [(method, tuple(rules), permission, public) for method in methods]
        function._handles = marks  # type: ignore[attr-defined]
        return function

    return mark


def work(*names: str) -> Callable[[Function], Function]:
    """Mark an async function as the work of operations started with work=name (a leading dot as for handles()).

    It must be repeatable: after a restart of the daemon it runs again from its beginning.
    """

    def mark(function: Function) -> Function:
        function._works = [*getattr(function, "_works", []), *names]  # type: ignore[attr-defined]
        return function

    return mark


def on_failure(*names: str) -> Callable[[Function], Function]:
    """Mark an async function(run, error) that tidies up when the work of that name fails."""

    def mark(function: Function) -> Function:
        function._failures = [*getattr(function, "_failures", []), *names]  # type: ignore[attr-defined]
        return function

    return mark


class Service:
    """A group of methods of one discovery document."""

    document: str = ""
    """Name of the discovery document, such as compute.v1."""
    prefix: str = ""
    """First path segment at the emulator; several documents may share one."""
    api: str | None = None
    """Service that must be enabled in the project, such as compute.googleapis.com; None when it is never checked."""
    error_style: str = "rpc"
    """rpc: status and details. both: also errors[]. legacy: errors[] without status."""
    drop_defaults: bool = True
    """Whether answers leave out default values, as proto3 JSON does."""
    method_prefix: str = ""
    """Prefix of what is marked with a leading dot; a base that several collections share leaves it empty."""
    extra_routes: Sequence[dict[str, Any]] = ()
    """Methods that exist but that the document does not contain, in the document's own notation."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator

    @classmethod
    def handlers(cls) -> dict[str, Handler]:
        """Return the handlers of this class by discovery id."""
        found = {}
        for name in dir(cls):
            for label, rules, permission, public in getattr(getattr(cls, name), "_handles", []):
                method = cls._full(label)
                if method:
                    found[method] = Handler(method, name, rules, permission, public)
        return found

    @classmethod
    def marked(cls, kind: str) -> dict[str, str]:
        """Return work ("_works") or failure ("_failures") functions by work name."""
        found = {}
        for name in dir(cls):
            for label in getattr(getattr(cls, name), kind, []):
                if cls._full(label):
                    found[cls._full(label)] = name
        return found

    @classmethod
    def _full(cls, label: str) -> str:
        """Return a mark's label with the collection that its leading dot stands for, "" on a base without one."""
        return label if not label.startswith(".") else cls.method_prefix and cls.method_prefix + label

    def project_name(self, call: Call) -> str | None:
        """Return the project that a call is about, from its path."""
        if "project" in call.path:
            return call.path["project"]
        for value in call.path.values():
            found = re.search(r"(?:^|/)projects/([^/:]+)", value)
            if found:
                return found[1]
        return None

    def denied(self, call: Call, permission: str) -> GoogleError:
        """Return the refusal for a principal without a permission, as this API words it."""
        resource = self.resource_name(call)
        return GoogleError(
            403,
            f"Permission '{permission}' denied on resource '{resource}' (or it may not exist).",
            details=[
                {
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": "IAM_PERMISSION_DENIED",
                    "domain": self.api or f"{self.prefix}.googleapis.com",
                    "metadata": {"permission": permission, "resource": resource},
                }
            ],
        )

    def resource_name(self, call: Call) -> str:
        """Return the name of the resource that the call addresses."""
        for name in ("name", "parent", "resource", "project"):
            if name in call.path:
                value = call.path[name]
                return f"projects/{value}" if name == "project" else value
        return "/".join(call.path.values())
