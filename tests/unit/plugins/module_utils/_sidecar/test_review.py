# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers to AdmissionReviews, of the API server and of anybody else."""

from __future__ import annotations

import base64
import copy
import json

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar import patch, review
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.fields import BY_NAME, PREFIX
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.settings import Defaults
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.module_utils._sidecar.pods import application, pod
from hypothesis import example, given, settings
from hypothesis import strategies as st

VERDICTS = {"injected", "completed", "unchanged", "skipped", "refused", "malformed"}


def asked(item, **request) -> dict:
    """A review as the API server sends it."""
    resource = {"group": "", "version": "v1", "resource": "pods"}
    whole = {"uid": "u-1", "operation": "CREATE", "namespace": "shop", "resource": resource, "object": item, **request}
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": whole}


def test_a_pod_gets_its_patch_and_warnings():
    given_pod = pod(application(lifecycle={"preStop": {"sleep": {"seconds": 1}}}))
    found = review.answer(asked(given_pod), Defaults())
    response = found.body["response"]
    assert (found.verdict, response["uid"], response["allowed"]) == ("injected", "u-1", True)
    assert response["patchType"] == "JSONPatch"
    made = json.loads(base64.b64decode(response["patch"]))
    assert patch.apply(given_pod, made)["spec"]["initContainers"][0]["name"] == "tls-sidecar"
    assert len(response["warnings"]) == 1


@pytest.mark.parametrize("port", [8080, None], ids=["injected", "refused"])
def test_its_text_says_the_same(port):
    made = review.answer(asked(pod(application(port=port))), Defaults())
    assert json.loads(made.text()) == made.body
    assert made.body["response"]["allowed"] is bool(port)


def test_a_refusal_says_why():
    found = review.answer(asked(pod(hostNetwork=True)), Defaults())
    response = found.body["response"]
    assert (found.verdict, response["allowed"], response["status"]["code"]) == ("refused", False, 422)
    assert PREFIX + "service" in response["status"]["message"] and "patch" not in response


@pytest.mark.parametrize(
    "request_parts",
    [
        {"operation": "UPDATE"},
        {"operation": "DELETE", "object": None},
        {"subResource": "ephemeralcontainers"},
        {"resource": {"group": "apps", "version": "v1", "resource": "deployments"}},
        {"namespace": "kube-system"},
    ],
)
def test_everything_else_is_let_through_untouched(request_parts):
    found = review.answer(asked(pod(hostNetwork=True), **request_parts), Defaults())
    assert found.verdict == "skipped"
    assert found.body["response"] == {"uid": "u-1", "allowed": True}


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "AdmissionReview",
        {},
        {"request": {"uid": "u"}},
        {**asked({}), "apiVersion": "admission.k8s.io/v1beta1"},
        {**asked({}), "request": {}},
        asked({}, uid=7),
        asked({}, namespace=None),
    ],
)
def test_no_review_no_permission(body):
    found = review.answer(body, Defaults())
    assert found.verdict == "malformed"
    assert found.body["response"]["allowed"] is False and found.body["response"]["status"]["code"] == 400


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["Always", "TCP"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
# Whatever it may be, it must not stop the webhook: hence also a right pod with one place replaced.
PLACES = [
    ("metadata",), ("metadata", "annotations"), ("metadata", "name"), ("spec",), ("spec", "containers"),
    ("spec", "containers", 0), ("spec", "containers", 0, "name"), ("spec", "containers", 0, "ports"),
    ("spec", "containers", 0, "ports", 0), ("spec", "containers", 0, "ports", 0, "containerPort"),
    ("spec", "containers", 0, "ports", 0, "protocol"), ("spec", "containers", 0, "lifecycle"),
    ("spec", "containers", 0, "lifecycle", "preStop"), ("spec", "containers", 0, "lifecycle", "preStop", "exec"),
    ("spec", "containers", 0, "lifecycle", "preStop", "exec", "command"), ("spec", "initContainers"),
    ("spec", "initContainers", 0), ("spec", "initContainers", 0, "restartPolicy"), ("spec", "ephemeralContainers"),
    ("spec", "volumes"), ("spec", "volumes", 0), ("spec", "volumes", 0, "name"), ("spec", "securityContext"),
    ("spec", "securityContext", "sysctls"), ("spec", "securityContext", "sysctls", 0, "value"), ("spec", "os"),
    ("spec", "tolerations"), ("spec", "nodeSelector"), ("spec", "hostNetwork"), ("spec", "restartPolicy"),
    ("spec", "terminationGracePeriodSeconds"),
    *(("metadata", "annotations", PREFIX + name) for name in [*BY_NAME, "status", "portt"]),
]  # fmt: skip
FULL = pod(
    application(lifecycle={"preStop": {"exec": {"command": ["sleep", "5"]}}}),
    initContainers=[application("mesh", 15001, restartPolicy="Always")],
    ephemeralContainers=[],
    volumes=[{"name": "data"}],
    securityContext={"sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]},
    annotations={"port": "443"},
)


def harmless(body) -> None:
    """The answer is JSON that the API server can read, and says one of the things it may say."""
    found = review.answer(body, Defaults())
    assert found.verdict in VERDICTS
    assert isinstance(json.loads(json.dumps(found.body))["response"]["allowed"], bool)


@settings(max_examples=1500)
@given(JSON)
def test_arbitrary_json_is_answered(body):
    harmless(body)
    harmless(asked(body))
    harmless({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": body})


@settings(max_examples=3000)
@given(st.sampled_from(PLACES), JSON)
@example(("metadata", "annotations", PREFIX + "client-names"), "\ud800")
@example(("spec", "securityContext", "sysctls", 0, "value"), "²")
@example(("spec", "securityContext", "sysctls", 0, "value"), "٣")
def test_a_pod_with_anything_anywhere_is_answered(place, value):
    whole = copy.deepcopy(FULL)
    target = whole
    for step in place[:-1]:
        target = target[step]
    target[place[-1]] = value
    harmless(asked(whole))
