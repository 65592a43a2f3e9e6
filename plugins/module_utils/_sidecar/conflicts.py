# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What in a pod stands in the sidecar's way. Private to the collection. Pods have the shape that ``shape`` asks for."""

from __future__ import annotations

import typing as t

from .engines.registry import ENGINES
from .fields import PREFIX, STATUS
from .microgateway import NAME as GATEWAY
from .pod import SIDECAR, SIDECARS, UNPRIVILEGED_PORTS
from .settings import Settings

Pod = t.Mapping[str, t.Any]
GROUPS = ("containers", "initContainers", "ephemeralContainers")


def named(items: t.Any, name: str) -> bool:
    """Whether one of the items has the name."""
    return name in [item.get("name") for item in items or ()]


def there(spec: t.Mapping[str, t.Any], sidecar: str) -> bool:
    """Whether the sidecar is among the containers that run or begin a pod."""
    return named(spec.get("containers"), sidecar) or named(spec.get("initContainers"), sidecar)


def injected(pod: Pod, settings: Settings) -> bool:
    """Whether the pod carries the sidecars that are wanted and our word for it."""
    spec = pod["spec"]
    found = [there(spec, sidecar) for sidecar, _annotation in wanted(settings)]
    return all(found) and PREFIX + STATUS in pod["metadata"]["annotations"]


def wanted(settings: Settings) -> list[tuple[str, str]]:
    """Names of the sidecars, each with the annotation that asks for it."""
    asked = [(SIDECAR, PREFIX + "service")] if settings.tls else []
    return [*asked, (GATEWAY, PREFIX + "gateway")] if settings.gateway else asked


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
    return tcp_ports([item for item in pod["spec"].get("containers") or () if item.get("name") not in SIDECARS])


def sysctl(spec: t.Mapping[str, t.Any]) -> str:
    """First port that needs no privilege, as the pod itself says it; nothing when it does not say."""
    for rule in (spec.get("securityContext") or {}).get("sysctls") or []:
        if rule.get("name") == UNPRIVILEGED_PORTS:
            return rule.get("value") or ""
    return ""


def find(pod: Pod, settings: Settings) -> list[str]:
    """Every conflict, each with the annotation it is about and the remedy."""
    spec = pod["spec"]
    return [*_kind(spec, settings.asked_by), *_names(pod, spec, settings), *_ports(pod, spec, settings)]


def _kind(spec: t.Mapping[str, t.Any], asked_by: str) -> list[str]:
    found = []
    if spec.get("hostNetwork"):
        found.append(
            f"{asked_by} is set on a pod with hostNetwork: its ports are the node's, and other pods' sidecars "
            "may have them. Remove hostNetwork, or remove the annotation."
        )
    if (spec.get("os") or {}).get("name") == "windows":
        found.append(f"{asked_by} is set on a Windows pod, where the sidecar cannot run. Remove the annotation.")
    if not spec.get("containers"):
        found.append(f"{asked_by} is set on a pod without containers. Add the application.")
    return found


def _names(pod: Pod, spec: t.Mapping[str, t.Any], settings: Settings) -> list[str]:
    found = []
    asked = wanted(settings)
    here = [sidecar for sidecar, _annotation in asked if any(named(spec.get(group), sidecar) for group in GROUPS)]
    told = PREFIX + STATUS in pod["metadata"]["annotations"]
    if told and here and len(here) < len(asked):
        missing = next(annotation for sidecar, annotation in asked if sidecar not in here)
        return [
            f"{missing} is set, but {PREFIX}{STATUS} says that sidecars were added without it. Take those out again "
            "(module tls_sidecar_manifests with state absent, or the manifest as it was before), or remove the annotation."
        ]
    for sidecar, annotation in asked:
        if sidecar in here:
            found.append(
                f"{annotation} asks for a container named {sidecar}, and the pod has another of that name. "
                "Rename that container, or remove the annotation."
            )
    if told and not here:
        found.append(
            f"{PREFIX}{STATUS} says that the sidecar is there, but it is not. Remove that annotation: "
            "the injector alone writes it."
        )
    for sidecar, annotation in asked:
        taken = [item["name"] for item in spec.get("volumes") or [] if (item.get("name") or "").startswith(sidecar + "-")]
        if taken:
            found.append(
                f"{annotation} asks for volumes whose names begin with {sidecar}-, and the pod has {', '.join(taken)}. "
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
    if settings.gateway:
        found += _gateway_ports(settings, taken, given)
    return [*found, *_tls_ports(spec, settings, taken, given)] if settings.tls else found


def _gateway_ports(settings: Settings, taken: list[int], given: str | None) -> list[str]:
    port = settings.gateway_port
    if given and int(given) == port:
        return [
            f"{PREFIX}gateway-port and {PREFIX}application-port are both {given}. Set {PREFIX}application-port to the port "
            "on which the application itself listens, which is another."
        ]
    if port in taken:
        return [
            f"{PREFIX}gateway-port is {port}, which a container of the pod declares as its own. Move that container, or "
            f"configure the gateway for a free port and set {PREFIX}gateway-port to it."
        ]
    return []


def _tls_ports(spec: t.Mapping[str, t.Any], settings: Settings, taken: list[int], given: str | None) -> list[str]:
    found = []
    if settings.port == settings.gateway_port:
        found.append(
            f"{PREFIX}port and {PREFIX}gateway-port are both {settings.port}. Set {PREFIX}port to another port."
        )
    elif given and int(given) == settings.port:
        found.append(f"{PREFIX}port and {PREFIX}application-port are both {given}. Set {PREFIX}port to another port.")
    elif settings.port in taken:
        found.append(
            f"{PREFIX}port is {settings.port}, which a container of the pod declares as its own. "
            f"Set {PREFIX}port to a free port, or move that container."
        )
    taken = [*taken, settings.gateway_port]
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
