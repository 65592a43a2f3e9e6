# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Processes are recognised beyond doubt and ended."""
from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from testbed import processes


def sleeper(code: str = "") -> subprocess.Popen[bytes]:
    script = f"import sys, time, signal\n{code}\nsys.stdout.write('up')\nsys.stdout.flush()\ntime.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.read(2)
    return process


def test_an_identity_is_pid_and_start_time():
    own = processes.Identity.of(os.getpid())
    assert own is not None
    assert own.alive()
    assert not processes.Identity(own.pid, own.started + 1).alive()


def test_a_recycled_pid_is_never_signalled():
    process = sleeper()
    try:
        stranger = processes.Identity(process.pid, 1)
        stranger.signal(signal.SIGKILL)
        processes.end([stranger])
        time.sleep(0.05)
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()


def test_a_zombie_is_not_alive():
    process = sleeper()
    process.kill()
    deadline = time.monotonic() + 5
    while processes.start_time(process.pid) is not None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert processes.Identity.of(process.pid) is None
    process.wait()


def test_what_ignores_term_is_killed():
    process = sleeper("signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    identity = processes.Identity.of(process.pid)
    assert identity is not None
    processes.end([identity], grace=0.2)
    assert process.wait(5) == -signal.SIGKILL


def test_commands_with_brackets_and_spaces_are_read(tmp_path: Path):
    script = tmp_path / "odd ) (name"
    script.write_text("#!/bin/sh\necho up\nread line\n", encoding="ascii")
    script.chmod(0o755)
    process = subprocess.Popen([str(script)], stdout=subprocess.PIPE, stdin=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.read(2)
        assert isinstance(processes.start_time(process.pid), int)
    finally:
        process.kill()
        process.communicate()


def test_no_namespace_holds_no_process(tmp_path: Path):
    assert processes.inside([tmp_path / "none"]) == []
