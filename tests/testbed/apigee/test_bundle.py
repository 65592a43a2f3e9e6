# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bundles: what is read, what is refused at import, what only at deployment."""
from __future__ import annotations

import io
import stat
import zipfile
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testbed.apigee.bundle import BundleError, load
from testbed.apigee.policies import TYPES_OF_APIGEE

from .bundles import archive, bundle, flow, properties, proxy_xml, steps, target_xml, with_policies

RAISE = '<RaiseFault name="rf"/>'


def violations(data: bytes) -> str:
    with pytest.raises(BundleError) as caught:
        load(data)
    return "\n".join(caught.value.violations)


def unsupported(data: bytes) -> str:
    return "\n".join(load(data).unsupported)


def test_a_bundle_is_read():
    inner = ('<Flow name="get"><Description>d</Description><Condition>request.verb = "GET"</Condition>'
             f"<Request>{steps('rf')}</Request></Flow>")
    data = with_policies(proxy_xml("/v1/pets/", flows=inner), RAISE,
                         target=target_xml(properties=properties(connect__timeout__millis=500)))
    found = load(data)
    assert found.name == "demo"
    assert found.base_paths == ["/v1/pets"]
    assert found.target_servers == ["backend"]
    assert found.unsupported == ()
    endpoint = found.proxy_endpoints["default"]
    assert [(each.name, len(each.request)) for each in endpoint.flows] == [("get", 1)]
    assert found.target_endpoints["default"].properties == {"connect.timeout.millis": "500"}


@pytest.mark.parametrize(("data", "expected"), [
    (b"not a zip", "not a zip archive"),
    (archive({"other/x.xml": "<x/>"}), "no folder apiproxy/"),
    (bundle(proxy_xml(pre=steps("nothing"))), "proxies/default.xml: step refers to policy 'nothing'"),
    (bundle("<ProxyEndpoint name='default'"), "proxies/default.xml: malformed XML"),
    (bundle(proxy_xml("")), "no base path"),
    (bundle("<ProxyEndpoint name='default'/>"), "no base path"),
    (bundle(proxy_xml("noslash")), "must start with /"),
    (bundle(proxy_xml(routes='<RouteRule name="r"><TargetEndpoint>gone</TargetEndpoint></RouteRule>')),
     "refers to target endpoint 'gone'"),
    (bundle(proxy_xml(rules="<Fnord/>")), "ProxyEndpoint/Fnord: unknown element"),
    (bundle(proxy_xml().replace('name="default"', 'name="default" fnord="1"', 1)), "unknown attribute fnord"),
    (bundle(proxy_xml(pre="<Step><Name>x</Name><Condition>(a</Condition></Step>")), "invalid condition"),
    (bundle(target=target_xml("<URL>http://a/</URL><LoadBalancer><Server name='b'/></LoadBalancer>")),
     "exactly one of URL and LoadBalancer"),
    (bundle(target=target_xml("<URL>ftp://a/</URL>")), "URL must be"),
    (bundle(target=target_xml("<LoadBalancer/>")), "LoadBalancer without Server"),
    (bundle(target=target_xml(properties=properties(io__timeout__millis="{request.header.x}"))), "must be a literal"),
    (bundle(target=target_xml(properties=properties(io__timeout__millis="soon"))), "must be a whole number"),
    (with_policies(proxy_xml(), '<Fnord name="f"/>'), "unknown policy type Fnord"),
    (with_policies(proxy_xml(), "<RaiseFault/>"), "policy without name"),
    (with_policies(proxy_xml(), RAISE, RAISE), "a second policy is named 'rf'"),
    (with_policies(proxy_xml(), '<SpikeArrest name="s"><Rate>30s</Rate></SpikeArrest>'),
     "Invalid spike arrest rate 30s"),
    (with_policies(proxy_xml(), '<SpikeArrest name="s"><Rat>1ps</Rat></SpikeArrest>'),
     "SpikeArrest/Rat: unknown element"),
    (with_policies(proxy_xml(), '<Quota name="q"><Allow count="1"/><Interval>x</Interval><TimeUnit>year</TimeUnit>'
                   "</Quota>"), "InvalidQuotaTimeUnit"),
    (with_policies(proxy_xml(), '<AssignMessage name="a"><Set><Header name="x">y</Header></Set></AssignMessage>'),
     "AssignMessage/Set/Header: unknown element"),
    (with_policies(proxy_xml(), '<VerifyJWT name="j"><Algorithm>HS999</Algorithm></VerifyJWT>'), "InvalidAlgorithm"),
    (with_policies(proxy_xml(), '<VerifyJWT name="j"><Algorithm>HS256</Algorithm></VerifyJWT>'),
     "MissingConfigurationElement"),
    (bundle(**{"apiproxy/second.xml": "<APIProxy name='x'/>"}), "exactly one descriptor"),
    (bundle(**{"apiproxy/stray.txt": "x"}), "only the descriptor may stand at the top"),
    (bundle(**{"apiproxy/proxies/two.xml": proxy_xml("/demo", name="two")}), "base path '/demo' is already that of"),
    (bundle(**{"apiproxy/proxies/two.xml": proxy_xml("/two")}), "a second ProxyEndpoint is named 'default'"),
])
def test_refused_at_import(data, expected):
    assert expected in violations(data)


def test_all_violations_are_listed_at_once():
    text = violations(bundle(proxy_xml("", pre=steps("a", "b"))))
    assert "no base path" in text
    assert "policy 'a'" in text
    assert "policy 'b'" in text


@pytest.mark.parametrize(("data", "expected"), [
    (with_policies(proxy_xml(), '<Javascript name="j"/>'), "policies/policy-0.xml: Javascript: policy type Javascript"),
    (bundle(target=target_xml('<LoadBalancer><Server name="a"/></LoadBalancer><SSLInfo/>')),
     "SSLInfo: beside LoadBalancer is not executed"),
    (bundle(target=target_xml("<URL>https://a/</URL><SSLInfo><TrustStore>{flow.x}</TrustStore></SSLInfo>")),
     "TrustStore by a variable"),
    (bundle(target=target_xml(properties=properties(use__proxy="true"))), "property use.proxy is not executed"),
    (bundle(proxy_xml(rules=f"<PostClientFlow><Response>{steps('rf')}</Response></PostClientFlow>"),
            policies={"rf": RAISE}), "PostClientFlow"),
    (with_policies(proxy_xml(), '<VerifyJWT name="j"><Algorithm>RS256</Algorithm><PublicKey>'
                   '<JWKS uri="https://x/jwks"/></PublicKey></VerifyJWT>'), "attribute uri is not executed"),
    (with_policies(proxy_xml(), '<AssignMessage name="a"><Set><Payload>{xPath(\'/a\',request)}</Payload></Set>'
                   "</AssignMessage>"), "template function xPath"),
])
def test_refused_at_deployment_only(data, expected):
    assert expected in unsupported(data)


@pytest.mark.parametrize("kind", sorted(TYPES_OF_APIGEE))
def test_every_policy_type_of_apigee_is_executed_or_refused_at_deployment(kind):
    try:
        text = unsupported(with_policies(proxy_xml(), f'<{kind} name="p"/>'))
    except BundleError as error:
        # One of ours: the empty policy lacks what it needs.
        assert "unknown policy type" not in str(error)
    else:
        assert kind in text or kind in ("AssignMessage", "RaiseFault", "DecodeJWT")


def test_entities_are_not_expanded():
    text = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
    assert "document type declaration" in violations(bundle(text + proxy_xml("/&e;")))


def zipped(*entries: tuple[zipfile.ZipInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for info, content in entries:
            target.writestr(info, content)
    return buffer.getvalue()


def test_paths_that_leave_the_bundle_are_refused():
    for name in ("apiproxy/../../etc/x", "/etc/x", "apiproxy\\..\\x"):
        info = zipfile.ZipInfo("placeholder")
        info.filename = name
        assert "path leaves the bundle" in violations(zipped((info, b"x")))


def test_links_are_refused():
    info = zipfile.ZipInfo("apiproxy/x.xml")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    assert "symbolic link" in violations(zipped((info, b"/etc/passwd")))


def test_a_bomb_is_refused_before_it_is_unpacked():
    info = zipfile.ZipInfo("apiproxy/x.xml")
    info.compress_type = zipfile.ZIP_DEFLATED
    assert "unpacks to more than" in violations(zipped((info, bytes(70 * 1024 * 1024))))


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_with_a_reason(data):
    with pytest.raises(BundleError) as caught:
        load(data)
    assert caught.value.violations


@given(st.integers(0, 2000), st.binary(min_size=1, max_size=4))
def test_a_damaged_bundle_never_crashes_the_reader(position, damage):
    data = bytearray(bundle(proxy_xml(pre=flow("x"))))
    position %= len(data)
    data[position:position + len(damage)] = damage
    with suppress(BundleError):
        load(bytes(data))
