# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What failed is run once more at the end: what passes then is unstable and said to be, what fails again has failed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tooling import gates, second_look

#: Fails the first time only; one of its neighbours always, the other never.
UNSTABLE = """
from pathlib import Path

def test_unstable():
    seen = Path(__file__).with_name("seen")
    before = seen.exists()
    seen.touch()
    assert before, "not the first time"
"""
GOOD = """
from pathlib import Path

def test_good():
    runs = Path(__file__).with_name("runs")
    runs.write_text(runs.read_text() + "." if runs.exists() else ".")
"""
BAD = """
def test_bad():
    assert False, "never"
"""


def ran(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], **files: str
) -> tuple[int, str, str]:
    """Gates over a real pytest: the exit code, all that was printed, and its last line."""
    tests = folder / "tests" / "unit"
    tests.mkdir(parents=True)
    for name, content in files.items():
        (tests / f"test_{name}.py").write_text(content)
    monkeypatch.setattr(gates, "ROOT", folder)
    monkeypatch.setattr(gates, "LOGS", folder / "logs")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), "tests/unit"]
    monkeypatch.setattr(gates, "gates", lambda: [gates.Gate("unit tests", "unit", command)])
    monkeypatch.setattr(sys, "argv", ["gates"])
    with pytest.raises(SystemExit) as end:
        gates.main()
    printed = capsys.readouterr().out
    return int(end.value.code or 0), printed, printed.rstrip().splitlines()[-1]


def test_what_passes_the_second_time_is_named_as_unstable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, printed, last = ran(tmp_path, monkeypatch, capsys, unstable=UNSTABLE, good=GOOD)
    assert (code, last) == (0, "1 passed, 0 failed")
    assert "unstable, passed the second time; to be mended: unit tests" in printed
    end = printed[printed.index("~ unit tests") :]
    assert "FAILED tests/unit/test_unstable.py::test_unstable" in end and "not the first time" in end
    # Only the file of what failed is run again.
    assert (tmp_path / "tests" / "unit" / "runs").read_text() == "."


def test_what_fails_again_has_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, printed, last = ran(tmp_path, monkeypatch, capsys, unstable=UNSTABLE, bad=BAD)
    assert (code, last) == (1, "0 passed, 1 failed")
    assert "unstable" not in printed.splitlines()[-3] and "failed: unit tests" in printed


def test_much_that_fails_and_what_says_the_same_twice_is_not_looked_at_again() -> None:
    once = ["python", "-m", "pytest", "-q", "tests/acceptance"]
    failed = [f"FAILED tests/acceptance/test_{name}.py::test_it - assert 1 == 2" for name in "abcd"]
    assert second_look.command("acceptance", once, "\n".join(failed)) is None
    assert second_look.command("acceptance", once, "INTERNALERROR> no such plugin") is None
    assert second_look.command("lint", ["ruff", "check"], "FAILED tests/unit/test_a.py::test_it") is None
    again = second_look.command(
        "acceptance", once, "\n".join([*failed[:2], failed[0], "ERROR tests/acceptance/test_e.py"])
    )
    assert again == ["python", "-m", "pytest", "-q", *(f"tests/acceptance/test_{name}.py" for name in "abe")]
    assert second_look.command("molecule", ["molecule", "test"], "anything") == ["molecule", "test"]
