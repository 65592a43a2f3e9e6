# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What a user should know though the pod is accepted. Private to the collection. Kubernetes cuts long warnings: 256."""

from __future__ import annotations

import re
import typing as t

from . import probes
from .drain import grace
from .fields import OPT_IN, OPT_IN_LABEL, PREFIX
from .pod import SIDECARS
from .settings import Settings

Pod = t.Mapping[str, t.Any]

SHORT_DRAIN_SECONDS = 15
"""A window below this is shorter than DNS alone takes on GKE."""

SPOT_SECONDS = 15
"""What GKE gives the pods of a Spot node by default, of its 30 s of notice."""

SPOT_KEYS = ("cloud.google.com/gke-spot", "cloud.google.com/gke-preemptible", "cloud.google.com/gke-provisioning")
GRACE_CEILING = 600
"""Autopilot and the autoscaler's scale-down wait no longer."""


def warnings(pod: Pod, settings: Settings, window: int, application_port: int) -> list[str]:
    """What to tell whoever creates the pod. ``application_port`` is 0 where the sidecar is there already."""
    spec = pod["spec"]
    found = [*_hooks(spec, window, settings), *_probes(spec, application_port, settings)]
    completes = spec.get("restartPolicy") in ("Never", "OnFailure")
    if 0 < window < SHORT_DRAIN_SECONDS or (not window and not completes):
        found.append(
            f"{PREFIX}drain-seconds is {window}: callers still use the pod's address after that, "
            f"and requests are lost. {settings.defaults.timing.window} is computed."
        )
    for kind in settings.kinds if spec.get("resources") else ():
        found.append(
            f"The pod has resources as a whole: they must have room for the {'gateway' if kind else 'sidecar'}, "
            f"{settings.resource(kind + 'cpu')} CPU and {settings.resource(kind + 'memory')}, or set {PREFIX}{kind}cpu and "
            f"{PREFIX}{kind}memory."
        )
    if completes and not settings.defaults.native_sidecars:
        found.append("Before Kubernetes 1.29 the sidecar is a plain container: this pod will not complete.")
    whole = max(spec.get("terminationGracePeriodSeconds") or 0, grace(0, window, settings.defaults.timing))
    if window and spot(spec) and whole > SPOT_SECONDS:
        found.append(
            f"Spot nodes give pods about {SPOT_SECONDS} s to end and this one needs {whole} s: "
            "requests are lost when the node is reclaimed."
        )
    if window and whole > GRACE_CEILING:
        found.append(
            f"The grace period is {whole} s: Autopilot and scale-down wait no longer than {GRACE_CEILING} s. "
            f"Lower {PREFIX}drain-seconds."
        )
    labels = (pod.get("metadata") or {}).get("labels") or {}
    if not settings.defaults.match_conditions and labels.get(OPT_IN_LABEL) != OPT_IN:
        found.append(
            f'Before Kubernetes 1.30 the API server asks about pods with label {OPT_IN_LABEL}: "{OPT_IN}" only. '
            "Without it the webhook never sees this one."
        )
    return found


def spot(spec: t.Mapping[str, t.Any]) -> bool:
    """Whether the pod may land on Spot or preemptible nodes."""
    tolerated = [item.get("key") for item in spec.get("tolerations") or []]
    return any(key in SPOT_KEYS for key in [*(spec.get("nodeSelector") or {}), *tolerated])


def _probes(spec: t.Mapping[str, t.Any], port: int, settings: Settings) -> t.Iterator[str]:
    """About probes that were to be sent through the sidecar."""
    if not port or not settings.rewrites_probes:
        return
    containers = spec.get("containers") or []
    left = probes.fixed(containers, port)
    for name, kind in left:
        yield (
            f"Container {name[:63]}: {kind} is kept, since only httpGet without a host can be sent through the sidecar. "
            "Make it one, or an exec probe."
        )
    if not left and not probes.rewritable(containers, port):
        yield f"{PREFIX}probes is rewrite, but no probe asks the application's port {port}."


def _hooks(spec: t.Mapping[str, t.Any], window: int, settings: Settings) -> t.Iterator[str]:
    """About waits of application containers."""
    for container in spec.get("containers") or []:
        name = str(container.get("name"))[:63]
        hook = (container.get("lifecycle") or {}).get("preStop")
        if not window or name in SIDECARS:
            continue
        if not hook:
            if not settings.defaults.sleep_action:
                yield f"Container {name} waits by running sleep, which its image must have (until Kubernetes 1.30)."
            continue
        seconds = lasts(hook)
        if seconds is None:
            yield f"Container {name} has a preStop hook of its own: it must last {window} s, or requests are lost."
        elif seconds < window:
            yield f"Container {name}: its preStop hook lasts {seconds} s, the drain {window} s. Requests are lost."


def lasts(hook: t.Mapping[str, t.Any]) -> int | None:
    """Seconds for which a preStop hook waits, where that can be read."""
    if hook.get("sleep"):
        return hook["sleep"].get("seconds") or 0
    words = " ".join((hook.get("exec") or {}).get("command") or [])
    found = re.search(r"\bsleep ([0-9]{1,6})\b", words)
    return int(found.group(1)) if found else None
