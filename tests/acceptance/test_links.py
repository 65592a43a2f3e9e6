# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each link of the path, taken away alone: Apigee's own fault for that cause, and the next converge mends it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.acceptance.cloud import Cloud, until

ORGANIZATION = "v1/organizations/acme-shop"
PROXY = f"{ORGANIZATION}/environments/prod/apis/orders"


def remove_peered_domain(cloud: Cloud) -> None:
    number = cloud.connection["project_number"]
    parent = f"v1/services/servicenetworking.googleapis.com/projects/{number}/global/networks/shop-vpc/peeredDnsDomains"
    (domain,) = cloud.google("GET", "servicenetworking", parent)["peeredDnsDomains"]
    cloud.google("DELETE", "servicenetworking", f"{parent}/{domain['name']}")


def remove_firewall_rule(cloud: Cloud) -> None:
    cloud.google("DELETE", "compute", "compute/v1/projects/acme-shop/global/firewalls/shop-vpc-apigee-to-pods")


def remove_headless_service(cloud: Cloud) -> None:
    cloud.kubectl("delete", "service", "orders", "-n", "shop")


def undeploy(cloud: Cloud) -> None:
    deployments = cloud.google("GET", "apigee", f"{ORGANIZATION}/apis/orders/deployments")["deployments"]
    for deployment in deployments:
        revision = f"{PROXY}/revisions/{deployment['revision']}"
        cloud.google("DELETE", "apigee", f"{revision}/deployments")


@dataclass(frozen=True)
class Link:
    """One link: how to take it away, and what Apigee then answers."""

    name: str
    remove: Callable[[Cloud], None]
    status: int
    errorcode: str
    reason: str


LINKS = [
    Link(
        "peered DNS domain",
        remove_peered_domain,
        503,
        "protocol.http.NoResolvedHost",
        "TARGET_CONNECT_HOST_NOT_REACHABLE",
    ),
    Link(
        "firewall rule",
        remove_firewall_rule,
        503,
        "messaging.adaptors.http.flow.ServiceUnavailable",
        "TARGET_CONNECT_TIMEOUT",
    ),
    Link(
        "headless Service",
        remove_headless_service,
        503,
        "protocol.http.NoResolvedHost",
        "TARGET_CONNECT_HOST_NOT_REACHABLE",
    ),
    Link("deployment", undeploy, 404, "messaging.adaptors.http.flow.ApplicationNotFound", "CLASSIFICATION_FAILURE"),
]


def fault(answer: dict) -> tuple[int, str, str | None]:
    """Status, errorcode and reason of Apigee's fault body; empty words when it is none."""
    try:
        detail = json.loads(answer["body"])["fault"]["detail"]
    except (ValueError, KeyError, TypeError):
        return answer["status"], "", None
    return answer["status"], detail["errorcode"], detail.get("reason")


def first_fault(cloud: Cloud, link: str) -> tuple[int, str, str | None]:
    """What a fresh connection meets: one that was open would go on, and a name once resolved is kept for a while.

    Google's and Kubernetes' controllers take a moment to carry out what they were told.
    """
    return until(
        lambda: (answer := fault(cloud.call(fresh=True)))[0] != 200 and answer,
        seconds=20,
        what=f"a fault without the {link}",
    )


@pytest.mark.parametrize("link", LINKS, ids=lambda link: link.name)
def test_a_missing_link_has_its_own_fault_and_is_mended(converged: Cloud, link: Link) -> None:
    link.remove(converged)
    assert first_fault(converged, link.name) == (link.status, link.errorcode, link.reason)
    repaired = converged.play()
    assert repaired.changed
    assert len(repaired.actions) == 1, "only what was missing"
    assert until(lambda: converged.call(fresh=True)["status"] == 200, seconds=20, what="the path mended")


def test_nothing_is_left_to_mend(converged: Cloud) -> None:
    assert converged.play().changed == 0


def test_a_cluster_that_lost_its_additive_domain_gets_it_back(empty: Cloud) -> None:
    declaration = empty.declaration(clusters={"gke": {"dns": "additive"}})
    empty.play(declaration=declaration)
    assert empty.call(fresh=True)["status"] == 200
    cluster = "v1/projects/acme-shop/locations/europe-west1/clusters/gke"
    config = empty.google("GET", "container", cluster)["networkConfig"]["dnsConfig"]
    # As gcloud --disable-additive-vpc-scope sends it.
    without = {**config, "additiveVpcScopeDnsDomain": ""}
    empty.google("PUT", "container", cluster, json={"update": {"desiredDnsConfig": without}})
    seen = first_fault(empty, "additive domain")
    assert seen == (503, "protocol.http.NoResolvedHost", "TARGET_CONNECT_HOST_NOT_REACHABLE")
    repaired = empty.play(declaration=declaration)
    assert repaired.actions == {("gke_cluster", "gke", "updated")}
    assert until(lambda: empty.call(fresh=True)["status"] == 200, seconds=20, what="the path mended")

    # What cannot be changed in place is refused with its reason, and nothing is written.
    before = empty.counters()["mutating"]
    refused = empty.play(declaration=empty.declaration(clusters={"gke": {"dns": "vpc_scope"}}), check=False)
    assert refused.code != 0
    assert "clusters.gke.dns: the DNS scope of an existing cluster cannot be changed" in refused.output
    assert "Google refuses it (Cluster DNS Scope cannot be toggled)" in " ".join(refused.output.split())
    assert empty.counters()["mutating"] == before
