# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""How far the instances have taken a deployment up, where a fault makes them slow.

Source: the discovery document, InstanceDeploymentStatus.deployedRevisions: "Percentage of MP replicas reporting this
revision"; that a deployment may say READY meanwhile is what apigee-peers.md section 0, fact 5 warns of.

``document["rollout"]`` holds ``instance`` (None: all are slow), ``percentage`` (of their replicas that have the new
revision), ``seconds`` (how long; None: for ever) and ``state`` (what the deployment says meanwhile).
"""
from __future__ import annotations

from typing import Any

Document = dict[str, Any]


def from_fault(options: Document) -> Document:
    """What is kept of a fault of kind ``rollout``."""
    seconds = options.get("seconds")
    return {"instance": options.get("instance"), "percentage": int(options.get("percentage", 0)),
            "seconds": None if seconds is None else float(seconds), "state": options.get("state", "PROGRESSING")}


def under_way(document: Document) -> bool:
    """Whether instances are still to take the revision up."""
    return bool(document.get("rollout"))


def seconds(document: Document) -> float | None:
    """How long they take, in seconds; None when they never do."""
    return document["rollout"]["seconds"]


def state(document: Document) -> str:
    """What the deployment says meanwhile."""
    return document["rollout"]["state"]


def ended(document: Document) -> Document:
    """The document once every instance has the revision."""
    return {name: value for name, value in document.items() if name != "rollout"}


def shares(document: Document, instance: str) -> list[tuple[str, int]]:
    """Revisions that an instance runs, each with the percentage of its replicas; empty when it runs none."""
    if document["phase"] != "active" or not under_way(document):
        return [(document["serving"], 100)] if document.get("serving") else []
    rollout, new, old = document["rollout"], document["deployment"]["revision"], document.get("previous")
    part = rollout["percentage"] if rollout["instance"] in (None, instance) else 100
    return [(number, share) for number, share in ((new, part), (old, 100 - part)) if number and share]


def entries(document: Document, instances: list[str]) -> list[Document]:
    """What the runtime is given for each instance meanwhile: revision, share, instances."""
    return [{"revision": number, "share": share, "instances": [name]}
            for name in instances for number, share in shares(document, name)]
