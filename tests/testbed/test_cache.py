# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder of the cache is made once, and is whole or not there."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from testbed.cache import made_once


def test_it_is_made_by_one_while_others_wait(tmp_path: Path) -> None:
    target, made = tmp_path / "tools" / "1.0", []
    begun, may_end = threading.Event(), threading.Event()

    def make(folder: Path) -> None:
        made.append(folder)
        begun.set()
        assert may_end.wait(60)
        (folder / "tool").write_text("whole")

    def need() -> None:
        assert (made_once(target, make) / "tool").read_text() == "whole"
        seen.append(target)

    seen: list[Path] = []
    callers = [threading.Thread(target=need) for _ in range(3)]
    for caller in callers:
        caller.start()
    assert begun.wait(60) and not target.exists() and not seen
    may_end.set()
    for caller in callers:
        caller.join(60)
    assert len(made) == 1 and seen == [target] * 3


def test_what_failed_or_was_interrupted_is_begun_anew(tmp_path: Path) -> None:
    target = tmp_path / "tools" / "1.0"

    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise OSError("no network")

    with pytest.raises(OSError, match="no network"):
        made_once(target, fail)
    assert not target.exists()
    made_once(target, lambda folder: (folder / "tool").touch())
    assert [found.name for found in target.iterdir()] == ["tool"]
