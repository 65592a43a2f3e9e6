# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The way back: a pod without the sidecar that it was given, for manifests that have it. Private to the collection.

What was there before is told by the status annotation and by the names that are the sidecar's own. The annotations with
which the pod asks for the sidecar stay: a cluster that injects gives it another.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import typing as t

from . import conflicts, microgateway, probes
from . import pod as parts
from .additions import DEFAULT_GRACE_SECONDS, STATUS_ANNOTATION
from .drain import grace
from .fields import FIRST_UNPRIVILEGED_PORT
from .inject import annotations
from .settings import Defaults
from .shape import fault

Spec = dict[str, t.Any]
TOLD = ("application", "drain", "grace")
SIDES = ("port", "gateway")
"""What the status must say, all whole numbers; of the second one at least."""


@dataclasses.dataclass(frozen=True)
class Removal:
    """What became of a pod: a refusal, a reason why it is left as it is, or the pod without its sidecar."""

    pod: t.Any = None
    refusal: str | None = None
    skipped: str | None = None
    warnings: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """One of refused, skipped and removed."""
        return "refused" if self.refusal else "skipped" if self.skipped else "removed"


def remove(pod: t.Any, defaults: Defaults) -> Removal:
    """A copy of ``pod`` without the sidecar. Never raises, whatever the pod is."""
    if STATUS_ANNOTATION not in annotations(pod):
        return Removal(skipped=f"{STATUS_ANNOTATION} is not set: it was given no sidecar")
    wrong = fault(pod)
    if wrong or not pod.get("spec"):
        return Removal(refusal=f"it cannot be read: {wrong or 'it has no spec'}. Correct it.")
    told = _told(annotations(pod)[STATUS_ANNOTATION])
    if told is None:
        return Removal(
            refusal=f"{STATUS_ANNOTATION} does not say what was added. Take the manifest as it was before, or remove "
            f"{' and '.join(_there(pod['spec'])) or 'the sidecar'}, its volumes, the waits and that annotation by hand."
        )
    if not _there(pod["spec"]):
        return Removal(refusal=f"{STATUS_ANNOTATION} says that the sidecar is there, but it is not. Remove that annotation.")
    result = copy.deepcopy(pod)
    del result["metadata"]["annotations"][STATUS_ANNOTATION]
    spec = result["spec"]
    for group in ("initContainers", "containers"):
        _keep(spec, group, lambda item: item.get("name") not in parts.SIDECARS)
    _keep(spec, "volumes", lambda item: item.get("name") not in (*parts.FOLDERS, *microgateway.VOLUMES))
    _close(spec, told)
    for container in spec.get("containers") or []:
        _release(container, told)
    _shorten(spec, told, defaults)
    return Removal(result)


def _there(spec: Spec) -> list[str]:
    """The containers that were added."""
    return [sidecar for sidecar in parts.SIDECARS if conflicts.there(spec, sidecar)]


def _told(status: t.Any) -> dict[str, t.Any] | None:
    """What the status says; None where it cannot be relied on."""
    try:
        told = json.loads(status)
    except (TypeError, ValueError, RecursionError):
        return None
    if not isinstance(told, dict) or told.get("version") != parts.VERSION:
        return None
    sides = [told[name] for name in SIDES if name in told]
    if not sides:
        return None
    numbers = [*sides, *(told.get(name) for name in TOLD)]
    # JSON's true is an int to Python.
    return told if all(isinstance(one, int) and not isinstance(one, bool) for one in numbers) else None


def _keep(whole: Spec, name: str, wanted: t.Callable[[Spec], bool]) -> None:
    """Leave some of a list, and nothing in place of an empty one that was not empty before."""
    if whole.get(name):
        whole[name] = [item for item in whole[name] if wanted(item)]
        if not whole[name]:
            del whole[name]


def _close(spec: Spec, told: Spec) -> None:
    """Take back that a low port needs no privilege."""
    context = spec.get("securityContext")
    if told.get("port", FIRST_UNPRIVILEGED_PORT) < FIRST_UNPRIVILEGED_PORT and context:
        rule = {"name": parts.UNPRIVILEGED_PORTS, "value": str(told["port"])}
        _keep(context, "sysctls", lambda item: item != rule)
        if not context:
            del spec["securityContext"]


def _release(container: Spec, told: Spec) -> None:
    """Take back the wait of an application, and lead its probes to its own port again."""
    lifecycle = container.get("lifecycle")
    if lifecycle and lifecycle.get("preStop") in [parts.wait(told["drain"], action) for action in (True, False)]:
        del lifecycle["preStop"]
        if not lifecycle:
            del container["lifecycle"]
    for kind in probes.KINDS:
        action = (container.get(kind) or {}).get("httpGet") or {}
        if action.get("port") == told.get("port", 0) and action.get("scheme") == probes.ENCRYPTED and not action.get("host"):
            action["port"] = told["application"]
            del action["scheme"]


def _shorten(spec: Spec, told: Spec, defaults: Defaults) -> None:
    """Take back the longer grace period, unless somebody set another since."""
    before, drain = told["grace"], told["drain"]
    if drain and spec.get("terminationGracePeriodSeconds") == grace(before, drain, defaults.timing):
        spec["terminationGracePeriodSeconds"] = before
        if before == DEFAULT_GRACE_SECONDS:
            del spec["terminationGracePeriodSeconds"]
