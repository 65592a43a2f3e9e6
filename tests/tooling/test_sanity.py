# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of the sanity run."""

from __future__ import annotations

import sys

import pytest

from tooling import sanity


@pytest.mark.parametrize(("arguments", "code", "says"), [(["--help"], 0, "--core"), (["--core", "1.0"], 2, "2.21")])
def test_asking_runs_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, says: str
) -> None:
    def run(*_arguments: object) -> None:
        raise AssertionError("sanity was run")

    monkeypatch.setattr(sanity, "find_interpreter", run)
    monkeypatch.setattr(sys, "argv", ["sanity", *arguments])
    with pytest.raises(SystemExit) as ended:
        sanity.main()
    printed = capsys.readouterr()
    assert ended.value.code == code and says in printed.out + printed.err
