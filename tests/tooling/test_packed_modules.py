# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbook runs share what Ansible has packed, and leave nothing else; and each acceptance file has its turn."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.acceptance import conftest
from tooling import packed_modules

PLAY = """
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - ansible.builtin.ping:
"""


def test_the_second_run_takes_what_the_first_has_packed(tmp_path: Path) -> None:
    (tmp_path / "play.yml").write_text(PLAY)
    own = tmp_path / "own"
    environment = packed_modules.environment(
        {key: value for key, value in os.environ.items() if key != packed_modules.FOLDER}, tmp_path / "packed"
    )
    environment["ANSIBLE_LOCAL_TEMP"] = str(own)
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,", str(tmp_path / "play.yml")]
    seen = []
    for _run in range(2):
        finished = subprocess.run(command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        assert finished.returncode == 0 and "ok=1" in finished.stdout, finished.stdout + finished.stderr
        seen.append({path.name: path.stat().st_mtime_ns for path in (tmp_path / "packed").iterdir()})
        assert list(own.iterdir()) == []
    assert any("ping" in name for name in seen[0])
    assert seen[0] == seen[1]


def test_every_file_that_has_a_turn_is_there() -> None:
    folder = Path(conftest.__file__).parent
    for name in [*(name for group in conftest.GROUPS for name in group), conftest.LAST]:
        assert (folder / f"test_{name}.py").exists(), name


def test_files_of_a_group_go_to_one_worker_and_cases_without_a_site_to_any() -> None:
    assert {conftest.group_of(name)[2] for name in ("secrets", "drift", "links")} == {
        "secrets-drift-verification-links"
    }
    assert conftest.group_of("secrets") < conftest.group_of("links") < conftest.group_of("a_new_file")
    assert conftest.group_of("a_new_file") < conftest.group_of(conftest.LAST)
    assert conftest.name_of("tests/acceptance/test_links.py::test_a[peered DNS domain]") == "links"
