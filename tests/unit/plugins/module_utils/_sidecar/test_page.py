# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/tls.md lists every annotation, and shows an explanation, as the core has them.

Run as a script, it prints the table as it should be.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[5] / ".ansible" / "collections"))

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar import explain, fields, settings

PAGE = Path(__file__).resolve().parents[5] / "docs" / "tls.md"
SCRIPT = "python tests/unit/plugins/module_utils/_sidecar/test_page.py"
WORKED_OUT = {
    "service": "none: it opts in",
    "application-port": "the only TCP port that the pod's containers declare",
    "certificate-secret": "`SERVICE-tls`",
    "metrics-port": "none",
    "client-ca-secret": "none",
    "client-ca-config-map": "none",
    "client-names": "any",
    "drain-seconds": "93, [computed](#the-drain); 0 where the pod runs to completion",
    "cpu": "the engine's",
    "memory": "the engine's",
    "cpu-limit": "the engine's",
    "memory-limit": "the engine's",
    "image": "the engine's",
}


def rows() -> list[str]:
    """The table's lines."""
    return [
        f"| `{field.name}` | {field.wanted} | {f'`{field.default}`' if field.default else WORKED_OUT[field.name]} |"
        for field in fields.TLS_FIELDS
    ]


def explanation() -> list[str]:
    """The explanation of the page's example."""
    pod = {
        "metadata": {"annotations": {fields.PREFIX + "service": "orders"}},
        "spec": {"containers": [{"name": "app", "ports": [{"containerPort": 8080}]}]},
    }
    return explain.explain(pod, "shop", settings.Defaults(), "Deployment shop/orders")


def test_the_page_lists_every_annotation():
    text = PAGE.read_text()
    assert "\n".join(rows()) in text, f"{SCRIPT} prints the table"


def test_the_page_shows_the_explanation_as_it_is():
    assert "\n".join(explanation()) in PAGE.read_text(), f"{SCRIPT} prints it"


if __name__ == "__main__":
    sys.stdout.write("\n".join([*rows(), "", *explanation(), ""]))
