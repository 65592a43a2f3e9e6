# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Offline validation: every fault is found, all at once, each with its place and remedy."""

from __future__ import annotations

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._apigee import diff, generate, markup, validate
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._apigee.bundle import Bundle

PROXY = "apiproxy/proxies/default.xml"
TARGET = "apiproxy/targets/default.xml"


def orders(**changes: str | None) -> Bundle:
    """A sound bundle with one policy, changed file by file (``None`` removes a file)."""
    files = dict(generate.generate("orders", "/orders", ["orders"]).files)
    files["apiproxy/policies/Quota.xml"] = b'<Quota name="Quota"><Allow count="100"/></Quota>'
    step = b"<Request><Step><Name>Quota</Name></Step></Request>"
    files[PROXY] = files[PROXY].replace(b"<Request/>", step, 1)
    for path, text in changes.items():
        if text is None:
            del files[path]
        else:
            files[path] = text.encode()
    return Bundle(files)


def changed(path: str, old: str, new: str) -> Bundle:
    text = orders().files[path].decode()
    assert old in text
    return orders(**{path: text.replace(old, new)})


def test_a_sound_bundle_has_no_finding() -> None:
    assert validate.validate(orders()) == []
    assert validate.base_paths(orders()) == ["/orders"]
    assert validate.target_servers(orders()) == ["orders"]


@pytest.mark.parametrize(
    ("proxy", "file", "element", "problem", "remedy"),
    [
        (
            orders(**{"apiproxy/policies/Quota.xml": None}),
            PROXY,
            "Step Quota",
            "no policy Quota",
            "Add policies/Quota.xml",
        ),
        (changed(PROXY, "<Name>Quota<", "<Name>Qouta<"), PROXY, "Step Qouta", "no policy Qouta", "Did you mean Quota"),
        (changed(PROXY, "<Name>Quota<", "<Name><"), PROXY, "Step", "names no policy", "Add <Name>"),
        (orders(**{PROXY: "<ProxyEndpoint>"}), PROXY, "line 1", "malformed", "Correct the file"),
        (orders(**{PROXY: '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'}), PROXY, "line 1", "DOCTYPE", "Correct the file"),
        (
            changed(PROXY, "<BasePath>/orders</BasePath>", ""),
            PROXY,
            "HTTPProxyConnection",
            "no BasePath",
            "Add <BasePath>",
        ),
        (changed(PROXY, ">/orders<", ">orders<"), PROXY, "HTTPProxyConnection", "does not start", "Write /orders"),
        (
            changed(PROXY, ">default<", ">defualt<"),
            PROXY,
            "RouteRule default",
            "routes to defualt",
            "Did you mean default",
        ),
        (orders(**{TARGET: None}), PROXY, "RouteRule default", "routes to default", "Add targets/default.xml"),
        (changed(TARGET, '<Server name="orders"/>', ""), TARGET, "LoadBalancer", "a Server with a name", "Add <Server"),
        (
            changed(TARGET, "<LoadBalancer>", "<URL>http://a</URL><LoadBalancer>"),
            TARGET,
            "TargetEndpoint",
            "both",
            "Keep one",
        ),
        (changed(TARGET, "HTTPTargetConnection", "Nothing"), TARGET, "TargetEndpoint", "no connection", "State one"),
        (orders(**{"apiproxy/orders.xml": None}), "apiproxy", "", "no root descriptor", "Keep exactly one"),
        (
            orders(**{"apiproxy/b.xml": "<APIProxy name='b'/>"}),
            "apiproxy",
            "",
            "2 root descriptors",
            "Keep exactly one",
        ),
        (
            orders(**{"apiproxy/orders.xml": "<Proxy/>"}),
            "apiproxy/orders.xml",
            "Proxy",
            "not a root descriptor",
            "APIProxy",
        ),
        (
            orders(**{"apiproxy/orders.xml": "<APIProxy/>"}),
            "apiproxy/orders.xml",
            "APIProxy",
            "name is missing",
            "State",
        ),
        (orders(**{PROXY: None}), "apiproxy", "", "no proxy endpoint", "Add proxies/default.xml"),
        (
            orders(**{"apiproxy/policies/Q2.xml": '<Quota name="Quota"/>'}),
            "apiproxy/policies/Quota.xml",
            "Quota Quota",
            "already used by apiproxy/policies/Q2.xml",
            "own name",
        ),
        (
            orders(**{"apiproxy/policies/Q2.xml": "<Quota/>"}),
            "apiproxy/policies/Q2.xml",
            "Quota",
            "name is missing",
            "Q2",
        ),
        (
            orders(**{"apiproxy/targets/b.xml": "<ProxyEndpoint name='b'/>"}),
            "apiproxy/targets/b.xml",
            "ProxyEndpoint",
            "must hold TargetEndpoint",
            "Move",
        ),
    ],
)
def test_a_fault_is_found(proxy: Bundle, file: str, element: str, problem: str, remedy: str) -> None:
    findings = validate.validate(proxy)
    assert len(findings) == 1, [str(finding) for finding in findings]
    assert findings[0].file == file
    assert element in findings[0].element
    assert problem in findings[0].problem
    assert remedy in findings[0].remedy
    assert str(findings[0]).startswith(file)


def test_names_used_twice_are_found() -> None:
    rules = '<RouteRule name="default"/></ProxyEndpoint>'
    flows = '<Flows><Flow name="a"/><Flow name="a"/><Flow/></Flows>'
    text = orders().files[PROXY].decode().replace("</ProxyEndpoint>", rules).replace("<Flows/>", flows)
    elements = [finding.element for finding in validate.validate(orders(**{PROXY: text}))]
    assert elements == ["Flow", "Flow a", "RouteRule default"]
    second = (
        text.replace('name="default"', 'name="second"', 1).replace(flows, "<Flows/>").replace(rules, "</ProxyEndpoint>")
    )
    assert second != text
    sound = orders().files[PROXY].decode()
    twice = orders(**{"apiproxy/proxies/second.xml": sound.replace('name="default"', 'name="second"', 1)})
    assert [f.problem for f in validate.validate(twice)] == [
        "the BasePath /orders is already used by apiproxy/proxies/default.xml"
    ]


def test_all_faults_come_at_once() -> None:
    proxy = orders(**{"apiproxy/policies/Quota.xml": None, TARGET: "<TargetEndpoint", "apiproxy/orders.xml": None})
    assert [finding.file for finding in validate.validate(proxy)] == ["apiproxy", PROXY, TARGET]


def test_a_shared_flow_is_validated_by_its_own_rules() -> None:
    flow = '<SharedFlow name="default"><Step><Name>Missing</Name></Step></SharedFlow>'
    shared = Bundle(
        {
            "sharedflowbundle/log.xml": b'<SharedFlowBundle name="log"/>',
            "sharedflowbundle/sharedflows/default.xml": flow.encode(),
        }
    )
    assert [finding.element for finding in validate.validate(shared)] == ["Step Missing"]


def test_entity_expansion_and_deep_nesting_are_refused() -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY x "' + b"y" * 1000 + b'"><!ENTITY z "' + b"&x;" * 1000 + b'">]><a>&z;</a>'
    outside = b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>'
    for hostile in (bomb, outside):
        with pytest.raises(markup.MarkupError, match="document type"):
            markup.parse(hostile)
    with pytest.raises(markup.MarkupError, match="nested deeper"):
        markup.parse(b"<a>" * 100_000)
    with pytest.raises(markup.MarkupError, match="line 1: undefined entity"):
        markup.parse(b"<a>&x;</a>")
    with pytest.raises(markup.MarkupError):
        markup.parse(b'<?xml version="1.0" encoding="no-such"?><a/>')


def test_a_generated_bundle_is_sound_in_every_form() -> None:
    forms = (
        generate.generate("o", "/o", ["a", "b"], path="/v1", properties={"connect.timeout.millis": 1000}),
        generate.generate("o", "/o", url="https://a.example/x?y=1&z=2"),
        generate.generate('quote"<&', "/o", ["a"], description="<&>"),
    )
    assert [validate.validate(form) for form in forms] == [[], [], []]
    assert b"https://a.example/x?y=1&amp;z=2" in forms[1].files[TARGET]
    for arguments in ({}, {"target_servers": ["a"], "url": "http://b"}):
        with pytest.raises(ValueError, match="either"):
            generate.generate("o", "/o", **arguments)


def test_a_diff_shows_only_files_that_differ_in_content() -> None:
    before = orders(**{"apiproxy/resources/jsc/a.js": "1\n", "apiproxy/resources/jsc/b.bin": "\0"})
    after = orders(
        **{
            "apiproxy/policies/Quota.xml": '<Quota\n name="Quota">\n<Allow count="200"/></Quota>',
            "apiproxy/resources/jsc/b.bin": "\0\0",
        }
    )
    entries = diff.compare(before, after)
    assert [(entry["file"], entry["change"]) for entry in entries] == [
        ("apiproxy/policies/Quota.xml", "changed"),
        ("apiproxy/resources/jsc/a.js", "removed"),
        ("apiproxy/resources/jsc/b.bin", "changed"),
    ]
    assert entries[0]["before"] == '<Quota name="Quota">\n    <Allow count="100"/>\n</Quota>\n'
    assert entries[0]["after"] == '<Quota name="Quota">\n    <Allow count="200"/>\n</Quota>\n'
    assert entries[2]["after"] == "(binary, 2 bytes)\n"
    assert diff.ansible(entries)[1]["after_header"] == "/dev/null"
    assert [entry["change"] for entry in diff.compare(None, after)] == ["added"] * len(after.files)
    long = diff.compare(None, Bundle({"apiproxy/resources/jsc/a.js": b"x" * 200_000}))
    assert long[0]["after"].endswith("(cut: 200000 characters)\n")
