# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What is added to a pod, by the few things of the pod that it depends on. Private to the collection.

The replicas of a workload get one and the same patch. It is therefore made from an outline of the pod, which the others
share, and kept: making and encoding it is most of an injection's work.
"""

from __future__ import annotations

import base64
import functools
import json
import typing as t

from . import conflicts, microgateway, probes
from . import pod as parts
from .drain import grace, least_grace
from .fields import FIRST_UNPRIVILEGED_PORT, PREFIX, STATUS
from .patch import Operation, add, extend
from .settings import Settings

Pod = t.Mapping[str, t.Any]

STATUS_ANNOTATION = PREFIX + STATUS
DEFAULT_GRACE_SECONDS = 30
HOOKED, BARE, WITHOUT_LIFECYCLE = range(3)
"""Of an application container: nothing to do, or the wait is missing, or what would hold it is missing too."""


class Patch(list[Operation]):
    """Operations that nobody changes any more: pods share them."""

    @functools.cached_property
    def encoded(self) -> str:
        """As an AdmissionReview carries it."""
        return base64.b64encode(json.dumps(self).encode()).decode()


class Outline(t.NamedTuple):
    """All of a pod that the patch depends on."""

    present: bool
    """Whether all sidecars that are asked for are there already."""

    window: int
    application_port: int
    """0 where the sidecars are there already."""

    containers: bool
    init_containers: bool
    volumes: bool
    security_context: bool
    sysctls: bool
    """Whether there is such a thing, or in a list any."""

    unprivileged: bool
    """Whether the pod says itself which ports need no privilege."""

    probes: tuple[tuple[int, str], ...]
    """Those to send through the sidecar, as ``probes.rewritable`` gives them."""

    hooks: tuple[int, ...]
    """For each of its containers, one of the constants above."""

    grace_seconds: int
    """What Kubernetes takes where the pod says nothing."""


def outline(pod: Pod, settings: Settings, present: bool, window: int) -> Outline:
    """Of a pod that can be read and has no conflict."""
    spec = pod["spec"]
    security = spec.get("securityContext")
    containers = spec.get("containers") or ()
    given = spec.get("terminationGracePeriodSeconds")
    port = 0 if present else int(settings.given.get("application-port") or conflicts.application_ports(pod)[0])
    return Outline(
        present,
        window,
        port,
        bool(containers),
        bool(spec.get("initContainers")),
        bool(spec.get("volumes")),
        security is not None,
        bool(security and security.get("sysctls")),
        bool(conflicts.sysctl(spec)),
        probes.rewritable(containers, port) if port and settings.rewrites_probes else (),
        tuple([_hook(container) for container in containers]) if window else (),
        DEFAULT_GRACE_SECONDS if given is None else given,
    )


def _hook(container: t.Mapping[str, t.Any]) -> int:
    lifecycle = container.get("lifecycle")
    if container.get("name") in parts.SIDECARS or (lifecycle and lifecycle.get("preStop")):
        return HOOKED
    return WITHOUT_LIFECYCLE if lifecycle is None else BARE


@functools.lru_cache(maxsize=128)
def additions(settings: Settings, seen: Outline) -> Patch:
    """The patch for every pod with these settings and this outline."""
    whole = [] if seen.present else _sidecars(settings, seen)
    return Patch([*whole, *_waits(settings, seen), *_grace(settings, seen)])


def _sidecars(settings: Settings, seen: Outline) -> list[Operation]:
    """The sidecars with all they need, and the status. What is called first comes last: it is the first to stop."""
    native = settings.defaults.native_sidecars
    containers, volumes = [], []
    if settings.gateway:
        containers.append(parts.beside(settings, seen.application_port, seen.window, native))
        volumes += microgateway.volumes(settings.beside(seen.application_port, seen.window))
    if settings.tls:
        said = parts.words(settings, settings.gateway_port or seen.application_port, seen.window)
        containers.append(parts.sidecar(settings, said, seen.window, native))
        volumes += parts.volumes(settings)
    # A pod in which only what is looked at has a place.
    bare = {
        "spec": {
            "containers": [{}] if seen.containers else None,
            "initContainers": [{}] if seen.init_containers else None,
            "volumes": [{}] if seen.volumes else None,
            "securityContext": {"sysctls": [{}] if seen.sysctls else None} if seen.security_context else None,
        }
    }
    made = extend(bare, ("spec", "initContainers" if native else "containers"), containers, first=native)
    made += extend(bare, ("spec", "volumes"), volumes)
    if settings.tls and settings.port < FIRST_UNPRIVILEGED_PORT and not seen.unprivileged:
        rule = {"name": parts.UNPRIVILEGED_PORTS, "value": str(settings.port)}
        made += extend(bare, ("spec", "securityContext", "sysctls"), [rule])
    for index, kind in seen.probes:
        place = ("spec", "containers", index, kind, "httpGet")
        made += [add((*place, "port"), settings.port), add((*place, "scheme"), probes.ENCRYPTED)]
    status = parts.status(settings, seen.application_port, seen.window, seen.grace_seconds)
    return [*made, add(("metadata", "annotations", STATUS_ANNOTATION), status)]


def _waits(settings: Settings, seen: Outline) -> list[Operation]:
    """A preStop wait for each application container that has no hook of its own."""
    made = []
    for index, hook in enumerate(seen.hooks):
        if hook != HOOKED:
            place = ("spec", "containers", index, "lifecycle")
            made += [add(place, {})] if hook == WITHOUT_LIFECYCLE else []
            made.append(add((*place, "preStop"), parts.wait(seen.window, settings.defaults.sleep_action)))
    return made


def _grace(settings: Settings, seen: Outline) -> list[Operation]:
    """The raised grace period, where it is too short."""
    timing, before = settings.defaults.timing, seen.grace_seconds
    if not seen.window:
        return []
    wanted = least_grace(seen.window, timing) if seen.present else grace(before, seen.window, timing)
    return [add(("spec", "terminationGracePeriodSeconds"), wanted)] if wanted > before else []
