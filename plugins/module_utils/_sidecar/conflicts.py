# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What in a pod stands in the sidecar's way. Private to the collection. Pods have the shape that ``shape`` asks for."""

from __future__ import annotations

import typing as t

from .engines.registry import ENGINES
from .fields import PREFIX, STATUS
from .pod import SIDECAR, UNPRIVILEGED_PORTS
from .settings import Settings

Pod = t.Mapping[str, t.Any]
GROUPS = ("containers", "initContainers", "ephemeralContainers")


def named(items: t.Any, name: str) -> bool:
    """Whether one of the items has the name."""
    return name in [item.get("name") for item in items or ()]


def injected(pod: Pod) -> bool:
    """Whether the pod carries our sidecar and our word for it."""
    spec = pod["spec"]
    there = named(spec.get("containers"), SIDECAR) or named(spec.get("initContainers"), SIDECAR)
    return there and PREFIX + STATUS in pod["metadata"]["annotations"]


def longlived(spec: t.Mapping[str, t.Any]) -> list[t.Mapping[str, t.Any]]:
    """Containers that run as long as the application: its own, and other native sidecars."""
    native = [item for item in spec.get("initContainers") or [] if item.get("restartPolicy") == "Always"]
    return [*(spec.get("containers") or []), *native]


def tcp_ports(containers: t.Iterable[t.Mapping[str, t.Any]]) -> list[int]:
    """TCP ports that the containers declare, each once."""
    found = {}
    for item in containers:
        for port in item.get("ports") or ():
            if port.get("containerPort") is not None and (port.get("protocol") or "TCP") == "TCP":
                found[port["containerPort"]] = True
    return list(found)


def application_ports(pod: Pod) -> list[int]:
    """Ports among which the application's own is."""
    return tcp_ports([item for item in pod["spec"].get("containers") or () if item.get("name") != SIDECAR])


def sysctl(spec: t.Mapping[str, t.Any]) -> str:
    """First port that needs no privilege, as the pod itself says it; nothing when it does not say."""
    for rule in (spec.get("securityContext") or {}).get("sysctls") or []:
        if rule.get("name") == UNPRIVILEGED_PORTS:
            return rule.get("value") or ""
    return ""


def find(pod: Pod, settings: Settings) -> list[str]:
    """Every conflict, each with the annotation it is about and the remedy."""
    spec = pod["spec"]
    return [*_kind(spec), *_names(pod, spec), *_ports(pod, spec, settings)]


def _kind(spec: t.Mapping[str, t.Any]) -> list[str]:
    found = []
    if spec.get("hostNetwork"):
        found.append(
            f"{PREFIX}service is set on a pod with hostNetwork: its ports are the node's, and other pods' sidecars "
            "may have them. Remove hostNetwork, or remove the annotation."
        )
    if (spec.get("os") or {}).get("name") == "windows":
        found.append(f"{PREFIX}service is set on a Windows pod, where the sidecar cannot run. Remove the annotation.")
    if not spec.get("containers"):
        found.append(f"{PREFIX}service is set on a pod without containers. Add the application.")
    return found


def _names(pod: Pod, spec: t.Mapping[str, t.Any]) -> list[str]:
    found = []
    if [group for group in GROUPS if named(spec.get(group), SIDECAR)]:
        found.append(
            f"{PREFIX}service asks for a container named {SIDECAR}, and the pod has another of that name. "
            "Rename that container, or remove the annotation."
        )
    elif PREFIX + STATUS in pod["metadata"]["annotations"]:
        found.append(
            f"{PREFIX}{STATUS} says that the sidecar is there, but it is not. Remove that annotation: "
            "the injector alone writes it."
        )
    taken = [item["name"] for item in spec.get("volumes") or [] if (item.get("name") or "").startswith(SIDECAR + "-")]
    if taken:
        found.append(
            f"{PREFIX}service asks for volumes whose names begin with {SIDECAR}-, and the pod has {', '.join(taken)}. "
            "Rename those volumes, or remove the annotation."
        )
    return found


def _ports(pod: Pod, spec: t.Mapping[str, t.Any], settings: Settings) -> list[str]:
    found = []
    given = settings.given.get("application-port")
    declared = application_ports(pod)
    taken = [*tcp_ports(longlived(spec)), *([int(given)] if given else [])]
    if not given and len(declared) != 1:
        many = f"several ports ({', '.join(map(str, declared))})" if declared else "no port"
        found.append(
            f"{PREFIX}application-port is not set, and the pod declares {many}. "
            "Set it to the port on which the application listens in clear."
        )
    if given and int(given) == settings.port:
        found.append(f"{PREFIX}port and {PREFIX}application-port are both {given}. Set {PREFIX}port to another port.")
    elif settings.port in taken:
        found.append(
            f"{PREFIX}port is {settings.port}, which a container of the pod declares as its own. "
            f"Set {PREFIX}port to a free port, or move that container."
        )
    administration, metrics = settings.administration_port, settings.metrics_port
    if administration and administration in taken:
        others = " or ".join(engine.name for engine in ENGINES.values() if not engine.administered)
        found.append(
            f"{PREFIX}port is {settings.port}, for which engine {settings.engine.name} is administered on {administration} "
            f"of the pod's loopback, and a container has that port. Set {PREFIX}port to another port, or {PREFIX}engine "
            f"to {others}."
        )
    if metrics and metrics in (*taken, settings.port, administration):
        found.append(
            f"{PREFIX}metrics-port is {metrics}, which a container of the pod or the sidecar itself has already. "
            f"Set {PREFIX}metrics-port to a free port."
        )
    first = sysctl(spec)
    if first.isdecimal() and settings.port < min(int(first), 1024):
        found.append(
            f"{PREFIX}port is {settings.port}, but the pod's sysctl {UNPRIVILEGED_PORTS} is {first}. "
            f"Set {PREFIX}port to {first} or more, or lower the sysctl."
        )
    return found
