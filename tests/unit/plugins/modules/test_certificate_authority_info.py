# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading authorities from TLS Secrets without their keys; the API server is scripted."""

from __future__ import annotations

import base64
import json
import typing as t

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.modules import certificate_authority_info
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.api_server import ApiServer, starter
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.certificates import (
    CLIENT,
    KEY,
    NEW_CA,
    OLD_CA,
)
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Script

ASKED = {
    "endpoint": "203.0.113.7",
    "secrets": [{"name": "orders-tls", "namespace": "shop"}, {"name": "items-tls", "namespace": "shop"}],
}
NOT_FOUND = (404, {"message": 'secrets "orders-tls" not found'})


def secret(authority: str, certificate: str = "x") -> dict[str, t.Any]:
    data = {"ca.crt": authority, "tls.key": KEY, "tls.crt": certificate}
    return {"data": {name: base64.b64encode(value.encode()).decode() for name, value in data.items() if value}}


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., ApiServer]:
    monkeypatch.setattr(certificate_authority_info, "PAUSE_SECONDS", 0.01)
    return starter(monkeypatch)


def run(fails: bool = False, **options: t.Any) -> dict[str, t.Any]:
    result = Script().run(certificate_authority_info, fails=fails, **{**ASKED, **options})
    assert "canary" not in json.dumps(result) and "PRIVATE KEY" not in json.dumps(result)
    return result


def test_each_authority_once_with_who_names_it(serve: t.Callable[..., ApiServer]) -> None:
    server = serve(secret(OLD_CA), secret(NEW_CA + OLD_CA))
    found = {one["subject"]: one for one in run()["authorities"]}
    assert found["CN=old CA"]["secrets"] == ["shop/items-tls", "shop/orders-tls"]
    assert found["CN=new CA"]["secrets"] == ["shop/items-tls"] and found["CN=new CA"]["certificate"] == NEW_CA
    assert server.asked == [f"/api/v1/namespaces/shop/secrets/{name}" for name in ("orders-tls", "items-tls")]


def test_the_certificates_themselves_are_told(serve: t.Callable[..., ApiServer]) -> None:
    serve(secret(OLD_CA, CLIENT), secret(OLD_CA, "no certificate"))
    (place, told), = run()["certificates"].items()
    assert place == "shop/orders-tls"
    assert set(told) == {"subject", "issuer", "names", "expires"} and told["subject"].startswith("CN=")


def test_config_maps_are_read_and_not_waited_for(serve: t.Callable[..., ApiServer]) -> None:
    maps = [{"name": "apigee-client-ca", "namespace": "shop"}, {"name": "apigee-client-ca", "namespace": "cart"}]
    server = serve({"data": {"ca.crt": NEW_CA + OLD_CA}}, NOT_FOUND)
    result = run(secrets=[], config_maps=maps, wait_timeout=5)
    assert result["config_maps"] == {"shop/apigee-client-ca": [NEW_CA, OLD_CA]} and result["authorities"] == []
    assert server.asked[0] == "/api/v1/namespaces/shop/configmaps/apigee-client-ca"


def test_secrets_that_are_still_to_come_are_waited_for(serve: t.Callable[..., ApiServer]) -> None:
    server = serve(NOT_FOUND, secret(OLD_CA), secret(""), secret(OLD_CA), secret(OLD_CA), secret(OLD_CA))
    result = run(wait_timeout=5)
    assert len(result["authorities"]) == 1 and result["missing"] == [] and not server.answers


def test_without_patience_what_is_missing_is_told(serve: t.Callable[..., ApiServer]) -> None:
    serve(NOT_FOUND, secret(OLD_CA))
    result = run()
    assert result["missing"] == ["shop/orders-tls"] and len(result["authorities"]) == 1


def test_what_fails_says_what_to_do(serve: t.Callable[..., ApiServer], monkeypatch: pytest.MonkeyPatch) -> None:
    serve((403, {"message": "secrets is forbidden"}))
    said = run(fails=True)["msg"]
    assert "secrets is forbidden" in said and "may get these Secrets" in said
    serve(secret("no certificate"), secret(OLD_CA))
    assert "holds no PEM certificate" in run(fails=True)["msg"]
    monkeypatch.setattr(certificate_authority_info, "PAUSE_SECONDS", 2)
    serve(NOT_FOUND, secret(OLD_CA))
    said = run(fails=True, wait_timeout=1)["msg"]
    assert "within 1 s in shop/orders-tls" in said and "kubectl describe certificate" in said
