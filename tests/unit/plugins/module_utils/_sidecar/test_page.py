# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/tls.md and docs/microgateway-sidecar.md list every annotation, and show an explanation, as the core has them.

Run as a script, it prints tables and explanations as they should be.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[5] / ".ansible" / "collections"))

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar import (
    explain,
    fields,
    microgateway,
    settings,
)

DOCS = Path(__file__).resolve().parents[5] / "docs"
PAGE, GATEWAY_PAGE = DOCS / "tls.md", DOCS / "microgateway-sidecar.md"
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
    "gateway": "none: it opts in",
    "gateway-trust": "none: the authorities that everybody knows",
    "gateway-image": f"`{microgateway.IMAGE}`",
}


def rows(listed: tuple[fields.Field, ...]) -> list[str]:
    """The table's lines."""
    return [
        f"| `{field.name}` | {field.wanted} | {f'`{field.default}`' if field.default else WORKED_OUT[field.name]} |"
        for field in listed
    ]


def explanation(*asked: str) -> list[str]:
    """The explanation of a page's example."""
    pod = {
        "metadata": {"annotations": {fields.PREFIX + name: "orders" for name in asked}},
        "spec": {"containers": [{"name": "app", "ports": [{"containerPort": 8080}]}]},
    }
    return explain.explain(pod, "shop", settings.Defaults(), "Deployment shop/orders")


def test_the_page_lists_every_annotation():
    assert "\n".join(rows(fields.TLS_FIELDS)) in PAGE.read_text(), f"{SCRIPT} prints the table"
    assert "\n".join(rows(fields.GATEWAY_FIELDS)) in GATEWAY_PAGE.read_text(), f"{SCRIPT} prints the table"


def test_the_page_shows_the_explanation_as_it_is():
    assert "\n".join(explanation("service")) in PAGE.read_text(), f"{SCRIPT} prints it"
    assert "\n".join(explanation("service", "gateway")) in GATEWAY_PAGE.read_text(), f"{SCRIPT} prints it"


if __name__ == "__main__":
    pages = ((fields.TLS_FIELDS, ["service"]), (fields.GATEWAY_FIELDS, ["service", "gateway"]))
    for listed, asked in pages:
        sys.stdout.write("\n".join([*rows(listed), "", *explanation(*asked), "", ""]))
