# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The same for manifests: pods, and workloads that hold a template of pods. Private to the collection."""

from __future__ import annotations

import copy
import dataclasses
import typing as t

from . import rollout
from .explain import told, told_of_removal
from .inject import Outcome, annotations, asked, inject
from .patch import apply
from .remove import Removal, remove
from .settings import Defaults

TEMPLATES: dict[str, tuple[str, ...]] = {
    "Pod": (),
    "Deployment": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "ReplicationController": ("spec", "template"),
}
"""Where the pod is, by kind."""

DEFAULT_NAMESPACE = "default"


@dataclasses.dataclass(frozen=True)
class Result:
    """What became of one manifest; ``outcome`` is of its pod, None for a manifest without one."""

    manifest: t.Any
    name: str
    outcome: Outcome | Removal | None = None
    explanation: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """The outcome's, or ``other`` for a manifest without a pod."""
        return self.outcome.verdict if self.outcome else "other"

    @property
    def refused(self) -> bool:
        """Whether the pod asks for what cannot be."""
        return self.verdict == "refused"


def inject_manifest(manifest: t.Any, namespace: str, defaults: Defaults) -> list[Result]:
    """The manifest with the sidecar, the items of a List each for itself. ``namespace`` is for those that name none."""

    def work(whole: t.Mapping[str, t.Any], pod: t.Any, place: str, name: str) -> Result:
        outcome = _corrected(whole, pod, inject(pod, place, defaults))
        if not outcome.refusal and not outcome.skipped:
            warnings = [*outcome.warnings, *rollout.advice(whole, defaults.timing)]
            outcome = dataclasses.replace(outcome, warnings=warnings)
        after = apply(pod, outcome.patch) if outcome.patch else None
        return Result(_replaced(whole, after), name, outcome, tuple(told(pod, outcome, name)))

    return _each(manifest, namespace, work)


def remove_from_manifest(manifest: t.Any, namespace: str, defaults: Defaults) -> list[Result]:
    """The manifest without the sidecar that its pod was given."""

    def work(whole: t.Mapping[str, t.Any], pod: t.Any, _place: str, name: str) -> Result:
        removal = remove(pod, defaults)
        return Result(_replaced(whole, removal.pod), name, removal, tuple(told_of_removal(removal, name)))

    return _each(manifest, namespace, work)


Work = t.Callable[[t.Mapping[str, t.Any], t.Any, str, str], Result]
"""What is done with a manifest and its pod, which lies in a namespace, and has a name for people."""


def _each(manifest: t.Any, namespace: str, work: Work) -> list[Result]:
    """What becomes of a manifest, or of each item of a List."""
    if not isinstance(manifest, dict):
        return [Result(manifest, f"a {type(manifest).__name__} that is no manifest")]
    kind = manifest.get("kind")
    if kind == "List" and isinstance(manifest.get("items"), list):
        return [result for item in manifest["items"] for result in _each(item, namespace, work)]
    metadata = manifest.get("metadata") if isinstance(manifest.get("metadata"), dict) else {}
    place = str(metadata.get("namespace") or namespace)
    name = f"{kind} {place}/{metadata.get('name') or metadata.get('generateName') or '(without a name)'}"
    if kind not in TEMPLATES:
        return [Result(manifest, name)]
    pod: t.Any = manifest
    for step in TEMPLATES[kind]:
        pod = pod.get(step) if isinstance(pod, dict) else None
    return [work(manifest, pod, place, name)]


def _corrected(manifest: t.Mapping[str, t.Any], pod: t.Any, outcome: Outcome) -> Outcome:
    """Say where the annotation belongs when it stands on the workload, where nothing reads it."""
    opted_in = asked(annotations(manifest))
    if not outcome.skipped or pod is manifest or asked(annotations(pod)) or not opted_in:
        return outcome
    hint = f"{opted_in} stands on the {manifest['kind']} itself: write it in the metadata of its pod template"
    return dataclasses.replace(outcome, skipped=hint)


def _replaced(manifest: t.Mapping[str, t.Any], pod: t.Any) -> t.Any:
    """A copy of the manifest with another pod, unless that is None."""
    result = copy.deepcopy(manifest)
    place = TEMPLATES[manifest["kind"]]
    if pod is None:
        return result
    if not place:
        return pod
    parent = result
    for step in place[:-1]:
        parent = parent[step]
    parent[place[-1]] = pod
    return result


def inject_all(manifests: t.Iterable[t.Any], namespace: str, defaults: Defaults) -> list[Result]:
    """All of them, in order."""
    return [result for manifest in manifests for result in inject_manifest(manifest, namespace, defaults)]


def remove_from_all(manifests: t.Iterable[t.Any], namespace: str, defaults: Defaults) -> list[Result]:
    """All of them, in order."""
    return [result for manifest in manifests for result in remove_from_manifest(manifest, namespace, defaults)]
