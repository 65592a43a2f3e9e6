# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The admission policies, generated from what the core does. Private to the collection.

``mutation`` gives a MutatingAdmissionPolicy (v1, Kubernetes 1.36) that does what ``inject.inject`` does, without any
server. ``guard`` gives a ValidatingAdmissionPolicy that never lets a pod start bare that asked for the sidecar; with
``refusals`` it tells what ``inject.inject`` would tell, which a mutating policy cannot.
"""

from __future__ import annotations

import typing as t

from . import policy_parts, policy_problems, policy_terms
from .additions import STATUS_ANNOTATION
from .cel import any_in, listed, literal
from .fields import PREFIX
from .inject import GATEWAY, MIRROR, SERVICE
from .microgateway import NAME as GATEWAY_CONTAINER
from .pod import SIDECAR
from .settings import SYSTEM_NAMESPACES, SYSTEM_PREFIX, Defaults, DefaultsError

OPTED_IN = f"has(object.metadata.annotations) && {any_in([SERVICE, GATEWAY], 'object.metadata.annotations')}"
"""Whether a pod asks for a sidecar, in CEL."""

API = "admissionregistration.k8s.io/v1"
NAME = PREFIX.rstrip("/")
FIRST_KUBERNETES = (1, 36)
"""Where MutatingAdmissionPolicy is served as v1."""

Object = dict[str, t.Any]


def mutation(defaults: Defaults) -> list[Object]:
    """The mutating policy and its binding. Raises DefaultsError for clusters that cannot have it."""
    if defaults.kubernetes < FIRST_KUBERNETES:
        has, needs = (".".join(map(str, version)) for version in (defaults.kubernetes, FIRST_KUBERNETES))
        raise DefaultsError(f"kubernetes_version is {has}, but the policy needs {needs}. Use the webhook instead.")
    variables = {
        **policy_terms.settings(defaults),
        **policy_terms.pod(),
        **policy_terms.computed(defaults),
        **policy_parts.grace(),
        **policy_problems.variables(defaults),
        **policy_parts.variables(defaults),
    }
    spec = {
        **_matching(defaults),
        "failurePolicy": "Fail",
        # Another policy or webhook may add a container, which then lacks its wait.
        "reinvocationPolicy": "IfNeeded",
        "variables": _listed(variables),
        "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": policy_parts.patch(defaults)}}],
    }
    return [_policy("MutatingAdmissionPolicy", spec), _binding("MutatingAdmissionPolicyBinding")]


def guard(defaults: Defaults, refusals: bool) -> list[Object]:
    """The validating policy and its binding, for Kubernetes 1.30 and newer. ``refusals`` is for clusters where no webhook
    says what is wrong."""
    variables: dict[str, str] = {}
    validations = []
    if refusals:
        variables = {
            **policy_terms.settings(defaults),
            **policy_terms.pod(),
            **policy_terms.computed(defaults),
            **policy_problems.variables(defaults),
        }
        validations.append({
            "expression": "variables.problems.size() == 0",
            "messageExpression": "variables.problems.join(' ')",
            "message": f"{SERVICE} or {GATEWAY} is set, but cannot be followed. Compare the pod's annotations with the documentation.",
            "reason": "Invalid",
        })
    spec = {
        **_matching(defaults),
        "failurePolicy": "Fail",
        "validations": validations + _final(defaults),
    }
    if variables:
        spec["variables"] = _listed(variables)
    binding = _binding("ValidatingAdmissionPolicyBinding")
    binding["spec"]["validationActions"] = ["Deny"]
    return [_policy("ValidatingAdmissionPolicy", spec), binding]


def _final(defaults: Defaults) -> list[Object]:
    """What must be true of a pod at last, whoever injected it: by webhook, by policy, or offline by its author."""
    found = []
    for sidecar, annotation, what, image in (
        (SIDECAR, SERVICE, "TLS sidecar", "image"),
        (GATEWAY_CONTAINER, GATEWAY, "gateway", "gateway-image"),
    ):
        native = f"item.name == {literal(sidecar)} && item.?restartPolicy.orValue('') == 'Always'"
        ours = f"object.spec.?initContainers.orValue([]).filter(item, {native})"
        asked = f"{literal(annotation)} in object.metadata.annotations"
        found.append((
            f"!({asked}) || {ours}.size() == 1 && {literal(STATUS_ANNOTATION)} in object.metadata.annotations",
            f"{annotation} is set, but the pod has no {what}: the injector was not asked, or something removed what it "
            "added. Run role tls_sidecar_webhook again, or take the annotation away.",
        ))
        if defaults.image_prefixes:
            right = " || ".join(f"item.image.startsWith({literal(prefix)})" for prefix in defaults.image_prefixes)
            found.append((
                f"!({asked}) || {ours}.all(item, {right})",
                f"{PREFIX}{image}: the {'sidecar' if sidecar == SIDECAR else what}'s image must begin with "
                f"{' or '.join(defaults.image_prefixes)}. Leave the annotation out and inject the pod again.",
            ))
    return [{"expression": expression, "message": message, "reason": "Invalid"} for expression, message in found]


def _matching(defaults: Defaults) -> Object:
    """Which requests are looked at: the creation of pods that ask for it."""
    excluded = listed([*SYSTEM_NAMESPACES, *defaults.excluded_namespaces])
    conditions = {
        "asks-for-the-sidecar": OPTED_IN,
        "not-excluded": f"!(request.namespace in {excluded} || request.namespace.startsWith({literal(SYSTEM_PREFIX)}))",
        "not-a-mirror": f"!({literal(MIRROR)} in object.metadata.annotations)",
    }
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"], "scope": "Namespaced"}
    return {
        "matchConstraints": {"matchPolicy": "Equivalent", "resourceRules": [rule]},
        "matchConditions": [{"name": name, "expression": expression} for name, expression in conditions.items()],
    }


def _listed(variables: t.Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "expression": expression} for name, expression in variables.items()]


def _policy(kind: str, spec: Object) -> Object:
    return {"apiVersion": API, "kind": kind, "metadata": {"name": NAME}, "spec": spec}


def _binding(kind: str) -> Object:
    return {"apiVersion": API, "kind": kind, "metadata": {"name": NAME}, "spec": {"policyName": NAME}}
