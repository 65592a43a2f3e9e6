# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role tls_sidecar_webhook without a webhook: the API server adds the sidecar, and nothing else has to run.

That it adds what the webhook adds is in tests/testbed/kubernetes/test_tls_policy.py.
"""

from __future__ import annotations

import json

import pytest

from testbed.engines.authority import Authority
from tests.acceptance.cloud import Cloud, until
from tests.acceptance.test_webhook import REGISTRATION, Cluster, play, pod, sidecars

#: A server that nobody outside of the pod reaches.
LOOPBACK = """printf '%s' "daemon off; pid /tmp/pid; error_log stderr; events {} http { client_body_temp_path /tmp/a;
proxy_temp_path /tmp/b; fastcgi_temp_path /tmp/c; uwsgi_temp_path /tmp/d; scgi_temp_path /tmp/e; access_log off;
server { listen 127.0.0.1:8080; location = /fine { return 204; } } }" > /tmp/nginx.conf
exec nginx -e stderr -c /tmp/nginx.conf"""
POLICIES = {
    (kind, f"gke/{REGISTRATION}")
    for kind in (
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
    )
}


@pytest.fixture(scope="module")
def cluster(converged: Cloud) -> Cluster:
    """A cluster without cert-manager, which the policy does not need."""
    preview = play(converged, "--check", tls_sidecar_webhook_mode="auto")
    made = play(converged, tls_sidecar_webhook_mode="auto")
    assert made.actions == preview.actions == {(*each, "created") for each in POLICIES}
    return Cluster(converged)


def test_the_role_ends_when_pods_get_their_sidecar(cluster: Cluster) -> None:
    assert sidecars(cluster.create(service="orders")) == ["tls-sidecar"]
    assert sidecars(cluster.create()) == []


def test_a_wrong_annotation_is_refused_with_what_to_do(cluster: Cluster) -> None:
    made = cluster.create(service="orders", port="none")
    assert made.returncode != 0
    assert 'tls-sidecar.gatewayops.io/port is "none", but must be a port from 1 to 65535.' in made.stderr


def test_kubernetes_finds_nothing_doubtful_in_the_expressions(cluster: Cluster) -> None:
    """Its controller checks the types of a validating policy against the schema of pods, and notes what it finds."""

    def checked() -> dict:
        return json.loads(cluster("get", "validatingadmissionpolicy", REGISTRATION, "--output=json")).get("status", {})

    until(lambda: "typeChecking" in checked(), seconds=30, what="the types are not checked")
    assert checked()["typeChecking"].get("expressionWarnings", []) == []


def test_a_second_run_changes_nothing_and_new_defaults_are_taken(cluster: Cluster) -> None:
    again = play(cluster.cloud, tls_sidecar_webhook_mode="policy")
    assert again.changed == 0 and again.actions == set()
    other = {"images": {"nginx": "docker.io/gatewayops/tls-nginx:1"}, "values": {"port": 9443}}
    changed = play(cluster.cloud, tls_sidecar_webhook_mode="policy", tls_sidecar_webhook_defaults=other)
    assert {action for _kind, _name, action in changed.actions} == {"updated"}
    until(
        lambda: '"containerPort":9443' in cluster.create(service="orders").stdout.replace(" ", ""), seconds=20,
        what="the new port is not taken",
    )  # fmt: skip


def test_probes_reach_an_application_on_loopback_through_the_sidecar_alone(cluster: Cluster) -> None:
    pair = Authority("of this test").leaf("orders.default.svc.cluster.local")
    data = {"tls.crt": pair.certificate.decode(), "tls.key": pair.key.decode()}
    secret = {"kind": "Secret", "apiVersion": "v1", "type": "kubernetes.io/tls", "stringData": data}
    cluster("create", "--filename=-", item={**secret, "metadata": {"name": "orders-tls", "namespace": "default"}})
    names = {"probes-kept": {}, "probes-sent": {"probes": "rewrite"}}
    for name, wishes in names.items():
        made = pod(service="orders", **wishes)
        made["metadata"]["name"] = name
        made["spec"]["containers"][0] = {
            "name": "app",
            "image": "docker.io/gatewayops/tls-nginx:1",
            "command": ["/bin/sh", "-c", LOOPBACK],
            "ports": [{"name": "web", "containerPort": 8080}],
            "readinessProbe": {"httpGet": {"path": "/fine", "port": "web"}, "periodSeconds": 1},
        }
        cluster("create", "--filename=-", item=made)
    try:
        cluster("wait", "--for=condition=Ready", "pod/probes-sent", "--timeout=60s")
        kept = json.loads(cluster("get", "pod", "probes-kept", "--output=json"))["status"]
        assert kept["initContainerStatuses"][0]["started"], "its sidecar is no further than the other's"
        assert [each["ready"] for each in kept["containerStatuses"]] == [False]
    finally:
        cluster("delete", "pods", *names, "--grace-period=1", "--wait=false")
        cluster("delete", "secret", "orders-tls")


def test_removal_leaves_annotated_pods_startable(cluster: Cluster) -> None:
    removed = play(cluster.cloud, tls_sidecar_webhook_state="absent")
    order = [entry["kind"] for entry in removed.report if entry["action"] != "unchanged"]
    assert order[0] == "MutatingAdmissionPolicyBinding" and len(order) == 4
    until(lambda: sidecars(cluster.create(service="orders")) == [], seconds=20, what="annotated pods do not start")
    again = play(cluster.cloud, tls_sidecar_webhook_state="absent")
    assert again.changed == 0
