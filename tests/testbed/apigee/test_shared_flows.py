# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shared flows: called by FlowCallout and by flow hooks; and property sets, which they read."""
from __future__ import annotations

import pytest

from .bundles import archive, assign, bundle, callout, proxy_xml, shared_flow_bundle, steps, target_xml, with_policies
from .conftest import backend

POINTS = ("PreProxyFlowHook", "PreTargetFlowHook", "PostTargetFlowHook", "PostProxyFlowHook")
RAISE = ('<RaiseFault name="stop"><FaultResponse><Set><StatusCode>418</StatusCode><Payload>stopped</Payload></Set>'
         "</FaultResponse></RaiseFault>")


def mark(name: str) -> str:
    """A policy that notes its turn in the header X-Order of the message."""
    return assign(name, f"<AssignVariable><Name>order</Name><Template>{{order}}{name} </Template></AssignVariable>"
                        '<Set><Headers><Header name="X-Order">{order}</Header></Headers></Set>'
                        "<IgnoreUnresolvedVariables>true</IgnoreUnresolvedVariables>")


def header(name: str, value: str) -> str:
    return assign("put", f'<Set><Headers><Header name="{name}">{value}</Header></Headers></Set>'
                         "<IgnoreUnresolvedVariables>true</IgnoreUnresolvedVariables>")


async def serve(bench, target, proxy: bytes, flows: dict[str, bytes] | None = None, **environment) -> None:
    await bench.serve(proxy, servers=[backend(target)], shared_flows=flows, environment=environment)


def calling(*policies: str, rules: str = "") -> bytes:
    return with_policies(proxy_xml(pre=steps("call"), rules=rules), *policies)


async def test_a_flow_runs_in_the_place_of_its_callout(bench, target):
    flow = shared_flow_bundle(steps("a", 'never if request.verb = "PUT"', "b"), mark("a"), mark("b"), mark("never"))
    proxy = with_policies(proxy_xml(pre=steps("before", "call", "after")),
                          mark("before"), callout("call", "guard"), mark("after"))
    await serve(bench, target, proxy, {"guard": flow})
    reply = await bench.call("/demo", headers={"X-Testbed-Trace": "t"})
    assert reply.json()["headers"]["X-Order"].split() == ["before", "a", "b", "after"]
    hops = [(hop["name"], hop["flow"], hop["result"]) for hop in (await bench.trace("t"))["hops"]
            if hop["kind"] == "policy"]
    assert hops[1:5] == [
        ("a", "shared flow guard revision 1", "executed"), ("never", "shared flow guard revision 1", "skipped"),
        ("b", "shared flow guard revision 1", "executed"), ("call", "proxy default PreFlow request", "executed")]


async def test_parameters_are_variables_of_the_flow(bench, target):
    flow = shared_flow_bundle(steps("put"), header("X-Given", "{one} {two} {three} {apiproxy.name}"))
    parameters = ('<Parameter name="one" value="literal"/><Parameter name="two" ref="request.header.x-two"/>'
                  '<Parameter name="three" ref="request.header.x-three" value="otherwise"/>')
    await serve(bench, target, calling(callout("call", "guard", parameters)), {"guard": flow})
    reply = await bench.call("/demo", headers={"X-Two": "sent"})
    assert reply.json()["headers"]["X-Given"] == "literal sent otherwise demo"


async def test_a_flow_calls_another(bench, target):
    outer = shared_flow_bundle(steps("in"), callout("in", "inner"))
    inner = shared_flow_bundle(steps("a"), mark("a"))
    await serve(bench, target, calling(callout("call", "outer")), {"outer": outer, "inner": inner})
    assert (await bench.call("/demo")).json()["headers"]["X-Order"] == "a"


async def test_a_missing_flow_is_apigees_fault(bench, target):
    await serve(bench, target, calling(callout("call", "gone")))
    reply = await bench.call("/demo")
    assert (reply.status, reply.json()) == (500, {"fault": {
        "faultstring": "Shared Flow gone Not Found", "detail": {"errorcode": "flow.SharedFlowNotFound"}}})


async def test_a_flow_that_calls_itself_ends(bench, target):
    flow = shared_flow_bundle(steps("in"), callout("in", "guard"))
    await serve(bench, target, calling(callout("call", "guard")), {"guard": flow})
    assert (await bench.call("/demo")).errorcode == "testbed.apigee.Unsupported"


async def test_a_fault_in_a_flow_reaches_the_fault_rules_of_the_proxy(bench, target):
    flow = shared_flow_bundle(steps("stop"), RAISE)
    rules = (f'<FaultRules><FaultRule name="ours"><Condition>fault.name = "RaiseFault"</Condition>{steps("put")}'
             "</FaultRule></FaultRules>")
    proxy = calling(callout("call", "guard"), header("X-Rule", "ran"), rules=rules)
    await serve(bench, target, proxy, {"guard": flow})
    reply = await bench.call("/demo")
    assert (reply.status, reply.body, reply.headers["X-Rule"]) == (418, b"stopped", "ran")


async def test_a_callout_may_go_on_after_a_fault(bench, target):
    flow = shared_flow_bundle(steps("a", "stop", "b"), mark("a"), RAISE, mark("b"))
    await serve(bench, target, calling(callout("call", "guard", attributes='continueOnError="true"')), {"guard": flow})
    reply = await bench.call("/demo")
    assert (reply.status, reply.json()["headers"]["X-Order"]) == (200, "a")


@pytest.fixture
def marks() -> dict[str, bytes]:
    """A shared flow for each point."""
    return {point: shared_flow_bundle(steps(point), mark(point)) for point in POINTS}


async def test_hooks_run_around_the_proxy_and_around_the_target(bench, target, marks):
    names = ("p-pre", "t-pre", "t-pre-r", "p-pre-r")
    proxy = bundle(proxy_xml(pre=steps("p-pre"), pre_response=steps("p-pre-r")),
                   target_xml(pre=steps("t-pre"), pre_response=steps("t-pre-r")), {name: mark(name) for name in names})
    hooks = [{"flowHookPoint": point, "sharedFlow": point} for point in POINTS]
    await serve(bench, target, proxy, marks, flow_hooks=hooks)
    reply = await bench.call("/demo")
    assert reply.headers["X-Order"].split() == [
        "PreProxyFlowHook", "p-pre", "PreTargetFlowHook", "t-pre", "t-pre-r", "PostTargetFlowHook", "p-pre-r",
        "PostProxyFlowHook"]


async def test_hooks_of_the_target_need_a_target(bench, target, marks):
    proxy = with_policies(proxy_xml(routes='<RouteRule name="none"/>'))
    hooks = [{"flowHookPoint": point, "sharedFlow": point} for point in POINTS]
    await serve(bench, target, proxy, marks, flow_hooks=hooks)
    assert (await bench.call("/demo")).headers["X-Order"].split() == ["PreProxyFlowHook", "PostProxyFlowHook"]


@pytest.mark.parametrize("point", POINTS)
async def test_a_hook_that_may_not_fail_rejects_the_message_past_the_fault_rules(bench, target, point):
    flow = shared_flow_bundle(steps("stop"), RAISE)
    rules = f'<FaultRules><FaultRule name="ours">{steps("put")}</FaultRule></FaultRules>'
    proxy = with_policies(proxy_xml(rules=rules), header("X-Rule", "ran"))
    await serve(bench, target, proxy, {"guard": flow},
                flow_hooks=[{"flowHookPoint": point, "sharedFlow": "guard", "continueOnError": False}])
    reply = await bench.call("/demo")
    assert (reply.status, reply.body, reply.headers.get("X-Rule")) == (418, b"stopped", None)


@pytest.mark.parametrize("flow", ["guard", "gone"])
async def test_a_hook_that_may_fail_does_not_stop_the_message(bench, target, flow):
    data = shared_flow_bundle(steps("a", "stop"), mark("a"), RAISE)
    await serve(bench, target, with_policies(proxy_xml()), {"guard": data},
                flow_hooks=[{"flowHookPoint": "PreProxyFlowHook", "sharedFlow": flow}])
    reply = await bench.call("/demo", headers={"X-Testbed-Trace": "t"})
    assert (reply.status, reply.json()["headers"].get("X-Order")) == (200, "a" if flow == "guard" else None)
    hook, = [hop for hop in (await bench.trace("t"))["hops"] if hop.get("type") == "FlowHook"]
    assert (hook["name"], hook["flow"], hook["result"]) == ("PreProxyFlowHook", flow, "fault")


async def test_property_sets_of_the_bundle_go_before_those_of_the_environment(bench, target):
    policy = header("X-Sets", "{propertyset.mine.a.b}|{propertyset.mine.c}|{propertyset.other.a}|{propertyset.none.a}")
    proxy = bundle(proxy_xml(pre=steps("put")), None, {"put": policy},
                   **{"apiproxy/resources/properties/mine.properties": "# ours\n\na.b = of the proxy\n"})
    sets = {"mine": "a.b=of the environment\nc=never", "other": "! note\na: plain"}
    await serve(bench, target, proxy, resource_files={"properties": sets})
    assert (await bench.call("/demo")).json()["headers"]["X-Sets"] == "of the proxy||plain|"


async def test_property_sets_cannot_be_written(bench, target):
    policy = assign("put", "<AssignVariable><Name>propertyset.mine.a</Name><Value>1</Value></AssignVariable>")
    await serve(bench, target, with_policies(proxy_xml(pre=steps("put")), policy))
    assert (await bench.call("/demo")).errorcode == "steps.assignmessage.SetVariableFailed"


async def test_a_bundle_of_the_other_kind_is_an_error(bench, target):
    flow = shared_flow_bundle(steps("a"), mark("a"))
    report = await bench.deploy(flow, shared_flows={"guard": bundle()}, servers=[backend(target)])
    assert [entry["errors"] for entry in report["deployments"] + report["shared_flows"]] == [
        ["the bundle is a SharedFlowBundle, not a Bundle"], ["the bundle is a Bundle, not a SharedFlowBundle"]]


async def test_what_a_flow_cannot_execute_is_reported(bench, target):
    script = '<Javascript name="js"><ResourceURL>jsc://a.js</ResourceURL></Javascript>'
    flow = archive({"sharedflowbundle/flow.xml": '<SharedFlowBundle name="flow"/>',
                    "sharedflowbundle/sharedflows/default.xml": '<SharedFlow name="default"/>',
                    "sharedflowbundle/policies/js.xml": script, "sharedflowbundle/resources/jsc/a.js": "1"})
    report = await bench.deploy(shared_flows={"guard": flow})
    entry, = report["shared_flows"]
    assert entry["state"] == "ERROR"
    assert "Javascript is not executed" in entry["errors"][0]
