# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Job that proves a path from inside: what it runs, where, and what its log is worth."""

from __future__ import annotations

import base64
import json

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration import job

REQUESTS = [
    {"name": "orders (prod)", "url": "https://api.acme.example/orders?full=1", "status": []},
    {"name": "stock (prod)", "url": "https://api.acme.example/stock", "status": [401]},
]
PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


def made(authority: str = PEM, tls_name: str = "verification.acme.apigee.internal", image: str = "") -> dict:
    return job.definition(REQUESTS, "v-1", "shop", "10.0.0.2", 443, authority, tls_name, image, 60)


def container(definition: dict) -> dict:
    return definition["spec"]["template"]["spec"]["containers"][0]


def test_it_asks_the_instance_for_the_host_and_checks_its_own_certificate() -> None:
    arguments = container(made())["args"]
    first = arguments[: arguments.index("--next")]
    assert first[-1] == "https://verification.acme.apigee.internal/orders?full=1"
    assert first[first.index("--connect-to") + 1] == "::10.0.0.2:443"
    assert "Host: api.acme.example" in first
    assert first[first.index("--cacert") + 1] == "/etc/apigee-gke/ca.crt"


def test_the_authority_travels_with_the_pod() -> None:
    template = made()["spec"]["template"]
    (item,) = template["spec"]["volumes"][0]["downwardAPI"]["items"]
    key = item["fieldRef"]["fieldPath"].removeprefix("metadata.annotations['").removesuffix("']")
    assert template["metadata"]["annotations"][key] == PEM


def test_without_an_authority_or_a_name_the_image_and_the_url_decide() -> None:
    definition = made(authority="", tls_name="", image="registry.acme.example/curl")
    assert "--cacert" not in container(definition)["args"]
    assert container(definition)["args"][-1] == "https://api.acme.example/stock"
    assert container(definition)["image"] == "registry.acme.example/curl"
    assert "volumes" not in definition["spec"]["template"]["spec"]


def test_it_ends_and_goes_by_itself() -> None:
    spec = made()["spec"]
    assert (spec["backoffLimit"], spec["activeDeadlineSeconds"]) == (0, 60)
    assert spec["ttlSecondsAfterFinished"] > 0


def test_a_restricted_namespace_admits_it() -> None:
    """What the restricted Pod Security Standard asks for."""
    pod = made()["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["seccompProfile"]
    assert not container(made())["securityContext"]["allowPrivilegeEscalation"]
    assert container(made())["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def log(first: str, second: str) -> str:
    return f'{{"pod": "orders-1"}}\n\nv-1 {first}\nno JSON at all\nv-1 {second}\n'


def read(text: str) -> dict:
    return job.read(text, REQUESTS, "v-1", 2, "10.0.0.2")


def test_good_answers() -> None:
    outcome = read(log("200 0.010000 0.034500 0 ", "401 0.01 0.02 0"))
    assert (outcome["failures"], outcome["again"]) == ([], False)
    first, second = outcome["responses"]
    assert (first["status"], first["milliseconds"], first["attempts"]) == (200, 24.5, 2)
    assert first["json"] == {"pod": "orders-1"}
    assert (second["status"], second["json"]) == (401, {})


@pytest.mark.parametrize(
    ("first", "again", "text"),
    [
        ("503 0.01 0.02 0 ", True, "status 503"),
        ("403 0.01 0.02 0 ", False, "status 403"),
        ("000 0.0 10.0 28 Connection timed out", True, "Connection timed out"),
        ("000 0.0 0.1 60 self-signed certificate in chain", False, "certificate is not trusted: self-signed"),
    ],
)
def test_what_is_worth_asking_again(first: str, again: bool, text: str) -> None:
    outcome = read(log(first, "401 0.01 0.02 0"))
    assert outcome["again"] is again
    (failure,) = outcome["failures"]
    assert text in failure and "from a Job in the cluster" in failure


def test_one_lasting_refusal_ends_it_whatever_the_others_say() -> None:
    assert read(log("503 0.01 0.02 0 ", "200 0.01 0.02 0"))["again"] is False


def test_a_log_that_says_something_else() -> None:
    outcome = read("exec: curl: not found")
    assert all("exec: curl: not found" in failure for failure in outcome["failures"])
    assert outcome["again"] is False


def test_it_runs_in_the_first_cluster_that_is_there_and_has_a_service() -> None:
    services = [{"namespace": "a", "cluster": "new"}, {"namespace": "shop", "cluster": "gke"}]
    assert job.place(services, {"empty": {"endpoint": "1"}, "new": {}, "gke": {"endpoint": "2"}}) == {
        "cluster": "gke",
        "namespace": "shop",
    }
    assert job.place(services, {}) == {}


def test_the_organisation_names_its_authorities() -> None:
    encoded = base64.b64encode(PEM.encode()).decode()
    der = base64.b64encode(b"\x30\x00").decode()
    entries = [
        {"kind": "apigee_organization", "resource": {}},
        {"kind": "apigee_organization", "resource": {"ca_certificates": [encoded, der]}},
    ]
    assert job.authorities(entries).startswith(PEM + "-----BEGIN CERTIFICATE-----\nMAA=\n")
    assert job.authorities([]) == ""


def test_why_a_pod_did_not_end() -> None:
    waiting = {"state": {"waiting": {"reason": "ErrImagePull", "message": "no such image"}}}
    assert job.trouble([{"status": {"containerStatuses": [waiting]}}]) == "ErrImagePull: no such image"
    unscheduled = {"status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}
    assert job.trouble([{"status": {"phase": "Pending", "conditions": [unscheduled]}}]) == "Unschedulable: 0/1 nodes"
    assert "quota" in job.trouble([])
    assert json.dumps(made())
