# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS in somebody else's cluster, by the webhook: changes by hand are put right, and removal leaves it working."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.acceptance.cloud import Cloud
from tests.acceptance.test_ownership import NAMESPACE, service, their_cluster, workload
from tests.acceptance.test_webhook import REGISTRATION, Cluster, pod, sidecars
from tests.acceptance.tls import items, killed, play

TEARDOWN = "playbooks/teardown.yml"
# Apigee shows a certificate, and nobody asks for it yet: what is made for that has to go as well.
WEBHOOK = {"mode": "webhook", "client_certificate": {"required": False}}


#: Where a run is killed: while Helm installs cert-manager, which leaves a release that Helm refuses to touch; while
#: the webhook's pods start, before the API server is told of them; and when it was told, before anything was proved.
#: Google's side of it is killed at every write in tests/testbed/google/apigee/test_trust_rotation.py.
KILLED_AT = (
    ("secrets", "-n", "cert-manager", "-l", "owner=helm,status=pending-install"),
    ("deployments", "-n", "tls-sidecar", "-l", "app.kubernetes.io/name=tls-sidecar-webhook"),
    ("mutatingwebhookconfigurations", "-l", "app.kubernetes.io/name=tls-sidecar-webhook"),
)


@pytest.fixture(scope="module")
def site(running_cloud: Cloud) -> Cloud:
    """Somebody else's cluster with the site in it, made by runs of which three were killed."""
    running_cloud.reset()
    their_cluster(running_cloud)
    registered = []
    for there in KILLED_AT:
        assert killed(running_cloud, WEBHOOK, *there), f"the run ended before it was killed at {there}"
        registered.append(bool(items(running_cloud, *KILLED_AT[-1])))
    assert registered == [False, False, True]
    play(running_cloud, tls=WEBHOOK)
    return running_cloud


def test_runs_that_were_killed_are_completed_by_the_next(site: Cloud) -> None:
    assert site.call()["tls"]["verified"] is True
    again = play(site, tls=WEBHOOK)
    assert (again.changed, again.actions) == (0, set())


def test_what_somebody_deleted_comes_back_and_what_somebody_added_goes(site: Cloud) -> None:
    site.kubectl("delete", "mutatingwebhookconfiguration", REGISTRATION)
    ingress = json.loads(site.kubectl("get", "networkpolicy", "orders", "-n", "shop", "-o", "json"))["spec"]["ingress"]
    ingress[0]["ports"][0]["endPort"] = 65535
    added = {
        "networkpolicy/orders": {"ingress": ingress},
        "service/orders": {"selector": {"tier": "web"}},
        f"validatingadmissionpolicybinding/{REGISTRATION}": {
            "matchResources": {"namespaceSelector": {"matchLabels": {"nobody": "has"}}}
        },
    }
    for name, change in added.items():
        site.kubectl("patch", name, "-n", "shop", "--type=merge", "-p", json.dumps({"spec": change}))
    server = "v1/organizations/acme-shop/environments/prod/targetservers/orders"
    there = site.google("GET", "apigee", server)
    set_by_hand = {"commonName": {"value": "other.example"}, "protocols": ["TLSv1"]}
    site.google("PUT", "apigee", server, json={**there, "sSLInfo": {**there["sSLInfo"], **set_by_hand}})
    drift = {
        ("apigee_target_server", "orders", "updated"),
        ("MutatingWebhookConfiguration", f"gke/{REGISTRATION}", "created"),
        ("ValidatingAdmissionPolicyBinding", f"gke/{REGISTRATION}", "updated"),
        ("NetworkPolicy", "gke/shop/orders", "updated"),
        ("Service", "gke/shop/orders", "updated"),
    }
    preview = play(site, "--check", "--diff", tls=WEBHOOK)
    assert preview.actions == drift
    assert {
        ("NetworkPolicy", "gke/shop/orders", "spec.ingress[0].ports[0].endPort"),
        ("Service", "gke/shop/orders", "spec.selector.tier"),
        ("apigee_target_server", "orders", "tls.common_name"),
        ("apigee_target_server", "orders", "tls.protocols"),
    } <= preview.changed_fields
    assert play(site, tls=WEBHOOK).actions == drift
    assert site.google("GET", "apigee", server) == there
    policy = json.loads(site.kubectl("get", "networkpolicy", "orders", "-n", "shop", "-o", "json"))
    assert policy["spec"]["ingress"][0]["ports"] == [{"port": 8443, "protocol": "TCP"}]
    again = play(site, tls=WEBHOOK)
    assert (again.changed, again.actions) == (0, set())
    assert sidecars(Cluster(site).create(service="orders")) == ["tls-sidecar"]


def test_the_injector_stays_as_long_as_a_registration_asks_it_that_is_not_ours(site: Cloud) -> None:
    label = "app.kubernetes.io/managed-by"
    site.kubectl("label", "mutatingwebhookconfiguration", REGISTRATION, f"{label}-")
    before = site.counters()["mutating"]
    refused = site.play(TEARDOWN, declaration=site.declaration(tls=False), check=False)
    assert refused.code and f"kubectl delete mutatingwebhookconfiguration {REGISTRATION}" in refused.output
    assert site.counters()["mutating"] == before
    assert sidecars(Cluster(site).create(service="orders")) == ["tls-sidecar"]
    site.kubectl("label", "mutatingwebhookconfiguration", REGISTRATION, f"{label}=gatewayops.apigee_gke")


def without_another_site(site: Cloud, declaration: dict[str, Any]) -> set[tuple[str, str, str]]:
    """Remove the site beside another one's Service and somebody's workload that asks; these leave only then.

    Returns what was removed.
    """
    cluster = Cluster(site)
    labels = {"app.kubernetes.io/managed-by": "gatewayops.apigee_gke", "apigee-gke.gatewayops/service": "parcels"}
    asking = workload("letters")
    asking["spec"]["replicas"] = 0
    asking["spec"]["template"]["metadata"]["annotations"] = {"tls-sidecar.gatewayops.io/service": "letters"}
    published = service("parcels", clusterIP="None")
    published["metadata"]["labels"] = labels
    for one in (NAMESPACE, asking, published):
        cluster("create", "--filename=-", item=one)
    first = site.play(TEARDOWN, declaration=declaration)
    assert ("TLS", "gke", "kept") in first.actions
    assert "is not declared here: Service depot/parcels, Deployment depot/letters" in first.output
    assert sidecars(cluster.create(service="orders")) == ["tls-sidecar"]
    cluster("get", "certificate", "apigee-client", "--namespace=apigee-gke")
    gone = {each for each in first.actions if each[2] == "deleted"}
    believed = ("ConfigMap", "gke/shop/apigee-client-ca")
    removed = {("NetworkPolicy", "gke/shop/orders"), ("Certificate", "gke/shop/orders-tls"), believed}
    assert {(*each, "deleted") for each in removed} <= gone and "apigee_truststore" in {each[0] for each in gone}
    assert {each[0] for each in gone}.isdisjoint({"MutatingWebhookConfiguration", "HelmRelease"})
    cluster("delete", "namespace", "depot")
    return gone


def test_removal_begins_with_the_registration_and_pods_still_start(site: Cloud) -> None:
    # The inventory tells of no TLS any more; what it has left is known by its marks.
    declaration = site.declaration(tls=False)
    gone_first = without_another_site(site, declaration)
    preview = site.play(TEARDOWN, "--check", declaration=declaration)
    removed = site.play(TEARDOWN, declaration=declaration)
    assert removed.actions == preview.actions
    gone = [entry["kind"] for entry in removed.report if entry["action"] == "deleted"]
    assert gone[0] == "MutatingWebhookConfiguration"
    assert {"Deployment", "HelmRelease"} <= set(gone), gone
    assert ("Certificate", "gke/apigee-gke/apigee-client", "deleted") in removed.actions
    assert gone_first.isdisjoint(removed.actions)

    cluster = Cluster(site)
    for opted in ({}, {"service": "orders"}):
        name = cluster("create", "--output=name", "--filename=-", item=pod(**opted)).strip()
        cluster("wait", "--for=condition=Ready", name, "--timeout=60s")
        cluster("delete", name)
    left = json.loads(cluster("get", "deployments,services", "--all-namespaces", "--output=json"))["items"]
    ours = [item["metadata"]["name"] for item in left if item["metadata"]["namespace"] in ("shop", "tls-sidecar")]
    assert ours == []
    assert site.play(TEARDOWN, declaration=declaration).changed == 0
