# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The request that proves a deployment: what is asked, by which way, and what its answer is worth.

The gateway is a double at the two places where the network begins: whether a connection comes about, and the answer.
Requests through a real gateway are in tests/acceptance/test_proxy_deployments.py.
"""

from __future__ import annotations

import base64
import json
import typing as t

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._gateway import asking
from ansible_collections.gatewayops.apigee_gke.plugins.modules import apigee_proxy
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.apigee_proxy_replies import (
    CONTENT,
    WANTED,
    ProxyScript,
    labels,
    path,
    proxy,
)
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.apigee_replies import ORG

UNKNOWN = {"fault": {"faultstring": "no", "detail": {"errorcode": "messaging.adaptors.http.flow.ApplicationNotFound"}}}
NO_KEY = {"fault": {"faultstring": "no", "detail": {"errorcode": "steps.oauth.v2.FailedToResolveAPIKey"}}}
NO_HOST = {"fault": {"faultstring": "no", "detail": {"errorcode": "protocol.http.NoResolvedHost"}}}
RUNNING = [{"instance": "eu", "deployedRevisions": [{"revision": "8", "percentage": 100}]}]
PROBED = {name: value for name, value in WANTED.items() if name != "probe"}


class Gateway:
    """What was asked, and what is answered."""

    def __init__(self) -> None:
        self.answer: tuple[int, t.Any] = (200, {})
        self.unreachable: set[str | None] = set()
        self.asked: list[tuple[dict[str, t.Any], asking.Way]] = []

    def obstacle(self, way: asking.Way, url: str) -> str:
        return "Name or service not known" if way.address in self.unreachable else ""

    def send(self, request: dict[str, t.Any], way: asking.Way, context: t.Any) -> tuple[int, bytes, float]:
        self.asked.append((request, way))
        body = self.answer[1] if isinstance(self.answer[1], bytes) else json.dumps(self.answer[1]).encode()
        return self.answer[0], body, 1.0


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Gateway:
    double = Gateway()
    monkeypatch.setattr(asking.Way, "obstacle", lambda way, url, _seconds: double.obstacle(way, url))
    monkeypatch.setattr(asking.Way, "context", lambda way: None)
    monkeypatch.setattr(asking, "send", double.send)
    monkeypatch.setattr(asking, "PAUSE", 100.0)
    return double


def deploying() -> ProxyScript:
    """Revision 8 is READY over 7; the environment's group has two host names."""
    script = ProxyScript()
    script.get(proxy(8, labels(8)))
    script.state(8, None)
    script.deployed(7)
    script.download(7)
    script.download(8, CONTENT)
    script.report(8)
    script.surroundings()
    script.deploy(8)
    script.state(8, instances=RUNNING)
    return script


def group(script: ProxyScript) -> None:
    names = {"environmentGroups": [{"name": "public", "hostnames": ["*.acme.example", "api.acme.example"]}]}
    attached = {"environmentGroupAttachments": [{"name": "a1", "environment": "prod"}]}
    script.expect("GET", "apigee", f"{ORG}/envgroups").replies(names)
    script.expect("GET", "apigee", f"{ORG}/envgroups/public/attachments").replies(attached)


def settled(script: ProxyScript) -> None:
    script.get(proxy(8, labels(8)))
    script.state(8)


def undone(script: ProxyScript) -> None:
    script.expect("POST", "apigee", path(7), query={"override": "true"}).replies({})
    script.state(7)


@pytest.mark.parametrize("answer", [(200, {}), (404, {}), (500, {"oops": 1}), (401, NO_KEY)])
def test_any_answer_of_the_proxy_or_its_backend_will_do(gateway: Gateway, answer: tuple[int, t.Any]) -> None:
    gateway.answer = answer
    script = deploying()
    group(script)
    settled(script)
    note = script.run(apigee_proxy, **PROBED)["note"]
    assert f"GET https://api.acme.example/orders answered {answer[0]}" in note
    assert gateway.asked[0][0]["url"] == "https://api.acme.example/orders"


@pytest.mark.parametrize(("status", "fault"), [(404, UNKNOWN), (503, NO_HOST)])
def test_apigees_own_refusals_are_none(gateway: Gateway, status: int, fault: dict[str, t.Any]) -> None:
    gateway.answer = (status, fault)
    script = deploying()
    group(script)
    script.expect("POST", "apigee", path(7), query={"override": "true"}).replies({})
    # The new revision goes on running meanwhile, which ends nothing.
    script.state(7, "PROGRESSING", instances=RUNNING)
    script.state(7, "PROGRESSING", instances=RUNNING)
    script.state(7)
    result = script.run(apigee_proxy, fails=True, **PROBED)
    said, done = result["msg"], result["deployment"]["rollback"]["done_after"]
    assert result["deployment"]["outage_seconds"] >= done > 0
    assert "does not answer through the gateway" in said and fault["fault"]["detail"]["errorcode"] in said
    assert "rollback revision 7" in said and "outage   up to" in said


def test_a_stated_404_is_the_backends_and_never_apigees_own(gateway: Gateway) -> None:
    stated: dict[str, t.Any] = {"probe_request": {"status": [404], "timeout": 0}, **PROBED}
    gateway.answer = (404, b"<html>no such order</html>")
    script = deploying()
    group(script)
    settled(script)
    assert "answered 404" in script.run(apigee_proxy, **stated)["note"]
    gateway.answer = (404, UNKNOWN)
    script = deploying()
    group(script)
    undone(script)
    assert "rollback revision 7" in script.run(apigee_proxy, fails=True, **stated)["msg"]


@pytest.mark.parametrize("status", [404, 502, 503, 504])
def test_a_page_of_a_load_balancer_proves_nothing_unless_its_status_is_stated(gateway: Gateway, status: int) -> None:
    gateway.answer = (status, b"<html><title>Error</title></html>")
    script = deploying()
    group(script)
    settled(script)
    said = script.run(apigee_proxy, **PROBED)["note"]
    asked = "GET https://api.acme.example/orders through its own address"
    assert f"not proven through the gateway (prod): {asked}: status {status}, which something in front of" in said
    script = deploying()
    group(script)
    undone(script)
    said = script.run(apigee_proxy, fails=True, probe=True, **PROBED)["msg"]
    assert f"status {status}" in said and f"accept the answer: probe_request: {{status: [{status}]}}" in said
    script = deploying()
    group(script)
    settled(script)
    assert f"answered {status}" in script.run(apigee_proxy, probe_request={"status": [status]}, **PROBED)["note"]


@pytest.mark.parametrize(
    ("stated", "fails"),
    [
        ({"address": "10.0.0.1", "port": 8443, "tls_name": "api.acme.example"}, False),
        ({"headers": {"x-apikey": "1"}, "method": "HEAD"}, False),
        ({"address": "10.0.0.1", "path": "/health"}, True),
        ({"address": "10.0.0.1", "status": [200]}, True),
    ],
)
def test_saying_how_the_gateway_is_reached_demands_nothing_of_a_page(
    gateway: Gateway, stated: dict[str, t.Any], fails: bool
) -> None:
    gateway.answer = (404, b"<html>no such order</html>")
    script = deploying()
    group(script)
    (undone if fails else settled)(script)
    result = script.run(apigee_proxy, fails=fails, probe_request=stated, **PROBED)
    if fails:
        assert "rollback revision 7" in result["msg"] and "accept the answer: probe_request: {status: [" in str(result)
    else:
        assert "not proven through the gateway (prod)" in result["note"] and "status 404" in result["note"]


@pytest.mark.parametrize("status", [200, 403, 500])
def test_a_page_with_another_status_is_an_answer(gateway: Gateway, status: int) -> None:
    gateway.answer = (status, b"<html></html>")
    script = deploying()
    group(script)
    settled(script)
    assert f"answered {status}" in script.run(apigee_proxy, **PROBED)["note"]


def test_a_stated_request_is_sent_as_stated_and_its_status_decides(gateway: Gateway) -> None:
    stated = {"path": "/health", "method": "HEAD", "status": [204], "host": "shop.example", "headers": {"x": "1"}}
    script = deploying()
    undone(script)
    said = script.run(apigee_proxy, fails=True, probe_request={**stated, "address": "10.0.0.1", "port": 8443}, **PROBED)
    assert "HEAD https://shop.example/orders/health through 10.0.0.1: status 200" in said["msg"]
    request, way = gateway.asked[0]
    assert request["headers"] == {"x": "1"} and (way.address, way.port) == ("10.0.0.1", 8443)


def test_without_the_name_an_instance_is_asked_with_the_organisations_authority(gateway: Gateway) -> None:
    gateway.unreachable = {None}
    script = deploying()
    group(script)
    script.expect("GET", "apigee", f"{ORG}/instances/eu").replies({"name": "eu", "host": "10.64.0.2"})
    authority = base64.b64encode(b"-----BEGIN CERTIFICATE-----\nA\n").decode()
    script.expect("GET", "apigee", ORG).replies({"name": "acme-shop", "caCertificates": [authority]})
    settled(script)
    assert "answered 200" in script.run(apigee_proxy, **PROBED)["note"]
    way = gateway.asked[0][1]
    assert way.address == "10.64.0.2" and way.tls_name == "probe.acme-shop.apigee.internal"
    assert way.ca_cert_content == "-----BEGIN CERTIFICATE-----\nA\n"


def test_a_gateway_that_cannot_be_reached_is_told_and_a_failure_only_where_somebody_insists(gateway: Gateway) -> None:
    gateway.unreachable = {None, "10.64.0.2"}
    for insisted in (False, True):
        script = deploying()
        group(script)
        script.expect("GET", "apigee", f"{ORG}/instances/eu").replies({"name": "eu", "host": "10.64.0.2"})
        script.expect("GET", "apigee", ORG).replies({"name": "acme-shop"})
        (undone if insisted else settled)(script)
        result = script.run(apigee_proxy, fails=insisted, **PROBED, **({"probe": True} if insisted else {}))
        text = result["msg"] if insisted else result["note"]
        assert "Name or service not known" in text and gateway.asked == []
    assert "say how the gateway is reached" in text


def test_host_names_that_may_not_be_read_are_no_failure_of_the_deployment(gateway: Gateway) -> None:
    for insisted in (False, True):
        script = deploying()
        script.expect("GET", "apigee", f"{ORG}/envgroups").refuses(403, "not for you", code="PERMISSION_DENIED")
        (undone if insisted else settled)(script)
        result = script.run(apigee_proxy, fails=insisted, **PROBED, **({"probe": True} if insisted else {}))
        text = result["msg"] if insisted else result["note"]
        assert "cannot be read: Google answered PERMISSION_DENIED: not for you" in text and gateway.asked == []


@pytest.mark.parametrize(
    ("stated", "remedy"),
    [
        ("health", "Write /health: it is appended to the base path"),
        ("/caf\u00e9?a=1 2", "Write it percent-encoded: /caf%C3%A9?a=1%202."),
    ],
)
def test_a_path_that_cannot_be_asked_is_refused_before_anything_is_sent(stated: str, remedy: str) -> None:
    said = ProxyScript().run(apigee_proxy, fails=True, probe_request={"path": stated}, **PROBED)["msg"]
    assert remedy in said


@pytest.mark.parametrize(
    "stated",
    [
        {"headers": {"x-apikey": "topsecret\n"}},
        {"headers": {"x-apikey": "tops\u2026cret"}},
        {"host": "a..b"},
        {"address": "a..b"},
        {"port": 70000},
        {"method": "GE T"},
    ],
)
def test_a_request_that_cannot_be_sent_is_refused_before_anything_is(stated: dict[str, t.Any]) -> None:
    said = ProxyScript().run(apigee_proxy, fails=True, probe_request=stated, **PROBED)["msg"]
    assert f"probe_request.{next(iter(stated))}" in said and "cret" not in said


def test_a_probe_that_breaks_goes_back_and_shows_no_header(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(request: dict[str, t.Any], _way: asking.Way, _context: t.Any) -> t.NoReturn:
        raise AttributeError(f"{request['headers']} has no attribute")

    monkeypatch.setattr(asking, "send", breaks)
    script = deploying()
    group(script)
    undone(script)
    result = script.run(apigee_proxy, fails=True, probe_request={"headers": {"x-apikey": "topsecret"}}, **PROBED)
    assert "asking it through the gateway broke off with AttributeError" in result["msg"]
    assert "rollback revision 7" in result["msg"] and "topsecret" not in json.dumps(result)


@pytest.mark.parametrize("body", [b'{"fault": {"detail": "x"}}', b'{"fault": ["x"]}', b"[" * 200_000])
def test_an_answer_of_any_form_is_one(gateway: Gateway, body: bytes) -> None:
    gateway.answer = (500, body)
    script = deploying()
    group(script)
    settled(script)
    assert "answered 500" in script.run(apigee_proxy, **PROBED)["note"]
