# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pods as users write them, each with what must become of it. Every way to inject is held to the same ones.

``pods/NAME.yaml`` is written by hand: the pod, its namespace, defaults where it needs some, the verdict, and for a
refusal the annotation that must be named. ``golden/NAME.json`` is written by ``test_corpus.py`` run as a script, and
read by people before it is committed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
PODS, GOLDEN = HERE / "pods", HERE / "golden"
ENGINE_TEXT = "(text of the engine)"
"""Stands in golden files for what an engine says: engines have tests of their own, with their real binaries."""


@dataclass(frozen=True)
class Case:
    """One pod. ``expect`` is a verdict of ``inject.Outcome``; ``defaults`` are for ``Defaults.read``."""

    name: str
    about: str
    expect: str
    namespace: str
    pod: dict[str, Any]
    mentions: str = ""
    defaults: dict[str, Any] = field(default_factory=dict)

    @property
    def golden(self) -> Path:
        """The file with what becomes of it."""
        return GOLDEN / f"{self.name}.json"

    @property
    def for_any_cluster(self) -> bool:
        """Whether a cluster of today with plain defaults can be shown this pod."""
        return not self.defaults


def cases() -> list[Case]:
    """All of them, by name."""
    return [Case(name=path.stem, **yaml.safe_load(path.read_text())) for path in sorted(PODS.glob("*.yaml"))]


def told(outcome: Any) -> str:
    """Text of the golden file of an outcome."""
    said = {"verdict": outcome.verdict, "refusal": outcome.refusal, "skipped": outcome.skipped}
    whole = {key: value for key, value in said.items() if value}
    whole.update(warnings=outcome.warnings, patch=[_elided(operation) for operation in outcome.patch])
    return json.dumps(whole, indent=2) + "\n"


def _elided(operation: dict[str, Any]) -> dict[str, Any]:
    """The operation without the engine's own words: command, variables, drain, digest."""
    copy = json.loads(json.dumps(operation))
    value = copy["value"]
    containers = value if isinstance(value, list) else [value]
    for container in containers:
        # The gateway has no command: its image's own is kept, so all that it is told is our word.
        if isinstance(container, dict) and "securityContext" in container and "command" in container:
            container["command"] = ENGINE_TEXT
            container["env"] = {variable["name"]: ENGINE_TEXT for variable in container["env"]}
            if "lifecycle" in container:
                container["lifecycle"]["preStop"]["exec"]["command"] = ENGINE_TEXT
    if copy["path"].endswith("~1status"):
        told = json.loads(value)
        copy["value"] = json.dumps({**told, **({"hash": ENGINE_TEXT} if "hash" in told else {})})
    return copy
