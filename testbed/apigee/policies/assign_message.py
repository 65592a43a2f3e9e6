# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""AssignMessage: changes or makes a message, and sets variables. Source: Apigee "AssignMessage policy"."""
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from testbed.apigee.bundle.xml import Node
from testbed.apigee.faults import Fault
from testbed.apigee.messages import Message
from testbed.apigee.policies.base import Policy
from testbed.apigee.policies.message_actions import ACTIONS, AssignVariable, Scope, read_actions

if TYPE_CHECKING:
    from testbed.apigee.context import Context

_CODES = "steps.assignmessage"


@dataclass(frozen=True)
class Destination:
    """AssignTo: a named message, the current one, or a new one."""

    kind: str | None
    name: str | None
    create: bool


@dataclass(frozen=True)
class AssignMessage(Policy):
    element: ClassVar[str] = "AssignMessage"
    children: ClassVar[tuple[str, ...]] = (*ACTIONS, "AssignTo", "IgnoreUnresolvedVariables")

    actions: tuple[Any, ...]
    destination: Destination
    ignore_unresolved: bool

    @classmethod
    def parse(cls, node: Node) -> dict:
        return {"actions": read_actions(node), "destination": _destination(node.child("AssignTo")),
                "ignore_unresolved": node.boolean(node.child_text("IgnoreUnresolvedVariables"), False,
                                                  "IgnoreUnresolvedVariables")}

    def execute(self, context: Context) -> None:
        scope = Scope(context, self.name, _CODES, self.ignore_unresolved)
        needed = any(not isinstance(action, AssignVariable) for action in self.actions) or self.destination.create
        message = self._message(context) if needed else context.message
        for action in self.actions:
            action.apply(scope, message)

    def _message(self, context: Context) -> Message:
        kind, name = self.destination.kind, self.destination.name
        if self.destination.create:
            message = Message(kind or "request")
            if name and name not in ("request", "response"):
                context.messages[name] = message
            elif message.kind == "request":
                message.path, message.version = context.request.path, context.request.version
                context.request = message
            elif context.phase == "error":
                context.error = message
            else:
                context.response = message
            return message
        if name:
            found = context.named(name)
        elif kind == "request":
            found = context.request
        elif kind == "response":
            # In the error flow the response for the client is the error message.
            found = context.error if context.phase == "error" else context.response
        else:
            found = context.message
        if found is None:
            raise Fault(500, f"{_CODES}.VariableOfNonMsgType", f"Variable {name or kind} is not a message")
        return found


def _destination(node: Node | None) -> Destination:
    if node is None:
        return Destination(None, None, False)
    # transport is always http; the attribute has no effect.
    node.check(attributes=("type", "createNew"), inert=("transport",))
    kind = node.attribute("type")
    if kind not in (None, "request", "response"):
        node.invalid(f"type must be request or response, not '{kind}'")
    create = node.boolean(node.attribute("createNew"), False, "createNew")
    if create and kind is None:
        node.invalid("createNew needs a type")
    return Destination(kind, node.text or None, create)
