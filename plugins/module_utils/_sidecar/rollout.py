# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What a workload should say so that its rollout loses no request. Private to the collection. Files only: pods alone
reach the webhook."""

from __future__ import annotations

import typing as t

from .drain import Timing


def advice(manifest: t.Mapping[str, t.Any], timing: Timing) -> list[str]:
    """What to change in a Deployment or StatefulSet whose pods get the sidecar."""
    kind, spec = manifest.get("kind"), manifest.get("spec")
    if kind not in ("Deployment", "StatefulSet") or not isinstance(spec, dict):
        return []
    found = []
    replicas = spec.get("replicas", 1)
    if isinstance(replicas, int) and replicas < 2:
        found.append(
            f"{replicas} replica: while its pod is replaced or lost, the name gives no address, and callers remember "
            "that. Have two or more."
        )
    needed = timing.propagation + timing.record_ttl + timing.gateway_cache
    ready = spec.get("minReadySeconds") or 0
    if isinstance(ready, int) and ready < needed:
        found.append(
            f"minReadySeconds is {ready}: pods leave before callers know the new ones. Set it to {needed}, the time "
            "until no cache holds the old answer."
        )
    if kind == "Deployment" and not _keeps_all(spec):
        found.append("strategy.rollingUpdate.maxUnavailable is not 0: pods leave before new ones are there. Set it to 0.")
    return found


def _keeps_all(spec: t.Mapping[str, t.Any]) -> bool:
    """Whether a rollout starts new pods before it ends old ones."""
    strategy = spec.get("strategy")
    update = strategy.get("rollingUpdate") if isinstance(strategy, dict) else None
    return isinstance(update, dict) and str(update.get("maxUnavailable")) in ("0", "0%")
