# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/ingress.md lists every key of ``ingress_gke`` as the schema has it, and its examples are accepted.

Run with ``python -m tests.tooling.test_ingress_page`` it prints the tables as they should be.
"""

from __future__ import annotations

import re

import pytest
import yaml

from tests.tooling.test_api_gateway_page import ROOT, rows

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration import (  # isort: skip (path by the above)
    ingress_derive,
    ingress_rules,
    ingress_schema,
    shape,
)

PAGE = ROOT / "docs" / "ingress.md"
#: Heading in the page, and the part of the schema below it. Clusters are described in docs/inventory.md.
PARTS = {
    "The declaration": "",
    "`ingress`": "ingress",
    "`services`": "services",
    "`proxies`": "proxies",
}


@pytest.mark.parametrize(("heading", "path"), PARTS.items())
def test_every_key_is_on_the_page(heading: str, path: str) -> None:
    page = PAGE.read_text()
    assert f"\n## {heading}\n" in page
    section = page.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    listed = [line for line in section.splitlines() if line.startswith("| `")]
    found = rows(path, ingress_schema.DECLARATION, {**PARTS, **OTHERS})
    assert listed == found, "print the tables with: python -m tests.tooling.test_ingress_page"


#: Keys that docs/inventory.md describes.
OTHERS = {name: name for name in ("organization", "instance", "environments")}


def test_examples_are_accepted() -> None:
    texts = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    for inventory_file in ("example", "testbed"):
        file = ROOT / "inventories" / inventory_file / "group_vars" / "all" / "ingress.yml"
        texts.append(file.read_text().replace('"{{ testbed.project }}"', "acme-shop"))
    found = [document["ingress_gke"] for document in map(yaml.safe_load, texts) if "ingress_gke" in document]
    assert len(found) >= 3
    for stated in found:
        value, problems = shape.read(stated, ingress_schema.DECLARATION, "ingress_gke")
        facts, more = ingress_derive.site(value)
        assert problems + more + ingress_rules.check(value, facts) == []


if __name__ == "__main__":
    for title, where in PARTS.items():
        print(f"\n## {title}\n\n| key | value | default | meaning |\n|---|---|---|---|")
        print("\n".join(rows(where, ingress_schema.DECLARATION, {**PARTS, **OTHERS})))
