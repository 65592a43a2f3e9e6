# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubernetes objects of the sidecar's admission webhook.

Private to this collection. What the collection's roles call ``settings`` here is described in the argument
specification of role ``tls_sidecar_webhook``.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json

from .._declaration.manifests import MANAGED_BY, NAME_LABEL, OWNER_LABEL, STAMP
from .._sidecar import policy
from .._sidecar.fields import OPT_IN, OPT_IN_LABEL
from .._sidecar.settings import SYSTEM_NAMESPACES, SYSTEM_PREFIX, Defaults, DefaultsError
from .probe import USER

NAME = "tls-sidecar-webhook"
REGISTRATION = "tls-sidecar.gatewayops.io"
PACKAGE = "_sidecar"
CERTIFICATE_SECRET = "tls-sidecar-webhook-tls"
PORT, METRICS_PORT = 10250, 9402
GRACE_SECONDS = 5

_ADMISSION = "admissionregistration.k8s.io/v1"
#: Through whom the API server calls pods where it is not in their network, as on GKE. They come from addresses of pods, which
#: no ipBlock admits where Cilium enforces NetworkPolicies, as in GKE's Dataplane V2.
_KONNECTIVITY = {
    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
    "podSelector": {"matchLabels": {"k8s-app": "konnectivity-agent"}},
}


def objects(settings: dict, source: dict) -> list[dict]:
    """All that must run before the API server may be told of it, in an order in which it can be made.

    Args:
        settings: ``namespace``, ``image``, ``replicas``, ``defaults``, ``issuer``, ``drain_seconds``, ``resources``,
            ``admission_sources``, ``priority_class``.
        source: of lookup ``sidecar_source``.

    Raises:
        DefaultsError: the defaults for sidecars are wrong; nothing would start with them.
    """
    Defaults.read(settings.get("defaults") or {})
    namespace = settings["namespace"]
    made = [
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": namespace,
                "labels": {**_labels(), "pod-security.kubernetes.io/enforce": "restricted"},
            },
        },
        _object("v1", "ServiceAccount", namespace, {"automountServiceAccountToken": False}),
        _object("v1", "ConfigMap", namespace, {"data": _data(settings, source)}),
        _object("cert-manager.io/v1", "Certificate", namespace, {"spec": _certificate(settings)}),
        _object(
            "v1",
            "Service",
            namespace,
            {
                "spec": {
                    "type": "ClusterIP",
                    "selector": _selector(),
                    "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": PORT}],
                }
            },
        ),
        _object(
            "policy/v1",
            "PodDisruptionBudget",
            namespace,
            {"spec": {"maxUnavailable": 1, "selector": {"matchLabels": _selector()}}},
        ),
        _object("networking.k8s.io/v1", "NetworkPolicy", namespace, {"spec": _network(settings)}),
        _object("apps/v1", "Deployment", namespace, {"spec": _deployment(settings, source)}),
    ]
    return [stamped(definition) for definition in made]


def registration(settings: dict) -> list[dict]:
    """What makes the API server ask: the guard first, which lets nothing pass that the webhook has not seen.

    Before Kubernetes 1.30 there is no such guard, and the API server chooses by a label instead of the annotation.

    Args:
        settings: ``namespace``, ``defaults`` and ``failure_policy``.

    Raises:
        DefaultsError: the defaults are wrong, or pods could start bare without anybody's notice.
    """
    defaults = Defaults.read(settings.get("defaults") or {})
    failure_policy = settings.get("failure_policy") or "Fail"
    if failure_policy == "Ignore" and not defaults.match_conditions:
        raise DefaultsError(
            "kubernetes_version is older than 1.30, which has no policy that stops pods without a sidecar. "
            "Set tls_sidecar_webhook_failure_policy to Fail"
        )
    excluded = sorted({*SYSTEM_NAMESPACES, *defaults.excluded_namespaces, settings["namespace"]})
    selector = {
        # GKE Autopilot writes such an expression itself where it is missing; said here, it is no difference.
        "matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": excluded}]
    }
    conditions = [
        {"name": "opted-in", "expression": policy.OPTED_IN},
        {"name": "not-of-gke", "expression": f"!request.namespace.startsWith('{SYSTEM_PREFIX}')"},
        {"name": "not-a-mirror", "expression": "!('kubernetes.io/config.mirror' in object.metadata.annotations)"},
    ]
    pods = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    rules = [{**pods, "scope": "Namespaced"}]
    webhook = {
        "name": REGISTRATION,
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "failurePolicy": failure_policy,
        "matchPolicy": "Equivalent",
        "reinvocationPolicy": "IfNeeded",
        "timeoutSeconds": 5,
        "rules": rules,
        "namespaceSelector": selector,
        # Without caBundle, which cert-manager's injector writes and keeps.
        "clientConfig": {"service": {"name": NAME, "namespace": settings["namespace"], "path": "/mutate", "port": 443}},
    }
    if defaults.match_conditions:
        webhook["matchConditions"] = conditions
    else:
        webhook["objectSelector"] = {"matchLabels": {OPT_IN_LABEL: OPT_IN}}
    inject = {"cert-manager.io/inject-ca-from": f"{settings['namespace']}/{NAME}"}
    made = [
        *_labelled(policy.guard(_whole(settings), refusals=False) if defaults.match_conditions else []),
        _global(_ADMISSION, "MutatingWebhookConfiguration", webhooks=[webhook]),
    ]
    made[-1]["metadata"]["annotations"] = inject
    return [stamped(definition) for definition in made]


def policies(settings: dict) -> list[dict]:
    """What makes the API server do it without a webhook: the guard first, which also says what is wrong with a pod.

    Args:
        settings: ``namespace`` and ``defaults``.

    Raises:
        DefaultsError: the defaults are wrong, or say that the cluster is too old.
    """
    whole = _whole(settings)
    made = [*policy.guard(whole, refusals=True), *policy.mutation(whole)]
    return [stamped(definition) for definition in _labelled(made)]


def withdrawn() -> list[dict]:
    """What names the mutating policy, in the order of its removal: on any cluster, and with any defaults."""
    kinds = ("MutatingAdmissionPolicyBinding", "MutatingAdmissionPolicy")
    return [_global(_ADMISSION, kind) for kind in kinds]


def stamped(definition: dict) -> dict:
    """The definition with a digest of itself, by which it is known again where Kubernetes does not note what was
    applied."""
    digest = hashlib.sha256(json.dumps(definition, sort_keys=True).encode()).hexdigest()[:16]
    metadata = definition["metadata"]
    annotations = {**(metadata.get("annotations") or {}), STAMP: digest}
    return {**definition, "metadata": {**metadata, "annotations": annotations}}


def _whole(settings: dict) -> Defaults:
    """The defaults, with the webhook's namespace among those left out."""
    defaults = Defaults.read(settings.get("defaults") or {})
    excluded = tuple(dict.fromkeys((*defaults.excluded_namespaces, settings["namespace"])))
    return dataclasses.replace(defaults, excluded_namespaces=excluded)


def _labelled(made: list[dict]) -> list[dict]:
    return [{**each, "metadata": {**each["metadata"], "labels": _labels()}} for each in made]


def _labels() -> dict[str, str]:
    return {NAME_LABEL: NAME, OWNER_LABEL: MANAGED_BY}


def _selector() -> dict[str, str]:
    return {NAME_LABEL: NAME}


def _object(version: str, kind: str, namespace: str, content: dict) -> dict:
    metadata = {"name": NAME, "namespace": namespace, "labels": _labels()}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **content}


def _global(version: str, kind: str, **content: object) -> dict:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": REGISTRATION, "labels": _labels()}, **content}


def _key(path: str) -> str:
    """A key of a ConfigMap, which has no slashes."""
    return path.replace("/", "__")


def _data(settings: dict, source: dict) -> dict[str, str]:
    code = {_key(path): text for path, text in source["files"].items()}
    return {**code, "defaults.json": json.dumps(settings.get("defaults") or {}, sort_keys=True, indent=1)}


def _certificate(settings: dict) -> dict:
    issuer = settings["issuer"]
    service = f"{NAME}.{settings['namespace']}.svc"
    return {
        "secretName": CERTIFICATE_SECRET,
        "dnsNames": [service, f"{service}.cluster.local"],
        "issuerRef": {key: issuer[key] for key in ("name", "kind", "group") if issuer.get(key)},
        "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
        "usages": ["digital signature", "server auth"],
    }


def _network(settings: dict) -> dict:
    admission: dict = {"ports": [{"port": PORT, "protocol": "TCP"}]}
    if settings.get("admission_sources"):
        sources = [{"ipBlock": {"cidr": source}} for source in settings["admission_sources"]]
        admission["from"] = [*sources, _KONNECTIVITY]
    metrics = {"from": [{"namespaceSelector": {}}], "ports": [{"port": METRICS_PORT, "protocol": "TCP"}]}
    return {
        "podSelector": {"matchLabels": _selector()},
        # It asks nobody anything.
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [admission, metrics],
    }


def _deployment(settings: dict, source: dict) -> dict:
    defaults = json.dumps(settings.get("defaults") or {}, sort_keys=True)
    content = hashlib.sha256((source["digest"] + defaults).encode()).hexdigest()[:16]
    drain = settings["drain_seconds"]
    spread = [
        {
            "topologyKey": key,
            "maxSkew": 1,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": _selector()},
        }
        for key in ("kubernetes.io/hostname", "topology.kubernetes.io/zone")
    ]
    pod = {
        "serviceAccountName": NAME,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": drain + 2 * GRACE_SECONDS,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "topologySpreadConstraints": spread,
        "containers": [_container(settings, drain)],
        "volumes": [
            {"name": "code", "configMap": {"name": NAME, "items": _items(source)}},
            {"name": "defaults", "configMap": {"name": NAME, "items": [{"key": "defaults.json", "path": "defaults.json"}]}},
            {"name": "certificate", "secret": {"secretName": CERTIFICATE_SECRET}},
        ],
    }
    if settings.get("priority_class"):
        pod["priorityClassName"] = settings["priority_class"]
    return {
        "replicas": settings["replicas"],
        "revisionHistoryLimit": 3,
        "selector": {"matchLabels": _selector()},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "template": {
            # What the container reads only when it starts decides the pods too.
            "metadata": {"labels": _labels(), "annotations": {f"{REGISTRATION}/content": content}},
            "spec": pod,
        },
    }


def _items(source: dict) -> list[dict]:
    return [{"key": _key(path), "path": f"{PACKAGE}/{path}"} for path in source["files"]]


def _container(settings: dict, drain: int) -> dict:
    def probe_of(path: str, **more: int) -> dict:
        return {"httpGet": {"path": path, "port": PORT, "scheme": "HTTPS"}, "timeoutSeconds": 3, **more}

    return {
        "name": "webhook",
        "image": settings["image"],
        "command": ["python3", "-m", f"{PACKAGE}.server"],
        "args": [
            "--certificate=/certificate",
            "--defaults=/defaults/defaults.json",
            f"--port={PORT}",
            f"--metrics-port={METRICS_PORT}",
            f"--drain={drain}",
            f"--grace={GRACE_SECONDS}",
        ],
        "env": [{"name": "PYTHONPATH", "value": "/code"}, {"name": "PYTHONDONTWRITEBYTECODE", "value": "1"}],
        "ports": [
            {"name": "https", "containerPort": PORT, "protocol": "TCP"},
            {"name": "metrics", "containerPort": METRICS_PORT, "protocol": "TCP"},
        ],
        "readinessProbe": probe_of("/readyz", periodSeconds=2),
        "livenessProbe": probe_of("/healthz", periodSeconds=10, failureThreshold=6),
        "resources": settings["resources"],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "code", "mountPath": "/code", "readOnly": True},
            {"name": "defaults", "mountPath": "/defaults", "readOnly": True},
            {"name": "certificate", "mountPath": "/certificate", "readOnly": True},
        ],
    }


__all__ = ["DefaultsError", "objects", "policies", "registration", "stamped", "withdrawn"]
