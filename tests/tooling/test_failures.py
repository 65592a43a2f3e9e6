# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last lines of a run of the gates: what failed, and why, in as many lines as CI keeps."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tooling import failures, gates

MODULE = """
import pytest

@pytest.fixture
def site():
    raise RuntimeError("no site today")

def test_with_site(site):
    pass

@pytest.mark.parametrize("number", range(3))
def test_numbers(number):
    found = {"status": 200 + number}
    assert found == {"status": 200}, "what Apigee says"

def test_some(subtests):
    with subtests.test("odd"):
        assert 1 == 2
"""
MOLECULE = "\n".join(
    f"  \x1b[2m│\x1b[0m {line}"
    for line in """PLAY [Verify what is left]
TASK [Ask the emulated Google what exists]
  *************************************
\x1b[0;32mok: [localhost]\x1b[0m
TASK [Only the other one's network is left]
  ************************************
\x1b[0;31m[ERROR]: Task failed: Action failed: Assertion failed\x1b[0m
\x1b[0;31mfatal: [localhost]: FAILED! =>\x1b[0m
\x1b[0;31m    assertion: left | length == 1\x1b[0m
\x1b[0;31m    msg: Assertion failed\x1b[0m
PLAY RECAP
localhost                  : ok=1    changed=0    unreachable=0    failed=1""".splitlines()
)
SANITY = """ansible-test sanity --local ended with 1:
   Running sanity test "pylint"
   ERROR: Found 1 pylint issue(s) which need to be resolved:
   ERROR: plugins/modules/one.py:74:8: ansible-bad-function: Call module.log instead of builtins.print
   See documentation for help: sanity/pylint.html
sanity: passed on 2.18.19; failed on 2.21.5; not run on none"""


def ended(folder: Path, *arguments: str, content: str = MODULE) -> str:
    """What a real pytest prints about tests that fail."""
    (folder / "test_it.py").write_text(content)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), *arguments]
    finished = subprocess.run([*command, str(folder)], cwd=folder, capture_output=True, text=True)
    assert finished.returncode == 1, finished.stdout + finished.stderr
    return finished.stdout


def test_each_failed_test_has_its_name_and_its_last_words(tmp_path: Path) -> None:
    told = failures.essence("acceptance", ended(tmp_path, "-n", "2"))
    names = ["test_with_site", *(f"test_numbers[{number}]" for number in (1, 2)), "test_some"]
    first = " ".join(told[:5])
    assert all(f"test_it.py::{name}" in first for name in names), told
    text = "\n".join(told)
    for words in ("RuntimeError: no site today", "AssertionError: what Apigee says", "assert 1 == 2", "test_it.py:14"):
        assert words in text, told
    assert "test_numbers[0]" not in text


def test_many_failures_leave_their_names_and_stay_short(tmp_path: Path) -> None:
    told = failures.essence("unit", ended(tmp_path, content=MODULE.replace("range(3)", "range(30)")))
    assert len(told) <= failures.GATE
    assert sum("test_numbers[" in line and line.startswith("FAILED") for line in told) == 29


def test_a_scenario_tells_its_fatal_task() -> None:
    told = failures.essence("molecule", MOLECULE)
    assert told[0] == "TASK [Only the other one's network is left]"
    assert "    assertion: left | length == 1" in told
    assert not any("RECAP" in line or "Ask the emulated" in line or "\x1b" in line for line in told)


def test_sanity_tells_its_findings() -> None:
    told = failures.essence("sanity", SANITY)
    assert told[1].startswith("ERROR: plugins/modules/one.py:74:8: ") and "2.21.5" in told[-1]
    assert not any("Running" in line for line in told)


def test_what_nobody_knows_tells_its_end() -> None:
    told = failures.essence("lint", "\n".join(f"line {number}" for number in range(100)))
    assert (len(told), told[-1]) == (failures.GATE, "line 99")


def test_the_run_ends_with_what_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two gates, run: the failed one's words come after the line of the one that passed."""
    monkeypatch.setattr(gates, "ROOT", tmp_path)
    monkeypatch.setattr(gates, "LOGS", tmp_path / "logs")
    (tmp_path / "test_it.py").write_text(MODULE)
    pytest_here = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path)]
    pair = [
        gates.Gate("first", "unit", [*pytest_here, str(tmp_path)]),
        gates.Gate("second", "lint", [sys.executable, "-c", "print('fine')"]),
    ]
    monkeypatch.setattr(gates, "gates", lambda: pair)
    monkeypatch.setattr(sys, "argv", ["gates"])
    with pytest.raises(SystemExit) as end:
        gates.main()
    printed = capsys.readouterr().out
    last = printed[printed.index("✓ second") :]
    assert end.value.code == 1
    assert "test_it.py::test_some" in last and "RuntimeError: no site today" in last
    assert printed.rstrip().splitlines()[-1] == "1 passed, 1 failed"
