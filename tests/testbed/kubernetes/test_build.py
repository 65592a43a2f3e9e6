# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from testbed.kubernetes import build, toolchain
from testbed.kubernetes.build import GoModule, ensure_module
from testbed.kubernetes.toolchain import BuildError


@pytest.fixture
def module(tmp_path, monkeypatch):
    monkeypatch.setenv("TESTBED_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "source"
    (folder / "cmd").mkdir(parents=True)
    (folder / "nested").mkdir()
    (folder / "go.mod").write_text("module example.test/m\n\ngo 1.20\n")
    (folder / "nested" / "go.mod").write_text("module example.test/n\n")
    (folder / "cmd" / "main.go").write_text("package main\n")
    return GoModule("example", folder, ("./cmd",), links={"other": "cmd"})


@pytest.fixture
def fake_go(tmp_path, monkeypatch):
    """A program that stands for go: says two packages, builds one executable, counts its builds."""
    program = tmp_path / "bin" / "go"
    program.parent.mkdir()
    program.write_text(f"""#!/bin/sh
case "$1" in
env) echo go1.99.1 ;;
list) echo 'go: downloading example.test/x v1' >&2; printf 'a\nb\n' ;;
build) while [ "$1" != -o ]; do shift; done; echo built >>{tmp_path}/builds; sleep 0.2; echo a; echo b
  [ -e {tmp_path}/broken ] && echo 'x.go:1: wrong' && exit 1; echo program >"$2cmd" ;;
esac
""")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return tmp_path


def builds(folder: Path) -> int:
    log = folder / "builds"
    return len(log.read_text().splitlines()) if log.exists() else 0


def test_the_digest_follows_sources_and_options_only(module):
    first = module.digest()
    (module.folder / "README").write_text("text")
    (module.folder / "nested" / "main.go").write_text("package main\n")
    (module.folder / "cmd" / "main_test.go").write_text("package main\n")
    assert module.digest() == first
    (module.folder / "cmd" / "main.go").write_text("package main // changed\n")
    second = module.digest()
    assert second != first
    assert GoModule("example", module.folder, ("./cmd",), tags=("x",)).digest() != second


def test_a_build_is_made_once_shown_and_linked(module, fake_go):
    shown = []
    folder = ensure_module(module, lambda fraction, text: shown.append((fraction, text)))
    assert (folder / "other").resolve() == folder / "cmd"
    assert (0.5, "example: a") in shown and shown[-1] == (1.0, "example: built")
    assert (None, "example: downloading example.test/x v1") in shown
    assert ensure_module(module) == folder and builds(fake_go) == 1
    assert not list(folder.parent.glob("building-*"))


def test_two_processes_share_one_build(module, fake_go):
    threads = [threading.Thread(target=ensure_module, args=(module,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert builds(fake_go) == 1


def test_a_failed_build_leaves_nothing_and_tells_why(module, fake_go):
    (fake_go / "broken").touch()
    with pytest.raises(BuildError, match=r"x\.go:1: wrong"):
        ensure_module(module)
    assert not module.built.exists() and not list(module.built.parent.glob("building-*"))
    (fake_go / "broken").unlink()
    assert (ensure_module(module) / "cmd").exists()


def test_the_machine_s_go_is_taken_when_new_enough(fake_go):
    assert toolchain.ensure_go((1, 26)) == fake_go / "bin" / "go"


def test_an_old_go_is_not_taken_and_a_failed_install_is_told(fake_go, monkeypatch):
    monkeypatch.setenv("TESTBED_CACHE", str(fake_go / "cache"))

    def no_install(_target):
        raise BuildError("pip could not install it")

    monkeypatch.setattr(toolchain, "_install", no_install)
    with pytest.raises(BuildError, match="pip could not"):
        toolchain.ensure_go((2, 0))


@pytest.mark.parametrize(("text", "version"), [("go1.26.8", (1, 26, 8)), ("go1.27rc1", (1, 27)), ("", (0,))])
def test_versions_are_numbers(text, version):
    assert toolchain.parse_version(text) == version


def test_the_node_s_module_is_pinned_and_needs_no_network_settings():
    go_mod = (build.NODE.folder / "go.mod").read_text()
    assert f"k8s.io/kubernetes v{build.KUBERNETES_VERSION}" in go_mod
    assert (build.NODE.folder / "go.sum").exists()
    assert toolchain.required_version(build.NODE.folder / "go.mod") >= (1, 26)
    environment = toolchain.environment()
    assert environment["GOTOOLCHAIN"] == "local" and environment.get("GOPROXY") == os.environ.get("GOPROXY")


def test_progress_for_programs_is_a_fraction_and_a_text_per_hundredth(capsys):
    build._steps.clear()
    for fraction, text in ((None, "fetching"), (0.101, "a"), (0.104, "b"), (0.12, "c"), (1.0, "built")):
        build.tell(fraction, text)
    assert capsys.readouterr().out.splitlines() == ["fetching", "0.10 a", "0.12 c", "1.00 built"]


def test_progress_for_people_without_a_terminal_is_a_line_per_twentieth(capsys):
    build._steps.clear()
    for step in range(100):
        build.show(step / 100, "x")
    assert len(capsys.readouterr().err.splitlines()) == 20
