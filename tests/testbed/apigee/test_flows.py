# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Order of flows, conditional flows, routes, and fault rules."""
from __future__ import annotations

from aiohttp import web

from .bundles import archive, assign, bundle, properties, proxy_xml, show, steps, target_xml
from .conftest import HOST, backend, serve


def mark(name: str) -> str:
    """A policy that notes its turn in a variable; ``x-order`` shows it to the target and the client."""
    return assign(name, f"<AssignVariable><Name>order</Name><Template>{{order}}{name} </Template></AssignVariable>"
                        '<Set><Headers><Header name="X-Order">{order}</Header></Headers></Set>'
                        "<IgnoreUnresolvedVariables>true</IgnoreUnresolvedVariables>")


def conditional(name: str, condition: str, request: str = "", response: str = "") -> str:
    return (f'<Flow name="{name}"><Condition>{condition}</Condition><Request>{request}</Request>'
            f"<Response>{response}</Response></Flow>")


async def test_flows_run_in_apigees_order(bench, target):
    names = ["p-pre", "p-flow", "p-post", "t-pre", "t-pre-r", "p-pre-r", "p-flow-r", "p-post-r", "never"]
    proxy = proxy_xml(
        pre=steps("p-pre"), pre_response=steps("p-pre-r"), post=steps("p-post"), post_response=steps("p-post-r"),
        flows=conditional("no", 'request.verb = "PUT"', steps("never"))
        + conditional("yes", 'request.verb = "GET"', steps("p-flow"), steps("p-flow-r"))
        + conditional("second", "true", steps("never"), steps("never")))
    data = bundle(proxy, target_xml(pre=steps("t-pre"), pre_response=steps("t-pre-r")),
                  {name: mark(name) for name in names})
    await bench.serve(data, servers=[backend(target)])

    reply = await bench.call("/demo")

    assert reply.json()["headers"]["X-Order"].split() == ["p-pre", "p-flow", "p-post", "t-pre"]
    assert reply.headers["X-Order"].split() == ["p-pre", "p-flow", "p-post", "t-pre", "t-pre-r", "p-pre-r", "p-flow-r",
                                                "p-post-r"]


async def test_a_conditional_flow_sees_what_pre_flow_did(bench, target):
    await serve(bench, target, proxy_xml(
        pre=steps("set"), flows=conditional("yes", 'mine = "1"', steps("seen"))),
        assign("set", "<AssignVariable><Name>mine</Name><Value>1</Value></AssignVariable>"), mark("seen"))

    assert (await bench.call("/demo")).json()["headers"]["X-Order"] == "seen"


async def test_routes_are_tried_in_order(bench, target):
    bench.dns.records["other.example.internal"] = (10, ["127.0.0.1"])
    routes = ('<RouteRule name="none"><Condition>request.header.x-route = "none"</Condition></RouteRule>'
              '<RouteRule name="url"><Condition>request.header.x-route = "url"</Condition>'
              f"<URL>http://other.example.internal:{target.port}/direct</URL></RouteRule>"
              '<RouteRule name="default"><Condition>request.header.x-route != "fail"</Condition>'
              "<TargetEndpoint>default</TargetEndpoint></RouteRule>")
    await serve(bench, target, proxy_xml(routes=routes))

    assert (await bench.call("/demo/x")).json()["path"] == "/x"
    assert (await bench.call("/demo/x", headers={"X-Route": "url"})).json()["path"] == "/direct/x"
    nothing = await bench.call("/demo/x", headers={"X-Route": "none"})
    assert (nothing.status, nothing.body) == (200, b"")
    failed = await bench.call("/demo/x", headers={"X-Route": "fail"})
    assert (failed.status, failed.errorcode) == (500, "messaging.runtime.RouteFailed")


async def test_path_suffix_and_query_can_be_kept_back(bench, target):
    stop = assign("stop", "<AssignVariable><Name>target.copy.pathsuffix</Name><Value>false</Value></AssignVariable>"
                  "<AssignVariable><Name>target.copy.queryparams</Name><Value>false</Value></AssignVariable>")
    data = bundle(proxy_xml(), target_xml('<LoadBalancer><Server name="backend"/></LoadBalancer><Path>/fixed</Path>',
                                          pre=steps('stop if request.queryparam.stop = "1"')), {"stop": stop})
    await bench.serve(data, servers=[backend(target)])

    assert (await bench.call("/demo/x?a=1")).json()["path"] == "/fixed/x?a=1"
    assert (await bench.call("/demo/x?stop=1")).json()["path"] == "/fixed"


async def test_target_url_can_be_set_by_a_policy(bench, target):
    bench.dns.records["dynamic.example.internal"] = (10, ["127.0.0.1"])
    url = f"http://dynamic.example.internal:{target.port}/{{request.queryparam.to}}"
    policy = assign("go", f"<AssignVariable><Name>target.url</Name><Template>{url}</Template></AssignVariable>")
    await bench.serve(bundle(proxy_xml(), target_xml(pre=steps("go")), {"go": policy}), servers=[backend(target)])

    assert (await bench.call("/demo?to=here")).json()["path"] == "/here?to=here"
    assert bench.dns.questions == ["dynamic.example.internal"]


async def test_variables_of_the_request(bench, target):
    names = ("client.ip", "client.scheme", "proxy.basepath", "proxy.pathsuffix", "environment.name",
             "organization.name", "apiproxy.name", "apiproxy.revision", "request.verb", "request.uri",
             "request.queryparam.a", "request.header.x-list", "request.header.x-list.values.count",
             "request.header.x-list.values.string",
             "system.region.name", "route.name", "target.host", "response.status.code")
    await serve(bench, target, proxy_xml(post_response=steps("show")), show(*names))

    reply = await bench.call("/demo/p%20q?a=b%20c", headers={"X-List": "one, two"})

    assert reply.json() == {
        "client.ip": "127.0.0.1", "client.scheme": "http", "proxy.basepath": "/demo", "proxy.pathsuffix": "/p%20q",
        "environment.name": "test", "organization.name": "acme", "apiproxy.name": "demo", "apiproxy.revision": "1",
        "request.verb": "GET", "request.uri": "/demo/p%20q?a=b%20c", "request.queryparam.a": "b c",
        "request.header.x-list": "one", "request.header.x-list.values.count": "2",
        "request.header.x-list.values.string": "one, two", "system.region.name": "europe-west1",
        "route.name": "default", "target.host": HOST, "response.status.code": "200"}


# Fault rules -------------------------------------------------------------------------------------------------------


def rule(name: str, condition: str, *policies: str) -> str:
    when = f"<Condition>{condition}</Condition>" if condition else ""
    return f'<FaultRule name="{name}">{steps(*policies)}{when}</FaultRule>'


def answer(name: str, status: int = 200) -> str:
    return assign(name, f"<Set><StatusCode>{status}</StatusCode>"
                        f"<Payload>{name} {{fault.name}} {{error.state}}</Payload></Set>")


async def test_a_fault_rule_shapes_the_response(bench, target):
    rules = f"<FaultRules>{rule('raise', 'fault.name = &quot;RaiseFault&quot;', 'shape')}</FaultRules>"
    await serve(bench, target, proxy_xml(rules=rules, pre=steps("stop")), '<RaiseFault name="stop"/>',
                answer("shape", 503))

    reply = await bench.call("/demo")

    assert (reply.status, reply.body) == (503, b"shape RaiseFault PROXY_REQ_FLOW")


async def test_proxy_rules_are_tried_from_the_last_target_rules_from_the_first(bench, target):
    rules = f"<FaultRules>{rule('one', 'true', 'first')}{rule('two', 'true', 'second')}</FaultRules>"
    policies = {"first": answer("first"), "second": answer("second"), "stop": '<RaiseFault name="stop"/>'}
    await bench.serve(bundle(proxy_xml(rules=rules, pre=steps("stop")), policies=policies), servers=[backend(target)])
    assert (await bench.call("/demo")).body == b"second RaiseFault PROXY_REQ_FLOW"

    await bench.serve(bundle(proxy_xml(), target_xml(rules=rules, pre_response=steps("stop")), policies),
                      servers=[backend(target)])
    assert (await bench.call("/demo")).body == b"first RaiseFault TARGET_RESP_FLOW"


async def test_the_default_rule_runs_when_no_other_does_or_always(bench, target):
    def proxy(always: str) -> str:
        rules = (f"<FaultRules>{rule('one', 'request.header.x-one != null', 'first')}</FaultRules>"
                 f'<DefaultFaultRule name="d">{steps("last")}<AlwaysEnforce>{always}</AlwaysEnforce>'
                 "</DefaultFaultRule>")
        return proxy_xml(rules=rules, pre=steps("stop"))
    policies = ('<RaiseFault name="stop"/>', answer("first"),
                assign("last", '<Set><Headers><Header name="X-Last">1</Header></Headers></Set>'))
    await serve(bench, target, proxy("false"), *policies)
    assert "X-Last" in (await bench.call("/demo")).headers
    assert "X-Last" not in (await bench.call("/demo", headers={"X-One": "1"})).headers

    await serve(bench, target, proxy("true"), *policies)
    reply = await bench.call("/demo", headers={"X-One": "1"})
    assert reply.headers["X-Last"] == "1"
    assert reply.body == b"first RaiseFault PROXY_REQ_FLOW"


async def test_an_error_status_of_the_target_is_a_fault_with_its_own_response(bench):
    async def handler(_request):
        return web.json_response({"own": "answer"}, status=404, headers={"X-Own": "1"})
    failing = await bench.target(handler=handler)
    bench.dns.records[HOST] = (10, ["127.0.0.1"])
    policies = {"mark": assign("mark", '<Set><Headers><Header name="X-Normal">1</Header></Headers></Set>'),
                "rule": assign("rule", '<Set><Headers><Header name="X-Rule">{fault.name}</Header></Headers></Set>')}
    rules = f"<FaultRules>{rule('r', 'response.status.code = 404', 'rule')}</FaultRules>"
    proxy = proxy_xml(post_response=steps("mark"))
    await bench.serve(bundle(proxy, target_xml(rules=rules), policies), servers=[backend(failing)])

    reply = await bench.call("/demo")

    assert (reply.status, reply.json(), reply.headers["X-Own"]) == (404, {"own": "answer"}, "1")
    assert reply.headers["X-Rule"] == "ErrorResponseCode"
    assert "X-Normal" not in reply.headers

    codes = properties(success__codes="1xx,2xx,3xx,404")
    await bench.serve(bundle(proxy, target_xml(properties=codes), policies), servers=[backend(failing)])
    reply = await bench.call("/demo")
    assert (reply.status, reply.headers["X-Normal"]) == (404, "1")


async def test_two_proxy_endpoints_of_one_bundle(bench, target):
    files = {"apiproxy/demo.xml": '<APIProxy name="demo"/>', "apiproxy/proxies/a.xml": proxy_xml("/a", name="a"),
             "apiproxy/proxies/b.xml": proxy_xml("/b/*/c", name="b"), "apiproxy/targets/default.xml": target_xml()}
    await bench.serve(archive(files), servers=[backend(target)])

    assert (await bench.call("/a/x")).json()["path"] == "/x"
    assert (await bench.call("/b/anything/c/x")).json()["path"] == "/x"
    assert (await bench.call("/b/anything/d")).status == 404
