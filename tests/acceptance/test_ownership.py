# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody else's objects in Kubernetes with the names of ours: never marked, never changed, never removed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.cloud import Cloud, until
from tests.acceptance.test_variety import PROJECT, made

TEARDOWN = "playbooks/teardown.yml"
LABEL = "app.kubernetes.io/managed-by"
MARK = "gatewayops.apigee_gke"


def placed(cloud: Cloud, folder: Path, *documents: dict[str, Any]) -> None:
    """Make objects in the cluster as their owner does."""
    path = folder / "theirs.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": list(documents)}))
    cloud.kubectl("create", "-f", str(path))


def theirs(cloud: Cloud) -> dict[str, Any]:
    """What is in the owner's namespace, as far as an owner says it."""
    found = json.loads(cloud.kubectl("get", "services,deployments,namespaces", "-A", "-o", "json"))["items"]
    return {
        f"{item['kind']}/{item['metadata']['name']}": [item["spec"], *map(item["metadata"].get, ("labels", "uid"))]
        for item in found
        if "depot" in (item["metadata"].get("namespace"), item["metadata"]["name"])
    }


def marked(cloud: Cloud) -> set[str]:
    """Objects in the cluster that carry our mark."""
    found = json.loads(cloud.kubectl("get", "services,deployments,jobs", "-A", "-l", f"{LABEL}={MARK}", "-o", "json"))
    return {f"{item['kind']}/{item['metadata']['namespace']}/{item['metadata']['name']}" for item in found["items"]}


def workload(name: str) -> dict[str, Any]:
    """A Deployment of a user's."""
    container = {"name": "application", "image": "docker.io/gatewayops/sample-app:1",
                 "env": [{"name": "PORT", "value": "8080"}]}  # fmt: skip
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "depot", "labels": {LABEL: "Helm"}},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}},
        },
    }


def service(name: str, **spec: Any) -> dict[str, Any]:
    """A Service of a user's in front of the Deployment of the same name."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "depot"},
        "spec": {"selector": {"app": name}, "ports": [{"name": "web", "port": 8080}], **spec},
    }


NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "depot"}}


def their_cluster(cloud: Cloud) -> None:
    """A cluster that fits the declaration, with the network around it, made by plain calls as another tool makes it."""
    for api in ("compute", "container", "dns"):
        made(cloud, "serviceusage", f"v1/{PROJECT}/services/{api}.googleapis.com:enable", {})
    network = f"{PROJECT}/global/networks/shop-vpc"
    compute = f"compute/v1/{PROJECT}"
    made(cloud, "compute", f"{compute}/global/networks", {"name": "shop-vpc", "autoCreateSubnetworks": False})
    ranges = [("pods", "10.20.0.0/16"), ("services", "10.40.0.0/20")]
    subnet = {
        "name": "shop-vpc-gke",
        "network": network,
        "ipCidrRange": "10.10.0.0/20",
        "privateIpGoogleAccess": True,
        "secondaryIpRanges": [{"rangeName": name, "ipCidrRange": text} for name, text in ranges],
    }
    region = "regions/europe-west1/subnetworks"
    made(cloud, "compute", f"{compute}/{region}", subnet)
    dns = {"clusterDns": "CLOUD_DNS", "clusterDnsScope": "VPC_SCOPE", "clusterDnsDomain": "gke.acme.internal"}
    cluster = {
        "name": "gke",
        "network": network,
        "subnetwork": f"{PROJECT}/{region}/shop-vpc-gke",
        "ipAllocationPolicy": {
            "useIpAliases": True, "clusterSecondaryRangeName": "pods", "servicesSecondaryRangeName": "services",
        },
        "networkConfig": {"dnsConfig": dns},
        "nodePools": [{"name": "default-pool", "initialNodeCount": 1}],
    }  # fmt: skip
    location = f"v1/{PROJECT}/locations/europe-west1"
    made(cloud, "container", f"{location}/clusters", {"cluster": cluster})
    until(
        lambda: cloud.google("GET", "container", f"{location}/clusters/gke")["status"] == "RUNNING",
        seconds=90,
        what="their cluster runs",
    )


@pytest.fixture
def depot(empty: Cloud, tmp_path: Path) -> Cloud:
    """Somebody else's cluster and namespace: stock has a headless Service there, goods one with an address."""
    their_cluster(empty)
    placed(
        empty, tmp_path, NAMESPACE, workload("stock"), service("stock", clusterIP="None"),
        workload("goods"), service("goods"),
    )  # fmt: skip
    return empty


def with_services(cloud: Cloud, *services: dict[str, Any]) -> dict[str, Any]:
    """The testbed's declaration and more services, each in somebody else's namespace."""
    declaration = cloud.declaration(project="acme-shop")
    declaration["services"] += [{"namespace": "depot", "port": 8080, **service} for service in services]
    return declaration


def test_an_object_of_somebody_else_never_becomes_ours(depot: Cloud) -> None:
    before, writes = theirs(depot), depot.counters()["mutating"]
    sample = {"image": "docker.io/gatewayops/sample-app:1"}
    conflicts = with_services(depot, {"name": "goods"}, {"name": "more-goods", "workload": "goods", "sample": sample})
    for arguments in ([], ["--check"]):
        run = depot.play("site.yml", *arguments, declaration=conflicts, check=False)
        assert run.code != 0
        said = " ".join(run.output.split())
        words = ("Service goods: ", "spec.clusterIP", "goods-pods", "Deployment goods: ", "Leave sample out",
                 "made by somebody else", "namespace depot")  # fmt: skip
        assert [word for word in words if word not in said] == []
        assert theirs(depot) == before
        assert depot.counters()["mutating"] == writes, "it was refused late"

    # What serves as it is is used, ours stand beside what is theirs, and neither run nor preview touches theirs.
    declaration = with_services(depot, {"name": "stock"}, {"name": "goods-pods", "workload": "goods"})
    ours = {("Namespace", "shop"), ("Service", "depot/goods-pods")}
    ours |= {("Deployment", "shop/orders"), ("Service", "shop/orders")}
    preview = depot.play("site.yml", "--check", declaration=declaration)
    run = depot.play(declaration=declaration)
    assert run.actions == preview.actions
    assert ours == {(kind, name.removeprefix("gke/")) for kind, name, _ in run.actions if name.startswith("gke/")}
    assert {key: value for key, value in theirs(depot).items() if key != "Service/goods-pods"} == before
    again = depot.play(declaration=declaration)
    assert again.changed == 0
    assert "Deployment stock in namespace depot has no PodDisruptionBudget" in " ".join(again.output.split())

    # Their cluster stays, and in it what is theirs.
    preview = depot.play(TEARDOWN, "--check", declaration=declaration)
    assert marked(depot) == {f"{kind}/{name}" for kind, name in ours if kind != "Namespace"}
    run = depot.play(TEARDOWN, declaration=declaration)
    assert run.actions == preview.actions
    expected = {(kind, f"gke/{name}", "kept" if kind == "Namespace" else "deleted") for kind, name in ours}
    assert expected | {("Service", "gke/depot/stock", "kept")} <= run.actions
    assert theirs(depot) == before
    assert marked(depot) == set()
