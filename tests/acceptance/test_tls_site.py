# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The site as it is by default, with TLS to the pods: what is open, what Apigee verifies, and what it says else."""

from __future__ import annotations

import datetime
import json
import subprocess
from typing import Any

import pytest
from cryptography import x509

from tests.acceptance.cloud import Cloud, until
from tests.acceptance.test_converge import resource_versions
from tests.acceptance.tls import FAILED, HOST, PLAIN_PORT, SUFFIX, TLS_PORT, apigee, items, play, pods, reached, shown
from tests.testbed.certificates_double import TestAuthority

ENVIRONMENT = "v1/organizations/acme-shop/environments/prod"
FIREWALL = "compute/v1/projects/acme-shop/global/firewalls/shop-vpc-apigee-to-pods"
IMAGE = "docker.io/gatewayops/tls-nginx:1"
ANNOTATION = "tls-sidecar.gatewayops.io/"


@pytest.fixture(scope="module")
def site(running_cloud: Cloud) -> Cloud:
    """The testbed's site as its inventory has it."""
    running_cloud.reset()
    play(running_cloud)
    return running_cloud


def fault(cloud: Cloud) -> str:
    """Why Apigee could not call the service; the call with its answer when it could."""
    answer = cloud.call(fresh=True)
    if answer["status"] != 503:
        return json.dumps(answer)
    said = json.loads(answer["body"])["fault"]
    assert said["detail"]["errorcode"] == FAILED, said
    return said["faultstring"]


def fields(cloud: Cloud) -> set[tuple[str, str, str]]:
    """(kind, name, field) of everything that a preview would change; it changes nothing."""
    before = cloud.counters()["mutating"]
    preview = play(cloud, "--check", "--diff")
    assert cloud.counters()["mutating"] == before
    return preview.changed_fields


def create(cloud: Cloud, item: dict[str, Any]) -> None:
    """Create an object as its owner does."""
    subprocess.run(
        ["kubectl", "create", "-f", "-"], env=cloud.shell_environment(), check=True, input=json.dumps(item), text=True
    )


def test_a_second_run_changes_nothing_and_writes_nothing(site: Cloud) -> None:
    versions, before = resource_versions(site), site.counters()
    second = play(site)
    assert (second.changed, second.actions) == (0, set())
    assert site.counters()["mutating"] == before["mutating"]
    assert resource_versions(site) == versions
    assert site.control("GET", "violations")["violations"] == []


def test_apigee_verifies_the_certificate_of_the_pod_that_answers(site: Cloud) -> None:
    answer = site.call(fresh=True)
    assert answer["status"] == 200 and answer["answered"]["pod"] in pods(site)
    seen = answer["tls"]
    assert seen["verified"] is True and seen["protocol"] == "TLSv1.3"
    assert seen["issuer"] == "CN=apigee-gke CA"
    assert seen["names"] == [HOST, "orders.shop.svc.cluster.local"]
    left = datetime.datetime.fromisoformat(seen["expires"]) - datetime.datetime.now(datetime.timezone.utc)
    assert 88 < left.days <= 90


def from_another_pod(cloud: Cloud, address: str, port: int) -> bool:
    """Whether a connection comes about from a pod of somebody else."""
    asked = subprocess.run(
        ["kubectl", "exec", "stranger", "--", "nc", "-w", "2", address, str(port)],
        env=cloud.shell_environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert asked.returncode == 0 or "timed out" in asked.stderr, asked.stderr
    return asked.returncode == 0


def test_the_plain_port_is_closed_twice_and_to_other_pods(site: Cloud) -> None:
    address = next(iter(pods(site).values()))
    site.kubectl("run", "stranger", f"--image={IMAGE}", "--grace-period=0", "--command", "--", "sleep", "600")
    site.kubectl("wait", "--for=condition=Ready", "pod/stranger", "--timeout=60s")
    allowed = site.google("GET", "compute", FIREWALL)["allowed"]
    assert allowed == [{"IPProtocol": "tcp", "ports": [str(TLS_PORT)]}]
    assert reached(site, address, TLS_PORT) and not reached(site, address, PLAIN_PORT)
    assert not from_another_pod(site, address, PLAIN_PORT)

    # Without the firewall rule's part, the policy holds ...
    site.google("PATCH", "compute", FIREWALL, json={"allowed": [{"IPProtocol": "tcp", "ports": ["8080", "8443"]}]})
    assert not reached(site, address, PLAIN_PORT)
    # ... and without the policy the way is open, which shows that it was closed by what it seems.
    (policy,) = items(site, "networkpolicies", "-n", "shop")
    site.kubectl("delete", "networkpolicy", "-n", "shop", policy["metadata"]["name"])
    until(lambda: reached(site, address, PLAIN_PORT), seconds=20, what="the policy alone closes it")
    assert from_another_pod(site, address, PLAIN_PORT)
    site.google("PATCH", "compute", FIREWALL, json={"allowed": allowed})
    until(lambda: not reached(site, address, PLAIN_PORT), seconds=20, what="the firewall closes it too")

    mended = play(site)
    assert mended.actions == {("NetworkPolicy", f"gke/shop/{policy['metadata']['name']}", "created")}
    until(lambda: not from_another_pod(site, address, PLAIN_PORT), seconds=20, what="the policy is in force again")
    site.kubectl("delete", "pod", "stranger", "--now")


def test_an_authority_that_apigee_does_not_trust(site: Cloud) -> None:
    good = site.google("GET", "apigee", f"{ENVIRONMENT}/references/gke-ca")
    site.google("POST", "apigee", f"{ENVIRONMENT}/keystores", json={"name": "theirs"})
    site.google(
        "POST", "apigee", f"{ENVIRONMENT}/keystores/theirs/aliases", params={"alias": "ca", "format": "keycertfile"},
        files={"certFile": ("ca.pem", TestAuthority("somebody else's CA").pem)},
    )  # fmt: skip
    site.google("PUT", "apigee", f"{ENVIRONMENT}/references/gke-ca", json={**good, "refers": "theirs"})
    until(
        lambda: "unable to find valid certification path to requested target" in fault(site), seconds=20,
        what="another authority is refused",
    )  # fmt: skip
    seen = site.call(fresh=True)["tls"]
    assert seen["verified"] is False and seen["issuer"] == "CN=apigee-gke CA"
    assert {kind for kind, _name, _field in fields(site)} == {"apigee_truststore"}
    # Whom the reference names is taken for the authority before, which goes only on demand.
    play(site, apigee_gke_trust={"settle": 1, "retire": True})
    assert site.google("GET", "apigee", f"{ENVIRONMENT}/references/gke-ca")["refers"] == good["refers"]
    assert site.call(fresh=True)["tls"]["verified"] is True
    site.google("DELETE", "apigee", f"{ENVIRONMENT}/keystores/theirs")


def test_a_certificate_without_the_name_that_is_dialled(site: Cloud) -> None:
    wrong = json.dumps({"spec": {"dnsNames": ["orders.shop.svc.cluster.local"]}})
    site.kubectl("patch", "certificate", "orders-tls", "-n", "shop", "--type=merge", "-p", wrong)
    said = f"No subject alternative DNS name matching {HOST} found"
    until(lambda: said in fault(site), seconds=120, what="a certificate without the name is refused")
    changed = fields(site)
    assert {(kind, name) for kind, name, _field in changed} == {("Certificate", "gke/shop/orders-tls")}
    assert all(field.startswith("spec.dnsNames") for _kind, _name, field in changed)
    mended = play(site, apigee_backend_verify=False)
    assert mended.actions == {("Certificate", "gke/shop/orders-tls", "updated")}
    until(lambda: site.call(fresh=True)["status"] == 200, seconds=120, what="the right name is shown")


def workload(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    """A workload of a user's in namespace shop that opts in."""
    template = {
        "metadata": {"labels": {"app": name}, "annotations": {f"{ANNOTATION}service": spec.pop("publishes")}},
        "spec": {
            **spec.pop("pod"),
            "containers": [{"name": "application", "ports": [{"containerPort": PLAIN_PORT}], **spec.pop("container")}],
        },
    }
    return {
        "apiVersion": "batch/v1" if kind == "Job" else "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"template": template, **spec},
    }


def test_a_job_with_a_sidecar_completes(site: Cloud) -> None:
    container = {"image": IMAGE, "command": ["sleep", "1"]}
    create(site, workload("Job", "count", publishes="orders", pod={"restartPolicy": "Never"}, container=container))
    site.kubectl("wait", "--for=condition=Complete", "job/count", "-n", "shop", "--timeout=60s")
    (pod,) = items(site, "pods", "-n", "shop", "-l", "app=count")
    assert [each["name"] for each in pod["spec"]["initContainers"]] == ["tls-sidecar"]
    site.kubectl("delete", "job", "count", "-n", "shop", "--cascade=foreground")


def test_each_pod_of_a_statefulset_has_a_name_that_apigee_verifies(site: Cloud) -> None:
    container = {"image": "docker.io/gatewayops/sample-app:1"}
    stock = workload(
        "StatefulSet", "stock", publishes="stock", pod={}, container=container, serviceName="stock", replicas=2,
        podManagementPolicy="Parallel", selector={"matchLabels": {"app": "stock"}},
    )  # fmt: skip
    create(site, stock)
    declaration = site.declaration(tls=True)
    declaration["services"].append(
        {"name": "stock", "namespace": "shop", "port": PLAIN_PORT, "workload_kind": "StatefulSet"}
    )
    site.play(declaration=declaration)
    found = pods(site, "app=stock")
    assert sorted(found) == ["stock-0", "stock-1"]
    for address in found.values():
        names = shown(site, address).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert f"*.stock.shop.svc.{SUFFIX}" in names.get_values_for_type(x509.DNSName)
    assert apigee(site).exists()
