# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody changed by hand: the next check names exactly that field."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.acceptance.cloud import Cloud


def changed_fields(cloud: Cloud) -> set[tuple[str, str, str]]:
    """(kind, name, field) of everything that a preview says would change."""
    before = cloud.counters()["mutating"]
    preview = cloud.play("site.yml", "--check", "--diff")
    assert cloud.counters()["mutating"] == before
    return preview.changed_fields


def change_firewall_rule(cloud: Cloud) -> None:
    rule = "compute/v1/projects/acme-shop/global/firewalls/shop-vpc-apigee-to-pods"
    cloud.google("PATCH", "compute", rule, json={"allowed": [{"IPProtocol": "tcp", "ports": ["9090"]}]})


def change_target_server(cloud: Cloud) -> None:
    server = "v1/organizations/acme-shop/environments/prod/targetservers/orders"
    cloud.google("PUT", "apigee", server, json={**cloud.google("GET", "apigee", server), "port": 9999})


def change_environment_group(cloud: Cloud) -> None:
    group = "v1/organizations/acme-shop/envgroups/prod"
    hostnames = {"hostnames": ["api.acme.example", "www.acme.example"]}
    cloud.google("PATCH", "apigee", f"{group}?updateMask=hostnames", json=hostnames)


def change_service(cloud: Cloud) -> None:
    patch = '{"spec":{"ports":[{"port":8080,"name":"http","targetPort":9999}]}}'
    cloud.kubectl("patch", "service", "orders", "-n", "shop", "-p", patch)


def change_deployment(cloud: Cloud) -> None:
    cloud.kubectl("set", "image", "deployment/orders", "-n", "shop", "*=docker.io/gatewayops/sample-app:0")


def test_a_preview_names_exactly_the_fields_that_somebody_changed(converged: Cloud) -> None:
    assert changed_fields(converged) == set()
    for change in (
        change_firewall_rule, change_target_server, change_environment_group, change_service, change_deployment
    ):  # fmt: skip
        change(converged)
    assert changed_fields(converged) == {
        ("compute_firewall", "shop-vpc-apigee-to-pods", "allowed"),
        ("apigee_target_server", "orders", "port"),
        ("apigee_environment_group", "prod", "hostnames"),
        ("Service", "gke/shop/orders", "spec.ports[0].targetPort"),
        ("Deployment", "gke/shop/orders", "spec.template.spec.containers[0].image"),
    }
    converged.play()
    assert changed_fields(converged) == set()


COMMANDS = [
    (["container", "clusters", "list"], "gke"),
    (["services", "peered-dns-domains", "list", "--network=shop-vpc"], "gke.acme.internal."),
    (["compute", "networks", "list"], "shop-vpc"),
    (["apigee", "deployments", "list", "--organization=acme-shop"], "orders"),
]


@pytest.mark.parametrize(("command", "shown"), COMMANDS, ids=lambda value: " ".join(value[:3]) if value else "")
def test_gcloud_sees_what_we_made(converged: Cloud, command: list[str], shown: str) -> None:
    gcloud = shutil.which("gcloud")
    if not gcloud:
        # gcloud is in no package registry. What it sends is replayed in tests/testbed/google, on every machine.
        pytest.skip("not run: gcloud is not installed here")
    finished = subprocess.run(
        [gcloud, *command, "--quiet"], env=converged.shell_environment(), capture_output=True, text=True
    )
    assert finished.returncode == 0, finished.stderr
    assert shown in finished.stdout
