# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The transport alone: credentials, endpoints, retries, errors, the five ways of waiting."""

from __future__ import annotations

import json
import threading
import typing as t
from pathlib import Path
from unittest import mock

import pytest
import requests
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine import graph
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google import (
    clock,
    credentials,
    endpoints,
    operations,
    retries,
)
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.errors import (
    ApiError,
    CredentialsError,
    DeadlineError,
    InvalidError,
    OperationError,
    UnreachableError,
)
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.session import Client, Wire


class Server:
    """Answers from a list; remembers what was asked."""

    def __init__(self, *answers: t.Any) -> None:
        self.answers = list(answers)
        self.requests: list[requests.PreparedRequest] = []

    def send(self, request: requests.PreparedRequest, **_how: t.Any) -> requests.Response:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, document = answer if isinstance(answer, tuple) else (200, answer)
        response = requests.Response()
        response.status_code = status
        response._content = document if isinstance(document, bytes) else json.dumps(document).encode()
        response.request, response.url = request, str(request.url)
        return response


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    pauses: list[float] = []
    monkeypatch.setattr(clock, "sleep", pauses.append)
    monkeypatch.setattr(clock, "now", lambda: sum(pauses))
    monkeypatch.setattr(clock, "jitter", lambda seconds: seconds)
    return pauses


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch, slept: list[float]) -> t.Callable[..., Server]:
    def start(*answers: t.Any) -> Server:
        server = Server(*answers)
        monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", server.send)
        return server

    return start


def client(**options: t.Any) -> Client:
    return Client({"access_token": "token-1", **options})


LATER = {"error": {"code": 503, "message": "later"}}
LOST = requests.exceptions.ConnectionError("gone")


def test_post_that_may_have_been_carried_out_is_not_repeated(serve: t.Callable[..., Server]) -> None:
    server = serve(LOST)
    with pytest.raises(UnreachableError):
        client().send("apigee", "POST", "v1/x", body={})
    assert len(server.requests) == 1


def test_repeatable_post_says_so_when_it_then_conflicts(serve: t.Callable[..., Server]) -> None:
    serve(LOST, (409, {"error": {"code": 409, "message": "exists", "status": "ALREADY_EXISTS"}}))
    with pytest.raises(ApiError) as caught:
        client().send("apigee", "POST", "v1/x", body={}, repeatable=True)
    assert caught.value.exists and caught.value.uncertain


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_read_is_repeated(serve: t.Callable[..., Server], slept: list[float], status: int) -> None:
    serve((status, LATER), (status, LATER), {"ok": 1})
    assert client().send("compute", "GET", "x").json() == {"ok": 1}
    assert slept == [0.5, 1.0]


def test_retrying_ends(serve: t.Callable[..., Server]) -> None:
    server = serve(*[(503, LATER)] * 20)
    with pytest.raises(ApiError):
        client().send("compute", "GET", "x")
    assert len(server.requests) == retries.ATTEMPTS


BUSY = [
    (400, {"message": "the resource is locked by another operation", "status": "FAILED_PRECONDITION"}),
    (409, {"message": "x", "errors": [{"reason": "operationInProgress"}]}),
    (400, {"message": "the subnetwork is not ready", "errors": [{"reason": "resourceNotReady"}]}),
    (400, {"message": "There is a peering operation in progress on the network", "status": "FAILED_PRECONDITION"}),
    (400, {"message": "Cluster is running incompatible operation operation-1", "status": "FAILED_PRECONDITION"}),
]


@pytest.mark.parametrize(("status", "error"), BUSY)
def test_what_only_means_not_yet_is_waited_for(
    serve: t.Callable[..., Server], slept: list[float], status: int, error: dict[str, t.Any]
) -> None:
    serve(*[(status, {"error": error})] * 9, {"ok": 1})
    assert client().send("apigee", "POST", "x", body={}).json() == {"ok": 1}
    assert len(slept) == 9 and max(slept) <= 10


def test_waiting_for_others_ends_with_the_deadline(serve: t.Callable[..., Server], slept: list[float]) -> None:
    serve(*[(BUSY[0][0], {"error": BUSY[0][1]})] * 50)
    with pytest.raises(ApiError):
        client().send("apigee", "POST", "x", body={}, deadline=clock.Deadline(30))
    assert 25 <= sum(slept) <= 31


def test_apigee_is_asked_for_its_detailed_errors(serve: t.Callable[..., Server]) -> None:
    server = serve({}, {})
    client().send("apigee", "GET", "v1/organizations/o", query={"a": [1, True], "b": None})
    client().send("compute", "GET", "x")
    assert str(server.requests[0].url) == "https://apigee.googleapis.com/v1/organizations/o?a=1&a=true&$.xgafv=2"
    assert "xgafv" not in str(server.requests[1].url)
    assert "gatewayops.apigee_gke" in server.requests[0].headers["User-Agent"]


def test_error_that_is_no_document() -> None:
    error = ApiError.read("GET", "https://x/", 502, b"<html>Bad Gateway</html>")
    assert "Bad Gateway" in error.message and error.status == 502


def test_list_of_pages(serve: t.Callable[..., Server]) -> None:
    serve({"items": [1], "nextPageToken": "n"}, {"items": [2]})
    wire = Wire(client())
    assert wire.pages("compute", "x", "items") == [1, 2]
    assert (wire.counts.reads, wire.counts.writes) == (2, 0)


# -- endpoints ---------------------------------------------------------------------------------------------------


def test_endpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    assert endpoints.base_url("apigee") == "https://apigee.googleapis.com/"
    assert endpoints.base_url("apigee", {"apigee": "http://127.0.0.1:1/apigee"}) == "http://127.0.0.1:1/apigee/"
    monkeypatch.setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE", "http://127.0.0.1:1/compute/compute/v1/")
    assert endpoints.base_url("compute") == "http://127.0.0.1:1/compute/"
    monkeypatch.setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_APIGEE", "http://127.0.0.1:1/apigee/")
    assert endpoints.base_url("apigee") == "http://127.0.0.1:1/apigee/"
    assert endpoints.base_url("apigee", {"apigee": "http://option"}) == "http://option/"


# -- credentials -------------------------------------------------------------------------------------------------


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


# -- operations --------------------------------------------------------------------------------------------------


def test_done_at_once_costs_nothing(serve: t.Callable[..., Server]) -> None:
    server = serve()
    noop = {"name": "operations/noop.DONE_OPERATION", "done": True}
    assert operations.wait(Wire(client()), operations.SERVICE_USAGE, noop) == noop
    assert not server.requests


FAMILIES: list[tuple[operations.Family, dict[str, t.Any], dict[str, t.Any], str]] = [
    (
        operations.APIGEE,
        {"name": "organizations/o/operations/u"},
        {"name": "organizations/o/operations/u", "done": True},
        "https://apigee.googleapis.com/v1/organizations/o/operations/u?$.xgafv=2",
    ),
    (
        operations.CONTAINER,
        {"name": "op-1", "operationType": "X", "selfLink": "https://h/v1/projects/1/zones/z/operations/op-1"},
        {"name": "op-1", "status": "DONE"},
        "https://container.googleapis.com/v1/projects/1/locations/z/operations/op-1",
    ),
    (
        operations.COMPUTE,
        {"name": "op-1", "selfLink": "https://h/compute/v1/projects/p/regions/r/operations/op-1"},
        {"name": "op-1", "status": "DONE"},
        "https://compute.googleapis.com/compute/v1/projects/p/regions/r/operations/op-1/wait",
    ),
    (
        operations.dns("p", "zone"),
        {"id": "7", "status": "pending"},
        {"id": "7", "status": "done"},
        "https://dns.googleapis.com/dns/v1/projects/p/managedZones/zone/changes/7",
    ),
]


@pytest.mark.parametrize(("family", "running", "done", "url"), FAMILIES)
def test_each_family_is_asked_where_it_answers(
    serve: t.Callable[..., Server], family: operations.Family, running: t.Any, done: t.Any, url: str
) -> None:
    server = serve(running, done)
    assert family.started(running)
    assert operations.wait(Wire(client()), family, running) == done
    assert [str(request.url) for request in server.requests] == [url, url]


FAILURES: list[tuple[operations.Family, dict[str, t.Any], str]] = [
    (operations.APIGEE, {"name": "o/operations/u", "done": True, "error": {"code": 9, "message": "locked"}}, "locked"),
    (operations.CONTAINER, {"name": "op", "status": "DONE", "error": {"code": 3, "message": "bad"}}, "bad"),
    (operations.CONTAINER, {"name": "op", "status": "DONE", "statusMessage": "older shape"}, "older shape"),
    (
        operations.COMPUTE,
        {"name": "op", "status": "DONE", "error": {"errors": [{"code": "QUOTA", "message": "full"}]}},
        "QUOTA: full",
    ),
]


@pytest.mark.parametrize(("family", "operation", "said"), FAILURES)
def test_each_family_tells_its_failure(
    serve: t.Callable[..., Server], family: operations.Family, operation: t.Any, said: str
) -> None:
    serve()
    with pytest.raises(OperationError, match=said):
        operations.wait(Wire(client()), family, operation)


def test_looks_grow_from_quick_to_ten_seconds(serve: t.Callable[..., Server], slept: list[float]) -> None:
    running = {"name": "organizations/o/operations/u"}
    serve(*[running] * 12, {**running, "done": True})
    wire = Wire(client())
    operations.wait(wire, operations.APIGEE, running)
    assert slept[:4] == [0.2, 0.5, 1.0, 1.5] and max(slept) == 10.0
    assert wire.waited == sum(slept) and wire.counts.writes == 0


def test_deadline_names_the_operation_and_how_to_go_on(serve: t.Callable[..., Server]) -> None:
    running = {"name": "organizations/o/operations/u"}
    serve(*[running] * 30)
    with pytest.raises(DeadlineError, match="operations/u is still running after 20 s.*run again"):
        operations.wait(Wire(client(), budget=20), operations.APIGEE, running)


# -- order -------------------------------------------------------------------------------------------------------


def test_order_and_locks() -> None:
    done: list[str] = []
    inside: set[str] = set()
    guard = threading.Lock()

    def work(node: str) -> None:
        with guard:
            assert not (node in "ab" and inside & set("ab"))
            inside.add(node)
        with guard:
            inside.discard(node)
            done.append(node)

    graph.run(["c", "a", "b", "d"], {"c": {"a", "b"}, "d": {"c"}}, work, lambda node: "lock" if node in "ab" else "")
    assert set(done[:2]) == {"a", "b"} and done[2:] == ["c", "d"]


def test_circle_is_told() -> None:
    with pytest.raises(InvalidError, match="need each other.*a, b"):
        graph.order(["a", "b"], {"a": {"b"}, "b": {"a"}}, str)


def test_clock_uses_the_real_one() -> None:
    with mock.patch("time.sleep") as sleep:
        clock.sleep(0)
        clock.sleep(0.1)
    sleep.assert_called_once_with(0.1)
    assert 0.8 <= clock.jitter(1.0) <= 1.2
    assert not clock.Deadline(60).over()
