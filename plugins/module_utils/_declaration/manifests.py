# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubernetes objects of published services, and what became of objects that were sent to a cluster.

Private to this collection.
"""

from __future__ import annotations

import json
import typing

from .._sidecar.fields import PREFIX, STATUS
from .workloads import absent, unannotated
from .workloads import labels as pod_labels

MANAGED_BY = "gatewayops.apigee_gke"
OWNER_LABEL = "app.kubernetes.io/managed-by"
NAME_LABEL = "app.kubernetes.io/name"
# Names the workload whose pods are published, so that slices can be found by one selector.
SERVICE_LABEL = "apigee-gke.gatewayops/service"
DEFAULT_TLS_PORT = 8443
#: Mutual TLS: the ConfigMap of each namespace that says whose certificates are admitted, and where Apigee's is issued.
CLIENT_AUTHORITIES = "apigee-client-ca"
CLIENT_NAMESPACE = "apigee-gke"
CLIENT_SECRET = "apigee-client"
# Time for callers to learn of a pod's end before it stops: records live 10 s, pods go within the grace period.
_SAMPLE_DRAIN_SECONDS = 15

# Reasons for which an object in a dry run is known to be absent: its namespace or its kind is not there yet.
_ABSENT = ("not found", "notfound", "failed to find exact match")
# Fields that Kubernetes keeps itself; a difference in them is no change of ours.
_NOISE = ("resourceVersion", "generation", "managedFields", "creationTimestamp", "uid", "selfLink")
# A digest of the definition, in objects that are applied on the server's side, where no annotation notes them whole.
STAMP = "apigee-gke.gatewayops/applied"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def kubeconfig(connection: dict, token: str) -> dict:
    """A client configuration for one cluster.

    Args:
        connection: ``endpoint`` (host) and ``ca_certificate`` (PEM in base64).
        token: an access token.
    """
    cluster = {"server": f"https://{connection['endpoint']}"}
    if connection.get("ca_certificate"):
        cluster["certificate-authority-data"] = connection["ca_certificate"]
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "cluster", "cluster": cluster}],
        "users": [{"name": "user", "user": {"token": token}}],
        "contexts": [{"name": "context", "context": {"cluster": "cluster", "user": "user"}}],
        "current-context": "context",
    }


def unselected(services_of_cluster: list[dict]) -> list[dict]:
    """Services whose pods are known only by their workload."""
    return [entry for entry in services_of_cluster if not entry.get("selector") and not entry.get("sample")]


def _selectors(workloads: list[dict]) -> dict[tuple[str, str], dict]:
    """(namespace, service name) to the pod labels of its workload; from a looped ``k8s_info``."""
    found = {}
    for result in workloads:
        service = result.get("item") or result.get("headless_service_entry") or {}
        for workload in result.get("resources") or []:
            labels = pod_labels(workload)
            if labels:
                found[(service["namespace"], service["name"])] = labels
    return found


def unfit_workloads(looked_up: list[dict], cluster: str) -> list[str]:
    """A paragraph for each workload that is not there or lacks what its pods need; from a looped ``k8s_info``."""
    said = []
    for result in looked_up:
        service = result.get("item") or result.get("headless_service_entry") or {}
        if result.get("skipped"):
            continue
        if not result.get("resources"):
            said.append(absent(service, cluster))
        said += [unannotated(service, found, demanded(service), cluster) for found in result.get("resources") or []]
    return [problem.as_text() for problem in said if problem]


def services(services_of_cluster: list[dict], workloads: list[dict] | None = None) -> list[dict]:
    """Definitions of the headless Services of one cluster, and of the sample applications asked for.

    Args:
        services_of_cluster: entries with ``name``, ``namespace``, ``port``, ``selector`` and, optionally, ``sample``.
        workloads: results of looking up the workloads of services without a selector.

    Returns:
        Definitions in an order in which they can be made: namespaces, workloads, Services.
    """
    services_of_cluster = selecting(services_of_cluster, workloads)
    samples = [service for service in services_of_cluster if service.get("sample")]
    namespaces = list(dict.fromkeys(service["namespace"] for service in samples))
    return [
        *(namespace_definition(name) for name in namespaces if name != "default"),
        *(sample_definition(service) for service in samples),
        *(_headless(service) for service in services_of_cluster),
    ]


def selecting(services_of_cluster: list[dict], workloads: list[dict] | None = None) -> list[dict]:
    """The services, each with the labels of its pods where its workload tells them. Arguments as for ``services``."""
    selectors = _selectors(workloads or [])
    return [
        {**service, "selector": service.get("selector") or selectors.get((service["namespace"], service["name"])) or {}}
        for service in services_of_cluster
    ]


def selector(service: dict) -> dict:
    """The labels of the pods that a service's name gives."""
    return dict(service.get("selector") or {NAME_LABEL: service.get("workload") or service["name"]})


def namespace_definition(name: str) -> dict:
    """A namespace that is made when it is not there."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {OWNER_LABEL: MANAGED_BY}}}


def has_tls(service: dict) -> bool:
    """Whether the pods end TLS. An empty ``tls`` asks for it as it is by default; none at all is plain HTTP."""
    return service.get("tls") is not None


def dialled_port(service: dict) -> int:
    """The port that Apigee calls. A headless Service maps no ports, so it is the one on which the pod listens."""
    return service["tls"].get("port") or DEFAULT_TLS_PORT if has_tls(service) else service["port"]


def annotations(service: dict) -> dict[str, str]:
    """What the pods of a service must carry to get their TLS sidecar; empty for a service without TLS.

    One annotation says all, unless its port or engine is another than the injector takes by itself.
    """
    if not has_tls(service):
        return {}
    own = {PREFIX + "service": service["name"]}
    if dialled_port(service) != DEFAULT_TLS_PORT:
        own[PREFIX + "port"] = str(dialled_port(service))
    if service["tls"].get("engine"):
        own[PREFIX + "engine"] = service["tls"]["engine"]
    if service["tls"].get("secret"):
        own[PREFIX + "certificate-secret"] = service["tls"]["secret"]
    client = service["tls"].get("client") or {}
    if client:
        own[PREFIX + "client-ca-config-map"] = client.get("config_map") or CLIENT_AUTHORITIES
    if client.get("names"):
        own[PREFIX + "client-names"] = ",".join(client["names"])
    return own


def demanded(service: dict) -> dict[str, str]:
    """Those of the ``annotations`` that pods of the user's own must carry. The injector's defaults bring the site's port.

    A sample carries its port all the same: with another port it needs other pods, and only its template gets it some.
    """
    found = annotations(service)
    if has_tls(service) and dialled_port(service) == service["tls"].get("default_port"):
        found.pop(PREFIX + "port", None)
    return found


def labels(service: dict) -> dict[str, str]:
    """The labels of objects that belong to a service, our mark among them."""
    return {NAME_LABEL: service["name"], OWNER_LABEL: MANAGED_BY}


def _headless(service: dict) -> dict:
    """A Service without an address of its own: its name gives the addresses of the ready pods."""
    port = dialled_port(service)
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": service["name"],
            "namespace": service["namespace"],
            "labels": {**labels(service), SERVICE_LABEL: service["name"]},
        },
        "spec": {
            "type": "ClusterIP",
            "clusterIP": "None",
            # Said although it is the default, so that somebody else's "true" is found and put right.
            "publishNotReadyAddresses": False,
            "selector": selector(service),
            # A named port: without a name GKE publishes no SRV record.
            "ports": [
                {
                    "name": "https" if has_tls(service) else "http",
                    "port": port,
                    "protocol": "TCP",
                    "targetPort": port,
                }
            ],
        },
    }


def sample_definition(service: dict) -> dict:
    """The Deployment of a service's sample application, which listens on the service's port."""
    sample, own = service["sample"], {NAME_LABEL: service.get("workload") or service["name"]}
    # A sample that leaves TLS keeps its sidecar, and so both ports, until Apigee calls the plain one.
    asked = annotations(service) or service.get("leaving") or {}
    container = {
        "name": "application",
        "image": sample["image"],
        "imagePullPolicy": "IfNotPresent",
        "env": [{"name": "PORT", "value": str(service["port"])}],
        "ports": [{"name": "http", "containerPort": service["port"], "protocol": "TCP"}],
        "readinessProbe": {
            "httpGet": {"path": sample.get("readiness_path") or "/healthz", "port": service["port"]},
            "periodSeconds": 2,
        },
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "128Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    # With a sidecar the wait comes from the injector, which knows how long it has to be.
    if not asked:
        container["lifecycle"] = {"preStop": {"sleep": {"seconds": _SAMPLE_DRAIN_SECONDS}}}
    if sample.get("command"):
        container["command"] = list(sample["command"])
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": service.get("workload") or service["name"],
            "namespace": service["namespace"],
            "labels": {**own, OWNER_LABEL: MANAGED_BY},
        },
        "spec": {
            "replicas": sample.get("replicas") or 3,
            "selector": {"matchLabels": own},
            "template": {
                "metadata": {"labels": own, **({"annotations": asked} if asked else {})},
                "spec": {"containers": [container]},
            },
        },
    }


def plain_samples(services_of_cluster: list[dict]) -> list[dict]:
    """Samples that leave TLS, as they are in the end: without their sidecar."""
    return [sample_definition({**service, "leaving": {}}) for service in services_of_cluster if service.get("leaving")]


def outcome(definitions: list[dict], result: dict, cluster: str) -> list[dict]:
    """What became of each definition, in the shape in which Google's resources are reported.

    Args:
        definitions: what was sent.
        result: the result of ``kubernetes.core.k8s`` run with diff, or an empty dict when no cluster answered.
        cluster: name of the cluster.

    Returns:
        Entries with ``kind``, ``name``, ``action``, ``changes`` and ``resource``. ``error`` is set where an object
        was refused for a reason other than that something it needs is still to be made.
    """
    if not result or result.get("skipped"):
        return [entry(definition, cluster, "created", resource=definition) for definition in definitions]
    body = result.get("result") or {}
    results = body.get("results", [result])
    return [_outcome(*pair, cluster) for pair in zip(definitions, results, strict=False)]


def _outcome(definition: dict, result: dict, cluster: str) -> dict:
    error = result.get("error")
    if error:
        text = f"{error.get('msg', '')} {error.get('reason', '')}".lower()
        absent = entry(definition, cluster, "created", resource=definition)
        return (
            absent if any(word in text for word in _ABSENT) else {**absent, "action": "failed", "error": error["msg"]}
        )
    resource = result.get("result") or {}
    if result.get("method") == "delete":
        return entry(definition, cluster, "deleted" if result.get("changed") else "unchanged", resource=resource)
    if not result.get("changed"):
        return entry(definition, cluster, "unchanged", resource=resource)
    diff = result.get("diff") or {}
    before = diff.get("before") or {}
    # An object that is only changed shows the parts that differ; one that is new has nothing before, not even a kind.
    after = diff.get("after") or resource
    new = not before and "kind" in after
    return entry(definition, cluster, "created" if new else "updated", {} if new else diff, resource)


def entry(definition: dict, cluster: str, action: str, diff: dict | None = None, resource: dict | None = None) -> dict:
    """What became of one object, as ``outcome`` gives it."""
    diff = diff or {}
    metadata = definition["metadata"]
    place = "/".join(part for part in (cluster, metadata.get("namespace"), metadata["name"]) if part)
    return {
        "kind": definition["kind"],
        "name": place,
        "action": action,
        "changes": changes(diff.get("before") or {}, diff.get("after") or {}),
        "resource": resource or {},
    }


def changes(before: typing.Any, after: typing.Any, path: str = "") -> list[dict]:
    """Field by field differences as ``{field, before, after}``."""
    if isinstance(before, (dict, type(None))) and isinstance(after, (dict, type(None))) and (before or after):
        before, after = before or {}, after or {}
        found = []
        for key in sorted({*before, *after}):
            if key in _NOISE or key in (LAST_APPLIED, STAMP) or (not path and key == "status"):
                continue
            found += changes(before.get(key), after.get(key), f"{path}.{key}" if path else key)
        return found
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [
            entry
            for index, pair in enumerate(zip(before, after, strict=False))
            for entry in changes(*pair, f"{path}[{index}]")
        ]
    return [] if before == after else [{"field": path, "before": before, "after": after}]


def places(services_of_cluster: list[dict], workloads: list[dict] | None = None, sidecars: bool = False) -> list[dict]:
    """Each service, as module ``headless_service_info`` takes it.

    Args:
        services_of_cluster: as for ``services``.
        workloads: as for ``services``.
        sidecars: whether TLS is ended by sidecars, so that pods without theirs do not serve it.
    """
    found = []
    for service in selecting(services_of_cluster, workloads):
        place = {"name": service["name"], "namespace": service.get("namespace") or "default"}
        if sidecars and has_tls(service):
            place |= {"selector": selector(service), "sidecar_port": dialled_port(service)}
        found.append(place)
    return found


def ready_endpoints(slices: list[dict], wanted: list[dict]) -> dict[str, list[dict]]:
    """Addresses that a service's name gives now.

    Args:
        slices: EndpointSlice objects.
        wanted: services with ``name`` and ``namespace``.

    Returns:
        Service name to its ready endpoints (``address`` and ``pod``); an empty list where there are none.
    """
    found: dict[str, list[dict]] = {service["name"]: [] for service in wanted}
    places = {(service["namespace"], service["name"]) for service in wanted}
    for piece in slices:
        metadata = piece.get("metadata") or {}
        name = (metadata.get("labels") or {}).get("kubernetes.io/service-name")
        if (metadata.get("namespace"), name) not in places:
            continue
        for endpoint in piece.get("endpoints") or []:
            # A condition that is not stated means ready.
            if (endpoint.get("conditions") or {}).get("ready") is False:
                continue
            pod = (endpoint.get("targetRef") or {}).get("name", "")
            found[name] += [{"address": address, "pod": pod} for address in endpoint.get("addresses") or []]
    return {name: sorted(entries, key=lambda entry: entry["address"]) for name, entries in found.items()}


def without_sidecar(pods: list[dict], names: set[str], port: int) -> list[str]:
    """Those of the pods with these names whose TLS sidecar does not answer on this port, or which have none."""
    found = []
    for pod in pods:
        metadata = pod["metadata"]
        try:
            status = json.loads((metadata.get("annotations") or {}).get(f"{PREFIX}{STATUS}") or "{}")
        except ValueError:
            status = {}
        if metadata["name"] in names and status.get("port") != port:
            found.append(metadata["name"])
    return sorted(found)


def crowded(endpoints: dict[str, list], limit: int | str) -> list[str]:
    """Names that give more than *limit* addresses, each with the number. A limit from a command line is text."""
    return [f"{name} ({len(found)} addresses)" for name, found in sorted(endpoints.items()) if len(found) > int(limit)]
