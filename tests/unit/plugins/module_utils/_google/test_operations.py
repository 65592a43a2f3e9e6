# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ways of waiting for Google's long operations."""

from __future__ import annotations

import typing as t
from unittest import mock

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google import clock, operations
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.errors import DeadlineError, OperationError
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.session import Wire
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.module_utils._google.answers import Server, client


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


def test_clock_uses_the_real_one() -> None:
    with mock.patch("time.sleep") as sleep:
        clock.sleep(0)
        clock.sleep(0.1)
    sleep.assert_called_once_with(0.1)
    assert 0.8 <= clock.jitter(1.0) <= 1.2
    assert not clock.Deadline(60).over()
