# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was added to objects of ours: every field of every definition, and the additions that turn an object round.

That Kubernetes' own defaults are no additions is seen on a real API server: tests/testbed/kubernetes/test_standing.py.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._certificates import client
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._certificates import definitions as certificates
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration import (
    additions,
    balancers,
    manifests,
    ownership,
    policies,
)
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._webhook import definitions as webhook
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._webhook import source
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.module_utils._webhook.test_definitions import SETTINGS

ENTRY = {
    "name": "orders",
    "namespace": "shop",
    "port": 8080,
    "host": "orders.shop.svc.gke.example",
    "sample": {"image": "an/image:1", "command": ["serve"]},
    "tls": {},
    "network_policy": {
        "sources": ["10.0.0.0/22"],
        "allow": [{"from": [{"namespaceSelector": {"matchLabels": {"team": "shop"}}}], "ports": [{"port": 9000}]}],
    },
}
BALANCED = {"name": "products", "namespace": "shop", "target_port": 3000, "selector": {"app": "products"}}
PLAIN = {**ENTRY, "name": "plain", "tls": None, "network_policy": {"sources": [], "allow": []}}


def declared() -> list[dict]:
    """Every kind of object that this collection defines and keeps."""
    authority = {"common_name": "an authority", "duration": "87600h0m0s", "renew_before": "43800h0m0s"}
    believed = {"dns_name": "apigee.example", "namespace": "apigee-gke", "secret": "apigee-client"}
    found = [
        *manifests.services([ENTRY, PLAIN]),
        *policies.definitions([ENTRY, PLAIN]),
        *certificates.certificates([ENTRY]),
        *certificates.issuers({"name": "apigee-gke-ca"}, authority, "cert-manager"),
        *balancers.definitions(balancers.declared([BALANCED]), {"server_version": "v1.36.2-gke.1203000"}),
        *client.issued(believed),
        *client.believed({**believed, "namespaces": {"gke": ["shop"]}}, "gke"),
        *webhook.objects(SETTINGS, source.read()),
        *webhook.registration(SETTINGS),
        webhook.registration({**SETTINGS, "defaults": {"kubernetes_version": "1.29"}})[-1],
        *webhook.policies(SETTINGS),
    ]
    return list({json.dumps(one, sort_keys=True): one for one in found}.values())


DECLARED = declared()


def named(definition: dict) -> str:
    return f"{definition['kind']} {definition['metadata']['name']}"


def live(definition: dict) -> dict:
    """The object as it was applied, without anything that Kubernetes fills in."""
    # Parts that definitions share must not be one.
    found = json.loads(json.dumps(definition))
    annotations = found["metadata"].setdefault("annotations", {})
    annotations[manifests.LAST_APPLIED] = json.dumps(definition)
    return found


def merged(document: object, patch: object) -> object:
    """RFC 7386, as an API server does it."""
    if not isinstance(patch, dict):
        return patch
    result = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def places(node: object, path: tuple = ()) -> Iterator[tuple]:
    """Where something could be added: every mapping and every list of an object, metadata apart."""
    if isinstance(node, dict):
        yield path
        for key, value in node.items():
            if key != "metadata":
                yield from places(value, (*path, key))
    elif isinstance(node, list):
        yield path
        for index, value in enumerate(node):
            yield from places(value, (*path, index))


def at(document: dict, path: tuple) -> object:
    for step in path:
        document = document[step]
    return document


@pytest.mark.parametrize("definition", DECLARED, ids=named)
def test_as_it_was_applied_it_stands(definition: dict) -> None:
    assert ownership.standing(definition, live(definition))["same"]


@pytest.mark.parametrize("definition", DECLARED, ids=named)
def test_whatever_is_added_is_seen_and_taken_out(definition: dict) -> None:
    """Anywhere in the object. What a list holds besides is seen; where applying puts that right, no patch is needed."""
    seen = 0
    for path in places(definition):
        if definition["kind"] == "Namespace" or path[-2:-1] == ("matchExpressions",):
            # What Kubernetes itself keeps; and an expression has no more fields than it has.
            continue
        if "resources" in path[-2:] and definition["kind"] == "Deployment":
            # Autopilot asks for what it bills, and gives what it asks for.
            continue
        found = live(definition)
        target = at(found, path)
        if isinstance(target, dict):
            target["added"] = {"by": "hand"}
        else:
            target.append({"name": "added"} if not target or isinstance(target[0], dict) else "added")
        standing = ownership.standing(definition, found)
        assert not standing["same"], path
        if isinstance(target, dict):
            assert standing["withdrawal"], path
        if standing["withdrawal"]:
            mended = merged(found, standing["withdrawal"])
            assert ownership.standing(definition, mended)["withdrawal"] is None, path
            if isinstance(target, dict):
                assert ownership.standing(definition, mended)["same"], path
                assert mended == live(definition), path
        seen += 1
    assert seen or definition["kind"] == "Namespace"


def one(kind: str) -> dict:
    return next(copy.deepcopy(each) for each in DECLARED if each["kind"] == kind)


SELECTED = {"matchLabels": {"nobody": "has"}}
NAMES = "kubernetes.io/metadata.name"
RULE = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["pods"]}


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("MutatingWebhookConfiguration", ("webhooks", 0, "objectSelector"), SELECTED),
        ("MutatingWebhookConfiguration", ("webhooks", 0, "namespaceSelector", "matchLabels"), {"team": "shop"}),
        ("MutatingWebhookConfiguration", ("webhooks", 0, "clientConfig", "url"), "https://elsewhere.example"),
        ("MutatingAdmissionPolicy", ("spec", "matchConstraints", "objectSelector"), SELECTED),
        ("MutatingAdmissionPolicy", ("spec", "matchConstraints", "namespaceSelector"), SELECTED),
        ("MutatingAdmissionPolicy", ("spec", "matchConstraints", "excludeResourceRules"), [RULE]),
        ("MutatingAdmissionPolicyBinding", ("spec", "matchResources"), {"objectSelector": SELECTED}),
        ("MutatingAdmissionPolicyBinding", ("spec", "paramRef"), {"name": "p", "parameterNotFoundAction": "Allow"}),
        ("ValidatingAdmissionPolicy", ("spec", "matchConstraints", "excludeResourceRules"), [RULE]),
        ("ValidatingAdmissionPolicyBinding", ("spec", "matchResources"), {"namespaceSelector": SELECTED}),
        ("NetworkPolicy", ("spec", "podSelector", "matchExpressions"), [{"key": "a", "operator": "Exists"}]),
        ("NetworkPolicy", ("spec", "ingress", 0, "ports", 0, "endPort"), 9000),
        ("NetworkPolicy", ("spec", "ingress", 0, "from", 0, "ipBlock", "except"), ["10.0.0.0/23"]),
        ("NetworkPolicy", ("spec", "ingress", 1, "from", 0, "podSelector"), {}),
        ("Service", ("spec", "externalName"), "elsewhere.example"),
        ("Service", ("spec", "sessionAffinity"), "ClientIP"),
        ("Service", ("spec", "loadBalancerSourceRanges"), ["10.0.0.0/8"]),
        ("Deployment", ("spec", "paused"), True),
        ("Deployment", ("spec", "template", "spec", "hostNetwork"), True),
        ("Deployment", ("spec", "template", "spec", "initContainers"), [{"name": "more", "image": "an/image"}]),
        ("Deployment", ("spec", "template", "spec", "securityContext"), {"runAsUser": 0}),
        (
            "Deployment",
            ("spec", "template", "metadata", "annotations", "tls-sidecar.gatewayops.io/drain-seconds"),
            "0",
        ),
        ("PodDisruptionBudget", ("spec", "unhealthyPodEvictionPolicy"), "AlwaysAllow"),
        ("ConfigMap", ("data", "more.crt"), "an authority"),
        ("Certificate", ("spec", "ipAddresses"), ["10.0.0.1"]),
        ("ClusterIssuer", ("spec", "selfSigned", "crlDistributionPoints"), ["http://elsewhere.example"]),
    ],
)
def test_additions_that_turn_an_object_round(kind: str, path: tuple, value: object) -> None:
    definition = one(kind)
    found = live(definition)
    at(found, path[:-1])[path[-1]] = value
    standing = ownership.standing(definition, found)
    assert standing["owner"] == "ours" and not standing["same"]
    assert merged(found, standing["withdrawal"]) == live(definition)
    assert ownership.withdrawals([standing], "present") == [standing["withdrawal"]]
    assert ownership.withdrawals([standing], "absent") == []


def test_what_another_declaration_was_made_of_goes_in_the_request_that_brings_this_one() -> None:
    definition = one("ValidatingAdmissionPolicy")
    found = live(definition)
    found["spec"]["variables"] = [{"name": "problems", "expression": "['a']"}]
    found["spec"]["validations"] = [{"expression": "variables.problems.size() == 0"}]
    standing = ownership.standing(definition, found)
    assert merged(found, standing["withdrawal"]) == live(definition)


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("MutatingWebhookConfiguration", ("webhooks", 0, "clientConfig", "caBundle"), "cert-manager's"),
        ("MutatingWebhookConfiguration", ("webhooks", 0, "objectSelector"), {}),
        ("Service", ("metadata", "annotations", "cloud.google.com/neg"), "{}"),
        ("Deployment", ("spec", "template", "metadata", "annotations", "kubectl.kubernetes.io/restartedAt"), "now"),
        ("Deployment", ("spec", "template", "spec", "tolerations"), [{"key": "kubernetes.io/arch"}]),
        ("Deployment", ("spec", "template", "spec", "containers", 0, "resources", "limits", "cpu"), "500m"),
        ("Deployment", ("status",), {"replicas": 3}),
        ("ServiceAccount", ("imagePullSecrets",), [{"name": "registry"}]),
        ("ConfigMap", ("immutable",), True),
    ],
)
def test_what_others_keep_there_stays(kind: str, path: tuple, value: object) -> None:
    definition = one(kind)
    found = live(definition)
    at(found, path[:-1])[path[-1]] = value
    assert ownership.standing(definition, found)["same"]


@pytest.mark.parametrize(
    ("more", "stands"),
    [
        ({"key": "control-plane", "operator": "DoesNotExist"}, True),
        ({"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["gke-managed-cim"]}, True),
        ({"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["shop"]}, False),
        ({"key": "kubernetes.io/metadata.name", "operator": "Exists"}, False),
        ({"key": "team", "operator": "NotIn", "values": ["shop"]}, False),
        ({"key": "team", "operator": "Exists"}, False),
    ],
)
def test_gke_leaves_out_its_own_namespaces_and_nobody_more(more: dict, stands: bool) -> None:
    definition = one("MutatingWebhookConfiguration")
    found = live(definition)
    found["webhooks"][0]["namespaceSelector"]["matchExpressions"].append(more)
    assert ownership.standing(definition, found)["same"] is stands
    (names,) = definition["webhooks"][0]["namespaceSelector"]["matchExpressions"]
    found = live(definition)
    found["webhooks"][0]["namespaceSelector"]["matchExpressions"][0]["values"] = [*names["values"], "shop"]
    assert not ownership.standing(definition, found)["same"]


@pytest.mark.parametrize(
    ("selector", "stands"),
    [
        ({}, True),
        ({"matchExpressions": [{"key": NAMES, "operator": "NotIn", "values": ["gke-gmp-system"]}]}, True),
        ({"matchExpressions": [{"key": NAMES, "operator": "NotIn", "values": ["kube-system", "shop"]}]}, False),
        ({"matchExpressions": [{"key": NAMES, "operator": "In", "values": ["kube-system"]}]}, False),
        ({"matchExpressions": [], "matchLabels": {"nobody": "has"}}, False),
        (SELECTED, False),
    ],
)
def test_of_a_webhook_that_speaks_of_no_namespaces_gke_leaves_out_its_own(selector: dict, stands: bool) -> None:
    definition = one("MutatingWebhookConfiguration")
    definition["webhooks"][0].pop("namespaceSelector")
    found = live(definition)
    found["webhooks"][0]["namespaceSelector"] = selector
    standing = ownership.standing(definition, found)
    assert standing["same"] is stands and (standing["withdrawal"] is None) is stands


@pytest.mark.parametrize(
    ("stated", "found", "stands"),
    [
        ({"name": "corp"}, {"name": "corp", "kind": "Issuer", "group": "cert-manager.io"}, True),
        ({"name": "corp"}, {"name": "corp", "kind": "Issuer", "group": "other.example"}, False),
        ({"name": "corp"}, {"name": "corp", "kind": "ClusterIssuer"}, False),
    ],
)
def test_cert_manager_completes_a_reference_to_its_own_issuers(stated: dict, found: dict, stands: bool) -> None:
    definition = one("Certificate")
    definition["spec"]["issuerRef"] = stated
    there = live(definition)
    there["spec"]["issuerRef"] = found
    assert ownership.standing(definition, there)["same"] is stands


def test_what_somebody_made_immutable_has_to_be_deleted_once_it_is_to_change() -> None:
    definition = one("ConfigMap")
    found = live(definition)
    found["immutable"], found["data"] = True, {"ca.crt": "another authority"}
    standing = ownership.standing(definition, found)
    # Kubernetes would refuse both a patch and the definition.
    assert (standing["owner"], standing["same"], standing["withdrawal"]) == ("ours", False, None)
    (problem,) = ownership.conflicts([definition], [standing], "gke")
    metadata = definition["metadata"]
    assert f"kubectl --namespace {metadata['namespace']} delete configmap {metadata['name']}" in problem.fix
    assert ownership.pending([definition], [standing], "absent") == [definition]
    del found["immutable"]
    assert ownership.conflicts([definition], [ownership.standing(definition, found)], "gke") == []


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("ConfigMap", ("data", "more.crt"), "an authority"),
        ("Certificate", ("spec", "ipAddresses"), ["10.0.0.1"]),
        ("PodDisruptionBudget", ("spec", "unhealthyPodEvictionPolicy"), "AlwaysAllow"),
        ("Service", ("spec", "sessionAffinity"), "ClientIP"),
    ],
)
def test_what_others_add_to_objects_of_their_own_is_their_affair(kind: str, path: tuple, value: object) -> None:
    definition = one(kind)
    found = live(definition)
    found["metadata"]["labels"] = {}
    at(found, path[:-1])[path[-1]] = value
    standing = ownership.standing(definition, found)
    assert (standing["owner"], standing["same"], standing["differences"]) == ("theirs", True, [])


def test_an_object_of_somebody_else_serves_only_without_what_turns_it_round() -> None:
    definition = one("MutatingWebhookConfiguration")
    found = live(definition)
    found["metadata"]["labels"] = {}
    assert ownership.standing(definition, found)["same"]
    found["webhooks"][0]["objectSelector"] = SELECTED
    standing = ownership.standing(definition, found)
    assert standing["owner"] == "theirs" and not standing["same"] and standing["withdrawal"] is None
    (problem,) = ownership.conflicts([definition], [standing], "gke")
    assert 'webhooks[].objectSelector is {"matchLabels": {"nobody": "has"}}, and missing is needed' in problem.as_text()


def test_of_a_kind_that_is_not_known_nothing_is_an_addition() -> None:
    definition = {"apiVersion": "v1", "kind": "Widget", "metadata": {"name": "a"}, "spec": {"size": 1}}
    assert additions.added(definition, {**definition, "spec": {"size": 1, "color": "red"}}) == []


def test_what_became_of_an_object_is_told_once() -> None:
    definition = one("NetworkPolicy")
    found = live(definition)
    found["spec"]["podSelector"]["matchExpressions"] = [{"key": "a", "operator": "Exists"}]
    standings = [ownership.standing(definition, found)]
    diff = {"before": {"spec": {"a": 1}}, "after": {}}
    taken = {"changed": True, "method": "patch", "result": {}, "diff": diff}
    applied = {"changed": False, "method": "apply", "result": {}}
    (outcome,) = ownership.outcome([definition], applied, "gke", standings, "present", taken)
    assert outcome["action"] == "updated" and outcome["changes"] == [{"field": "spec.a", "before": 1, "after": None}]
    (outcome,) = ownership.outcome([definition], applied, "gke", standings, "present", {"skipped": True})
    assert outcome["kind"] == "NetworkPolicy"
