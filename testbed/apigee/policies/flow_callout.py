# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""FlowCallout: calls a shared flow of the environment. Source: Apigee "FlowCallout policy".

Parameters (their form: apigee/apigee-go-gen, docs/policies.md) become variables of the flow under their own names.
Nothing published says that they are taken away afterwards, so they stay.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from testbed.apigee import steps
from testbed.apigee.bundle.xml import Node
from testbed.apigee.faults import Fault
from testbed.apigee.policies.base import Policy
from testbed.apigee.policies.values import Reference
from testbed.apigee.variables import ReadOnlyVariable

if TYPE_CHECKING:
    from testbed.apigee.context import Context


@dataclass(frozen=True)
class FlowCallout(Policy):
    element: ClassVar[str] = "FlowCallout"
    children: ClassVar[tuple[str, ...]] = ("SharedFlowBundle", "Parameters")

    shared_flow: str
    parameters: tuple[tuple[str, Reference], ...]

    @classmethod
    def parse(cls, node: Node) -> dict:
        name = node.child_text("SharedFlowBundle")
        if not name:
            node.invalid("SharedFlowBundle must name a shared flow")
        return {"shared_flow": name or "", "parameters": _parameters(node.child("Parameters"))}

    def execute(self, context: Context) -> None:
        for name, reference in self.parameters:
            value = reference.resolve(context)
            if value is None:
                continue
            try:
                context.set(name, value)
            except ReadOnlyVariable:
                raise Fault(500, "steps.flowcallout.SetVariableFailed",
                            f"Failed to set variable {name} from policy {self.name}") from None
        steps.call_shared_flow(context, self.shared_flow)


def _parameters(node: Node | None) -> tuple[tuple[str, Reference], ...]:
    if node is None:
        return ()
    node.check(children=("Parameter",))
    found = []
    for child in node.all("Parameter"):
        child.check(attributes=("name", "value", "ref"))
        name = child.attribute("name")
        if not name:
            child.invalid("Parameter without name")
            continue
        found.append((name, Reference(child.attribute("ref") or None, child.attribute("value") or child.text or None)))
    return tuple(found)
