# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.modules import apigee_target_server
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.apigee_replies import MARK, ORG
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Script

ALL = f"{ORG}/environments/prod/targetservers"
ONE = f"{ALL}/orders"
SERVER = {
    "name": "orders",
    "description": f"Orders {MARK}",
    "host": "orders.example",
    "port": 8080,
    "isEnabled": True,
    "protocol": "HTTP",
}
TLS = {"enabled": True, "enforce": True, "trustStore": "ref://shop-ca", "ciphers": ["TLS_AES_128_GCM_SHA256"]}
WANTED = {"environment": "prod", "name": "orders", "host": "orders.example", "port": 8080}


def test_create() -> None:
    script = Script()
    script.expect("GET", "apigee", ONE).refuses(404, "not found", code="NOT_FOUND")
    body = {"name": "orders", "host": "orders.example", "port": 8080, "isEnabled": True, "description": MARK}
    script.expect("POST", "apigee", ALL, body=body).replies(SERVER)
    script.expect("GET", "apigee", ONE).replies(SERVER)
    result = script.run(apigee_target_server, **WANTED)
    assert result["action"] == "created" and result["resource"]["description"] == "Orders"
    assert result["diff"][0]["after"]["host"] == "orders.example"


def test_no_change() -> None:
    script = Script()
    script.expect("GET", "apigee", ONE).replies(SERVER)
    assert not script.run(apigee_target_server, **WANTED, description="Orders", enabled=True, protocol="HTTP")[
        "changed"
    ]


def test_an_update_replaces_the_whole_and_blanks_nothing() -> None:
    script = Script()
    script.expect("GET", "apigee", ONE).replies({**SERVER, "sSLInfo": TLS})
    script.expect("PUT", "apigee", ONE, body={**SERVER, "port": 8443, "sSLInfo": TLS}).replies(SERVER)
    script.expect("GET", "apigee", ONE).replies({**SERVER, "port": 8443, "sSLInfo": TLS})
    result = script.run(apigee_target_server, **{**WANTED, "port": 8443})
    assert result["changes"] == [{"field": "port", "before": 8080, "after": 8443}]


def test_stating_one_tls_setting_keeps_the_others_and_turns_tls_on() -> None:
    script = Script()
    there = {key: value for key, value in TLS.items() if key != "enabled"}
    script.expect("GET", "apigee", ONE).replies({**SERVER, "sSLInfo": there})
    new = {**SERVER, "sSLInfo": {**TLS, "trustStore": "ref://new"}}
    script.expect("PUT", "apigee", ONE, body=new).replies(new)
    script.expect("GET", "apigee", ONE).replies(new)
    result = script.run(apigee_target_server, **WANTED, tls={"trust_store": "ref://new"})
    assert [change["field"] for change in result["changes"]] == ["tls.enabled", "tls.trust_store"]


def test_every_tls_setting_and_none_of_them_blanked() -> None:
    full = {
        "enabled": True,
        "enforce": True,
        "trustStore": "ref://gke-ca",
        "keyStore": "ref://gke-client",
        "keyAlias": "client",
        "clientAuthEnabled": True,
        "protocols": ["TLSv1.2", "TLSv1.3"],
        "ciphers": ["TLS_AES_128_GCM_SHA256"],
        "commonName": {"value": "*.example", "wildcardMatch": True},
    }
    stated = {
        "enforce": True,
        "trust_store": "ref://gke-ca",
        "key_store": "ref://gke-client",
        "key_alias": "client",
        "client_auth_enabled": True,
        "protocols": ["TLSv1.3", "TLSv1.2"],
        "ciphers": ["TLS_AES_128_GCM_SHA256"],
        "common_name": {"value": "*.example", "wildcard_match": True},
    }
    script = Script()
    script.expect("GET", "apigee", ONE).replies({**SERVER, "sSLInfo": full})
    assert not script.run(apigee_target_server, **WANTED, tls=stated)["changed"]
    script = Script()
    script.expect("GET", "apigee", ONE).replies({**SERVER, "sSLInfo": full})
    new = {**SERVER, "sSLInfo": {**full, "commonName": {"value": "orders.example", "wildcardMatch": True}}}
    script.expect("PUT", "apigee", ONE, body=new).replies(new)
    script.expect("GET", "apigee", ONE).replies(new)
    result = script.run(apigee_target_server, **WANTED, tls={"common_name": {"value": "orders.example"}})
    assert [change["field"] for change in result["changes"]] == ["tls.common_name.value"]


def test_disabled_is_what_is_missing() -> None:
    script = Script()
    script.expect("GET", "apigee", ONE).replies({key: value for key, value in SERVER.items() if key != "isEnabled"})
    assert not script.run(apigee_target_server, **WANTED, enabled=False)["changed"]


def test_check_mode_writes_nothing() -> None:
    script = Script()
    script.expect("GET", "apigee", ONE).replies(SERVER)
    result = script.run(apigee_target_server, check=True, **{**WANTED, "host": "new.example"})
    assert result["changed"] and result["diff"][0]["before"] == {"host": "orders.example"}


def test_protocol_is_fixed() -> None:
    script = Script()
    script.expect("GET", "apigee", ONE).replies(SERVER)
    result = script.run(apigee_target_server, fails=True, **WANTED, protocol="HTTP2")
    assert "protocol cannot be changed in place" in result["msg"]


def test_delete_only_what_is_ours() -> None:
    script = Script()
    script.expect("GET", "apigee", ONE).replies(SERVER)
    script.expect("DELETE", "apigee", ONE).replies(SERVER)
    assert script.run(apigee_target_server, environment="prod", name="orders", state="absent")["action"] == "deleted"
    script = Script()
    script.expect("GET", "apigee", ONE).replies({**SERVER, "description": "theirs"})
    result = script.run(apigee_target_server, environment="prod", name="orders", state="absent")
    assert result["action"] == "kept" and not result["changed"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"port": 0}, "from 1 to 65535"),
        ({"host": "http://orders"}, "host name or address only"),
        ({"tls": {"client_auth_enabled": True}}, "needs tls.key_store"),
        ({"tls": {"enforce": True, "ignore_validation_errors": True}}, "contradict"),
    ],
)
def test_what_cannot_be_right_is_refused_unsent(options: dict, said: str) -> None:
    assert said in Script().run(apigee_target_server, fails=True, **{**WANTED, **options})["msg"]


def test_google_error_is_passed_through() -> None:
    script = Script()
    script.expect("GET", "apigee", ONE).refuses(404, "not found", code="NOT_FOUND")
    refused = script.expect("POST", "apigee", ALL, content=lambda data: None)
    refused.refuses(400, "invalid host", code="INVALID_ARGUMENT").headers = {"X-Request-Id": "r-7"}
    result = script.run(apigee_target_server, fails=True, **WANTED)
    assert (
        "INVALID_ARGUMENT: invalid host" in result["msg"]
        and "r-7" in result["msg"]
        and result["google_error"]["status"] == 400
    )


def test_what_tls_shall_not_have_is_cleared_and_left_out() -> None:
    script = Script()
    added = {"protocols": ["TLSv1"], "commonName": {"value": "other.example"}, "ignoreValidationErrors": True}
    script.expect("GET", "apigee", ONE).replies({**SERVER, "sSLInfo": {**TLS, **added}})
    kept = {key: value for key, value in TLS.items() if key != "ciphers"}
    new = {**SERVER, "sSLInfo": {**kept, "ignoreValidationErrors": False}}
    script.expect("PUT", "apigee", ONE, body=new).replies(new)
    script.expect("GET", "apigee", ONE).replies(new)
    nothing = {"common_name": {}, "protocols": [], "ciphers": [], "ignore_validation_errors": False}
    result = script.run(apigee_target_server, **WANTED, tls={"enforce": True, **nothing})
    assert {(change["field"], str(change["after"])) for change in result["changes"]} == {
        ("tls.common_name", "{}"),
        ("tls.protocols", "[]"),
        ("tls.ciphers", "[]"),
        ("tls.ignore_validation_errors", "False"),
    }
    script.expect("GET", "apigee", ONE).replies(new)
    assert not script.run(apigee_target_server, **WANTED, tls={"enforce": True, **nothing})["changed"]


def test_a_server_is_made_without_what_its_tls_shall_not_have() -> None:
    script = Script()
    script.expect("GET", "apigee", ONE).refuses(404, "not found", code="NOT_FOUND")
    body = {"name": "orders", "host": "orders.example", "port": 8080, "isEnabled": True, "description": MARK}
    sent = {**body, "sSLInfo": {"enabled": True, "enforce": True}}
    script.expect("POST", "apigee", ALL, body=sent).replies(sent)
    script.expect("GET", "apigee", ONE).replies(sent)
    tls = {"enforce": True, "common_name": {}, "protocols": []}
    assert script.run(apigee_target_server, **WANTED, tls=tls)["changed"]


def test_a_common_name_needs_its_value() -> None:
    script = Script()
    failed = script.run(apigee_target_server, **WANTED, tls={"common_name": {"wildcard_match": True}}, fails=True)
    assert "tls.common_name has no value" in failed["msg"]
