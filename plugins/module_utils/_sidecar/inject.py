# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A pod and the defaults in, an add-only patch or a refusal out. Private to the collection.

Nothing that the user or another webhook wrote is dropped, reordered or changed, but for the grace period, which is
raised, and probes where the user asks for it.
Called again on its own result, it adds nothing; where another webhook has added a container meanwhile, it adds the
wait that this one lacks.
"""

from __future__ import annotations

import dataclasses
import typing as t

from . import advice, conflicts
from .additions import Patch, additions, outline
from .fields import OPT_INS, PREFIX
from .settings import MOST_PROBLEMS, Defaults, Settings, parse
from .shape import fault

Pod = t.Mapping[str, t.Any]

SERVICE = PREFIX + "service"
GATEWAY = PREFIX + "gateway"
MIRROR = "kubernetes.io/config.mirror"


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What becomes of a pod: a refusal, a reason why it is skipped, or a patch (empty when nothing is missing)."""

    patch: Patch = dataclasses.field(default_factory=Patch)
    warnings: list[str] = dataclasses.field(default_factory=list)
    refusal: str | None = None
    skipped: str | None = None
    present: bool = False
    """Whether all sidecars that are asked for were there already."""

    settings: Settings | None = None
    """What was wanted, where that could be read."""

    @property
    def verdict(self) -> str:
        """One of refused, skipped, injected, completed (a wait was missing) and unchanged."""
        if self.refusal:
            return "refused"
        if self.skipped:
            return "skipped"
        if not self.present:
            return "injected"
        return "completed" if self.patch else "unchanged"


def annotations(pod: t.Any) -> dict[str, t.Any]:
    """Annotations of anything that may be a pod."""
    metadata = pod.get("metadata") if isinstance(pod, dict) else None
    found = metadata.get("annotations") if isinstance(metadata, dict) else None
    return found if isinstance(found, dict) else {}


def asked(wishes: t.Mapping[str, t.Any]) -> str:
    """The first annotation that asks for a sidecar; nothing where none does."""
    return next((PREFIX + name for name in OPT_INS if PREFIX + name in wishes), "")


def inject(pod: t.Any, namespace: str, defaults: Defaults) -> Outcome:
    """What becomes of ``pod`` in ``namespace``. Never raises, whatever the pod is."""
    wishes = annotations(pod)
    opted_in = asked(wishes)
    if not opted_in:
        return Outcome(skipped=f"{SERVICE} is not set")
    if defaults.excludes(namespace):
        return Outcome(skipped=f"namespace {namespace} is excluded")
    if MIRROR in wishes:
        return Outcome(skipped="it is the mirror of a static pod, which nothing can change")
    wrong = fault(pod)
    if wrong or not pod.get("spec"):
        return Outcome(refusal=f"{opted_in} is set on a pod that cannot be read: {wrong or 'it has no spec'}. Correct it.")
    settings, problems = parse(wishes, namespace, defaults)
    present = conflicts.injected(pod, settings)
    if not problems and not present:
        problems = conflicts.find(pod, settings)
    if problems:
        if len(problems) > MOST_PROBLEMS:
            problems = [*problems[:MOST_PROBLEMS], "There is more."]
        return Outcome(refusal=" ".join(problems), settings=settings, present=present)
    window = settings.drain_seconds(completes(pod))
    seen = outline(pod, settings, present, window)
    told = advice.warnings(pod, settings, window, seen.application_port)
    return Outcome(additions(settings, seen), told, present=present, settings=settings)


def completes(pod: Pod) -> bool:
    """Whether the pod runs to completion. Its sidecar's preStop would only keep the Job from ending."""
    return pod["spec"].get("restartPolicy") in ("Never", "OnFailure")
