# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose use of injector and cert-manager counts when one site of several leaves a cluster."""

from __future__ import annotations

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._certificates import definitions, others
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration import manifests

ORDERS = {"name": "orders", "namespace": "shop", "port": 8080, "tls": {}, "sample": {"image": "an/image:1"}}
PARCELS = {**ORDERS, "name": "parcels", "namespace": "depot"}
ASKS = {"tls-sidecar.gatewayops.io/service": "parcels"}


def made(*services: dict) -> dict[str, dict]:
    """All that this collection makes for services, as lists of what has our label or makes pods."""
    found: dict[str, dict] = {}
    for one in [*manifests.services(list(services)), *definitions.certificates(list(services))]:
        found.setdefault(one["kind"], {"items": []})["items"].append(one)
    return found


def pods(name: str = "parcels", namespace: str = "depot", annotations: dict | None = None, **labels: str) -> dict:
    """A template's part, with the name of what makes the pods."""
    metadata = {"annotations": ASKS if annotations is None else annotations, "labels": labels}
    return {"metadata": {"name": name, "namespace": namespace}, "spec": {"template": {"metadata": metadata}}}


def names(found: dict, *services: dict) -> list[str]:
    return [f"{one['kind']} {one['namespace']}/{one['name']}" for one in others.users(found, list(services))]


def test_what_is_declared_needs_nothing_more() -> None:
    assert names(made(ORDERS, PARCELS), ORDERS, PARCELS) == []
    assert names(dict.fromkeys(others.lists()), ORDERS) == []


def test_services_certificates_and_samples_of_another_site_count() -> None:
    assert names(made(ORDERS, PARCELS), ORDERS) == [
        "Service depot/parcels",
        "Certificate depot/parcels-tls",
        "Deployment depot/parcels",
    ]
    # The same name elsewhere is another one.
    assert names({"Service": made({**ORDERS, "namespace": "depot"})["Service"]}, ORDERS) == ["Service depot/orders"]


def test_our_objects_that_are_of_no_service_do_not_count() -> None:
    labels = {manifests.OWNER_LABEL: manifests.MANAGED_BY}
    own = {"metadata": {"name": "tls-sidecar-webhook", "namespace": "tls-sidecar", "labels": labels}}
    assert names({"Service": {"items": [own]}, "Certificate": {"items": [own]}}) == []


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"])
def test_a_workload_that_asks_counts_whoever_made_it(kind: str) -> None:
    assert names({kind: {"items": [pods()]}}, ORDERS) == [f"{kind} depot/parcels"]
    assert names({kind: {"items": [pods(annotations={"team": "depot"})]}}, ORDERS) == []


def test_so_do_pods_of_their_own_and_those_of_a_schedule() -> None:
    pod = {"metadata": {"name": "parcels", "namespace": "depot", "annotations": ASKS}}
    scheduled = {"metadata": pod["metadata"], "spec": {"jobTemplate": pods()}}
    assert names({"Pod": {"items": [pod]}, "CronJob": {"items": [scheduled]}}) == [
        "CronJob depot/parcels",
        "Pod depot/parcels",
    ]


@pytest.mark.parametrize(
    "further",
    [
        {"metadata": {"ownerReferences": [{"kind": "Deployment", "controller": True}]}},
        {"metadata": {"deletionTimestamp": "2026-11-21T12:00:00Z"}},
        {"status": {"phase": "Succeeded"}},
        {"status": {"conditions": [{"type": "Failed", "status": "True"}]}},
    ],
)
def test_what_is_made_by_another_or_goes_or_is_done_does_not(further: dict) -> None:
    asking = pods()
    document = {**asking, **further, "metadata": {**asking["metadata"], **further.get("metadata", {})}}
    assert names({"ReplicaSet": {"items": [document]}}) == []


def test_what_a_controller_of_an_unknown_kind_makes_counts() -> None:
    asking = pods()
    asking["metadata"]["ownerReferences"] = [{"kind": "Rollout", "controller": True}]
    assert names({"ReplicaSet": {"items": [asking]}}) == ["ReplicaSet depot/parcels"]


@pytest.mark.parametrize(
    ("stated", "declared"),
    [
        ({"workload": "parcels"}, True),
        ({"workload": "parcels", "workload_kind": "StatefulSet"}, False),
        ({"selector": {"app": "parcels"}}, True),
        ({"selector": {"app": "other"}}, False),
        ({"selector": {"app": "parcels"}, "namespace": "shop"}, False),
    ],
)
def test_workloads_of_declared_services_do_not_count(stated: dict, declared: bool) -> None:
    service = {"name": "public", "namespace": "depot", "port": 8080, **stated}
    found = {"Deployment": {"items": [pods(app="parcels")]}}
    assert names(found, service) == ([] if declared else ["Deployment depot/parcels"])


def test_the_report_says_why_it_stays_and_not_more_than_can_be_read() -> None:
    assert others.kept("gke", []) == []
    users = [{"kind": "Deployment", "namespace": "depot", "name": f"d{number}"} for number in range(7)]
    (entry,) = others.kept("gke", users)
    assert (entry["kind"], entry["name"], entry["action"]) == ("TLS", "gke", "kept")
    assert entry["because"].endswith("Deployment depot/d3, Deployment depot/d4 and 2 more")
