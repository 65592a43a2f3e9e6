# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/inventory.md lists every key of the declaration as the schema has it.

Run as a script, it prints the tables as they should be.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "inventory.md"
# Heading in the page, and the part of the schema below it.
PARTS = {
    "The site": "",
    "`organization`": "organization",
    "`instance`": "instance",
    "`environments`": "environments",
    "`clusters`": "clusters",
    "`clusters.NAME.node_pools`": "clusters.node_pools",
    "`tls`": "tls",
    "`services`": "services",
    "`proxies`": "proxies",
}


def load_schema():
    """The schema needs nothing but the standard library, so it is loaded by its path."""
    path = ROOT / "plugins" / "module_utils" / "_declaration" / "schema.py"
    spec = importlib.util.spec_from_file_location("declaration_schema", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def options(field) -> dict:
    """The keys inside a field, through lists and maps."""
    return (field.elements.options if field.elements else field.options) or {}


def part(path: str) -> dict:
    field = load_schema().DECLARATION
    for step in filter(None, path.split(".")):
        field = options(field)[step]
    return options(field)


def rows(path: str) -> list[str]:
    """The table's lines for one part: key, type, default, meaning; keys that have a table of their own stay short."""
    return [line for key, field in part(path).items() for line in lines(path, key, field)]


def lines(path: str, key: str, field) -> list[str]:
    if field.later:
        return [f"| `{key}` | | | Later: {field.later}. |"]
    default = "**required**" if field.required else "" if field.default in (None, "") else f"`{shown(field.default)}`"
    kind = {"str": "text", "int": "number", "bool": "true, false", "dict": "keys", "map": "names"}.get(field.type)
    kind = kind or f"list of {'keys' if options(field) else 'numbers' if field.elements.type == 'int' else 'text'}"
    if field.choices:
        kind = ", ".join(f"`{choice}`" for choice in field.choices)
    own = f"{path}.{key}".strip(".") in PARTS.values()
    found = [f"| `{key}` | {kind} | {default} | {plain(field.description)} |"]
    if not own and field.type == "dict":
        for inner, inside in (field.options or {}).items():
            found += lines(path, f"{key}.{inner}", inside)
    return found


def shown(default) -> str:
    return str(default).lower() if isinstance(default, bool) else str(default)


def plain(text: str) -> str:
    """Ansible's markup as Markdown."""
    return re.sub(r"\b[VOCE]\(([^)]*)\)", r"`\1`", text)


@pytest.mark.parametrize(("heading", "path"), PARTS.items())
def test_every_key_is_on_the_page(heading: str, path: str) -> None:
    page = PAGE.read_text()
    assert f"\n## {heading}\n" in page
    section = page.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    listed = [line for line in section.splitlines() if line.startswith("| `")]
    assert listed == rows(path), f"print the tables with: python {Path(__file__).relative_to(ROOT)}"


def test_the_example_on_the_page_is_accepted() -> None:
    """Every key used in the page's YAML exists."""

    def check(value, field, where: str) -> None:
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

    pages = [PAGE, ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    blocks = [block for page in pages for block in re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)]
    declarations = [
        document["apigee_gke"]
        for document in map(yaml.safe_load, blocks)
        if isinstance(document, dict) and "apigee_gke" in document
    ]
    assert declarations
    for declaration in declarations:
        check(declaration, load_schema().DECLARATION, "apigee_gke")


if __name__ == "__main__":
    for title, where in PARTS.items():
        print(f"\n## {title}\n\n| key | value | default | meaning |\n|---|---|---|---|")
        print("\n".join(rows(where)))
