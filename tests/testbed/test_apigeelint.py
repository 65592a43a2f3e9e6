# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate that apigeelint is, with the real one: Node from a Python wheel, apigeelint from npm, kept in a cache."""
from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._apigee import generate, lint
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._apigee.bundle import Bundle

from testbed.cache import made_once
from testbed.node import Node, ensure_node
from testbed.state import cache_folder

APIGEELINT = "2.85.1"
#: Node's own rule for what is still maintained; apigeelint wants that.
OLDEST_NODE = (22,)
PROXY = "apiproxy/proxies/default.xml"
SOUND = generate.generate("orders", "/orders", ["orders"])
LIMITED = generate.generate(
    "orders",
    "/orders",
    ["orders"],
    spike_arrest="30ps",
    quota={"limit": 100, "time_unit": "hour"},
    target_host="shop.acme.example",
)
INSTALL_SECONDS = 300


@pytest.fixture(scope="module")
def node() -> Node:
    """The machine's own Node, or the one from a Python wheel."""
    return ensure_node(OLDEST_NODE)


@pytest.fixture(scope="module")
def commands(node: Node) -> Path:
    """The folder with the command, installed once per machine."""

    def install(folder: Path) -> None:
        options = ["install", "--silent", "--no-audit", "--no-fund", "--fetch-retries=5", "--prefix", str(folder)]
        command = [*node.npm, *options, f"apigeelint@{APIGEELINT}"]
        done = subprocess.run(command, env=node.environment(), capture_output=True, text=True, timeout=INSTALL_SECONDS)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"

    return made_once(cache_folder() / "apigeelint" / APIGEELINT, install) / "node_modules" / ".bin"


@pytest.fixture
def real(commands: Path, node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real command first on the PATH."""
    monkeypatch.setenv("PATH", f"{commands}{os.pathsep}{node.environment()['PATH']}")


def changed(old: bytes, new: bytes, path: str = PROXY) -> Bundle:
    assert old in SOUND.files[path]
    return Bundle({**SOUND.files, path: SOUND.files[path].replace(old, new, 1)})


@pytest.mark.usefixtures("real")
@pytest.mark.parametrize("made", [SOUND, LIMITED], ids=["plain", "limited"])
def test_a_generated_bundle_is_clean(made: Bundle) -> None:
    assert lint.problems(made, "required") == []


@pytest.mark.usefixtures("real")
def test_an_error_names_file_line_and_rule() -> None:
    (said,) = lint.problems(changed(b"<Request/>", b"<Request><Step><Name>Qouta</Name></Step></Request>"), "auto")
    assert said.startswith(f"{PROXY}, line ") and "apigeelint BN010" in said and "Qouta" in said


@pytest.mark.usefixtures("real")
def test_nobody_can_switch_a_rule_off_from_within_the_bundle() -> None:
    step = b"<Request><!-- apigeelint disable=BN010 --><Step><Name>Qouta</Name></Step></Request>"
    assert "BN010" in lint.problems(changed(b"<Request/>", step), "auto")[0]


def test_where_it_is_not_installed_only_required_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert lint.problems(SOUND, "auto") == [] == lint.problems(SOUND, "none")
    assert "there is no apigeelint on the PATH" in lint.problems(SOUND, "required")[0]


def test_one_that_is_broken_is_no_verdict(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # A double of a broken installation: it ends without its report.
    command = tmp_path / "apigeelint"
    command.write_text("#!/bin/sh\necho 'Cannot find module' >&2\nexit 1\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert lint.problems(SOUND, "auto") == []
    assert "gave no verdict" in lint.problems(SOUND, "required")[0]
