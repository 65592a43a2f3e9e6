# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines that tell a person what is going on: one per step, with its time, and a bar while something long runs."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

WIDTH = 62
BAR = 15
# A log file (CI) gets a line about long work this often, in seconds; a terminal is redrawn in place.
LOG_INTERVAL = 20.0


class StepFailed(Exception):
    """A step cannot be completed; the message says what to do about it."""


def duration(seconds: float) -> str:
    """Return seconds as a person writes them: ``0.2 s``, ``38 s``, ``3 m 02 s``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{int(seconds) // 60} m {int(seconds) % 60:02d} s"


class Step:
    """One line of progress; use as a context manager and call :meth:`detail` with what came out of it."""

    def __init__(self, name: str, text: str = "") -> None:
        self.name = name
        self.text = text
        self.started = time.monotonic()
        self.last_shown = self.started
        self.terminal = sys.stdout.isatty()

    def __enter__(self) -> Step:
        if self.terminal:
            self._draw("●", self.text)
        return self

    def detail(self, text: str) -> None:
        """Set what the finished line says."""
        self.text = text

    def progress(self, fraction: float, text: str = "") -> None:
        """Show how far long work has come.

        :param fraction: 0 to 1.
        :param text: what is being done, for example ``building 1.36.3 from source (once)``.
        """
        now = time.monotonic()
        filled = int(BAR * max(0.0, min(1.0, fraction)))
        line = f"{text}   {'█' * filled}{'░' * (BAR - filled)} {fraction:4.0%}"
        if self.terminal:
            self._draw("●", line)
        elif now - self.last_shown >= LOG_INTERVAL:
            self.last_shown = now
            self._draw("●", line, end="\n")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _tb: TracebackType | None
    ) -> None:
        self._draw("✗" if error else "✓", self.text, end="\n")

    def _draw(self, mark: str, text: str, end: str = "") -> None:
        line = f" {mark} {self.name:<16} {text:<{WIDTH}} {duration(time.monotonic() - self.started):>8}"
        print(f"\r\033[K{line}" if self.terminal else line, end=end, flush=True)


def run(
    command: list[str], *, log: Path | None = None, cwd: Path | None = None, env: dict[str, str] | None = None
) -> str:
    """Run a command quietly and return its output.

    :param log: where its output goes as well; it is named in the error.
    :raises StepFailed: with the command, its exit code, the errors and the last lines it printed.
    """
    finished = subprocess.run(
        command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if log:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(finished.stdout)
    if finished.returncode:
        lines = finished.stdout.splitlines()
        # What a tool calls an error may stand far above its last line.
        telling = [line for line in lines[:-15] if "ERROR" in line][-25:] + lines[-15:]
        tail = "\n".join(f"   {line}" for line in telling)
        raise StepFailed(
            f"{' '.join(command[:6])} ended with {finished.returncode}:\n{tail}"
            + (f"\n   whole output: {log}" if log else "")
        )
    return finished.stdout
