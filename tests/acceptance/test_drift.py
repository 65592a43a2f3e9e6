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
    return {
        (entry["kind"], entry["name"], change["field"])
        for entry in preview.report
        for change in entry.get("changes") or [{"field": entry["action"]}]
        if entry["action"] != "unchanged"
    }


def test_a_changed_firewall_rule(converged: Cloud) -> None:
    rule = "compute/v1/projects/acme-shop/global/firewalls/shop-vpc-apigee-to-pods"
    allowed = [{"IPProtocol": "tcp", "ports": ["9090"]}]
    converged.google("PATCH", "compute", rule, json={"allowed": allowed})
    assert changed_fields(converged) == {("compute_firewall", "shop-vpc-apigee-to-pods", "allowed")}
    converged.play()
    assert changed_fields(converged) == set()


def test_a_changed_target_server(converged: Cloud) -> None:
    server = "v1/organizations/acme-shop/environments/prod/targetservers/orders"
    found = converged.google("GET", "apigee", server)
    converged.google("PUT", "apigee", server, json={**found, "port": 9999})
    assert {field for kind, _, field in changed_fields(converged) if kind == "apigee_target_server"} == {"port"}
    converged.play()
    assert changed_fields(converged) == set()


def test_a_changed_service(converged: Cloud) -> None:
    patch = '{"spec":{"ports":[{"port":8080,"name":"http","targetPort":9999}]}}'
    converged.kubectl("patch", "service", "orders", "-n", "shop", "-p", patch)
    fields = changed_fields(converged)
    assert {(kind, name) for kind, name, _ in fields} == {("Service", "gke/shop/orders")}
    assert all("ports" in field for _, _, field in fields)
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
