# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/edge-microgateway.md lists every key of ``ingress`` in ``microgateway_gke``, and its examples are accepted.

Run with ``python -m tests.tooling.test_edge_microgateway_page`` it prints the table as it should be.
"""

from __future__ import annotations

import re

import yaml

from tests.tooling.test_api_gateway_page import ROOT, rows

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration import (  # isort: skip (path by the above)
    microgateway,
)

PAGE = ROOT / "docs" / "edge-microgateway.md"
PARTS = {"`ingress`": "ingress"}
GATEWAY = {"mode": "service", "name": "edge-microgateway", "namespace": "edge-microgateway", "port": 8000}


def test_every_key_is_on_the_page() -> None:
    section = PAGE.read_text().split("\n## `ingress`\n", 1)[1].split("\n## ", 1)[0]
    listed = [line for line in section.splitlines() if line.startswith("| `")]
    assert listed == rows("ingress", microgateway.DECLARATION, PARTS), (
        "print the table with: python -m tests.tooling.test_edge_microgateway_page"
    )


def test_examples_are_accepted() -> None:
    stated = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)]
    examples = [document["microgateway_gke"] for document in stated if "microgateway_gke" in document]
    assert examples
    for example in examples:
        assert microgateway.site(example, GATEWAY)["ingress"]["state"] == "present"


if __name__ == "__main__":
    print("\n".join(rows("ingress", microgateway.DECLARATION, PARTS)))
