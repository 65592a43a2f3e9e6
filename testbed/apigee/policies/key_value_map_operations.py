# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""KeyValueMapOperations: reads, writes and deletes entries of key value maps.

Source: Apigee "KeyValueMapOperations policy", its runtime and deployment error pages. All maps of Apigee X are
encrypted, so what is read goes into variables whose names begin with ``private.``; any other fails. Operations are
executed in the order in which they stand there (assumed), parts of a key are joined by two underscores.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from testbed.apigee import faults
from testbed.apigee.bundle.xml import Node
from testbed.apigee.conditions import text_of
from testbed.apigee.faults import Fault
from testbed.apigee.key_value_maps import Place
from testbed.apigee.policies.base import Policy
from testbed.apigee.policies.values import Reference, reference
from testbed.apigee.variables import ReadOnlyVariable

if TYPE_CHECKING:
    from testbed.apigee.configuration import Deployment
    from testbed.apigee.context import Context
    from testbed.apigee.key_value_maps import KeyValueMaps

CODES = "steps.keyvaluemapoperations"
SCOPES = ("organization", "environment", "apiproxy")
#: The name of a map that no name is given for, and the seconds for which a value is used again unless stated.
UNNAMED, EXPIRY = "kvmap", 300


@dataclass(frozen=True)
class Operation:
    """One of Get, Put and Delete. ``values`` is for Put, ``variable`` and ``index`` (from 1) for Get."""

    what: str
    key: tuple[Reference, ...]
    values: tuple[Reference, ...] = ()
    override: bool = False
    variable: str = ""
    index: int = 1


@dataclass(frozen=True)
class KeyValueMapOperations(Policy):
    element: ClassVar[str] = "KeyValueMapOperations"
    children: ClassVar[tuple[str, ...]] = ("ExpiryTimeInSecs", "Scope", "Put", "Get", "Delete", "MapName",
                                           "InitialEntries", "ExclusiveCache")
    attributes: ClassVar[tuple[str, ...]] = ("mapIdentifier",)

    map_name: Reference
    #: Whether the policy finds out at run time which map is meant.
    dynamic: bool
    scope: str
    expiry: int
    operations: tuple[Operation, ...]
    initial: dict[str, tuple[str, ...]]

    @classmethod
    def parse(cls, node: Node) -> dict:
        identifier, dynamic = node.attribute("mapIdentifier"), node.child("MapName")
        if identifier and dynamic is not None:
            node.invalid("mapIdentifier and MapName exclude each other")
        if dynamic is not None:
            dynamic.check(attributes=("ref",))
        scope = node.child_text("Scope") or "environment"
        if scope == "policy":
            node.unsupported("Scope policy is not executed by the testbed's Apigee runtime")
        elif scope not in SCOPES:
            node.invalid(f"Scope must be one of {', '.join(SCOPES)}, not '{scope}'")
        expiry = node.child_text("ExpiryTimeInSecs")
        operations = tuple(_operation(child) for child in node if child.tag in ("Get", "Put", "Delete"))
        initial = node.child("InitialEntries")
        if not operations and initial is None:
            node.invalid("needs at least one of Get, Put and Delete")
        return {"map_name": reference(dynamic) or Reference(None, UNNAMED if identifier is None else identifier),
                "dynamic": dynamic is not None, "scope": scope, "operations": operations,
                # -1 is "never", which nothing outlives here.
                "expiry": node.integer(None if expiry == "-1" else expiry, 1 << 31 if expiry == "-1" else EXPIRY,
                                       "ExpiryTimeInSecs"),
                "initial": _initial(initial)}

    def execute(self, context: Context) -> None:
        name = text_of(self.map_name.resolve(context))
        if not name:
            raise Fault(500, f"{CODES}.UnsupportedOperationException", "unsupported operation exception")
        place = self._place(context.deployment, name)
        maps = context.key_value_maps
        for operation in self.operations:
            key = "__".join(text_of(part.resolve(context)) for part in operation.key)
            if operation.what == "Get":
                self._read(context, operation, maps.get(place, key, self.expiry))
            elif operation.what == "Delete":
                maps.delete(place, key)
            elif self.dynamic and not maps.exists(place):
                # Only maps that mapIdentifier names are made; what Apigee answers here is not published.
                raise faults.unsupported(f"writing to the map {name}, which MapName names and which does not exist")
            else:
                values = tuple(text_of(value.resolve(context)) for value in operation.values)
                maps.put(place, key, values, override=operation.override)

    def _read(self, context: Context, operation: Operation, values: tuple[str, ...] | None) -> None:
        value = values[operation.index - 1] if values and operation.index <= len(values) else None
        try:
            if value is not None and not operation.variable.startswith("private."):
                raise ReadOnlyVariable(operation.variable)
            context.set(operation.variable, value)
        except ReadOnlyVariable:
            raise Fault(500, f"{CODES}.SetVariableFailed", f"Failed to set variable {operation.variable} in "
                        f"KeyValueMapStepDefinition {self.name}") from None

    def _place(self, deployment: Deployment, name: str) -> Place:
        of = {"environment": deployment.environment, "apiproxy": deployment.proxy}.get(self.scope, "")
        return Place(self.scope, of, name)

    def initialise(self, deployment: Deployment, maps: KeyValueMaps) -> None:
        """What a deployment does: InitialEntries fill a map that is not there yet."""
        name = self.map_name.literal
        if self.initial and name:
            maps.initialise(self._place(deployment, name), self.initial)


def _operation(node: Node) -> Operation:
    allowed = {"Get": ("assignTo", "index"), "Put": ("override",), "Delete": ()}[node.tag]
    node.check(children=("Key", *(("Value",) if node.tag == "Put" else ())), attributes=allowed)
    key = _key(node)
    values = tuple(found for child in node.all("Value") if (found := reference(child)) is not None)
    if node.tag == "Put" and not any(value.variable or value.literal for value in values):
        node.invalid("ValueIsMissing: Put needs a Value")
    if node.tag == "Get" and not node.attribute("assignTo"):
        node.invalid("Get needs assignTo")
    index = node.attribute("index")
    if index is not None and (not index.isdigit() or int(index) < 1):
        node.invalid(f"InvalidIndex: index must be a whole number from 1, not '{index}'")
        index = None
    return Operation(node.tag, key, values, node.boolean(node.attribute("override"), False, "attribute override"),
                     node.attribute("assignTo") or "", int(index or 1))


def _key(node: Node) -> tuple[Reference, ...]:
    key = node.child("Key")
    parts = key.all("Parameter") if key is not None else []
    if key is not None:
        key.check(children=("Parameter",))
    for part in parts:
        part.check(attributes=("ref",))
    found = tuple(one for one in map(reference, parts) if one is not None and (one.variable or one.literal))
    if not found:
        node.invalid("KeyIsMissing: Key needs a Parameter")
    return found


def _initial(node: Node | None) -> dict[str, tuple[str, ...]]:
    """Entries by key. Keys and values stand there as they are: nothing is known of a request yet."""
    found: dict[str, tuple[str, ...]] = {}
    if node is None:
        return found
    node.check(children=("Entry",))
    for entry in node.all("Entry"):
        entry.check(children=("Key", "Value"))
        key = "__".join(part.literal or "" for part in _key(entry))
        values = tuple(child.text for child in entry.all("Value"))
        if not any(values):
            entry.invalid("ValueIsMissing: Entry needs a Value")
        found[key] = values
    return found
