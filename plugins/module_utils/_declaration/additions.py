# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an object in Kubernetes holds beyond its definition: filled in by Kubernetes, or added by somebody.

A field that nobody declared can turn an object into its opposite: a selector that leaves out all pods, a port that
becomes a range. Of the kinds that this collection defines it is known what Kubernetes, GKE and cert-manager fill in;
everything else was added, and applying a definition would leave it there. Metadata belongs to many, and is not looked at.

Private to this collection. Works on documents as Kubernetes gives them; makes no calls.
"""

from __future__ import annotations

import typing

from .._sidecar.fields import PREFIX
from .._sidecar.settings import SYSTEM_NAMESPACES

_ANY: tuple = ()
_PROBE = {"periodSeconds": (10,), "timeoutSeconds": (1,), "successThreshold": (1,), "failureThreshold": (3,)}
_SYSTEM_PREFIXES = ("gke-", "gmp-", "kube-")


def _container(place: str) -> dict[str, tuple]:
    at = f"spec.template.spec.{place}[]"
    probes = {
        f"{at}.{probe}.{field}": value
        for probe in ("readinessProbe", "livenessProbe", "startupProbe")
        for field, value in {**_PROBE, "httpGet.scheme": ("HTTP",), "httpGet.path": ("/",)}.items()
    }
    return {
        **probes,
        f"{at}.terminationMessagePath": ("/dev/termination-log",),
        f"{at}.terminationMessagePolicy": ("File",),
        f"{at}.imagePullPolicy": _ANY,
        f"{at}.ports[].protocol": ("TCP",),
        f"{at}.env[].valueFrom.fieldRef.apiVersion": ("v1",),
        f"{at}.lifecycle.preStop.httpGet.scheme": ("HTTP",),
        # Autopilot asks for what it bills, and takes away what it does not admit.
        f"{at}.resources": _ANY,
        f"{at}.resources.*": _ANY,
        f"{at}.resources.requests.*": _ANY,
        f"{at}.resources.limits.*": _ANY,
        f"{at}.securityContext": ({"capabilities": {"drop": ["NET_RAW"]}},),
        f"{at}.securityContext.capabilities": ({"drop": ["NET_RAW"]},),
    }


_SELECTORS = {"namespaceSelector": ({},), "objectSelector": ({},), "matchPolicy": ("Equivalent",)}
_POLICY = {
    "spec.failurePolicy": ("Fail",),
    "spec.matchConstraints.resourceRules[].scope": ("*",),
    **{f"spec.matchConstraints.{field}": value for field, value in _SELECTORS.items()},
}
_WEBHOOKS = {
    **{f"webhooks[].{field}": value for field, value in _SELECTORS.items()},
    # Written and kept by cert-manager's injector.
    "webhooks[].clientConfig.caBundle": _ANY,
    "webhooks[].clientConfig.service.port": (443,),
    "webhooks[].failurePolicy": ("Fail",),
    "webhooks[].reinvocationPolicy": ("Never",),
    "webhooks[].timeoutSeconds": (10,),
    "webhooks[].rules[].scope": ("*",),
}

#: By kind what is filled in, and with which values; any where none is named. As a Kubernetes 1.36 API server did, and as
#: tests/testbed/kubernetes/test_standing.py finds it again.
FILLED_IN: dict[str, dict[str, tuple]] = {
    # Kubernetes lets nobody take it out again; ``ownership`` says what is to be done where that matters.
    "ConfigMap": {"immutable": (True,)},
    "Namespace": {"spec": _ANY},
    "ServiceAccount": {"secrets": _ANY, "imagePullSecrets": _ANY},
    "Service": {
        "spec.type": ("ClusterIP",),
        "spec.clusterIP": _ANY,
        "spec.clusterIPs": _ANY,
        "spec.ipFamilies": _ANY,
        "spec.ipFamilyPolicy": _ANY,
        "spec.sessionAffinity": ("None",),
        "spec.internalTrafficPolicy": ("Cluster",),
        "spec.ports[].protocol": ("TCP",),
        "spec.ports[].targetPort": _ANY,
        # Of a load balancer; its class and address stay as they are for its life.
        "spec.allocateLoadBalancerNodePorts": (True,),
        "spec.externalTrafficPolicy": ("Cluster",),
        "spec.healthCheckNodePort": _ANY,
        "spec.loadBalancerClass": _ANY,
        "spec.loadBalancerIP": _ANY,
        "spec.ports[].nodePort": _ANY,
    },
    "PodDisruptionBudget": {},
    "NetworkPolicy": {
        "spec.policyTypes": _ANY,
        "spec.ingress[].ports[].protocol": ("TCP",),
        "spec.egress[].ports[].protocol": ("TCP",),
    },
    "Deployment": {
        "spec.strategy": ({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}},),
        "spec.revisionHistoryLimit": (10,),
        "spec.progressDeadlineSeconds": (600,),
        "spec.template.metadata.creationTimestamp": _ANY,
        "spec.template.metadata.labels": _ANY,
        "spec.template.metadata.labels.*": _ANY,
        "spec.template.metadata.annotations": _ANY,
        "spec.template.metadata.annotations.*": _ANY,
        "spec.template.spec.restartPolicy": ("Always",),
        "spec.template.spec.terminationGracePeriodSeconds": (30,),
        "spec.template.spec.dnsPolicy": ("ClusterFirst",),
        "spec.template.spec.schedulerName": ("default-scheduler",),
        "spec.template.spec.serviceAccount": _ANY,
        "spec.template.spec.securityContext": ({}, {"seccompProfile": {"type": "RuntimeDefault"}}),
        "spec.template.spec.securityContext.seccompProfile": ({"type": "RuntimeDefault"},),
        # By Autopilot, for the nodes that it chooses.
        "spec.template.spec.tolerations": _ANY,
        "spec.template.spec.volumes[].configMap.defaultMode": (420,),
        "spec.template.spec.volumes[].secret.defaultMode": (420,),
        "spec.template.spec.volumes[].projected.defaultMode": (420,),
        **_container("containers"),
        **_container("initContainers"),
    },
    # As cert-manager 1.19.0 did; those before and after leave out what nobody said.
    "Certificate": {"spec.issuerRef.group": ("cert-manager.io",), "spec.issuerRef.kind": ("Issuer",)},
    "ClusterIssuer": {"spec.vault.*": _ANY, "spec.vault.auth.*": _ANY},
    "Issuer": {"spec.vault.*": _ANY, "spec.vault.auth.*": _ANY},
    "MutatingWebhookConfiguration": _WEBHOOKS,
    "ValidatingWebhookConfiguration": _WEBHOOKS,
    "MutatingAdmissionPolicy": {**_POLICY, "spec.reinvocationPolicy": ("Never",)},
    "ValidatingAdmissionPolicy": _POLICY,
    "MutatingAdmissionPolicyBinding": {},
    "ValidatingAdmissionPolicyBinding": {},
}


def added(definition: dict, live: dict) -> list[dict]:
    """What somebody has added to an object, as ``field`` and ``before``; nothing for a kind of which too little is
    known."""
    found: list[dict] = []
    _cleaned(definition, live, found)
    return found


def withdrawal(definition: dict, live: dict) -> dict | None:
    """A merge patch (RFC 7386) that takes out of an object what was added to it; None where there is nothing.

    It brings what is declared as well: what was added to one declaration may be what another one was made of, and an object
    that has lost the one and not got the other yet is refused, as a policy is whose expressions name a variable no more.
    """
    found: list[dict] = []
    cleaned = _cleaned(definition, live, found)
    if not found:
        return None
    wanted = _content(definition)
    cleaned = {key: _declared(wanted[key], value, key) if key in wanted else value for key, value in cleaned.items()}
    metadata = {key: live["metadata"][key] for key in ("name", "namespace") if live["metadata"].get(key)}
    patch = {key: _patch(live[key], cleaned[key]) for key in cleaned if live[key] != cleaned[key]}
    gone = {key: None for key in live if key not in cleaned}
    return {"apiVersion": definition["apiVersion"], "kind": definition["kind"], "metadata": metadata, **patch, **gone}


def _cleaned(definition: dict, live: dict, found: list[dict]) -> dict:
    """An object without what was added to it, which is appended to *found*."""
    kind = definition["kind"]
    if kind not in FILLED_IN:
        return live
    rest = _content(live)
    around = {key: value for key, value in live.items() if key not in rest}
    return {**around, **_without(_content(definition), rest, "", kind, found)}


def _content(thing: dict) -> dict:
    return {key: value for key, value in thing.items() if key not in ("apiVersion", "kind", "metadata", "status")}


def _declared(wanted: typing.Any, there: typing.Any, path: str) -> typing.Any:
    """What is there, with what is declared where that is something else."""
    if isinstance(wanted, dict) and isinstance(there, dict):
        # Kubernetes leaves out a switch that is off, and a list of nothing.
        stated = {key: value for key, value in wanted.items() if key in there or value not in (None, False, [])}
        return {
            **there,
            **{key: _declared(value, there[key], f"{path}.{key}") if key in there else value for key, value in stated.items()},
        }
    if path.endswith("namespaceSelector.matchExpressions") and leaves_out(wanted, there or []):
        return there
    if isinstance(wanted, list) and isinstance(there, list) and len(wanted) == len(there):
        return [_declared(*pair, f"{path}[]") for pair in zip(wanted, there, strict=True)]
    return wanted


def _without(wanted: typing.Any, there: typing.Any, path: str, kind: str, found: list[dict]) -> typing.Any:
    if isinstance(wanted, dict) and isinstance(there, dict):
        result = {}
        for key, value in there.items():
            place = f"{path}.{key}" if path else key
            if key in wanted:
                result[key] = _without(wanted[key], value, place, kind, found)
            elif _filled_in(kind, path, key, value):
                result[key] = value
            else:
                found.append({"field": place, "before": value})
        return result
    if not isinstance(wanted, list) or not isinstance(there, list) or path.endswith("Selector.matchExpressions"):
        return there
    if not wanted and there:
        found.append({"field": path, "before": there})
        return []
    return _items(wanted, there, path, kind, found)


def _items(wanted: list, there: list, path: str, kind: str, found: list[dict]) -> list:
    """A list without items and fields that were added. One whose items have no names is replaced as a whole when it is
    applied, so that only fields are looked for, and only where it is as long as wanted."""
    names = [_name(item) for item in wanted]
    if None in names:
        if len(wanted) != len(there):
            return there
        return [_without(*pair, f"{path}[]", kind, found) for pair in zip(wanted, there, strict=True)]
    if not any(_name(item) in names for item in there):
        # They are others, not more.
        return there
    result = []
    for item in there:
        name = _name(item)
        if name in names:
            result.append(_without(wanted[names.index(name)], item, f"{path}[]", kind, found))
        else:
            found.append({"field": path, "before": item})
    return result


def _name(item: typing.Any) -> typing.Any:
    """By what an item of a list is known."""
    if not isinstance(item, dict):
        return item
    return next((item[key] for key in ("mountPath", "name", "containerPort") if item.get(key)), None)


def _filled_in(kind: str, path: str, key: str, value: typing.Any) -> bool:
    """Whether a field that no definition mentions is one that has come by itself."""
    if value is None or value is False or value in ("", []):
        return True
    # What a pod's template says to the injector decides what becomes of its pods.
    if path.startswith("spec.template.metadata") and key.startswith(PREFIX):
        return False
    # Autopilot writes in its namespaces where a webhook says nothing of any.
    if path == "webhooks[]" and key == "namespaceSelector" and isinstance(value, dict) and list(value) == ["matchExpressions"]:
        return leaves_out([], value["matchExpressions"])
    known = FILLED_IN[kind]
    values = known.get(f"{path}.{key}" if path else key, known.get(f"{path}.*"))
    return values is not None and (not values or value in values)


def _patch(before: typing.Any, after: typing.Any) -> typing.Any:
    if not isinstance(before, dict) or not isinstance(after, dict):
        return after
    changed = {key: _patch(before.get(key), value) for key, value in after.items() if before.get(key) != value}
    return {**changed, **{key: None for key in before if key not in after}}


def leaves_out(wanted: list[dict], found: list[dict]) -> bool:
    """Whether a selector of namespaces leaves out what is wanted and, besides, no more than GKE Autopilot does: its own
    namespaces, which it writes in again whenever they are missing."""
    there = [(one.get("key"), one.get("operator"), set(one.get("values") or [])) for one in found]
    asked = [(one.get("key"), one.get("operator"), set(one.get("values") or [])) for one in wanted]

    def fits(one: tuple, other: tuple) -> bool:
        more = other[2] - one[2]
        return one[:2] == other[:2] and one[2] <= other[2] and (not more or (one[1] == "NotIn" and _of_gke(more)))

    def by_gke(one: tuple) -> bool:
        if one[:2] == ("kubernetes.io/metadata.name", "NotIn"):
            return _of_gke(one[2])
        return one[:2] == ("control-plane", "DoesNotExist")

    return all(any(fits(one, other) for other in there) for one in asked) and all(
        by_gke(other) or any(fits(one, other) for one in asked) for other in there
    )


def _of_gke(namespaces: set[str]) -> bool:
    return all(name in SYSTEM_NAMESPACES or name.startswith(_SYSTEM_PREFIXES) for name in namespaces)
