# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifests in, manifests out: the filters."""

from __future__ import annotations

import copy

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.gatewayops.apigee_gke.plugins.filter.tls_sidecar import FilterModule
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.fields import PREFIX
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.manifests import TEMPLATES
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.module_utils._sidecar.pods import application, pod

inject, remove, explain = (FilterModule().filters()[f"{name}_tls_sidecar"] for name in ("inject", "remove", "explain"))


def workload(kind: str, template: dict) -> dict:
    """A manifest of the kind around the pod."""
    whole = template
    for step in reversed(TEMPLATES[kind]):
        whole = {step: whole}
    return {"apiVersion": "v1", **whole, "kind": kind, "metadata": {**whole.get("metadata", {}), "name": "orders"}}


def template_of(manifest: dict) -> dict:
    found = manifest
    for step in TEMPLATES[manifest["kind"]]:
        found = found[step]
    return found


@pytest.mark.parametrize("kind", TEMPLATES)
def test_every_kind_of_workload(kind):
    given = workload(kind, pod())
    before = copy.deepcopy(given)
    (result,) = inject(given)
    assert template_of(result)["spec"]["initContainers"][0]["name"] == "tls-sidecar"
    assert given == before
    assert inject(result) == [result]
    assert remove(result) == [given] == remove(given)
    assert explain(given)[0] == f"{kind} default/orders: gets the sidecar"


def test_lists_come_out_one_by_one_and_the_rest_is_left_alone():
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "orders"}}
    whole = {"apiVersion": "v1", "kind": "List", "items": [service, workload("Deployment", pod())]}
    first, second = inject([whole])
    assert first == service
    assert "initContainers" in second["spec"]["template"]["spec"]
    assert len([line for line in explain([whole]) if not line.startswith(" ")]) == 1


def test_the_namespace_of_the_manifest_counts():
    given = workload("Deployment", pod())
    given["metadata"]["namespace"] = "kube-system"
    assert inject(given) == [given]
    assert explain(given)[1].endswith("namespace kube-system is excluded")
    assert "kube-public" in explain(workload("Pod", pod()), {}, "kube-public")[0]


def test_defaults_count():
    (result,) = inject(workload("Deployment", pod()), {"values": {"port": 9443}})
    assert '"port":9443' in template_of(result)["metadata"]["annotations"][PREFIX + "status"]
    with pytest.raises(AnsibleFilterError, match=r"values.prt is not a setting"):
        inject([], {"values": {"prt": 9443}})


def test_a_refusal_fails_and_names_the_manifest():
    with pytest.raises(AnsibleFilterError, match=r"Deployment default/orders: tls-sidecar.gatewayops.io/service"):
        inject(workload("Deployment", pod(hostNetwork=True)))
    assert explain(workload("Deployment", pod(hostNetwork=True)))[0] == "Deployment default/orders: refused"


def test_what_cannot_be_removed_fails_and_names_the_manifest():
    (result,) = inject(workload("Deployment", pod()))
    template_of(result)["metadata"]["annotations"][PREFIX + "status"] = "{}"
    with pytest.raises(AnsibleFilterError, match=r"be removed. Deployment default/orders: .*/status does not say"):
        remove(result)


def test_an_annotation_in_the_wrong_place_is_pointed_out():
    given = workload("Deployment", {"spec": {"containers": [application()]}})
    given["metadata"]["annotations"] = {PREFIX + "service": "orders"}
    assert "write it in the metadata of its pod template" in explain(given)[1]


def test_annotations_without_effect_are_pointed_out():
    bare = pod(annotations={"port": "9443"})
    del bare["metadata"]["annotations"][PREFIX + "service"]
    lines = explain(workload("Deployment", bare))
    assert f"{PREFIX}port has no effect alone: set {PREFIX}service" in lines[2]


def test_the_explanation_tells_how_the_pod_will_look():
    lines = "\n".join(explain(workload("Deployment", pod(annotations={"port": "9443"})), {"values": {"cpu": "15m"}}))
    for part in ("on port 9443", "Secret orders-tls", "93 s, then a graceful stop", "153 s"):
        assert part in lines
    assert "cpu 15m" in lines and "defaults: cpu" in lines


@pytest.mark.parametrize("given", [None, 7, "x", [None], {"kind": "Deployment"}, {"kind": "Pod", "metadata": []}])
def test_what_is_no_manifest_is_left_alone(given):
    assert inject(given) == (given if isinstance(given, list) else [given])


def rolled_out(**spec) -> list[str]:
    """Warnings about a Deployment with this in its spec."""
    given = workload("Deployment", pod())
    given["spec"].update(spec)
    return [line.strip() for line in explain(given) if line.startswith("  warning")]


GENTLE = {"replicas": 2, "minReadySeconds": 85, "strategy": {"rollingUpdate": {"maxUnavailable": 0}}}


def test_a_gentle_rollout_needs_no_advice():
    assert rolled_out(**GENTLE) == []
    assert explain(workload("Job", pod()))[-1].startswith("  said by")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"replicas": 1}, "1 replica"),
        ({"minReadySeconds": 10}, "Set it to 85"),
        ({"minReadySeconds": None}, "minReadySeconds is 0"),
        ({"strategy": {"type": "Recreate"}}, "maxUnavailable"),
        ({"strategy": {"rollingUpdate": {"maxUnavailable": "25%"}}}, "maxUnavailable"),
        ({"strategy": None}, "maxUnavailable"),
    ],
)
def test_a_rollout_that_loses_requests_is_advised(change, named):
    (warning,) = rolled_out(**{**GENTLE, **change})
    assert named in warning
