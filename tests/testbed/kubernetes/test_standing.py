# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a real API server makes of our definitions stands; what is added to them by hand does not, and goes.

Certificates and issuers are not among them: cert-manager's types have no defaults that an API server fills in.
"""
from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration import manifests, ownership
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._kubernetes.objects import path_of

from testbed.kubernetes import node
from tests.testbed.kubernetes.conftest import linked, spec
from tests.testbed.kubernetes.test_tls_policy import Cluster, Object
from tests.unit.plugins.module_utils._declaration.test_additions import DECLARED, RULE, SELECTED

pytestmark = pytest.mark.testbed

DEFINITIONS = [one for one in DECLARED if not one["apiVersion"].startswith("cert-manager.io/")]
LABELS = {"labels": {manifests.OWNER_LABEL: manifests.MANAGED_BY}}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("standing")
    with linked(folder) as (inner, _outer, cgroup):
        wanted = spec(cgroup)
        try:
            access = asyncio.run(node.start(wanted, inner, folder / "node"))
            found = Cluster(inner, access, wanted.node_server)
            for name in ("shop", "sidecars", "apigee-gke"):
                found([("POST", "/api/v1/namespaces", {"metadata": {"name": name, **LABELS}})])
            yield found
        finally:
            asyncio.run(node.stop(folder / "node"))


def apply(cluster: Cluster, definition: Object) -> Object:
    """As role _kubernetes does it on the server's side; with the note by which an applied object is known."""
    noted = json.loads(json.dumps(definition))
    annotations = noted["metadata"].setdefault("annotations", {})
    if manifests.STAMP not in annotations:
        annotations[manifests.LAST_APPLIED] = json.dumps(definition)
    ((status, answer),) = cluster([("PATCH", path_of(definition) + "?fieldManager=ours&force=true", noted)])
    assert status in (200, 201), answer["message"]
    return answer


def merge(cluster: Cluster, patch: Object, definition: Object) -> Object:
    ((status, answer),) = cluster([("MERGE", path_of(definition) + "?fieldManager=other", patch)])
    assert status == 200, answer["message"]
    return answer


def test_what_the_api_server_stores_stands(cluster: Cluster) -> None:
    for definition in DEFINITIONS:
        standing = ownership.standing(definition, apply(cluster, definition))
        assert standing["same"], (definition["kind"], standing["withdrawal"])


@pytest.mark.parametrize(
    ("kind", "patch"),
    [
        ("NetworkPolicy", {"podSelector": {"matchExpressions": [{"key": "a", "operator": "Exists"}]}}),
        ("NetworkPolicy", {"podSelector": {"matchLabels": {"tier": "web"}}}),
        ("Service", {"selector": {"tier": "web"}}),
        ("Service", {"sessionAffinity": "ClientIP"}),
        ("PodDisruptionBudget", {"unhealthyPodEvictionPolicy": "AlwaysAllow"}),
        ("Deployment", {"paused": True}),
        ("Deployment", {"template": {"spec": {"hostNetwork": True}}}),
        ("Deployment", {"template": {"spec": {"initContainers": [{"name": "more", "image": "an/image"}]}}}),
        ("Deployment", {"template": {"metadata": {"annotations": {"tls-sidecar.gatewayops.io/drain-seconds": "0"}}}}),
        ("MutatingAdmissionPolicy", {"matchConstraints": {"objectSelector": SELECTED}}),
        ("MutatingAdmissionPolicy", {"matchConstraints": {"namespaceSelector": SELECTED}}),
        ("MutatingAdmissionPolicy", {"matchConstraints": {"excludeResourceRules": [RULE]}}),
        ("MutatingAdmissionPolicyBinding", {"matchResources": {"objectSelector": SELECTED}}),
        ("ValidatingAdmissionPolicy", {"matchConstraints": {"excludeResourceRules": [RULE]}}),
        ("ValidatingAdmissionPolicyBinding", {"matchResources": {"namespaceSelector": SELECTED}}),
        ("ValidatingAdmissionPolicyBinding", {"validationActions": ["Deny", "Audit"]}),
    ],
)
def test_what_is_added_is_seen_and_taken_out(cluster: Cluster, kind: str, patch: Object) -> None:
    definition = [one for one in DEFINITIONS if one["kind"] == kind][-1]
    apply(cluster, definition)
    changed = ownership.standing(definition, merge(cluster, {"spec": patch}, definition))
    assert not changed["same"] and changed["withdrawal"]
    _repair(cluster, definition, changed)


@pytest.mark.parametrize("field", ["objectSelector", "matchConditions", "rules"])
def test_a_registration_that_would_not_ask_for_all_is_put_right(cluster: Cluster, field: str) -> None:
    """Applying alone leaves a selector and a condition of others where they are."""
    definition = next(one for one in DEFINITIONS if one["kind"] == "MutatingWebhookConfiguration")
    webhook = apply(cluster, definition)["webhooks"][0]
    if field == "objectSelector":
        webhook["objectSelector"] = SELECTED
    elif field == "matchConditions":
        webhook["matchConditions"].append({"name": "never", "expression": "false"})
    else:
        webhook["rules"][0]["operations"].append("DELETE")
    changed = ownership.standing(definition, merge(cluster, {"webhooks": [webhook]}, definition))
    assert not changed["same"]
    if field != "rules":
        assert not ownership.standing(definition, apply(cluster, definition))["same"]
    _repair(cluster, definition, changed)


def test_a_port_that_became_a_range_is_one_again(cluster: Cluster) -> None:
    definition = next(one for one in DEFINITIONS if one["kind"] == "NetworkPolicy")
    ingress = apply(cluster, definition)["spec"]["ingress"]
    ingress[0]["ports"][0]["endPort"] = 9000
    changed = ownership.standing(definition, merge(cluster, {"spec": {"ingress": ingress}}, definition))
    assert not changed["same"]
    _repair(cluster, definition, changed)


def test_a_policy_that_admits_nobody_admits_nobody_again(cluster: Cluster) -> None:
    definition = next(one for one in DEFINITIONS if one["kind"] == "NetworkPolicy" and not one["spec"]["ingress"])
    apply(cluster, definition)
    changed = ownership.standing(definition, merge(cluster, {"spec": {"ingress": [{}]}}, definition))
    assert not changed["same"]
    _repair(cluster, definition, changed)


def _repair(cluster: Cluster, definition: Object, changed: Object) -> None:
    if changed["withdrawal"]:
        merge(cluster, changed["withdrawal"], definition)
    assert ownership.standing(definition, apply(cluster, definition))["same"]
