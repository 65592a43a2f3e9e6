# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""KeyValueMapOperations against a running runtime: levels, writes, caches, faults, and what a bundle may not say."""
from __future__ import annotations

import pytest

from .bundles import bundle, proxy_xml, show, steps
from .conftest import serve

ENTRY = "<Key><Parameter>{}</Parameter></Key>"


def maps(**entries: str) -> dict:
    """A map of the environment, and one each of the organisation and the proxy with other values."""
    return {"key_value_maps": [
        {"scope": "environment", "of": "test", "name": "settings", "entries": entries},
        {"scope": "environment", "of": "other", "name": "settings", "entries": {"a": "of another environment"}},
        {"scope": "organization", "of": "", "name": "settings", "entries": {"a": "of the organisation"}},
        {"scope": "apiproxy", "of": "demo", "name": "settings", "entries": {"a": "of the proxy"}}]}


def policy(content: str, attributes: str = 'mapIdentifier="settings"', name: str = "kvm") -> str:
    return f'<KeyValueMapOperations name="{name}" {attributes}>{content}</KeyValueMapOperations>'


def read(key: str = "a", more: str = "", variable: str = "private.value") -> str:
    return f'<Get assignTo="{variable}">{ENTRY.format(key)}</Get>{more}'


async def value(bench, path: str = "/demo", **headers: str) -> str:
    reply = await bench.call(path, headers=headers)
    assert reply.status == 200, reply.body
    return reply.json()["private.value"]


PROXY = proxy_xml(pre=steps("kvm"), post_response=steps("show"))
SHOW = show("private.value")


@pytest.mark.parametrize(("scope", "found"), [
    ("", "1"), ("<Scope>environment</Scope>", "1"), ("<Scope>organization</Scope>", "of the organisation"),
    ("<Scope>apiproxy</Scope>", "of the proxy")])
async def test_a_value_of_each_level(bench, target, scope, found):
    await serve(bench, target, PROXY, policy(read(more=scope)), SHOW, **maps(a="1"))

    assert await value(bench) == found


async def test_keys_of_several_parts_by_reference_and_what_is_not_there(bench, target):
    key = '<Key><Parameter ref="request.queryparam.k"/><Parameter>x</Parameter></Key>'
    content = f'<Get assignTo="private.value">{key}</Get>'
    await serve(bench, target, PROXY, policy(content), SHOW, **maps(one__x="1"))

    assert await value(bench, "/demo?k=one") == "1"
    assert await value(bench, "/demo?k=two") == ""


async def test_the_map_is_found_at_run_time(bench, target):
    content = f'<MapName ref="request.queryparam.m"/>{read()}'
    await serve(bench, target, PROXY, policy(content, ""), SHOW, **maps(a="1"))

    assert await value(bench, "/demo?m=settings") == "1"
    assert await value(bench, "/demo?m=none") == ""
    reply = await bench.call("/demo")
    assert (reply.status, reply.errorcode) == (500, "steps.keyvaluemapoperations.UnsupportedOperationException")


async def test_what_is_encrypted_does_not_go_into_an_open_variable(bench, target):
    await serve(bench, target, PROXY, policy(read(variable="open")), SHOW, **maps(a="1"))

    reply = await bench.call("/demo")

    assert (reply.status, reply.errorcode) == (500, "steps.keyvaluemapoperations.SetVariableFailed")
    assert reply.json()["fault"]["faultstring"] == "Failed to set variable open in KeyValueMapStepDefinition kvm"


async def test_put_get_and_delete(bench, target):
    put = f'<Put override="{{}}">{ENTRY.format("n")}<Value ref="request.queryparam.v"/><Value>second</Value></Put>'
    policies = [policy(put.format("true"), name="put"), policy(put.format("false"), name="keep"),
                policy(f'<Get assignTo="private.value" index="1">{ENTRY.format("n")}</Get>'
                       f'<Get assignTo="private.second" index="2">{ENTRY.format("n")}</Get>'),
                policy(f'<Delete>{ENTRY.format("n")}</Delete>', name="drop")]
    chosen = [f'{name} if request.queryparam.do = "{name}"' for name in ("put", "keep", "drop")]
    await serve(bench, target, proxy_xml(pre=steps(*chosen, "kvm"), post_response=steps("show")), *policies,
                show("private.value", "private.second"), **maps())

    assert await value(bench, "/demo?do=keep&v=1") == "1"
    assert await value(bench, "/demo?do=keep&v=2") == "1"
    assert await value(bench, "/demo?do=put&v=3") == "3"
    assert (await bench.call("/demo")).json() == {"private.value": "3", "private.second": "second"}
    assert await value(bench, "/demo?do=drop") == ""


async def test_a_map_is_made_where_mapidentifier_names_it_and_not_where_mapname_does(bench, target):
    put = f"<Put>{ENTRY.format('n')}<Value>1</Value></Put>"
    await serve(bench, target, PROXY, policy(put + read("n"), 'mapIdentifier="fresh"'), SHOW, **maps())
    assert await value(bench) == "1"
    await serve(bench, target, PROXY, policy(f"<MapName>newer</MapName>{put}", ""), SHOW, **maps())
    assert (await bench.call("/demo")).status == 501


async def test_values_are_used_again_until_they_expire_and_a_later_write_by_management_wins(bench, target):
    content = read(more="<ExpiryTimeInSecs>3600</ExpiryTimeInSecs>")
    await serve(bench, target, PROXY, policy(content), SHOW, **maps(a="1"))
    assert await value(bench) == "1"
    await serve(bench, target, PROXY, policy(content), SHOW, **maps(a="2"))
    assert await value(bench) == "1"
    async with bench.administration.delete("http://runtime/caches") as reply:
        assert reply.status == 200
    assert await value(bench) == "2"
    at_once = read(more="<ExpiryTimeInSecs>0</ExpiryTimeInSecs>")
    bench.runtime.key_value_maps.clear_cache()
    await serve(bench, target, PROXY, policy(at_once), SHOW, **maps(a="3"))
    assert await value(bench) == "3"
    await serve(bench, target, PROXY, policy(at_once), SHOW, **maps(a="4"))
    assert await value(bench) == "4"


async def test_initial_entries_fill_a_map_that_is_not_there(bench, target):
    initial = f"<InitialEntries><Entry>{ENTRY.format('a')}<Value>first</Value></Entry></InitialEntries>"
    await serve(bench, target, PROXY, policy(initial + read(), 'mapIdentifier="seeded"'), SHOW, **maps())
    assert await value(bench) == "first"
    await serve(bench, target, PROXY, policy(initial + read()), SHOW, **maps(a="1"))
    assert await value(bench) == "1"


async def test_values_are_not_shown_by_the_control_api(bench, target):
    await serve(bench, target, PROXY, policy(read()), SHOW, **maps(a="canary-value"))

    async with bench.administration.get("http://runtime/configuration") as reply:
        text = await reply.text()
    assert "canary-value" not in text and '"entries": ["a"]' in text


@pytest.mark.parametrize(("content", "attributes", "violation"), [
    ("", "", "at least one of Get, Put and Delete"),
    ("<Get assignTo='private.a'/>", "", "KeyIsMissing"),
    (f"<Get>{ENTRY.format('a')}</Get>", "", "Get needs assignTo"),
    (f"<Get assignTo='private.a' index='0'>{ENTRY.format('a')}</Get>", "", "InvalidIndex"),
    (f"<Put>{ENTRY.format('a')}</Put>", "", "ValueIsMissing"),
    (f"<Put>{ENTRY.format('a')}<Value/></Put>", "", "ValueIsMissing"),
    (f"<Delete>{ENTRY.format('a')}<Value>1</Value></Delete>", "", "unknown element"),
    (f"<Scope>galaxy</Scope>{read()}", "", "Scope must be one of"),
    (f"<MapName>a</MapName>{read()}", 'mapIdentifier="b"', "exclude each other"),
    (f"<ExpiryTimeInSecs>soon</ExpiryTimeInSecs>{read()}", "", "ExpiryTimeInSecs must be a whole number"),
    ("<InitialEntries><Entry><Key/></Entry></InitialEntries>", "", "KeyIsMissing"),
])
async def test_what_a_policy_may_not_say(bench, content, attributes, violation):
    report = await bench.deploy(bundle(proxy_xml(pre=steps("kvm")), None, {"kvm": policy(content, attributes)}),
                                servers=[{"name": "backend", "host": "127.0.0.1", "port": 1}])

    entry, = report["deployments"]
    assert entry["state"] == "ERROR" and any(violation in error for error in entry["errors"]), entry


async def test_scope_policy_is_apigees_and_not_executed_here(bench):
    report = await bench.deploy(
        bundle(proxy_xml(pre=steps("kvm")), None, {"kvm": policy(f"<Scope>policy</Scope>{read()}")}),
        servers=[{"name": "backend", "host": "127.0.0.1", "port": 1}])

    assert "not executed by the testbed" in report["deployments"][0]["errors"][0]
