# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Order of execution: flow hooks, flows, routes, target, and the fault rules when something fails.

Source: Apigee "Controlling how a proxy executes with flows" and "Handling faults". Fault rules of a ProxyEndpoint are
looked at from the last to the first, those of a TargetEndpoint from the first to the last; the first whose condition
holds is executed, then the default rule if none held or if it always enforces.
"""
from __future__ import annotations

from typing import TYPE_CHECKING

from multidict import CIMultiDict

from testbed.apigee import faults
from testbed.apigee.bundle.model import Endpoint, FaultRule, Flow, ProxyEndpoint, Step, TargetEndpoint
from testbed.apigee.context import Context
from testbed.apigee.faults import Fault
from testbed.apigee.messages import Message
from testbed.apigee.model_defaults import url_endpoint
from testbed.apigee.steps import run, run_hook
from testbed.apigee.streams import Releases

if TYPE_CHECKING:
    from testbed.apigee.target import TargetClient


class _Rejected(Exception):
    """A flow hook ended the request with a fault."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


class FlowExecutor:
    """Executes one proxy for one request."""

    def __init__(self, targets: TargetClient) -> None:
        self._targets = targets

    async def execute(self, context: Context, endpoint: ProxyEndpoint, releases: Releases) -> Message:
        """The response for the client; faults are part of it, never raised."""
        current: Endpoint = endpoint
        try:
            self._hook(context, "PreProxyFlowHook")
            self._run(context, endpoint, "request")
            target = self._route(context, endpoint)
            if target is None:
                context.response = Message("response", status=200)
            else:
                current = target
                self._hook(context, "PreTargetFlowHook")
                self._run(context, target, "request")
                context.response = await self._targets.call(context, target, releases)
                _check_status(context.response, target)
                context.phase = "response"
                self._run(context, target, "response")
                self._hook(context, "PostTargetFlowHook")
                current = endpoint
            context.phase = "response"
            self._run(context, endpoint, "response")
            self._hook(context, "PostProxyFlowHook")
            return context.response
        except _Rejected as rejected:
            return self._reject(context, current, rejected.fault)
        except Fault as fault:
            return self._fault(context, current, fault)

    @staticmethod
    def _hook(context: Context, point: str) -> None:
        """A flow hook: its fault is no business of the proxy's fault rules."""
        try:
            run_hook(context, point)
        except Fault as fault:
            raise _Rejected(fault) from fault

    def _reject(self, context: Context, endpoint: Endpoint, fault: Fault) -> Message:
        """What a fault in a flow hook gives the client: the fault as it is, for "the message will be rejected and
        fault will be sent back to the caller" (Apigee, "Attaching a shared flow using a flow hook").
        """
        state = _state(endpoint, context.phase)
        context.phase = "error"
        self._enter(context, fault, state)
        context.trace.add("fault", status=fault.status, errorcode=fault.errorcode, faultstring=fault.faultstring,
                          reason=fault.reason, policy=fault.raised_by)
        return context.error or default_response(fault)

    # Flows ---------------------------------------------------------------------------------------------------------

    def _run(self, context: Context, endpoint: Endpoint, half: str) -> None:
        """PreFlow, the first conditional flow that holds, PostFlow."""
        self._flow(context, endpoint, endpoint.pre_flow, half)
        # Only now: the conditions see what PreFlow did.
        chosen = next((flow for flow in endpoint.flows if flow.condition is None
                       or flow.condition.evaluate(context.get)), None)
        if chosen is not None:
            self._flow(context, endpoint, chosen, half)
        self._flow(context, endpoint, endpoint.post_flow, half)

    def _flow(self, context: Context, endpoint: Endpoint, flow: Flow, half: str) -> None:
        context.variables.provide(current={"flow.name": flow.name})
        self._steps(context, endpoint, flow.request if half == "request" else flow.response, f"{flow.name} {half}")

    @staticmethod
    def _steps(context: Context, endpoint: Endpoint, steps: tuple[Step, ...], where: str) -> None:
        kind = "proxy" if isinstance(endpoint, ProxyEndpoint) else "target"
        run(context, context.deployment.bundle.policies, steps, f"{kind} {endpoint.name} {where}")

    @staticmethod
    def _route(context: Context, endpoint: ProxyEndpoint) -> TargetEndpoint | None:
        for rule in endpoint.route_rules:
            if rule.condition is not None and not rule.condition.evaluate(context.get):
                continue
            context.variables.provide(route={"name": rule.name, "target": rule.target_endpoint})
            context.trace.add("route", name=rule.name, target=rule.target_endpoint or rule.url)
            if rule.target_endpoint:
                return context.deployment.bundle.target_endpoints[rule.target_endpoint]
            return url_endpoint(rule.url) if rule.url else None
        if endpoint.route_rules:
            raise faults.route_failed()
        return None

    # Faults --------------------------------------------------------------------------------------------------------

    def _fault(self, context: Context, endpoint: Endpoint, fault: Fault) -> Message:
        state = _state(endpoint, context.phase)
        context.phase = "error"
        self._enter(context, fault, state)
        rules = endpoint.fault_rules
        if isinstance(endpoint, ProxyEndpoint):
            rules = tuple(reversed(rules))
        default = endpoint.default_fault_rule
        try:
            chosen = next((rule for rule in rules if _holds(context, rule)), None)
            if chosen is not None:
                self._steps(context, endpoint, chosen.steps, f"FaultRule {chosen.name}")
            if default is not None and (chosen is None or default.always_enforce) and _holds(context, default):
                self._steps(context, endpoint, default.steps, f"DefaultFaultRule {default.name}")
        except Fault as second:
            # A fault inside a fault rule ends the error flow with its own response.
            self._enter(context, second, state)
        context.trace.add("fault", status=context.error.status if context.error else None, errorcode=fault.errorcode,
                          faultstring=fault.faultstring, reason=fault.reason, policy=fault.raised_by)
        return context.error or default_response(fault)

    @staticmethod
    def _enter(context: Context, fault: Fault, state: str) -> None:
        context.fault = fault
        context.error = fault.response or default_response(fault)
        context.variables.provide(
            fault={"name": fault.name, "reason": fault.reason, "code": fault.errorcode, "string": fault.faultstring},
            error={"message": fault.faultstring, "state": state})
        context.variables.provide(**{"is": {"error": True}})


def _state(endpoint: Endpoint, phase: str) -> str:
    """Value of error.state."""
    side = "PROXY" if isinstance(endpoint, ProxyEndpoint) else "TARGET"
    return f"{side}_{'RESP' if phase == 'response' else 'REQ'}_FLOW"


def _holds(context: Context, rule: FaultRule) -> bool:
    return rule.condition is None or rule.condition.evaluate(context.get)


def default_response(fault: Fault) -> Message:
    return Message("response", status=fault.status, body=fault.body(),
                   headers=CIMultiDict({"Content-Type": "application/json"}))


def _check_status(response: Message, target: TargetEndpoint) -> None:
    """A status outside success.codes (1xx to 3xx by default) is a fault whose response is the target's own."""
    patterns = [part.strip().lower() for part in target.properties.get("success.codes", "1xx,2xx,3xx").split(",")]
    code = str(response.status)
    if not any(pattern == code or (pattern.endswith("xx") and pattern[:1] == code[:1]) for pattern in patterns):
        raise faults.error_response_code(response)
