# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pods for the tests of the sidecar core."""

from __future__ import annotations

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar import patch
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.fields import PREFIX
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.inject import Outcome, inject
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.settings import Defaults


def application(name: str = "app", port: int | None = 8080, **more) -> dict:
    """A container that listens on a port."""
    ports = {"ports": [{"containerPort": port}]} if port else {}
    return {"name": name, "image": "docker.io/gatewayops/sample-app:1", **ports, **more}


def pod(*containers: dict, annotations: dict[str, str] | None = None, **spec) -> dict:
    """A pod of Service orders that opted in; ``annotations`` without their prefix."""
    named = {PREFIX + name: value for name, value in {"service": "orders", **(annotations or {})}.items()}
    metadata = {"name": "orders-1", "annotations": named}
    return {"metadata": metadata, "spec": {"containers": list(containers) or [application()], **spec}}


def injected(given: dict, namespace: str = "shop", **defaults) -> tuple[dict, Outcome]:
    """The pod with the patch applied, and the outcome, which must not be a refusal."""
    outcome = inject(given, namespace, Defaults.read(defaults))
    assert outcome.refusal is None, outcome.refusal
    return patch.apply(given, outcome.patch), outcome


def refusal(given: dict, namespace: str = "shop", **defaults) -> str:
    """Why the pod is refused."""
    outcome = inject(given, namespace, Defaults.read(defaults))
    assert outcome.refusal and outcome.patch == []
    return outcome.refusal
