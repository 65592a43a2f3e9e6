# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of each declaration lists every key of it as the schema has it, and the page's examples are accepted.

Run with ``python -m tests.tooling.test_declaration_pages`` it prints the tables as they should be.
"""

from __future__ import annotations

import re
import sys
import typing as t
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".ansible" / "collections"))

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration import (  # noqa: E402  (path above)
    gateway_derive,
    gateway_rules,
    gateway_schema,
    ingress_derive,
    ingress_rules,
    ingress_schema,
    microgateway,
    schema,
    shape,
)


@dataclass(frozen=True)
class Page:
    """One page and its declaration.

    ``parts``: heading in the page -> the part of the schema below it. ``elsewhere``: parts that another page describes.
    """

    name: str
    declaration: schema.Field
    parts: dict[str, str]
    elsewhere: tuple[str, ...] = ()

    @property
    def file(self) -> Path:
        return ROOT / "docs" / self.name

    def rows(self, path: str) -> list[str]:
        """The table's lines for one part: key, type, default, meaning; keys with a table of their own stay short."""
        field = self.declaration
        for step in filter(None, path.split(".")):
            field = options(field)[step]
        return [line for key, inside in options(field).items() for line in self._lines(path, key, inside)]

    def _lines(self, path: str, key: str, field: schema.Field) -> Iterator[str]:
        if field.later:
            yield f"| `{key}` | | | Later: {field.later}. |"
            return
        default = (
            "**required**" if field.required else "" if field.default in (None, "") else f"`{shown(field.default)}`"
        )
        yield f"| `{key}` | {kind(field)} | {default} | {plain(field.description)} |"
        own = f"{path}.{key}".strip(".") in (*self.parts.values(), *self.elsewhere)
        if not own and field.type == "dict":
            for inner, inside in (field.options or {}).items():
                yield from self._lines(path, f"{key}.{inner}", inside)


def options(field: schema.Field) -> dict[str, schema.Field]:
    """The keys inside a field, through lists and maps."""
    return (field.elements.options if field.elements else field.options) or {}


def kind(field: schema.Field) -> str:
    """What may stand there, in a reader's words."""
    if field.choices:
        return ", ".join(f"`{choice}`" for choice in field.choices)
    named = {"str": "text", "int": "number", "bool": "true, false", "dict": "keys", "map": "names"}.get(field.type)
    return named or f"list of {'keys' if options(field) else 'numbers' if field.elements.type == 'int' else 'text'}"


def shown(default: t.Any) -> str:
    return str(default).lower() if isinstance(default, bool) else str(default)


def plain(text: str) -> str:
    """Ansible's markup as Markdown."""
    return re.sub(r"\b[VOCE]\(([^)]*)\)", r"`\1`", text)


INVENTORY = Page(
    "inventory.md",
    schema.DECLARATION,
    {
        "The site": "",
        "`organization`": "organization",
        "`instance`": "instance",
        "`environments`": "environments",
        "`clusters`": "clusters",
        "`clusters.NAME.node_pools`": "clusters.node_pools",
        "`tls`": "tls",
        "`services`": "services",
        "`proxies`": "proxies",
    },
)
API_GATEWAY = Page(
    "api-gateway.md",
    gateway_schema.DECLARATION,
    {
        "The declaration": "",
        "`services`": "services",
        "`function`": "function",
        "`egress`": "egress",
        "`gateway`": "gateway",
        "`gateway.routes`": "gateway.routes",
        "`gateway.keys.NAME`": "gateway.keys",
    },
    elsewhere=("clusters",),
)
INGRESS = Page(
    "ingress.md",
    ingress_schema.DECLARATION,
    {
        "The declaration": "",
        "`ingress`": "ingress",
        "`services`": "services",
        "`proxies`": "proxies",
    },
    elsewhere=("clusters", "organization", "instance", "environments"),
)
# What the gateway itself is, the role's variables say; of its place, the Ingress alone has a table.
MICROGATEWAY = Page("edge-microgateway.md", microgateway.DECLARATION, {"`ingress`": "ingress"})
GATEWAY = {"mode": "service", "name": "edge-microgateway", "namespace": "edge-microgateway", "port": 8000}
PAGES = (INVENTORY, API_GATEWAY, INGRESS, MICROGATEWAY)


@pytest.mark.parametrize(
    ("page", "heading", "path"),
    [
        pytest.param(page, heading, path, id=f"{page.name}-{path}")
        for page in PAGES
        for heading, path in page.parts.items()
    ],
)
def test_every_key_is_on_the_page(page: Page, heading: str, path: str) -> None:
    text = page.file.read_text()
    assert f"\n## {heading}\n" in text
    section = text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    listed = [line for line in section.splitlines() if line.startswith("| `")]
    assert listed == page.rows(path), "print the tables with: python -m tests.tooling.test_declaration_pages"


def blocks(*pages: Path) -> list[str]:
    """The examples in YAML of some pages."""
    return [block for page in pages for block in re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)]


def declared(texts: list[str], variable: str) -> list[dict[str, t.Any]]:
    """The declarations in texts of YAML."""
    documents = [document for document in map(yaml.safe_load, texts) if isinstance(document, dict)]
    return [document[variable] for document in documents if variable in document]


def test_the_example_on_the_page_is_accepted() -> None:
    """Every key used in the page's YAML exists."""

    def check(value: t.Any, field: schema.Field, where: str) -> None:
        if field.type == "map":
            for name, inner in value.items():
                check(inner or {}, field.elements, f"{where}.{name}")
        elif field.type == "list" and field.elements.type == "dict":
            for inner in value:
                check(inner, field.elements, where)
        elif field.type == "dict" and not (field.short and isinstance(value, (str, bool))):
            for key, inner in value.items():
                assert key in field.options, f"{where}.{key}"
                assert not field.options[key].later, f"{where}.{key}"
                check(inner, field.options[key], f"{where}.{key}")

    declarations = declared(
        blocks(INVENTORY.file, ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))), "apigee_gke"
    )
    assert declarations
    for declaration in declarations:
        check(declaration, schema.DECLARATION, "apigee_gke")


@pytest.mark.parametrize(
    ("variable", "file", "texts", "declaration", "derive", "rules"),
    [
        pytest.param(
            "api_gateway_gke",
            "api_gateway.yml",
            blocks(API_GATEWAY.file, ROOT / "README.md"),
            gateway_schema.DECLARATION,
            gateway_derive,
            gateway_rules,
            id="api_gateway",
        ),
        pytest.param(
            "ingress_gke",
            "ingress.yml",
            blocks(INGRESS.file),
            ingress_schema.DECLARATION,
            ingress_derive,
            ingress_rules,
            id="ingress",
        ),
    ],
)
def test_examples_are_accepted(
    variable: str, file: str, texts: list[str], declaration: schema.Field, derive: t.Any, rules: t.Any
) -> None:
    folders = [ROOT / "inventories" / name / "group_vars" / "all" for name in ("example", "testbed")]
    files = [(folder / file).read_text().replace('"{{ testbed.project }}"', "acme-shop") for folder in folders]
    found = declared([*texts, *files], variable)
    assert len(found) >= 3
    for stated in found:
        value, problems = shape.read(stated, declaration, variable)
        facts, more = derive.site(value)
        assert problems + more + rules.check(value, facts) == []


def test_examples_of_a_gateway_of_edge_are_accepted() -> None:
    examples = declared(blocks(MICROGATEWAY.file), "microgateway_gke")
    assert examples
    for example in examples:
        assert microgateway.site(example, GATEWAY)["ingress"]["state"] == "present"


if __name__ == "__main__":
    for each in PAGES:
        for title, where in each.parts.items():
            print(f"\n## {title}\n\n| key | value | default | meaning |\n|---|---|---|---|")
            print("\n".join(each.rows(where)))
