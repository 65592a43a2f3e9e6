# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The transport alone: endpoints, retries, errors, pages."""

from __future__ import annotations

import typing as t

import pytest
import requests
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google import clock, endpoints, retries
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.errors import ApiError, UnreachableError
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.session import Wire
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.module_utils._google.answers import Server, client

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


def test_endpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    assert endpoints.base_url("apigee") == "https://apigee.googleapis.com/"
    assert endpoints.base_url("apigee", {"apigee": "http://127.0.0.1:1/apigee"}) == "http://127.0.0.1:1/apigee/"
    monkeypatch.setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE", "http://127.0.0.1:1/compute/compute/v1/")
    assert endpoints.base_url("compute") == "http://127.0.0.1:1/compute/"
    monkeypatch.setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_APIGEE", "http://127.0.0.1:1/apigee/")
    assert endpoints.base_url("apigee") == "http://127.0.0.1:1/apigee/"
    assert endpoints.base_url("apigee", {"apigee": "http://option"}) == "http://option/"
