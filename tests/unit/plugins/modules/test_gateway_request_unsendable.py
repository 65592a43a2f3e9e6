# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests that cannot be sent, and answers of unusual form: neither breaks, and no header's value is shown."""

from __future__ import annotations

import json
import typing

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._gateway import answers, asking, sendable
from ansible_collections.gatewayops.apigee_gke.plugins.modules import gateway_request
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.test_gateway_request import Gateway, gateway
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import patch_module_args

__all__ = ["gateway"]

FAULT = ("errorcode", "reason", "faultstring")


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b'{"fault": {"detail": "x"}}', {}),
        (b'{"fault": {"detail": ["x"]}}', {}),
        (b'{"fault": {"faultstring": 1, "detail": {"errorcode": null}}}', dict.fromkeys(FAULT, "")),
        (b"[" * 200_000, {}),
    ],
)
def test_an_answer_of_any_form_can_be_read(body: bytes, fault: dict) -> None:
    response = {**answers.blank({"name": "orders", "url": ""}), **answers.answered(500, 1.0, body)}
    assert response["fault"] == fault
    assert not answers.good({}, response) and not answers.unknown_path(response)


UNSENDABLE: list[dict[str, typing.Any]] = [
    {"headers": {"x-apikey": "topsecret\n"}},
    {"headers": {"x-apikey": "topsecret\u2026"}},
    {"headers": {"x-apikey: topsecret": ""}},
    {"method": "GE\nT"},
    {"url": "http://a..b/"},
    {"url": f"http://{'a' * 70}.example/"},
    {"url": "http://api.acme.example:70000/"},
    {"url": "ftp://api.acme.example/"},
    {"url": "http://api.acme.example/caf\u00e9"},
]


@pytest.mark.parametrize("stated", UNSENDABLE)
def test_what_cannot_be_sent_is_refused_without_a_headers_value(stated: dict[str, typing.Any]) -> None:
    found = sendable.problems(stated)
    assert len(found) == 1 and found[0].startswith(next(iter(stated)))
    assert "topsecret" not in found[0] and found[0].endswith((".", "end."))


def test_what_can_be_sent_is_not_refused() -> None:
    for host in ("api.acme.example", "api_1.acme.example.", "10.0.0.1", "[::1]", "api.acme.example:8443"):
        assert sendable.problems({"host": host, "url": f"https://{host}/a?b=%20"}) == []
    ways = {"address": "::1", "port": 443, "tls_name": "probe.acme.apigee.internal", "method": "PATCH"}
    assert sendable.problems({**ways, "headers": {"x-apikey": "a b\u00e9", "x-count": 7}}) == []
    assert sendable.problems({"address": None, "port": None, "headers": None, "url": ""}) == []


# What becomes of the last two depends on who listens at that name.
@pytest.mark.parametrize("stated", UNSENDABLE[:-2])
def test_sending_it_all_the_same_ends_at_once(gateway: Gateway, stated: dict[str, typing.Any]) -> None:
    way = asking.Way(timeout=60, request_timeout=5)
    url = f"http://127.0.0.1:{gateway.server.server_address[1]}/"
    request = {"name": "orders", "url": url, "method": "GET", "headers": {}, "status": [], **stated}
    response = asking.prove(request, way, None)
    assert (response["status"], response["attempts"]) == (0, 1)
    assert "cannot be sent as it is stated" in response["error"] and "topsecret" not in response["error"]


def test_a_name_that_cannot_be_looked_up_and_a_port_that_is_none_are_obstacles() -> None:
    for url in ("http://a..b/", "http://127.0.0.1:70000/"):
        assert asking.Way().obstacle(url, 1)
    assert asking.Way(address="127.0.0.1", port=70000).obstacle("http://api.acme.example/", 1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"requests": [{"name": "orders", "url": "https://a..b/"}]}, "orders: url is 'https://a..b/'"),
        ({"address": "a..b", "requests": [{"name": "orders", "url": "https://a.b/"}]}, "address is 'a..b'"),
    ],
)
def test_the_module_refuses_before_it_asks(
    capsys: pytest.CaptureFixture[str], options: dict[str, typing.Any], said: str
) -> None:
    with patch_module_args(options), pytest.raises(SystemExit):
        gateway_request.main()
    result = json.loads(capsys.readouterr().out)
    assert result["failed"] and said in result["msg"]
