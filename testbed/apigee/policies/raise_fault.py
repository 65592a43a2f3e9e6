# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""RaiseFault: ends the flow with a response of the proxy's own. Source: Apigee "RaiseFault policy"."""
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from testbed.apigee.bundle.xml import Node
from testbed.apigee.faults import Fault
from testbed.apigee.messages import Message
from testbed.apigee.policies.base import Policy
from testbed.apigee.policies.message_actions import ACTIONS, Assign, Scope, read_actions

if TYPE_CHECKING:
    from testbed.apigee.context import Context

_CODES = "steps.raisefault"


@dataclass(frozen=True)
class RaiseFault(Policy):
    element: ClassVar[str] = "RaiseFault"
    children: ClassVar[tuple[str, ...]] = ("FaultResponse", "IgnoreUnresolvedVariables", "ShortFaultReason")

    actions: tuple[Any, ...]
    ignore_unresolved: bool
    short: bool

    @classmethod
    def parse(cls, node: Node) -> dict:
        response = node.child("FaultResponse")
        if response is not None:
            response.check(children=ACTIONS)
        return {
            "actions": read_actions(response) if response is not None else (),
            "ignore_unresolved": node.boolean(node.child_text("IgnoreUnresolvedVariables"), False,
                                              "IgnoreUnresolvedVariables"),
            "short": node.boolean(node.child_text("ShortFaultReason"), False, "ShortFaultReason")}

    def execute(self, context: Context) -> None:
        text = "Raising fault." if self.short else f"Raising fault. Fault name : {self.name}"
        fault = Fault(500, f"{_CODES}.RaiseFault", text)
        message = Message("response", status=500)
        scope = Scope(context, self.name, _CODES, self.ignore_unresolved)
        for action in self.actions:
            action.apply(scope, message)
        if not any(isinstance(action, Assign) and action.payload for action in self.actions) and not message.body:
            message.body = fault.body()
            message.headers.setdefault("Content-Type", "application/json")
        fault.status = message.status
        fault.response = message
        context.variables.record(f"raisefault.{self.name}", failed=True)
        raise fault

