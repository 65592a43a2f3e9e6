# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The application's own probes, sent through the sidecar where that is asked for. Private to the collection.

The kubelet calls a pod's address, where an application that listens on loopback alone does not answer. The sidecar
does: a probe of the application's port over HTTP becomes one of the TLS port over HTTPS, whose certificate the kubelet
does not verify. Path, headers and times stay. Only HTTP can be sent on: a bare connection would say that the sidecar
is there, and the kubelet speaks gRPC in clear alone.
"""

from __future__ import annotations

import typing as t

KINDS = ("livenessProbe", "readinessProbe", "startupProbe")
CLEAR, ENCRYPTED = "HTTP", "HTTPS"

Container = t.Mapping[str, t.Any]


def rewritable(containers: t.Iterable[Container], port: int) -> tuple[tuple[int, str], ...]:
    """The probes that ask the application's port over HTTP in clear: place of the container and kind of the probe."""
    return tuple(
        (place, kind)
        for place, container in enumerate(containers)
        for kind in KINDS
        if _plain(container, ((container.get(kind) or {}).get("httpGet") or {}), port)
    )


def fixed(containers: t.Iterable[Container], port: int) -> list[tuple[str, str]]:
    """The probes of the application's port that cannot be sent on: name of the container and kind of the probe."""
    found = []
    for container in containers:
        for kind in KINDS:
            probe = container.get(kind) or {}
            other = [probe.get(action) or {} for action in ("tcpSocket", "grpc")]
            named = (probe.get("httpGet") or {}).get("host") and _asks(container, probe["httpGet"], port)
            if named or any(_asks(container, action, port) for action in other):
                found.append((str(container.get("name")), kind))
    return found


def _plain(container: Container, action: t.Mapping[str, t.Any], port: int) -> bool:
    """Whether the action of a probe can be sent on. With a host it leads to somewhere else."""
    return (
        _asks(container, action, port)
        and not action.get("host")
        and (action.get("scheme") or CLEAR) == CLEAR
    )


def _asks(container: Container, action: t.Mapping[str, t.Any], port: int) -> bool:
    """Whether the action is about this port, by its number or by the name that the container gives it."""
    wanted = action.get("port")
    if isinstance(wanted, str):
        ports = container.get("ports") or ()
        return any(each.get("name") == wanted and each.get("containerPort") == port for each in ports)
    return wanted == port and not isinstance(wanted, bool)
