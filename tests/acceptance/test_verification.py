# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof from wherever the gateway can be reached: a run's last step changes nothing and leaves nothing."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.cloud import Cloud, Run, until
from tests.acceptance.test_converge import resource_versions

JOB = {"job": {"image": "docker.io/gatewayops/sample-app:1"}}


def play(cloud: Cloud, ingress: dict[str, Any], *arguments: str, **options: Any) -> Run:
    """Run the site with another way to its gateway."""
    return cloud.play("site.yml", "-e", json.dumps({"apigee_gke_ingress": ingress}), *arguments, **options)


def left(cloud: Cloud) -> list[str]:
    """Jobs, and pods of Jobs, that are still there."""
    found = json.loads(cloud.kubectl("get", "jobs,pods", "-A", "-o", "json"))["items"]
    return [
        item["metadata"]["name"]
        for item in found
        if item["kind"] == "Job" or "job-name" in (item["metadata"].get("labels") or {})
    ]


@pytest.fixture
def outside(tmp_path: Path) -> dict[str, str]:
    """Environment of a machine without a way into the network.

    Most have none; yet some answer for every address, as behind an intercepting proxy, so it is said to Python.
    """
    (tmp_path / "sitecustomize.py").write_text(
        "import socket\n"
        "connect = socket.create_connection\n"
        "def refuse(place, *arguments, **options):\n"
        "    if place[0].startswith('10.'):\n"
        "        raise ConnectionRefusedError(111, 'Connection refused')\n"
        "    return connect(place, *arguments, **options)\n"
        "socket.create_connection = refuse\n"
    )
    return {"PYTHONPATH": str(tmp_path)}


@pytest.mark.parametrize("ingress", [{"via": "job"}, {}], ids=["asked-for", "fallback"])
def test_a_job_in_the_cluster_proves_the_path(
    converged: Cloud, outside: dict[str, str], ingress: dict[str, Any]
) -> None:
    before = resource_versions(converged)
    run = play(converged, {**ingress, **JOB}, environment=outside)
    assert "sent from a Job in cluster gke," in run.output
    assert ("cannot be reached from here" in run.output) == (not ingress)
    # The same proof as from outside: the revision, the name with its addresses, and the pod that answered.
    assert "GET https://api.acme.example/orders" in run.output
    assert "answered    pod orders-" in run.output
    assert run.changed == 0
    assert run.actions == set()
    assert resource_versions(converged) == before
    until(lambda: not left(converged), seconds=30, what="the Job and its pods are gone")


def test_an_instance_that_is_asked_for_has_no_way_round(converged: Cloud, outside: dict[str, str]) -> None:
    run = play(converged, {"via": "instance", **JOB}, "-e", "apigee_backend_verify_timeout=1",
               check=False, environment=outside)  # fmt: skip
    assert run.code != 0
    assert "no answer: [Errno 111] Connection refused" in run.output
    assert "Say how the gateway is reached: apigee_gke_ingress: {via" in run.output
    assert "sent from a Job" not in run.output


def test_a_preview_runs_no_job(converged: Cloud) -> None:
    run = play(converged, {"via": "job", **JOB}, "--check")
    assert "sent from a Job" not in run.output
    assert left(converged) == []


def test_a_job_that_cannot_run_says_why_and_goes(converged: Cloud) -> None:
    ingress = {"via": "job", "job": {"image": "docker.io/gatewayops/not-there:1"}}
    run = play(converged, ingress, "-e", "apigee_backend_job_timeout=8", check=False)
    assert run.code != 0
    assert "did not end" in run.output
    assert "ImagePull" in run.output
    until(lambda: not left(converged), seconds=60, what="the Job and its pods are gone")


def test_a_certificate_of_another_authority_is_refused(converged: Cloud) -> None:
    """The testbed's cluster has another authority than its Apigee; it is no reason to look for another way."""
    text = json.loads(converged.kubectl("config", "view", "--raw", "-o", "json"))
    other = converged.home / "other.pem"
    other.write_bytes(base64.b64decode(text["clusters"][0]["cluster"]["certificate-authority-data"]))
    run = play(converged, {"via": "job", "ca_cert": str(other), **JOB}, check=False)
    assert run.code != 0
    assert "the gateway's certificate is not trusted" in run.output
    until(lambda: not left(converged), seconds=30, what="the Job and its pods are gone")
