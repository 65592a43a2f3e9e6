# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The admission webhook in a real cluster: who is asked about, who is refused, and that nobody waits for it."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.acceptance.cloud import Cloud, Run, until

PLAYBOOK = "tests/acceptance/webhook.yml"
REGISTRATION = "tls-sidecar.gatewayops.io"
AUTHORITY = [
    {
        "apiVersion": "cert-manager.io/v1",
        "kind": "ClusterIssuer",
        "metadata": {"name": "own"},
        "spec": {"selfSigned": {}},
    },
    {
        "apiVersion": "cert-manager.io/v1",
        "kind": "Certificate",
        "metadata": {"name": "apigee-gke-ca", "namespace": "cert-manager"},
        "spec": {
            "isCA": True,
            "commonName": "authority of this test",
            "secretName": "apigee-gke-ca",
            "issuerRef": {"name": "own", "kind": "ClusterIssuer"},
        },
    },
    {
        "apiVersion": "cert-manager.io/v1",
        "kind": "ClusterIssuer",
        "metadata": {"name": "apigee-gke-ca"},
        "spec": {"ca": {"secretName": "apigee-gke-ca"}},
    },
]


def play(cloud: Cloud, *arguments: str, check: bool = True, **variables: Any) -> Run:
    return cloud.play(PLAYBOOK, *arguments, "-e", json.dumps(variables), check=check)


class Cluster:
    """The cluster with the webhook, asked by kubectl."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self._environment = cloud.shell_environment()

    def run(self, *arguments: str, item: Any = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["kubectl", *arguments], env=self._environment, capture_output=True, text=True, check=False,
            input=None if item is None else json.dumps(item),
        )  # fmt: skip

    def __call__(self, *arguments: str, item: Any = None) -> str:
        done = self.run(*arguments, item=item)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def admitted(self) -> float:
        """How many reviews all pods of the webhook have answered."""
        names = self("get", "pods", "--namespace=tls-sidecar", "--output=name").split()
        total = 0.0
        for name in names:
            path = f"/api/v1/namespaces/tls-sidecar/pods/{name.removeprefix('pod/')}:9402/proxy/metrics"
            for line in self("get", "--raw", path).splitlines():
                if line.startswith("tls_sidecar_webhook_requests_total{"):
                    total += float(line.split()[1])
        return total

    def create(self, **annotations: str) -> subprocess.CompletedProcess[str]:
        """Create a pod in a dry run of the API server, which asks every webhook and policy."""
        return self.run("create", "--dry-run=server", "--output=json", "--filename=-", item=pod(**annotations))

    def failure_policy(self, policy: str) -> None:
        patch = [{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": policy}]
        self("patch", "mutatingwebhookconfiguration", REGISTRATION, "--type=json", "--patch", json.dumps(patch))

    def scale(self, replicas: int) -> None:
        self("scale", "--namespace=tls-sidecar", "deployment/tls-sidecar-webhook", f"--replicas={replicas}")
        if replicas:
            self("rollout", "status", "--namespace=tls-sidecar", "deployment/tls-sidecar-webhook", "--timeout=90s")
        else:
            self("wait", "--namespace=tls-sidecar", "--for=delete", "pods", "--all", "--timeout=90s")


def pod(**annotations: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": "probe-",
            "namespace": "default",
            "annotations": {f"tls-sidecar.gatewayops.io/{name}": value for name, value in annotations.items()},
        },
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "containers": [
                {"name": "app", "image": "docker.io/gatewayops/sample-app:1", "ports": [{"containerPort": 8080}]}
            ],
        },
    }


def sidecars(made: subprocess.CompletedProcess[str]) -> list[str]:
    assert made.returncode == 0, made.stderr
    return [each["name"] for each in json.loads(made.stdout)["spec"].get("initContainers", [])]


@pytest.fixture(scope="module")
def cluster(converged: Cloud) -> Iterator[Cluster]:
    """A cluster with cert-manager, an authority, and the webhook, made by the role."""
    cluster = Cluster(converged)
    manager = converged.connection["cert_manager"]
    subprocess.run(
        [manager["helm"], "upgrade", "--install", "cert-manager", manager["chart"], "--namespace=cert-manager",
         "--create-namespace", "--set=crds.enabled=true,startupapicheck.enabled=false", "--wait"],
        env=converged.shell_environment(), check=True, capture_output=True,
    )  # fmt: skip
    for item in AUTHORITY:
        until(
            lambda item=item: cluster.run("apply", "--filename=-", item=item).returncode == 0, seconds=60,
            what=f"{item['kind']} {item['metadata']['name']} was not taken",
        )  # fmt: skip
    preview = play(converged, "--check")
    made = play(converged)
    assert made.actions == preview.actions
    assert ("MutatingWebhookConfiguration", f"gke/{REGISTRATION}", "created") in made.actions
    yield cluster


def test_annotated_pods_get_their_sidecar_and_nobody_asks_about_others(cluster: Cluster) -> None:
    before = cluster.admitted()
    for _each in range(5):
        assert sidecars(cluster.create()) == []
    assert cluster.admitted() == before
    assert sidecars(cluster.create(service="orders")) == ["tls-sidecar"]
    # Asked once more by the API server after its own other mutations, at most.
    assert before < cluster.admitted() <= before + 2


def test_a_wrong_annotation_is_refused_with_what_to_do(cluster: Cluster) -> None:
    made = cluster.create(service="orders", port="none")
    assert made.returncode != 0
    assert 'tls-sidecar.gatewayops.io/port is "none", but must be a port from 1 to 65535.' in made.stderr


def test_a_second_run_changes_nothing_whatever_autopilot_and_cert_manager_wrote(cluster: Cluster) -> None:
    live = json.loads(cluster("get", "mutatingwebhookconfiguration", REGISTRATION, "--output=json"))
    webhook = live["webhooks"][0]
    assert webhook["clientConfig"]["caBundle"]
    webhook["namespaceSelector"]["matchExpressions"][0]["values"].append("gke-managed-cim")
    cluster("replace", "--filename=-", item=live)
    again = play(cluster.cloud)
    assert again.changed == 0 and again.actions == set()
    after = json.loads(cluster("get", "mutatingwebhookconfiguration", REGISTRATION, "--output=json"))
    assert after["webhooks"] == live["webhooks"]


def test_without_the_webhook_pods_start_and_annotated_ones_are_refused(cluster: Cluster) -> None:
    cluster.scale(0)
    try:
        name = cluster("create", "--output=name", "--filename=-", item=pod()).strip()
        cluster("wait", "--for=condition=Ready", name, "--timeout=30s")
        cluster("delete", name)
        made = cluster.create(service="orders")
        assert made.returncode != 0 and f'failed calling webhook "{REGISTRATION}"' in made.stderr
        # By this one word the profile Ignore differs (tests/unit, _webhook/test_definitions.py); the guard holds alone.
        cluster.failure_policy("Ignore")
        until(
            lambda: "is set, but the pod has no TLS sidecar" in cluster.create(service="orders").stderr, seconds=20,
            what="the guard refuses what the absent webhook was not asked about",
        )  # fmt: skip
        assert cluster.create().returncode == 0
    finally:
        cluster.failure_policy("Fail")
        cluster.scale(2)
    until(lambda: cluster.create(service="orders").returncode == 0, seconds=20, what="the webhook is not asked again")


def test_the_guard_stops_what_the_webhook_was_not_asked_about(cluster: Cluster) -> None:
    cluster("delete", "mutatingwebhookconfiguration", REGISTRATION)
    refused = until(
        lambda: (made := cluster.create(service="orders")).returncode != 0 and made.stderr, seconds=20,
        what="a bare pod was admitted",
    )  # fmt: skip
    assert "is set, but the pod has no TLS sidecar" in refused
    assert sidecars(cluster.create()) == []
    mended = play(cluster.cloud)
    assert mended.actions == {("MutatingWebhookConfiguration", f"gke/{REGISTRATION}", "created")}


def test_no_admission_fails_while_the_webhook_and_its_certificate_are_exchanged(cluster: Cluster) -> None:
    failures: list[str] = []
    answered = 0
    stop = threading.Event()

    def ask() -> None:
        nonlocal answered
        while not stop.is_set():
            made = cluster.create(service="orders")
            if made.returncode or sidecars(made) != ["tls-sidecar"]:
                failures.append(made.stderr)
            answered += 1

    secret = ("secret", "--namespace=tls-sidecar", "tls-sidecar-webhook-tls")

    def certificate() -> str:
        return cluster("get", *secret, "--output=jsonpath={.data}")

    asking = [threading.Thread(target=ask) for _each in range(2)]
    for each in asking:
        each.start()
    try:
        old = certificate()
        cluster("delete", *secret)
        until(lambda: cluster.run("get", *secret).returncode == 0, seconds=30, what="no new certificate")
        assert certificate() != old
        cluster("rollout", "restart", "--namespace=tls-sidecar", "deployment/tls-sidecar-webhook")
        cluster("rollout", "status", "--namespace=tls-sidecar", "deployment/tls-sidecar-webhook", "--timeout=120s")
        # The pods that leave go on answering for 15 s.
        time.sleep(18)
    finally:
        stop.set()
        for each in asking:
            each.join()
    assert failures == [] and answered > 20


def test_a_change_of_mode_and_back_leaves_one_of_them_and_no_bare_pod(cluster: Cluster) -> None:
    made: list[subprocess.CompletedProcess[str]] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            made.append(cluster.create(service="orders"))

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        changed = play(cluster.cloud, tls_sidecar_webhook_mode="policy")
        actions = {(kind, action) for kind, _name, action in changed.actions}
        assert {("MutatingAdmissionPolicy", "created"), ("MutatingWebhookConfiguration", "deleted")} <= actions
        assert cluster("get", "deployments", "--namespace=tls-sidecar", "--output=name") == ""
        back = play(cluster.cloud)
        actions = {(kind, action) for kind, _name, action in back.actions}
        assert {("MutatingAdmissionPolicy", "deleted"), ("MutatingWebhookConfiguration", "created")} <= actions
    finally:
        stop.set()
        asking.join()
    accepted = [each for each in made if each.returncode == 0]
    assert len(accepted) > 20
    assert [found for each in accepted if (found := sidecars(each)) != ["tls-sidecar"]] == []
    # For a moment the old one is gone and the new one not in force: the guard refuses then. For another the webhook is
    # asked that cert-manager has not told the API server to trust yet: its failure policy refuses then.
    moments = ("is set, but the pod has no TLS sidecar", f'failed calling webhook "{REGISTRATION}"')
    refused = [each.stderr for each in made if each.returncode]
    assert [each for each in refused if not any(moment in each for moment in moments)] == []


def test_removal_takes_the_registration_away_first_and_leaves_a_working_cluster(cluster: Cluster) -> None:
    removed = play(cluster.cloud, tls_sidecar_webhook_state="absent")
    order = [entry["kind"] for entry in removed.report]
    assert order[0] == "MutatingWebhookConfiguration" and order.index("Deployment") > 2
    until(lambda: sidecars(cluster.create(service="orders")) == [], seconds=20, what="annotated pods do not start")
    left = cluster("get", "all,configmaps,networkpolicies,certificates", "--namespace=tls-sidecar", "--output=name")
    # Its pods still drain.
    assert [name for name in left.split() if "tls-sidecar" in name and not name.startswith("pod/")] == []
    again = play(cluster.cloud, tls_sidecar_webhook_state="absent")
    assert again.changed == 0
