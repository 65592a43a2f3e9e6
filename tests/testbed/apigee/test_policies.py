# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each policy against a running runtime: what it changes, and the fault of each of its failures."""
from __future__ import annotations

import pytest

from .bundles import assign, proxy_xml, show, steps
from .conftest import serve

# AssignMessage -----------------------------------------------------------------------------------------------------


async def test_assign_message_changes_the_request(bench, target):
    policy = assign("change", """
        <Remove><Headers><Header name="X-Secret"/></Headers>
                <QueryParams><QueryParam name="drop"/></QueryParams></Remove>
        <Set><Headers><Header name="X-Set">{request.verb}</Header></Headers>
             <QueryParams><QueryParam name="q">a b</QueryParam></QueryParams>
             <Verb>PUT</Verb><Payload contentType="text/plain">from {client.ip}</Payload></Set>
        <Add><Headers><Header name="X-Added">1</Header></Headers></Add>""")
    await serve(bench, target, proxy_xml(pre=steps("change")), policy)

    echo = (await bench.call("/demo?q=1&drop=2&keep=3", "POST", data=b"x",
                             headers={"X-Secret": "s", "X-Set": "old", "X-Added": "0"})).json()

    assert echo["method"] == "PUT"
    assert echo["path"] == "/?keep=3&q=a+b"
    assert echo["body"] == "from 127.0.0.1"
    assert echo["headers"]["Content-Type"] == "text/plain"
    assert echo["headers"]["X-Set"] == "POST"
    assert "X-Secret" not in echo["headers"]


async def test_assign_message_changes_the_response(bench, target):
    policy = assign("change", """<Set><StatusCode>202</StatusCode><ReasonPhrase>Later</ReasonPhrase>
        <Payload contentType="application/json">{"seen": "{response.status.code}"}</Payload></Set>""")
    await serve(bench, target, proxy_xml(post_response=steps("change")), policy)

    reply = await bench.call("/demo")

    assert (reply.status, reply.reason, reply.json()) == (202, "Later", {"seen": "200"})


async def test_assign_variable_takes_reference_then_template_then_value(bench, target):
    policy = assign("vars", """
        <AssignVariable><Name>one</Name><Ref>request.header.x-a</Ref><Value>default</Value></AssignVariable>
        <AssignVariable><Name>two</Name><Ref>request.header.x-none</Ref><Value>default</Value></AssignVariable>
        <AssignVariable><Name>three</Name><Template>{one}-{toUpperCase(two)}</Template></AssignVariable>""")
    await serve(bench, target, proxy_xml(pre=steps("vars"), post_response=steps("show")), policy,
                show("one", "two", "three"))

    reply = await bench.call("/demo", headers={"X-A": "a"})

    assert reply.json() == {"one": "a", "two": "default", "three": "a-DEFAULT"}


async def test_assign_message_makes_a_message_of_its_own_and_copies(bench, target):
    make = assign("make", """<AssignTo createNew="true" type="request">mine</AssignTo>
        <Copy source="request"><Headers><Header name="X-A"/></Headers><Payload>true</Payload>
        <Verb>true</Verb></Copy>""")
    await serve(bench, target, proxy_xml(pre=steps("make"), post_response=steps("show")), make,
                show("mine.header.x-a", "mine.content", "mine.verb", "mine.header.x-b"))

    reply = await bench.call("/demo", "POST", data=b"body", headers={"X-A": "a", "X-B": "b"})

    assert reply.json() == {"mine.header.x-a": "a", "mine.content": "body", "mine.verb": "POST", "mine.header.x-b": ""}


async def test_the_policy_that_apigees_editor_starts_with_changes_nothing(bench, target):
    """Transcribed from the editor's template for AssignMessage."""
    policy = """<AssignMessage async="false" continueOnError="false" enabled="true" name="start"><Properties/>
        <Copy source="request"><Headers/><QueryParams/><FormParams/><Payload/><Verb/><StatusCode/><Path/></Copy>
        <Remove><Headers><Header name="h1"/></Headers><QueryParams><QueryParam name="q1"/></QueryParams>
        <Payload/></Remove><Add><Headers/><QueryParams/><FormParams/></Add>
        <Set><Headers/><QueryParams/><FormParams/><Verb/><Path/></Set>
        <AssignVariable><Name>name</Name><Value/><Ref/></AssignVariable>
        <IgnoreUnresolvedVariables>true</IgnoreUnresolvedVariables>
        <AssignTo createNew="false" transport="http" type="request"/></AssignMessage>"""
    await serve(bench, target, proxy_xml(pre=steps("start")), policy)

    echo = (await bench.call("/demo/x?a=1&a=2", "POST", data=b"body", headers={"X-A": "1"})).json()

    assert (echo["path"], echo["method"], echo["body"]) == ("/x?a=1&a=2", "POST", "body")
    assert echo["headers"]["X-A"] == "1"


async def test_assign_message_faults(bench, target):
    unresolved = assign("unresolved", '<Set><Headers><Header name="X">{nothing}</Header></Headers></Set>')
    readonly = assign("readonly", "<AssignVariable><Name>client.ip</Name><Value>1</Value></AssignVariable>")
    no_message = assign("nomessage", '<AssignTo createNew="false" type="request">none</AssignTo>'
                        "<Set><Verb>GET</Verb></Set>")
    names = [f'{name} if request.queryparam.p = "{name}"' for name in ("unresolved", "readonly", "nomessage")]
    await serve(bench, target, proxy_xml(pre=steps(*names)), unresolved, readonly, no_message)

    for name, code in (("unresolved", "UnresolvedVariable"), ("readonly", "SetVariableFailed"),
                       ("nomessage", "VariableOfNonMsgType")):
        reply = await bench.call(f"/demo?p={name}")
        assert (reply.status, reply.errorcode) == (500, f"steps.assignmessage.{code}")


# RaiseFault --------------------------------------------------------------------------------------------------------


async def test_raise_fault_answers_without_the_target(bench, target):
    policy = """<RaiseFault name="stop"><FaultResponse><Set><StatusCode>418</StatusCode>
        <ReasonPhrase>Teapot</ReasonPhrase><Headers><Header name="X-Why">{request.verb}</Header></Headers>
        <Payload contentType="text/plain">short and stout</Payload></Set></FaultResponse></RaiseFault>"""
    await serve(bench, target, proxy_xml(pre=steps('stop if request.header.x-stop = "1"')), policy)

    reply = await bench.call("/demo", headers={"X-Stop": "1"})

    assert (reply.status, reply.reason, reply.body) == (418, "Teapot", b"short and stout")
    assert reply.headers["X-Why"] == "GET"
    assert not target.requests
    assert (await bench.call("/demo")).status == 200


async def test_raise_fault_without_payload_has_the_default_body(bench, target):
    await serve(bench, target, proxy_xml(pre=steps("stop")), '<RaiseFault name="stop"/>')

    reply = await bench.call("/demo")

    assert (reply.status, reply.errorcode) == (500, "steps.raisefault.RaiseFault")
    assert reply.json()["fault"]["faultstring"] == "Raising fault. Fault name : stop"


async def test_disabled_policies_do_nothing_and_continue_on_error_goes_on(bench, target):
    await serve(bench, target, proxy_xml(pre=steps("off", "go")), '<RaiseFault name="off" enabled="false"/>',
                '<VerifyAPIKey name="go" continueOnError="true"><APIKey ref="request.header.none"/></VerifyAPIKey>')

    assert (await bench.call("/demo")).status == 200


# VerifyAPIKey ------------------------------------------------------------------------------------------------------


def identities(**changes) -> dict:
    product = {"name": "gold", "environments": ["test"], "proxies": ["demo"], "apiResources": ["/open/**"],
               "quota": "5", "quotaInterval": "1", "quotaTimeUnit": "hour", **changes.get("product", {})}
    credential = {"consumerKey": "key-1", "status": "approved", "expiresAt": "-1",
                  "apiProducts": [{"apiproduct": "gold", "status": "approved"}], **changes.get("credential", {})}
    return {
        "products": [product],
        "developers": [{"developerId": "d1", "email": "ann@example.com", "status": "active",
                        **changes.get("developer", {})}],
        "apps": [{"name": "app", "appId": "a1", "developerId": "d1", "status": "approved", "credentials": [credential],
                  "attributes": [{"name": "tier", "value": "one"}], **changes.get("app", {})}]}


VERIFY = '<VerifyAPIKey name="key"><APIKey ref="request.header.x-apikey"/></VerifyAPIKey>'


async def key_reply(bench, target, key: str | None = "key-1", path: str = "/open/x", method: str = "GET", **changes):
    await serve(bench, target, proxy_xml(pre=steps("key"), post_response=steps("show")), VERIFY,
                show("verifyapikey.key.apiproduct.name", "verifyapikey.key.developer.email", "verifyapikey.key.tier",
                     "verifyapikey.key.apiproduct.developer.quota.limit", "developer.app.name"),
                **identities(**changes))
    return await bench.call("/demo" + path, method, headers={"X-ApiKey": key} if key else {})


async def test_a_good_key_is_admitted_and_its_facts_are_variables(bench, target):
    reply = await key_reply(bench, target)

    assert reply.status == 200
    assert reply.json() == {
        "verifyapikey.key.apiproduct.name": "gold", "verifyapikey.key.developer.email": "ann@example.com",
        "verifyapikey.key.tier": "one", "verifyapikey.key.apiproduct.developer.quota.limit": "5",
        "developer.app.name": "app"}


@pytest.mark.parametrize(("arguments", "code"), [
    ({"key": None}, "steps.oauth.v2.FailedToResolveAPIKey"),
    ({"key": "other"}, "oauth.v2.InvalidApiKey"),
    ({"credential": {"expiresAt": "1000"}}, "keymanagement.service.consumer_key_expired"),
    ({"credential": {"status": "revoked"}}, "oauth.v2.ApiKeyNotApproved"),
    ({"app": {"status": "revoked"}}, "keymanagement.service.invalid_client-app_not_approved"),
    ({"developer": {"status": "inactive"}}, "keymanagement.service.DeveloperStatusNotActive"),
    ({"product": {"environments": ["prod"]}}, "oauth.v2.InvalidApiKeyForGivenResource"),
    ({"product": {"proxies": ["other"]}}, "oauth.v2.InvalidApiKeyForGivenResource"),
    ({"path": "/closed/x"}, "oauth.v2.InvalidApiKeyForGivenResource"),
])
async def test_keys_that_are_not_admitted(bench, target, arguments, code):
    reply = await key_reply(bench, target, **arguments)

    assert (reply.status, reply.errorcode) == (401, code)


async def test_a_key_without_approved_product(bench, target):
    reply = await key_reply(bench, target, credential={"apiProducts": [{"apiproduct": "gold", "status": "pending"}]})

    assert (reply.status, reply.errorcode) == (
        400, "keymanagement.service.consumer_key_missing_api_product_association")


async def test_operations_restrict_methods_and_paths(bench, target):
    group = {"operationGroup": {"operationConfigs": [
        {"apiSource": "demo", "operations": [{"resource": "/open/*", "methods": ["GET"]}]}]}}

    assert (await key_reply(bench, target, product=group)).status == 200
    assert (await key_reply(bench, target, method="POST", product=group)).status == 401
    assert (await key_reply(bench, target, path="/open/a/b", product=group)).status == 401


# SpikeArrest and Quota ---------------------------------------------------------------------------------------------


async def test_spike_arrest_smooths(bench, target):
    await serve(bench, target, proxy_xml(pre=steps("spike")),
                '<SpikeArrest name="spike"><Identifier ref="request.header.x-id"/><Rate>60pm</Rate></SpikeArrest>')

    assert (await bench.call("/demo", headers={"X-Id": "a"})).status == 200
    reply = await bench.call("/demo", headers={"X-Id": "a"})
    assert (reply.status, reply.errorcode) == (429, "policies.ratelimit.SpikeArrestViolation")
    assert "messagesPerPeriod=60, periodInMicroseconds=60000000" in reply.json()["fault"]["faultstring"]
    assert (await bench.call("/demo", headers={"X-Id": "b"})).status == 200


async def test_spike_arrest_with_effective_count_and_weight(bench, target):
    await serve(bench, target, proxy_xml(pre=steps("spike")), '<SpikeArrest name="spike"><Rate>5pm</Rate>'
                '<MessageWeight ref="request.header.weight"/><UseEffectiveCount>true</UseEffectiveCount></SpikeArrest>')

    statuses = [(await bench.call("/demo", headers={"weight": "2"})).status for _ in range(3)]
    assert statuses == [200, 200, 429]
    reply = await bench.call("/demo", headers={"weight": "1.5"})
    assert reply.errorcode == "policies.ratelimit.InvalidMessageWeight"


async def test_spike_arrest_rate_by_reference(bench, target):
    await serve(bench, target, proxy_xml(pre=steps("spike")),
                '<SpikeArrest name="spike"><Rate ref="request.header.rate"/></SpikeArrest>')

    assert (await bench.call("/demo")).errorcode == "policies.ratelimit.FailedToResolveSpikeArrestRate"
    assert (await bench.call("/demo", headers={"rate": "9"})).errorcode == "policies.ratelimit.InvalidAllowedRate"
    assert (await bench.call("/demo", headers={"rate": "100ps"})).status == 200


@pytest.mark.parametrize("kind", ["", 'type="flexi"', 'type="rollingwindow"', 'type="calendar"'])
async def test_quota_counts(bench, target, kind):
    start = "<StartTime>2026-01-01 00:00:00</StartTime>" if "calendar" in kind else ""
    await serve(bench, target, proxy_xml(pre=steps("q"), post_response=steps("show")),
                f'<Quota name="q" {kind}><Identifier ref="request.header.x-id"/><Allow count="2"/>'
                f"<Interval>1</Interval><TimeUnit>month</TimeUnit>{start}</Quota>",
                show("ratelimit.q.allowed.count", "ratelimit.q.identifier"))

    first = await bench.call("/demo", headers={"X-Id": "a"})
    assert first.json() == {"ratelimit.q.allowed.count": "2", "ratelimit.q.identifier": "a"}
    assert (await bench.call("/demo", headers={"X-Id": "a"})).status == 200
    reply = await bench.call("/demo", headers={"X-Id": "a"})
    assert (reply.status, reply.errorcode) == (429, "policies.ratelimit.QuotaViolation")
    assert reply.json()["fault"]["faultstring"].endswith("Identifier : a")
    assert (await bench.call("/demo", headers={"X-Id": "b"})).status == 200


async def test_quota_limit_by_reference(bench, target):
    await serve(bench, target, proxy_xml(pre=steps("q")), '<Quota name="q"><Allow countRef="request.header.limit"/>'
                "<Interval>1</Interval><TimeUnit>month</TimeUnit></Quota>")

    assert (await bench.call("/demo")).errorcode == "policies.ratelimit.FailedToResolveQuotaCountReference"
    assert (await bench.call("/demo", headers={"limit": "1"})).status == 200
    assert (await bench.call("/demo", headers={"limit": "1"})).status == 429
