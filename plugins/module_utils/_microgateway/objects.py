# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects in a cluster that are a gateway as a Service, and what of them is left from before. Private.

What a pod cannot read again while it runs stands in objects that never change, named by their content: a new content is
a new name, which rolls the pods, and the old object stays until the last pod that uses it is gone.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import typing as t

from .._declaration.manifests import MANAGED_BY, NAME_LABEL, OWNER_LABEL, namespace_definition
from .._sidecar import microgateway
from . import render
from .beside import GATEWAY_LABEL
from .gateway import Gateway

Object = dict[str, t.Any]

#: Beside the gateway's name: what belongs to it may stand in another namespace, and another gateway have its name there.
NAMESPACE_LABEL = "edge-microgateway.gatewayops.io/namespace"
CHECKSUM = "edge-microgateway.gatewayops.io/checksum"
#: By kind: version, and where the API server lists all of it. In an order in which they can be removed.
KINDS = {
    "HorizontalPodAutoscaler": ("autoscaling/v2", "/apis/autoscaling/v2/horizontalpodautoscalers"),
    "Deployment": ("apps/v1", "/apis/apps/v1/deployments"),
    "Service": ("v1", "/api/v1/services"),
    "PodDisruptionBudget": ("policy/v1", "/apis/policy/v1/poddisruptionbudgets"),
    "NetworkPolicy": ("networking.k8s.io/v1", "/apis/networking.k8s.io/v1/networkpolicies"),
    "ConfigMap": ("v1", "/api/v1/configmaps"),
    "Secret": ("v1", "/api/v1/secrets"),
}
#: Added to the drain for requests that still run when it is over, in seconds.
FINISH_SECONDS = 30
#: Google's load balancers and their health checks call from here.
LOAD_BALANCERS = ("130.211.0.0/22", "35.191.0.0/16")
#: Through these pods the control plane of GKE reaches others, for the call at the end of a run.
_CONTROL_PLANE = {
    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
    "podSelector": {"matchLabels": {"k8s-app": "konnectivity-agent"}},
}


@dataclasses.dataclass(frozen=True)
class Target:
    """Pods that the gateway calls. ``protect``: nobody else may."""

    name: str
    namespace: str
    selector: t.Mapping[str, str]
    port: int
    protect: bool = True


@dataclasses.dataclass(frozen=True)
class Place:
    """Where and how the gateway runs. ``trust``: authorities of Edge as PEM, empty for those known publicly.

    ``admit``: peers of a NetworkPolicy that may call it, beside load balancers. ``max_replicas``: up to so many pods,
    as their processors are busy, 0 for always ``replicas``; ``standing``: how many there were, which nobody but the autoscaler changes.
    """

    name: str
    namespace: str
    image: str
    replicas: int = 2
    max_replicas: int = 0
    cpu_percent: int = 70
    standing: int = 0
    drain_seconds: int = 20
    trust: str = ""
    targets: tuple[Target, ...] = ()
    admit: tuple[t.Mapping[str, t.Any], ...] = ()
    load_balancers: tuple[str, ...] = LOAD_BALANCERS
    edge_ranges: tuple[str, ...] = ("0.0.0.0/0",)
    service_annotations: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    requests: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    limits: t.Mapping[str, str] = dataclasses.field(default_factory=dict)


def place(told: t.Mapping[str, t.Any]) -> Place:
    """From plain data, as a role has it."""
    targets = tuple(Target(**{key: value for key, value in one.items() if value is not None})
                    for one in told.get("targets") or ())
    lists = {key: tuple(told[key]) for key in ("admit", "load_balancers", "edge_ranges") if told.get(key) is not None}
    plain = {key: value for key, value in told.items() if key not in ("targets", *lists) and value is not None}
    return Place(**{**plain, **lists, "targets": targets})


def problems(where: Place) -> list[str]:
    """Everything that is refused of it, each with what to do."""
    found = []
    if not where.image:
        found.append("The image is not said. Name the vendor's or one of your own with the engine in it, best by digest.")
    if where.max_replicas and where.max_replicas < where.replicas:
        found.append(f"There may be {where.max_replicas} pods at most and {where.replicas} at least. Raise the one or lower the other.")
    return found


def secret(where: Place, gateway: Gateway, key: str, credential: str) -> Object:
    """The Secret with all that identifies the gateway, and its configuration."""
    values = {
        "mgw-org": gateway.organization,
        "mgw-env": gateway.environment,
        "mgw-key": key,
        "mgw-secret": credential,
        "mgw-config": render.encoded(gateway),
    }
    data = {name: base64.b64encode(value.encode()).decode() for name, value in values.items()}
    return _fixed(where, "v1", "Secret", "mgwsecret", {"type": "Opaque", "data": data})


def definitions(where: Place, gateway: Gateway, secret_name: str) -> list[Object]:
    """Everything else, in an order in which it can be made."""
    guard = _fixed(where, "v1", "ConfigMap", f"{where.name}-guard", {"data": {
        path.rpartition("/")[2]: content for path, content in render.plugin_files().items()}})
    trust = [_fixed(where, "v1", "ConfigMap", f"{where.name}-trust", {"data": {microgateway.AUTHORITIES: where.trust}})]
    names = [one["metadata"]["name"] for one in (guard, *trust)]
    settled = [guard, *(trust if where.trust else [])]
    wanted = _container(where, gateway, secret_name, names[0], names[1] if where.trust else "")
    scaled = [_autoscaler(where)] if where.max_replicas else []
    return [*settled, *_policies(where, gateway), _budget(where), _service(where, gateway), _deployment(where, wanted), *scaled]


def namespace(where: Place) -> Object:
    """The gateway's namespace, in which pods have no privileges."""
    made = namespace_definition(where.namespace)
    made["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] = "restricted"
    return made


def current(secrets: t.Iterable[Object], deployment: Object | None) -> dict[str, str]:
    """Key and secret that the pods of a Deployment use, as ``key`` and ``secret``; empty where there are none."""
    used = secret_of(deployment or {})
    for one in secrets:
        if one["metadata"]["name"] == used:
            data = {name: base64.b64decode(value).decode() for name, value in (one.get("data") or {}).items()}
            if data.get("mgw-key") and data.get("mgw-secret"):
                return {"key": data["mgw-key"], "secret": data["mgw-secret"]}
    return {}


def secret_of(deployment: Object) -> str:
    """Name of the Secret that a Deployment's or a pod's gateway reads."""
    spec = deployment.get("spec") or {}
    for container in (spec.get("template", {}).get("spec") or spec).get("containers") or []:
        for variable in container.get("env") or []:
            reference = (variable.get("valueFrom") or {}).get("secretKeyRef")
            if reference and variable["name"] == "EDGEMICRO_KEY":
                return str(reference["name"])
    return ""


def left(found: t.Iterable[Object], wanted: t.Iterable[Object]) -> list[Object]:
    """Of objects that bear the gateway's label, those that are not among the wanted ones."""

    def identity(one: Object) -> tuple[str, ...]:
        return one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]

    kept = {identity(one) for one in wanted}
    return [one for one in found if identity(one) not in kept]


def named(kind: str, found: Object) -> Object:
    """An object of a list as a definition that is enough to remove it."""
    metadata = {name: found["metadata"][name] for name in ("name", "namespace", "labels")}
    return {"apiVersion": KINDS[kind][0], "kind": kind, "metadata": metadata}


def rolled_out(deployment: Object | None, pods: t.Iterable[Object]) -> bool:
    """Whether all replicas are available, and no pod of an earlier Secret or configuration is left."""
    if not deployment:
        return False
    status, spec = deployment.get("status") or {}, deployment["spec"]
    counts = {status.get(name) or 0 for name in ("replicas", "updatedReplicas", "availableReplicas")}
    same = spec["template"]["metadata"]["annotations"][CHECKSUM]
    return (
        status.get("observedGeneration") == deployment["metadata"]["generation"]
        and counts == {spec["replicas"]}
        and all((pod["metadata"].get("annotations") or {}).get(CHECKSUM) == same for pod in pods)
    )


# -- objects --------------------------------------------------------------------------------------------------------
def _own(where: Place) -> dict[str, str]:
    return {"app": where.name}


def labels(name: str, namespace_name: str) -> dict[str, str]:
    """What everything of a gateway bears, and nothing else does."""
    return {OWNER_LABEL: MANAGED_BY, GATEWAY_LABEL: name, NAMESPACE_LABEL: namespace_name}


def _object(where: Place, version: str, kind: str, name: str, **content: t.Any) -> Object:
    metadata = {"name": name, "namespace": where.namespace, "labels": {NAME_LABEL: where.name, **labels(where.name, where.namespace)}}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **content}


def _fixed(where: Place, version: str, kind: str, stem: str, content: Object) -> Object:
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:10]
    return _object(where, version, kind, f"{stem}-{digest}", **content, immutable=True)


def _container(where: Place, gateway: Gateway, secret_name: str, guard: str, trust: str) -> microgateway.Microgateway:
    health = gateway.plugin("healthcheck")
    amounts = {"cpu": where.requests.get("cpu"), "memory": where.requests.get("memory"),
               "cpu_limit": where.limits.get("cpu"), "memory_limit": where.limits.get("memory")}
    return microgateway.Microgateway(
        image=where.image, secret=secret_name, plugins=guard, trust=trust, port=gateway.port, processes=gateway.processes,
        health=str(health.settings.get("healthcheck_url", "/healthcheck")) if health else "",
        drain_seconds=where.drain_seconds, variables=tuple(sorted(gateway.variables.items())),
        **{name: amount for name, amount in amounts.items() if amount},
    )


def _deployment(where: Place, wanted: microgateway.Microgateway) -> Object:
    template = {
        "automountServiceAccountToken": False,
        "containers": [microgateway.container(wanted)],
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "terminationGracePeriodSeconds": where.drain_seconds + FINISH_SECONDS,
        "topologySpreadConstraints": [{
            "maxSkew": 1, "topologyKey": key, "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": _own(where)},
        } for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")],
        "volumes": microgateway.volumes(wanted),
    }
    checksum = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:16]
    return _object(where, "apps/v1", "Deployment", where.name, spec={
        "replicas": min(max(where.replicas, where.standing), where.max_replicas) if where.max_replicas else where.replicas,
        "selector": {"matchLabels": _own(where)},
        # One more than wanted for a while: there is never one less.
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "template": {
            "metadata": {"labels": {**_own(where), GATEWAY_LABEL: where.name}, "annotations": {CHECKSUM: checksum}},
            "spec": template,
        },
    })


def _service(where: Place, gateway: Gateway) -> Object:
    made = _object(where, "v1", "Service", where.name, spec={
        "type": "ClusterIP",
        "selector": _own(where),
        "ports": [{"name": "http", "port": gateway.port, "targetPort": gateway.port, "protocol": "TCP"}],
    })
    if where.service_annotations:
        made["metadata"]["annotations"] = dict(where.service_annotations)
    return made


def _budget(where: Place) -> Object:
    return _object(where, "policy/v1", "PodDisruptionBudget", where.name, spec={
        "maxUnavailable": 1, "selector": {"matchLabels": _own(where)}})


def _autoscaler(where: Place) -> Object:
    target = {"type": "Utilization", "averageUtilization": where.cpu_percent}
    return _object(where, "autoscaling/v2", "HorizontalPodAutoscaler", where.name, spec={
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": where.name},
        "minReplicas": where.replicas,
        "maxReplicas": where.max_replicas,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
    })


# -- who may call whom ----------------------------------------------------------------------------------------------
def _policies(where: Place, gateway: Gateway) -> list[Object]:
    ranges = [{"ipBlock": {"cidr": one}} for one in where.load_balancers]
    admitted = [*ranges, _CONTROL_PLANE, *(dict(one) for one in where.admit)]
    asked = [{"ipBlock": {"cidr": one}} for one in where.edge_ranges]
    out: list[Object] = [
        # By whom names are resolved differs from cluster to cluster, down to an address on the node.
        {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]},
        {"to": asked, "ports": [{"port": 443, "protocol": "TCP"}]},
        *({"to": [_pods(one.namespace, one.selector)], "ports": [{"port": one.port, "protocol": "TCP"}]}
          for one in where.targets),
    ]
    own = _object(where, "networking.k8s.io/v1", "NetworkPolicy", where.name, spec={
        "podSelector": {"matchLabels": _own(where)},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": admitted, "ports": [{"port": gateway.port, "protocol": "TCP"}]}],
        "egress": out,
    })
    return [own, *(_closed(where, one) for one in where.targets if one.protect)]


def _closed(where: Place, target: Target) -> Object:
    made = _object(where, "networking.k8s.io/v1", "NetworkPolicy", f"{where.name}-{target.name}", spec={
        "podSelector": {"matchLabels": dict(target.selector)},
        "policyTypes": ["Ingress"],
        "ingress": [{"from": [_pods(where.namespace, _own(where))], "ports": [{"port": target.port, "protocol": "TCP"}]}],
    })
    made["metadata"]["namespace"] = target.namespace
    return made


def _pods(namespace_name: str, labels: t.Mapping[str, str]) -> Object:
    return {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace_name}},
        "podSelector": {"matchLabels": dict(labels)},
    }
