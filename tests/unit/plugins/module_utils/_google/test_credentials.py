# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Credentials: where they come from, how they are renewed, what is said of bad ones."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google import credentials
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.errors import CredentialsError
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.session import Client
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.module_utils._google.answers import Server, client


@pytest.fixture
def key() -> dict[str, str]:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    private = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {
        "type": "service_account",
        "project_id": "from-key",
        "private_key_id": "id-4714",
        "private_key": private.decode(),
        "client_email": "a@from-key.iam.gserviceaccount.com",
        "token_uri": "https://oauth2.googleapis.com/token",
    }


def test_service_account_by_file_and_by_contents(
    serve: t.Callable[..., Server], key: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "key.json"
    path.write_text(json.dumps(key))
    for options in ({"service_account_file": str(path)}, {"service_account_contents": json.dumps(key)}):
        told: list[str] = []
        serve({"access_token": "fresh", "expires_in": 3600, "token_type": "Bearer"}, {"ok": 1}, {"ok": 2})
        one = Client(options, told.append)
        assert one.send("compute", "GET", "x").json() == {"ok": 1}
        assert one.send("compute", "GET", "x").json() == {"ok": 2}  # and no second token
        assert told == ["fresh"] and one.project() == "from-key"


def test_expired_token_is_renewed_once(serve: t.Callable[..., Server], key: dict[str, str]) -> None:
    token = {"expires_in": 3600, "token_type": "Bearer"}
    serve({"access_token": "a", **token}, (401, {"error": {"code": 401}}), {"access_token": "b", **token}, {"ok": 1})
    assert Client({"service_account_contents": key}).send("compute", "GET", "x").json() == {"ok": 1}


def test_impersonation_on_top(serve: t.Callable[..., Server]) -> None:
    server = serve({"accessToken": "theirs", "expireTime": "2099-01-01T00:00:00Z"}, {"ok": 1})
    one = client(impersonate_service_account="deploy@p.iam.gserviceaccount.com")
    one.send("compute", "GET", "x")
    assert "deploy@p.iam.gserviceaccount.com:generateAccessToken" in str(server.requests[0].url)
    assert server.requests[1].headers["Authorization"] == "Bearer theirs"


def test_impersonation_asks_where_the_endpoints_say(
    serve: t.Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = {"accessToken": "theirs", "expireTime": "2099-01-01T00:00:00Z"}
    account = "deploy@p.iam.gserviceaccount.com"
    server = serve(reply, {"ok": 1}, reply)
    endpoints = {"iamcredentials": "http://127.0.0.1:9/iamcredentials"}
    client(impersonate_service_account=account, endpoints=endpoints).send("compute", "GET", "x")
    path = f"v1/projects/-/serviceAccounts/{account}:generateAccessToken"
    assert str(server.requests[0].url) == f"http://127.0.0.1:9/iamcredentials/{path}"
    monkeypatch.setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS", "http://127.0.0.1:8/")
    client(impersonate_service_account=account).token()
    assert str(server.requests[2].url) == f"http://127.0.0.1:8/{path}"


OFF = "IAM Service Account Credentials API has not been used in project 7 before or it is disabled."


@pytest.mark.parametrize(
    ("status", "error", "says"),
    [
        (
            403,
            {"code": 403, "status": "PERMISSION_DENIED", "message": OFF, "details": [{"reason": "SERVICE_DISABLED"}]},
            ("the IAM Credentials API is off", OFF[:-1], "gcloud services enable iamcredentials.googleapis.com"),
        ),
        (
            403,
            {"code": 403, "status": "PERMISSION_DENIED", "message": "Permission denied on resource."},
            ("may not act as last@p (Google: Permission denied on resource)", "roles/iam.serviceAccountTokenCreator"),
        ),
        (404, {"code": 404, "message": "Not found"}, ("no access token for last@p (Google: Not found)", "Correct")),
    ],
)
def test_impersonation_that_is_refused_says_what_to_do(
    serve: t.Callable[..., Server], status: int, error: dict[str, t.Any], says: tuple[str, ...]
) -> None:
    serve((status, {"error": error}))
    with pytest.raises(CredentialsError) as refused:
        client(impersonate_service_account="first@p, last@p").token()
    assert [text for text in says if text not in refused.value.message] == []
    assert "{" not in refused.value.message


def test_credentials_are_completed_from_the_environment_as_for_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    for variables in credentials.ENVIRONMENT.values():
        for variable in variables:
            monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("GCP_ACCESS_TOKEN", "from-environment")
    monkeypatch.setenv("GCP_SCOPES", "a, b")
    assert credentials.with_environment({}) == {"access_token": "from-environment", "scopes": ["a", "b"]}
    assert credentials.with_environment({"access_token": "given", "scopes": None})["access_token"] == "given"


def test_impersonation_by_a_chain_where_the_endpoints_say(serve: t.Callable[..., Server]) -> None:
    server = serve({"accessToken": "theirs", "expireTime": "2099-01-01T00:00:00Z"})
    one = client(impersonate_service_account="first@p, last@p", endpoints={"iamcredentials": "http://127.0.0.9/iam"})
    assert one.token() == "theirs"
    address = "http://127.0.0.9/iam/v1/projects/-/serviceAccounts/last@p:generateAccessToken"
    assert str(server.requests[0].url) == address
    assert json.loads(server.requests[0].body or b"")["delegates"] == ["first@p"]


def test_plugins_without_a_spec_get_the_same_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GCP_SERVICE_ACCOUNT_FILE", "/of/the/environment")
    monkeypatch.setenv("GCP_SCOPES", "a,b")
    monkeypatch.setenv("CLOUDSDK_AUTH_ACCESS_TOKEN", "t-2")
    stated = {"service_account_file": "/stated", "endpoints": {}}
    assert credentials.with_environment(stated)["service_account_file"] == "/stated"
    found = credentials.with_environment({"service_account_file": None})
    assert (found["service_account_file"], found["scopes"], found["access_token"]) == (
        "/of/the/environment",
        ["a", "b"],
        "t-2",
    )
    assert "t-2" in credentials.secrets_of({})


def test_workload_identity_federation(tmp_path: Path) -> None:
    (tmp_path / "subject").write_text("subject-token")
    document = {
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/x",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": "https://sts.googleapis.com/v1/token",
        "credential_source": {"file": str(tmp_path / "subject")},
    }
    found, _project = credentials.load({"service_account_contents": json.dumps(document)})
    assert type(found).__module__ == "google.auth.identity_pool"


WRONG: list[tuple[dict[str, t.Any], str]] = [
    ({"auth_kind": "accesstoken"}, "access_token"),
    ({"auth_kind": "serviceaccount"}, "service_account_file"),
    ({"service_account_file": "/nowhere/key.json"}, "cannot be read"),
    ({"service_account_contents": "canary {"}, "does not hold JSON"),
    ({"service_account_contents": '{"type": "service_account"}'}, "cannot be"),
]


@pytest.mark.parametrize(("options", "sentence"), WRONG)
def test_unusable_credentials_say_what_to_do(options: dict[str, t.Any], sentence: str) -> None:
    with pytest.raises(CredentialsError) as caught:
        credentials.load(options)
    assert sentence in caught.value.message and "canary" not in caught.value.message


def test_no_credentials_at_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    with pytest.raises(CredentialsError, match="service_account_file"):
        credentials.load({})


def test_secrets_of_credentials(key: dict[str, str]) -> None:
    secrets = credentials.secrets_of({"service_account_contents": json.dumps(key), "access_token": "t-1"})
    assert {"t-1", key["private_key"], "id-4714"} <= secrets
