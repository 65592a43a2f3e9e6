# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What changes under callers who notice nothing.

Apigee's times and the drain are scaled by one factor (``APIGEE_SCALE``); kubelet and cert-manager keep their own pace.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.acceptance.cloud import Cloud
from tests.acceptance.tls import load, play, pods

ROLLOUTS = 3


@pytest.fixture(scope="module")
def site(running_cloud: Cloud) -> Cloud:
    """The testbed's site as its inventory has it."""
    running_cloud.reset()
    play(running_cloud)
    return running_cloud


def rollout(cloud: Cloud) -> None:
    """Replace all pods, and wait until the old ones are gone."""
    old = set(pods(cloud))
    cloud.kubectl("rollout", "restart", "deployment/orders", "-n", "shop")
    cloud.kubectl("rollout", "status", "deployment/orders", "-n", "shop", "--timeout=120s")
    cloud.kubectl("wait", "--for=delete", "-n", "shop", "--timeout=120s", *(f"pod/{name}" for name in sorted(old)))
    assert not old & set(pods(cloud))


def patched(cloud: Cloud, annotations: dict[str, Any], environment: dict[str, str]) -> None:
    """Change the pods of the Deployment."""
    container = {"name": "application", "env": [{"name": name, "value": text} for name, text in environment.items()]}
    template = {"metadata": {"annotations": annotations}, "spec": {"containers": [container]}}
    cloud.kubectl("patch", "deployment", "orders", "-n", "shop", "-p", json.dumps({"spec": {"template": template}}))
    cloud.kubectl("rollout", "status", "deployment/orders", "-n", "shop", "--timeout=120s")


def test_rollouts_lose_nothing_with_the_drain_and_something_without(site: Cloud) -> None:
    with load(site, callers=4, pause=0.03) as polite:
        for _each in range(ROLLOUTS):
            rollout(site)
    # Pods that end at once, as they do without the injector's part.
    patched(site, {"tls-sidecar.gatewayops.io/drain-seconds": "0"}, {"DRAIN_SECONDS": "0"})
    with load(site, callers=4, pause=0.03) as naive:
        rollout(site)
    print(json.dumps({"polite": polite.done, "naive": naive.done, "lost": len(naive.failed)}), naive.failed[:2])
    assert not polite.failed, (len(polite.failed), polite.failed[:5])
    assert polite.done > 500
    assert naive.failed
