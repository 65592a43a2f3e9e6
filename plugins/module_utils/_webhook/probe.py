# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pod that would get its sidecar: whether it does is what shows that sidecars are added.

Private to this collection. Imports little, since modules read it as well.
"""

from __future__ import annotations

from .._sidecar.fields import OPT_IN, OPT_IN_LABEL, PREFIX
from .._sidecar.pod import SIDECAR

#: Of the container in the probe and of the webhook's own: some user that is not root.
USER = 65532
_NAME = "tls-sidecar-probe"


def probe(settings: dict, namespace: str) -> dict:
    """A pod that opts in, for a dry run: it shows whether the webhook is asked and answers."""
    container = {
        "name": "application",
        "image": settings["image"],
        "ports": [{"containerPort": 8080}],
        "resources": {"requests": {"cpu": "1m", "memory": "1Mi"}, "limits": {"cpu": "1m", "memory": "1Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": True,
            "runAsUser": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": _NAME,
            "namespace": namespace,
            "annotations": {f"{PREFIX}service": "probe"},
            "labels": {OPT_IN_LABEL: OPT_IN},
        },
        "spec": {"containers": [container]},
    }


def injected(result: dict) -> bool:
    """Whether the result of kubernetes.core making a pod, in a dry run or not, shows the sidecar."""
    return has_sidecar((result or {}).get("result") or {})


def has_sidecar(pod: dict) -> bool:
    """Whether a pod has it."""
    spec = pod.get("spec") or {}
    return any(
        container.get("name") == SIDECAR
        for container in [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]
    )
