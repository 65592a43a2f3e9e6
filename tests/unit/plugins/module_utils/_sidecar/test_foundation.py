# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The core runs on a stock image of Python 3.9 or newer, in users' clusters: what that asks of each of its files."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
import yaml

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "galaxy.yml").is_file())
CORE = ROOT / "plugins" / "module_utils" / "_sidecar"
FILES = sorted(CORE.rglob("*.py"))
LICENCE = "BSD-2-Clause"
FORBIDDEN_CALLS = {"print", "exit", "quit", "input", "eval", "exec"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CORE)))
def test_it_stands_alone(path):
    text = path.read_text()
    tree = ast.parse(text, feature_version=(3, 9))
    for node in ast.walk(tree):
        assert not isinstance(node, ast.Assert)
        if isinstance(node, ast.Import):
            assert {alias.name.split(".")[0] for alias in node.names} <= sys.stdlib_module_names
        if isinstance(node, ast.ImportFrom) and not node.level:
            assert node.module.split(".")[0] in sys.stdlib_module_names
        if isinstance(node, ast.ImportFrom) and node.level:
            depth = len(path.relative_to(CORE).parts)
            assert node.level <= depth, f"line {node.lineno} reaches out of the package"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in FORBIDDEN_CALLS
    if text:
        assert text.splitlines()[1].endswith(": " + LICENCE)


def test_nothing_is_evaluated_that_3_9_does_not_know():
    """Unions with | are fine in annotations, which are not evaluated, and nowhere else."""
    for path in FILES:
        text = path.read_text()
        assert not text or "from __future__ import annotations" in text, path
        tree = ast.parse(text)
        assigned = [node.value for node in ast.walk(tree) if isinstance(node, ast.Assign)]
        unions = [
            inner
            for value in assigned
            for inner in ast.walk(value)
            if isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.BitOr) and ast.unparse(inner).endswith("None")
        ]
        assert unions == [], path
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "zip":
                assert not node.keywords, path
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("dataclass"):
                assert {keyword.arg for keyword in node.keywords} <= {"frozen", "eq", "order"}, path


def test_the_licence_is_stated():
    assert LICENCE in yaml.safe_load((ROOT / "galaxy.yml").read_text())["license"]
    assert (ROOT / "LICENSES" / f"{LICENCE}.txt").is_file()
