# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of the sidecar's admission webhook."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration import ownership
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.settings import SYSTEM_NAMESPACES
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._webhook import definitions, probe, source

ANNOTATION = "tls-sidecar.gatewayops.io/service"
SETTINGS = {
    "namespace": "sidecars",
    "image": "python:3",
    "replicas": 2,
    "issuer": {"name": "authority", "kind": "ClusterIssuer", "group": "cert-manager.io"},
    "defaults": {"excluded_namespaces": ["legacy"], "image_prefixes": ["registry.example/"]},
    "drain_seconds": 15,
    "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "192Mi"}},
    "admission_sources": [],
    "priority_class": "",
}


def made(kind: str, **changes: object) -> dict:
    settings = {**SETTINGS, **changes}
    found = [*definitions.objects(settings, source.read()), *definitions.registration(settings)]
    (definition,) = [definition for definition in found if definition["kind"] == kind]
    return definition


def test_the_api_server_asks_about_annotated_pods_only_and_not_in_system_namespaces() -> None:
    (webhook,) = made("MutatingWebhookConfiguration")["webhooks"]
    (rule,) = webhook["rules"]
    assert (rule["operations"], rule["resources"], rule["scope"]) == (["CREATE"], ["pods"], "Namespaced")
    stated = {
        "failurePolicy": "Fail",
        "matchPolicy": "Equivalent",
        "sideEffects": "None",
        "timeoutSeconds": 5,
        "reinvocationPolicy": "IfNeeded",
        "admissionReviewVersions": ["v1"],
    }
    assert {key: webhook[key] for key in stated} == stated
    assert f"'{ANNOTATION}' in object.metadata.annotations" in webhook["matchConditions"][0]["expression"]
    (expression,) = webhook["namespaceSelector"]["matchExpressions"]
    assert {"sidecars", "legacy", *SYSTEM_NAMESPACES} == set(expression["values"])
    assert "caBundle" not in webhook["clientConfig"]


def test_a_webhook_that_is_away_may_be_passed_over_because_the_guard_is_there() -> None:
    (webhook,) = made("MutatingWebhookConfiguration", failure_policy="Ignore")["webhooks"]
    assert webhook["failurePolicy"] == "Ignore"
    guard = made("ValidatingAdmissionPolicy", failure_policy="Ignore")
    assert guard == made("ValidatingAdmissionPolicy") and guard["spec"]["failurePolicy"] == "Fail"


def test_before_1_30_a_label_chooses_and_nothing_may_be_passed_over() -> None:
    old = {"kubernetes_version": "1.29"}
    (registration,) = definitions.registration({**SETTINGS, "defaults": old})
    (webhook,) = registration["webhooks"]
    label = {"tls-sidecar.gatewayops.io/inject": "true"}
    assert webhook["objectSelector"] == {"matchLabels": label} and "matchConditions" not in webhook
    assert probe.probe(SETTINGS, "default")["metadata"]["labels"] == label
    with pytest.raises(definitions.DefaultsError, match="older than 1.30.*failure_policy to Fail"):
        definitions.registration({**SETTINGS, "defaults": old, "failure_policy": "Ignore"})


def test_a_missing_webhook_pod_is_never_needed_for_its_own_creation() -> None:
    values = made("MutatingWebhookConfiguration")["webhooks"][0]["namespaceSelector"]["matchExpressions"][0]["values"]
    assert made("Namespace")["metadata"]["name"] in values
    assert ANNOTATION not in made("Deployment")["spec"]["template"]["metadata"]["annotations"]


def test_the_pods_are_restricted_spread_and_never_all_gone() -> None:
    spec = made("Deployment")["spec"]
    assert spec["replicas"] == 2 and spec["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    pod = spec["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False and "priorityClassName" not in pod
    assert pod["terminationGracePeriodSeconds"] > SETTINGS["drain_seconds"] + definitions.GRACE_SECONDS
    assert [each["topologyKey"] for each in pod["topologySpreadConstraints"]] == [
        "kubernetes.io/hostname",
        "topology.kubernetes.io/zone",
    ]
    assert made("Deployment", priority_class="high")["spec"]["template"]["spec"]["priorityClassName"] == "high"
    assert made("PodDisruptionBudget")["spec"]["maxUnavailable"] == 1
    policy = made("NetworkPolicy", admission_sources=["10.0.0.0/28"])["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"] and "egress" not in policy
    assert policy["ingress"][0] == {
        "from": [{"ipBlock": {"cidr": "10.0.0.0/28"}}, definitions._KONNECTIVITY],
        "ports": [{"port": 10250, "protocol": "TCP"}],
    }
    assert "from" not in made("NetworkPolicy")["spec"]["ingress"][0]


def test_code_and_defaults_decide_the_pods() -> None:
    def content(definition: dict) -> str:
        return definition["spec"]["template"]["metadata"]["annotations"]["tls-sidecar.gatewayops.io/content"]

    first = content(made("Deployment"))
    assert first == content(made("Deployment"))
    assert first != content(made("Deployment", defaults={}))
    other = {**source.read(), "digest": "other"}
    assert first != content(definitions.objects(SETTINGS, other)[-1])


def test_the_config_map_holds_a_program_that_runs(tmp_path: Path) -> None:
    data = made("ConfigMap")["data"]
    (volume,) = [each for each in made("Deployment")["spec"]["template"]["spec"]["volumes"] if each["name"] == "code"]
    for item in volume["configMap"]["items"]:
        path = tmp_path / item["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(data[item["key"]], encoding="utf-8")
    # Isolated: nothing of this machine's packages is found.
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); sys.argv[1:] = ['--help']; import runpy; "
    program += "runpy.run_module('_sidecar.server', run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0 and "--certificate FOLDER" in done.stdout, done.stderr
    assert len(json.dumps(data)) < 1024 * 1024


def test_wrong_defaults_are_refused_before_anything_is_made() -> None:
    with pytest.raises(definitions.DefaultsError, match="values.ports is not a setting"):
        made("Deployment", defaults={"values": {"ports": "1"}})


def test_the_guard_wants_a_sidecar_of_an_allowed_image() -> None:
    guard = made("ValidatingAdmissionPolicy")["spec"]
    assert "variables" not in guard
    excluded = next(each["expression"] for each in guard["matchConditions"] if each["name"] == "not-excluded")
    assert all(f"'{name}'" in excluded for name in ("sidecars", "legacy", *SYSTEM_NAMESPACES))
    present, image, gateway, image_of_gateway = guard["validations"]
    assert "edge-microgateway" in gateway["expression"]
    assert "item.image.startsWith('registry.example/')" in image_of_gateway["expression"]
    assert "item.?restartPolicy.orValue('') == 'Always'" in present["expression"]
    assert "item.image.startsWith('registry.example/')" in image["expression"]


def test_policies_take_the_guards_place_and_are_known_as_ours() -> None:
    found = definitions.policies(SETTINGS)
    assert [each["kind"] for each in found] == [
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
    ]
    webhook = definitions.registration(SETTINGS)
    assert {each["metadata"]["name"] for each in found} == {each["metadata"]["name"] for each in webhook}
    assert all(each["metadata"]["labels"] == webhook[0]["metadata"]["labels"] for each in found)
    # The same guard, which says in addition what is wrong with a pod.
    assert found[0]["spec"]["validations"][1:] == webhook[0]["spec"]["validations"]
    assert [(each["kind"], each["metadata"]["name"]) for each in definitions.withdrawn()] == [
        (each["kind"], each["metadata"]["name"]) for each in reversed(found[2:])
    ]
    with pytest.raises(definitions.DefaultsError):
        definitions.policies({**SETTINGS, "defaults": {"kubernetes_version": "1.35"}})


def test_what_others_write_is_no_difference_and_what_they_take_away_is() -> None:
    definition = made("MutatingWebhookConfiguration")
    live = copy.deepcopy(definition)
    webhook = live["webhooks"][0]
    webhook["clientConfig"]["caBundle"] = "cert-manager's"
    webhook["namespaceSelector"]["matchExpressions"][0]["values"].append("gke-managed-cim")
    webhook["namespaceSelector"]["matchExpressions"].append({"key": "control-plane", "operator": "DoesNotExist"})
    assert ownership.standing(definition, live)["same"]
    webhook["namespaceSelector"]["matchExpressions"][0]["values"].remove("kube-system")
    assert not ownership.standing(definition, live)["same"]


def test_a_stamp_tells_a_field_that_is_declared_no_more() -> None:
    before, after = made("Deployment", priority_class="high"), made("Deployment")
    assert ownership.standing(before, before)["same"]
    assert not ownership.standing(after, before)["same"]
