# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps, wherever they stand: in a flow, a fault rule or a shared flow. And the calls of shared flows.

Sources: Apigee "FlowCallout policy" and its runtime errors (flow.SharedFlowNotFound); "Attaching a shared
flow using a flow hook". A shared flow sees and sets the variables of the proxy that calls it.
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from testbed.apigee import faults
from testbed.apigee.faults import Fault

if TYPE_CHECKING:
    from testbed.apigee.bundle.model import Step
    from testbed.apigee.context import Context
    from testbed.apigee.policies.base import Policy


def run(context: Context, policies: Mapping[str, Policy], steps: Iterable[Step], where: str) -> None:
    """Execute steps in order; ``where`` is their place, for traces. Raises Fault."""
    for step in steps:
        policy = policies[step.policy]
        facts = {"name": policy.name, "type": policy.element, "flow": where}
        if not policy.enabled:
            continue
        if step.condition is not None and not step.condition.evaluate(context.get):
            context.trace.add("policy", **facts, result="skipped")
            continue
        try:
            policy.execute(context)
        except Fault as fault:
            fault.raised_by = fault.raised_by or policy.name
            context.trace.add("policy", **facts, result="fault", fault=fault.errorcode)
            if not policy.continue_on_error:
                raise
        else:
            context.trace.add("policy", **facts, result="executed")


def call_shared_flow(context: Context, name: str) -> None:
    """Execute the shared flow that is deployed under a name in the request's environment. Raises Fault."""
    found = context.shared_flows.get(name)
    if found is None:
        raise faults.shared_flow_not_found(name)
    if name in context.calling:
        raise faults.unsupported(f"a shared flow that calls itself ({name})")
    context.calling.append(name)
    try:
        run(context, found.bundle.policies, found.bundle.steps, f"shared flow {name} revision {found.revision}")
    finally:
        context.calling.pop()


def run_hook(context: Context, point: str) -> None:
    """Execute what is attached to a flow hook of the environment, if anything is. Raises Fault.

    With continueOnError a fault in it is forgotten, and the message goes on as the shared flow left it.
    """
    hook = context.flow_hooks.get(point)
    if hook is None:
        return
    facts = {"name": point, "type": "FlowHook", "flow": hook.shared_flow}
    try:
        call_shared_flow(context, hook.shared_flow)
    except Fault as fault:
        context.trace.add("policy", **facts, result="fault", fault=fault.errorcode)
        if not hook.continue_on_error:
            raise
    else:
        context.trace.add("policy", **facts, result="executed")
