# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract gate: what disagrees with Google's documents is refused loudly, by name, and recorded."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from testbed.google import contract
from testbed.google.schema import ERROR
from testbed.google.service import Reply
from tests.testbed.google.conftest import COMPUTE, CONTAINER, DNS, NUMBER, Google

DOCUMENTS = [
    "apigee.v1", "cloudresourcemanager.v1", "cloudresourcemanager.v3", "compute.v1", "container.v1", "dns.v1", "iam.v1",
    "iamcredentials.v1", "servicenetworking.v1", "serviceusage.v1", "sts.v1",
]  # fmt: skip
RULE = {"name": "r", "network": "global/networks/shop", "allowed": [{"IPProtocol": "tcp", "ports": ["80"]}]}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_method_is_found_by_its_own_url(name: str) -> None:
    document = contract.load(name)
    for method in document.methods.values():
        path = method.template
        for parameter, spec in method.parameters.items():
            pattern = spec.get("pattern", "")
            value = pattern.strip("^$").replace("[^/]+", "x1").replace(".*", "x1") if pattern.startswith("^") else "x1"
            path = path.replace("{+" + parameter + "}", value).replace("{" + parameter + "}", value)
        match = document.match(method.verb, path)
        assert match is not None, path
        assert match.method.id == method.id


def test_a_misspelt_custom_verb_is_no_identifier() -> None:
    document = contract.load("apigee.v1")
    assert document.match("POST", "v1/organizations/o/environments/e:subscribe") is not None
    assert document.match("POST", "v1/organizations/o/environments/e:subscribee") is None
    assert document.match("GET", "v1/organizations/o/environments/e:getIamPolicyy") is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({**RULE, "sourceRange": ["10.0.0.0/8"]}, "sourceRange"),
        ({**RULE, "allowed": [{"ipProtocol": "tcp"}]}, "allowed[0].ipProtocol"),
        ({**RULE, "priority": "high"}, "priority"),
        ({**RULE, "priority": 10**12}, "priority"),
        ({**RULE, "disabled": "false"}, "disabled"),
        ({**RULE, "sourceRanges": "10.0.0.0/8"}, "sourceRanges"),
        ({**RULE, "sourceRanges": [8]}, "sourceRanges[0]"),
        ({**RULE, "allowed": {"IPProtocol": "tcp"}}, "allowed"),
        ({**RULE, "logConfig": True}, "logConfig"),
        ({**RULE, "direction": "SIDEWAYS"}, "direction"),
        ([RULE], ""),
    ],
)
async def test_a_wrong_body_is_refused_and_recorded(google: Google, body: Any, field: str) -> None:
    await google.ready()
    error = await google.refused("POST", f"{COMPUTE}/global/firewalls", body)
    assert error["code"] == 400
    [violation] = error["details"][0]["fieldViolations"]
    assert violation["field"] == field
    assert "status" not in error, "Compute's errors carry no status"
    log = await google.call("GET", "_testbed/requests")
    assert log["requests"][-1]["findings"] == [{"level": "error", "path": field}]
    assert log["counters"]["violations"] == 1
    assert (await google.call("GET", f"{COMPUTE}/global/firewalls")).get("items", []) == []


@pytest.mark.parametrize(
    ("verb", "path", "body", "status"),
    [
        ("GET", f"{COMPUTE}/global/networks?maxResult=1", None, 400),
        ("GET", f"{COMPUTE}/global/networks?maxResults=many", None, 400),
        ("PUT", f"{COMPUTE}/global/networks", {}, 400),
        ("DELETE", f"{COMPUTE}/global/networks/shop", {"name": "shop"}, 400),
        ("GET", f"{COMPUTE}/global/network", None, 404),
        ("GET", f"{COMPUTE}/global/networks/Not_A_Name!", None, 400),
        ("GET", "storage/v1/b", None, 404),
        ("POST", f"{CONTAINER}/clusters/shop:setResourceLabel", {}, 404),
        ("GET", f"{DNS}/managedZones?dnsName=a.&dnsName=b.", None, 400),
        ("PATCH", "servicenetworking/v1/services/servicenetworking.googleapis.com/connections/-?updateMask=ranges",
         {"network": f"projects/{NUMBER}/global/networks/shop"}, 400),
    ],
)  # fmt: skip
async def test_wrong_verbs_paths_and_queries_are_refused(
    google: Google, verb: str, path: str, body: Any, status: int
) -> None:
    await google.ready()
    error = await google.refused(verb, path, body)
    assert error["code"] == status
    log = await google.call("GET", "_testbed/requests")
    assert any(f["level"] == "error" for f in log["requests"][-1]["findings"])


async def test_malformed_json_is_refused(google: Google) -> None:
    headers = {"Authorization": f"Bearer {google.token}"}
    url = f"/{CONTAINER}/clusters"
    async with google.client.post(url, data=b'{"cluster": ', headers=headers) as response:
        assert response.status == 400
        assert "Invalid JSON payload" in (await response.json())["error"]["message"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (f"{COMPUTE}/global/firewalls?$alt=json;enum-encoding=int&prettyPrint=false", RULE),
        (f"{COMPUTE}/global/firewalls?request_id=2f4c1e1e-5a0d-4c8b-9d0e-0d8d4f8f0f11", RULE),
        (f"{COMPUTE}/global/firewalls", {**RULE, "project": "acme-shop"}),
        (f"{COMPUTE}/global/firewalls", {**RULE, "source_ranges": ["10.0.0.0/8"], "description": None}),
        (f"{COMPUTE}/global/firewalls", {**RULE, "id": "12", "selfLink": "x", "kind": "compute#firewall"}),
    ],
)
async def test_what_google_forgives_is_forgiven(google: Google, path: str, body: dict[str, Any]) -> None:
    await google.ready()
    await google.do("POST", path, body)
    rule = await google.call("GET", f"{COMPUTE}/global/firewalls/r")
    if "source_ranges" in body:
        assert rule["sourceRanges"] == ["10.0.0.0/8"]
        assert "description" not in rule


async def test_a_method_that_is_not_emulated_names_itself(google: Google) -> None:
    await google.ready()
    error = await google.refused("GET", f"{COMPUTE}/zones/europe-west1-b/instances")
    assert (error["code"], error["message"]) == (501, "compute.instances.list is not emulated by this testbed.")


async def test_an_answer_against_the_contract_is_a_defect(google: Google) -> None:
    await google.ready()
    api = google.emulator.apis["container"][0]
    service, handler = api.handlers["container.projects.locations.clusters.list"]
    service.list = lambda call: {"clusters": [{"nam": "shop"}]}  # type: ignore[attr-defined]
    error = await google.refused("GET", f"{CONTAINER}/clusters")
    assert error["code"] == 500
    assert "EMULATOR DEFECT" in error["message"] and 'Unknown name "nam"' in error["message"]
    service.list = lambda call: Reply({"clusters": [{"currentNodeCount": "three"}]})  # type: ignore[attr-defined]
    assert (await google.refused("GET", f"{CONTAINER}/clusters"))["code"] == 500
    assert len(google.emulator.violations) == 2
    google.emulator.violations.clear()


async def test_a_defect_leaves_no_trace_in_the_state(google: Google) -> None:
    await google.ready()
    service, _ = google.emulator.apis["compute"][0].handlers["compute.firewalls.insert"]
    proper = service.insert  # type: ignore[attr-defined]
    service.insert = lambda call: {**proper(call), "stat": 1}  # type: ignore[attr-defined]
    assert (await google.refused("POST", f"{COMPUTE}/global/firewalls", RULE))["code"] == 500
    google.emulator.violations.clear()
    assert (await google.refused("GET", f"{COMPUTE}/global/firewalls/r"))["code"] == 404


# -- mutations of bodies that gcloud was seen to send ----------------------------------------------------------------

RECORDED = [
    (request["verb"], request["target"], request["body"])
    for command in json.loads((Path(__file__).parent / "recordings" / "gcloud-528.json").read_text())
    for request in command["requests"]
    if request["body"]
]


def _match(verb: str, target: str) -> tuple[contract.Document, contract.Match]:
    prefix, _, rest = target.partition("?")[0].lstrip("/").partition("/")
    for name in DOCUMENTS:
        match = contract.load(name).match(verb, rest) if name.startswith(prefix + ".") else None
        if match:
            return contract.load(name), match
    raise LookupError(target)


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [p for k, v in value.items() for p in _leaves(v, (*path, k))]
    if isinstance(value, list):
        return [p for i, v in enumerate(value) for p in _leaves(v, (*path, i))]
    return [path]


@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_mutated_bodies_are_refused(data: st.DataObject) -> None:
    verb, target, body = data.draw(st.sampled_from(RECORDED))
    document, match = _match(verb, target)
    assert not [f for f in document.check_request(match, [], body, True) if f.level == ERROR]
    leaves = _leaves(body)
    if not leaves:
        return
    path = data.draw(st.sampled_from(leaves))
    mutated = copy.deepcopy(body)
    node = mutated
    for part in path[:-1]:
        node = node[part]
    if data.draw(st.booleans()) and isinstance(path[-1], str):
        if any(part in ("resourceLabels", "labels") for part in path):
            return
        node[path[-1] + data.draw(st.sampled_from(["s", "X", "_"]))] = node.pop(path[-1])
    else:
        node[path[-1]] = {"surely": "wrong"}
    assert [f for f in document.check_request(match, [], mutated, True) if f.level == ERROR]
