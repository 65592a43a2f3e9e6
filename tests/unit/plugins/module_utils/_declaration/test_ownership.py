# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose an object in Kubernetes is, what that means for a definition of its name, and what is said about it."""

from __future__ import annotations

import copy
import json

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration import manifests, ownership

ENTRY = {"name": "orders", "namespace": "shop", "port": 8080, "selector": {"app": "orders"}}
SERVICE = manifests.services([ENTRY])[0]
NAMESPACE, DEPLOYMENT, _SERVICE = manifests.services([{**ENTRY, "sample": {"image": "an/image:1"}}])


def live(definition: dict, marked: bool = True, **spec: object) -> dict:
    """The object as Kubernetes gives it after it was applied: more than was sent, and less."""
    found = copy.deepcopy(definition)
    found["metadata"]["annotations"] = {manifests.LAST_APPLIED: json.dumps(definition)}
    found["metadata"]["uid"] = "1"
    if not marked:
        found["metadata"]["labels"] = {manifests.OWNER_LABEL: "Helm"}
        found["metadata"].pop("annotations")
    if "spec" in found:
        found["spec"].pop("publishNotReadyAddresses", None)
        found["spec"].update({**({"sessionAffinity": "None"} if found["kind"] == "Service" else {}), **spec})
    return found


def standing(owner: str, same: bool) -> dict:
    return {"owner": owner, "same": same, "differences": [], "withdrawal": None}


def test_what_is_not_there_is_made() -> None:
    assert ownership.standing(SERVICE, None) == standing("absent", False)


def test_ours_as_declared_is_left_alone() -> None:
    assert ownership.standing(SERVICE, live(SERVICE)) == standing("ours", True)
    assert ownership.standing(DEPLOYMENT, live(DEPLOYMENT))["same"]


@pytest.mark.parametrize(
    "drift",
    [
        {"selector": {"app": "other"}},
        {"publishNotReadyAddresses": True},
        {"ports": []},
        {"ports": [{"name": "http", "port": 8080, "protocol": "TCP", "targetPort": 9999}]},
    ],
)
def test_ours_that_drifted_is_applied(drift: dict) -> None:
    assert ownership.standing(SERVICE, live(SERVICE, **drift)) == standing("ours", False)


def test_a_selector_with_a_label_more_is_other_pods() -> None:
    found = ownership.standing(SERVICE, live(SERVICE, selector={"app": "orders", "tier": "web"}))
    assert not found["same"] and found["withdrawal"]["spec"] == {"selector": {"tier": None}}


def test_what_was_declared_before_and_is_no_more_is_applied() -> None:
    before = copy.deepcopy(SERVICE)
    before["metadata"]["annotations"] = {"team": "shop"}
    assert not ownership.standing(SERVICE, live(before))["same"]


def test_theirs_that_serves_is_used() -> None:
    other_ports = [{"name": "web", "port": 80, "targetPort": 8080}]
    assert ownership.standing(SERVICE, live(SERVICE, marked=False, ports=other_ports)) == standing("theirs", True)
    assert ownership.standing(NAMESPACE, live(NAMESPACE, marked=False))["same"]


@pytest.mark.parametrize("definition", [SERVICE, DEPLOYMENT, NAMESPACE], ids=lambda one: one["kind"])
def test_of_theirs_a_name_is_enough_for_a_removal(definition: dict) -> None:
    (named,) = ownership.identities([definition])
    found = ownership.standing(named, live(definition, marked=False))
    assert found["owner"] == "theirs" and ownership.pending([named], [found], "absent") == []


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"clusterIP": "10.0.0.9"}, "spec.clusterIP"),
        ({"selector": {"app": "orders", "tier": "web"}}, "spec.selector"),
        ({"publishNotReadyAddresses": True}, "spec.publishNotReadyAddresses"),
    ],
)
def test_theirs_that_does_not_serve_is_a_conflict(spec: dict, field: str) -> None:
    found = ownership.standing(SERVICE, live(SERVICE, marked=False, **spec))
    assert (found["owner"], found["same"]) == ("theirs", False)
    assert [entry["field"] for entry in found["differences"]] == [field]
    (problem,) = ownership.conflicts([SERVICE], [found], "gke")
    text = " ".join(problem.as_text().split())
    assert "Service orders: an object of this name in namespace shop of cluster gke was made by somebody else" in text
    assert field in text and "{name: orders-pods, workload: orders, ...}" in text
    # A Service with an address keeps it, so it cannot become headless in anybody's hands.
    assert ("label service orders" in text) == (field != "spec.clusterIP")


def test_a_deployment_of_somebody_else_is_published_without_sample() -> None:
    found = ownership.standing(DEPLOYMENT, live(DEPLOYMENT, marked=False, replicas=7))
    (problem,) = ownership.conflicts([DEPLOYMENT], [found], "gke")
    assert problem.found == "spec.replicas is 7, and 3 is needed"
    assert "Leave sample out" in problem.fix


def test_a_secret_of_somebody_else_is_not_shown() -> None:
    wanted = {"kind": "Secret", "metadata": {"name": "key"}, "spec": {"key": "ours-4711"}}
    found = ownership.standing(wanted, {"kind": "Secret", "metadata": {}, "spec": {"key": "theirs-4712"}})
    assert not found["same"] and "471" not in json.dumps(found)


THERE = [NAMESPACE, DEPLOYMENT, SERVICE]
STANDINGS = [
    {"owner": "ours", "same": True, "differences": []},
    {"owner": "ours", "same": False, "differences": []},
    {"owner": "theirs", "same": True, "differences": []},
]


def test_only_what_differs_is_applied_and_only_ours_is_removed() -> None:
    assert ownership.pending(THERE, STANDINGS, "present") == [DEPLOYMENT]
    assert ownership.pending(THERE, STANDINGS, "absent") == [DEPLOYMENT]
    assert ownership.pending(THERE, [], "present") == THERE


@pytest.mark.parametrize(
    ("state", "sent", "actions"),
    [
        ("present", {"method": "apply", "changed": True, "diff": {"before": {"x": 1}}},
         ["unchanged", "updated", "unchanged"]),
        ("absent", {"method": "delete", "changed": True}, ["kept", "deleted", "kept"]),
    ],
)  # fmt: skip
def test_every_object_has_an_outcome(state: str, sent: dict, actions: list[str]) -> None:
    outcome = ownership.outcome(THERE, {**sent, "result": {}}, "gke", STANDINGS, state)
    assert [entry["action"] for entry in outcome] == actions
    assert [entry["name"] for entry in outcome] == ["gke/shop", "gke/shop/orders", "gke/shop/orders"]
    nothing = [{**entry, "same": True} for entry in STANDINGS]
    outcome = ownership.outcome(THERE, {"skipped": True}, "gke", nothing, "present")
    assert [entry["action"] for entry in outcome] == ["unchanged"] * 3
