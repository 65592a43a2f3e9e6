# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a gateway beside an application needs in the application's namespace, and how its pods ask for it. Private.

The container itself is the injector's, in ``_sidecar``. Secret and ConfigMap never change: they are named by their content,
so that a new content is a new annotation of the pods, which rolls them, and the old objects serve the pods of before.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import typing as t

from .._declaration.manifests import MANAGED_BY, NAME_LABEL, OWNER_LABEL
from .._google.errors import InvalidError
from .._sidecar import microgateway
from .._sidecar.fields import BY_NAME, PREFIX
from . import render
from .gateway import Gateway

Object = dict[str, t.Any]

#: Marks what belongs to a gateway, with its name.
GATEWAY_LABEL = "edge-microgateway.gatewayops.io/name"
#: What there is of it, in an order in which it can be removed; NetworkPolicies go first, before pods lose their gateway.
KINDS = ("NetworkPolicy", "Service", "ConfigMap", "Secret")
#: How it is seen to that nobody calls the application around its gateway; and what is not offered, with the reason.
LOOPBACK, NETWORK_POLICY, REDIRECT = "loopback", "network_policy", "redirect"
REFUSED = (
    f"capture is {REDIRECT}, which is not offered: the vendor's init container needs NET_ADMIN, sends every port of the pod to "
    "the gateway, probes and TLS too, and spares another user than the gateway runs as. Write "
    f"{LOOPBACK} for an application that listens on 127.0.0.1 alone, or {NETWORK_POLICY}."
)


@dataclasses.dataclass(frozen=True)
class Workload:
    """The pods that get the gateway. ``selector`` are their labels, ``tls_port`` where their TLS sidecar answers, 0 without.

    ``settings`` are further annotations of the gateway, by name without prefix. ``trust``: authorities of Edge as PEM.
    """

    name: str
    namespace: str
    selector: t.Mapping[str, str]
    capture: str = NETWORK_POLICY
    tls_port: int = 0
    trust: str = ""
    settings: t.Mapping[str, str] = dataclasses.field(default_factory=dict)


def problems(workload: Workload, gateway: Gateway) -> list[str]:
    """A sentence for everything that is refused, each with what to do."""
    found = []
    if workload.capture == REDIRECT:
        found.append(REFUSED)
    elif workload.capture not in (LOOPBACK, NETWORK_POLICY):
        found.append(f"capture is {workload.capture!r}. Write {LOOPBACK} or {NETWORK_POLICY}.")
    if not workload.selector:
        found.append("selector is empty, which would be every pod of the namespace. Write the labels of the pods.")
    if not gateway.plugin("healthcheck"):
        found.append("plugins lacks healthcheck, by which the kubelet sees that the pod serves. Put it first.")
    elif gateway.plugin("healthcheck").settings.get("healthcheck_url", microgateway.HEALTH_PATH) != microgateway.HEALTH_PATH:
        found.append(f"plugins.healthcheck.settings.healthcheck_url must be {microgateway.HEALTH_PATH} beside an application.")
    for name, value in workload.settings.items():
        field = BY_NAME.get(name)
        if field is None or not name.startswith("gateway-") or name in ("gateway-port", "gateway-trust"):
            found.append(f"settings.{name} is not known, or follows from the rest. Leave it out.")
        elif not field.admits(value):
            found.append(f"settings.{name} is {value!r}, but must be {field.wanted}. {field.remedy}")
    return found


def objects(workload: Workload, gateway: Gateway, key: str, secret: str) -> list[Object]:
    """The Secret first, then everything else. Raises InvalidError with everything that is refused."""
    faults = problems(workload, gateway)
    if faults:
        raise InvalidError(" ".join(faults))
    values = {
        "EDGEMICRO_ORG": gateway.organization,
        "EDGEMICRO_ENV": gateway.environment,
        "EDGEMICRO_KEY": key,
        "EDGEMICRO_SECRET": secret,
        "EDGEMICRO_CONFIG": render.encoded(gateway),
    }
    data = {
        name: base64.b64encode(values[variable].encode()).decode() for variable, name in microgateway.FROM_SECRET.items()
    }
    files = {path.rpartition("/")[2]: content for path, content in render.plugin_files().items()}
    if workload.trust:
        files[microgateway.AUTHORITIES] = workload.trust
    name = f"{workload.name}-{hashlib.sha256(json.dumps([data, files], sort_keys=True).encode()).hexdigest()[:10]}"
    made = [
        _object(workload, "v1", "Secret", name, type="Opaque", data=data, immutable=True),
        _object(workload, "v1", "ConfigMap", name, data=files, immutable=True),
        _service(workload, gateway),
    ]
    return [*made, _closed(workload, gateway)] if workload.capture == NETWORK_POLICY else made


def annotations(workload: Workload, gateway: Gateway, name: str) -> dict[str, str]:
    """What the pods bear. ``name`` is that of the Secret. Nothing of it is secret."""
    told = {"gateway": name, "gateway-port": str(gateway.port), "gateway-processes": str(gateway.processes)}
    told["application-port"] = str(gateway.application_port)
    if workload.trust:
        told["gateway-trust"] = name
    told.update(workload.settings)
    # The port is said in any case: the configuration has it, and a cluster's defaults may have another.
    return {PREFIX + name: value for name, value in told.items()
            if name == "gateway-port" or value != BY_NAME[name].default}


def withdrawn(live: Object, wanted: t.Collection[str] = ()) -> dict[str, None]:
    """What the pods of a workload say of a gateway and shall say no longer, each as nothing. ``wanted`` is what stays."""
    asked = _template(live).get("annotations") or {}
    ours = {name for name in asked if name == PREFIX + "gateway" or name.startswith(PREFIX + "gateway-")}
    if ours and not wanted and PREFIX + "service" not in asked:
        # TLS alone needs it, too; whoever wrote it, there it stays.
        ours |= {PREFIX + "application-port"} & set(asked)
    return dict.fromkeys(sorted(ours - set(wanted)))


def labels(name: str) -> dict[str, str]:
    """What everything of a gateway beside an application bears."""
    return {OWNER_LABEL: MANAGED_BY, GATEWAY_LABEL: name}


def _object(workload: Workload, version: str, kind: str, name: str, **content: t.Any) -> Object:
    metadata = {"name": name, "namespace": workload.namespace,
                "labels": {NAME_LABEL: workload.name, **labels(workload.name)}}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **content}


def _service(workload: Workload, gateway: Gateway) -> Object:
    port = {"name": "http", "port": gateway.port, "protocol": "TCP", "targetPort": gateway.port}
    return _object(workload, "v1", "Service", workload.name, spec={
        "type": "ClusterIP", "selector": dict(workload.selector), "ports": [port]})


def _closed(workload: Workload, gateway: Gateway) -> Object:
    """Who calls the application itself gets no answer. The kubelet's probes need no rule."""
    ports = [{"port": port, "protocol": "TCP"} for port in (gateway.port, workload.tls_port) if port]
    return _object(workload, "networking.k8s.io/v1", "NetworkPolicy", workload.name, spec={
        "podSelector": {"matchLabels": dict(workload.selector)}, "policyTypes": ["Ingress"], "ingress": [{"ports": ports}]})


# -- the user's workload --------------------------------------------------------------------------------------------
def workload(told: t.Mapping[str, t.Any], live: Object) -> Workload:
    """What is declared of a workload, with what the object itself says: labels, namespace, its TLS port."""
    metadata, spec = live["metadata"], live.get("spec") or {}
    asked = _template(live).get("annotations") or {}
    tls = asked.get(PREFIX + "port") or BY_NAME["port"].default if PREFIX + "service" in asked else 0
    return Workload(
        name=told.get("gateway") or f"{metadata['name']}-gateway",
        namespace=metadata.get("namespace") or "default",
        selector=dict((spec.get("selector") or {}).get("matchLabels") or {}),
        capture=told.get("capture") or NETWORK_POLICY,
        tls_port=int(tls),
        trust=told.get("trust") or "",
        settings={name: str(value) for name, value in (told.get("settings") or {}).items()},
    )


def used(live: Object, secrets: t.Iterable[Object]) -> dict[str, str]:
    """Key and secret of the gateway that the workload's pods ask for, as ``key`` and ``secret``; empty without one."""
    name = (_template(live).get("annotations") or {}).get(PREFIX + "gateway")
    found = pairs(one for one in secrets if one["metadata"]["name"] == name)
    return found[0] if found else {}


def pairs(secrets: t.Iterable[Object]) -> list[dict[str, str]]:
    """Key and secret of each of a gateway's Secrets, as ``key`` and ``secret``. One that lacks either is left out."""
    found = []
    for one in secrets:
        data = {key: base64.b64decode(value).decode() for key, value in (one.get("data") or {}).items()}
        pair = [data.get(microgateway.FROM_SECRET[variable], "") for variable in ("EDGEMICRO_KEY", "EDGEMICRO_SECRET")]
        if all(pair):
            found.append(dict(zip(("key", "secret"), pair, strict=True)))
    return found


def probe_faults(pod: Object, gateway: Gateway) -> list[str]:
    """What is wrong with a pod as the cluster would make it, a sentence for each; empty for one with its gateway."""
    spec = pod.get("spec") or {}
    found = [one for one in _containers(spec) if one["name"] == microgateway.NAME]
    if not found:
        return ["Its pods would start without a gateway."]
    told = {one["name"]: one.get("value") for one in found[0].get("env") or []}
    wanted = {"EDGEMICRO_PORT": gateway.port, "CONTAINER_PORT": gateway.application_port}
    return [f"The gateway would be told {name}={told.get(name)}, and its configuration says {value}."
            for name, value in wanted.items() if told.get(name) != str(value)]


def served(pods: t.Iterable[Object]) -> list[str]:
    """Names of the pods that have a gateway still."""
    return [pod["metadata"]["name"] for pod in _running(pods)
            if microgateway.NAME in {one["name"] for one in _containers(pod.get("spec") or {})}]


def unserved(live: Object, pods: t.Iterable[Object], name: str) -> list[str]:
    """What is still missing until all pods of the workload, and only such, have the gateway of this name and are ready."""
    wanted, found, missing = (live.get("spec") or {}).get("replicas", 1), 0, []
    for pod in _running(pods):
        metadata = pod["metadata"]
        conditions = {one["type"]: one["status"] for one in (pod.get("status") or {}).get("conditions") or []}
        names = [one["name"] for one in _containers(pod.get("spec") or {})]
        if (metadata.get("annotations") or {}).get(PREFIX + "gateway") != name:
            missing.append(f"{metadata['name']} is of before")
        elif microgateway.NAME not in names:
            missing.append(f"{metadata['name']} was made without its gateway")
        elif metadata.get("deletionTimestamp") or conditions.get("Ready") != "True":
            missing.append(f"{metadata['name']} is not ready{_reasons(pod)}")
        else:
            found += 1
    return missing or ([] if found >= wanted else [f"{found} of {wanted} pods are there"])


def _running(pods: t.Iterable[Object]) -> list[Object]:
    """Without those that have ended: a pod that was evicted stays listed."""
    return [pod for pod in pods if (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")]


def _reasons(pod: Object) -> str:
    status = pod.get("status") or {}
    found = [state.get("reason")
             for one in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
             for state in (one.get("state") or {}).values() if not one.get("ready")]
    return f" ({', '.join(str(one) for one in found if one)})" if any(found) else ""


def _containers(spec: Object) -> list[Object]:
    return [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]


def _template(live: Object) -> Object:
    return ((live.get("spec") or {}).get("template") or {}).get("metadata") or {}
