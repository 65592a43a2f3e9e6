# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/api-gateway.md lists every key of ``api_gateway_gke`` as the schema has it, and its examples are accepted.

Run with ``python -m tests.tooling.test_api_gateway_page`` it prints the tables as they should be.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".ansible" / "collections"))

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration import (  # noqa: E402  (path above)
    gateway_derive,
    gateway_rules,
    gateway_schema,
    schema,
    shape,
)

from tests.tooling import test_inventory_page as inventory  # noqa: E402  (path above)

PAGE = ROOT / "docs" / "api-gateway.md"
#: Heading in the page, and the part of the schema below it. Clusters are described in docs/inventory.md.
PARTS = {
    "The declaration": "",
    "`services`": "services",
    "`function`": "function",
    "`egress`": "egress",
    "`gateway`": "gateway",
    "`gateway.routes`": "gateway.routes",
    "`gateway.keys.NAME`": "gateway.keys",
}


def rows(path: str, declaration: schema.Field = gateway_schema.DECLARATION, parts: dict[str, str] = PARTS) -> list[str]:
    """The table's lines for one part of a declaration."""
    field = declaration
    for step in filter(None, path.split(".")):
        field = inventory.options(field)[step]
    own = {"clusters", *parts.values()}
    lines: list[str] = []
    for key, inside in inventory.options(field).items():
        found = inventory.lines(path, key, inside)
        lines += found[:1] if f"{path}.{key}".strip(".") in own else found
    return lines


@pytest.mark.parametrize(("heading", "path"), PARTS.items())
def test_every_key_is_on_the_page(heading: str, path: str) -> None:
    page = PAGE.read_text()
    assert f"\n## {heading}\n" in page
    section = page.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    listed = [line for line in section.splitlines() if line.startswith("| `")]
    assert listed == rows(path), "print the tables with: python -m tests.tooling.test_api_gateway_page"


def test_examples_are_accepted() -> None:
    pages = [PAGE, ROOT / "README.md"]
    texts = [block for page in pages for block in re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)]
    for inventory_file in ("example", "testbed"):
        file = ROOT / "inventories" / inventory_file / "group_vars" / "all" / "api_gateway.yml"
        texts.append(file.read_text().replace('"{{ testbed.project }}"', "acme-shop"))
    found = [document["api_gateway_gke"] for document in map(yaml.safe_load, texts) if "api_gateway_gke" in document]
    assert len(found) >= 3
    for stated in found:
        value, problems = shape.read(stated, gateway_schema.DECLARATION, "api_gateway_gke")
        facts, more = gateway_derive.site(value)
        assert problems + more + gateway_rules.check(value, facts) == []


if __name__ == "__main__":
    for title, where in PARTS.items():
        print(f"\n## {title}\n\n| key | value | default | meaning |\n|---|---|---|---|")
        print("\n".join(rows(where)))
