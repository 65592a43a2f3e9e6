# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""What the commands share: talking to the daemon and the emulator, root through sudo, plain failures."""
from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from typing import Any

from testbed import leftovers
from testbed.state import State

#: What a command needs from the caller's environment when it becomes root.
PASSED_ON = ("TESTBED_HOME", "TESTBED_CACHE", "TESTBED_IMAGES", "XDG_STATE_HOME", "XDG_CACHE_HOME", "HOME", "PATH")


class CommandError(Exception):
    """A command cannot do what was asked; the text says why and what to do."""


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over the daemon's control socket. Through /proc, because socket addresses are short and paths are not."""

    def __init__(self, state: State) -> None:
        super().__init__("testbed", timeout=30)
        self._folder = state.run

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        handle = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self.sock.connect(f"/proc/self/fd/{handle}/control.sock")
        finally:
            os.close(handle)


def is_up(state: State) -> bool:
    return leftovers.daemon(state) is not None and state.connection() is not None


def require_up(state: State) -> None:
    """Raise CommandError unless the testbed is up."""
    if not is_up(state):
        raise CommandError(f"The testbed is not up ({state.home}). Start it: testbed up")


def control(state: State, method: str, path: str) -> Any:
    """Ask the daemon; None for 404. Raises CommandError when it does not answer."""
    link = _UnixConnection(state)
    try:
        link.request(method, path)
        answer = link.getresponse()
        body = answer.read()
    except OSError as error:
        raise CommandError(f"The testbed's daemon does not answer: {error}. See: testbed logs daemon") from error
    finally:
        link.close()
    if answer.status == 404:
        return None
    if answer.status != 200:
        raise CommandError(f"The testbed's daemon answered {answer.status}. See: testbed logs daemon")
    return json.loads(body)


def emulator(state: State, method: str, path: str, body: Any = None) -> Any:
    """Ask the emulator's control endpoint (``path`` below ``/_testbed/``). Raises CommandError."""
    request = urllib.request.Request(f"{state.emulator_url}/_testbed/{path}", method=method,
                                     data=None if body is None else json.dumps(body).encode(),
                                     headers={"Content-Type": "application/json"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=300) as answer:
            return json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        raise CommandError(f"The emulator answered {error.code} to {path}: "
                           f"{error.read().decode(errors='replace')[:500]}") from error
    except OSError as error:
        raise CommandError(f"The emulator does not answer: {error}. See: testbed logs daemon") from error


def as_root(state: State, argv: list[str]) -> list[str]:
    """The command line that runs ``argv`` as root. Raises CommandError without root or sudo."""
    if os.geteuid() == 0:
        return argv
    if shutil.which("sudo") is None:
        raise CommandError("The testbed needs root for network namespaces and containers, and there is no sudo here.\n"
                           "Run this command as root, or install sudo.")
    given = [f"{name}={os.environ[name]}" for name in PASSED_ON if name in os.environ]
    given += [f"TESTBED_HOME={state.home}", f"TESTBED_CACHE={state.cache}"]
    return ["sudo", "env", *given, *argv]


def ask_for_sudo() -> None:
    """Let sudo ask for its password now, while somebody is at the terminal."""
    if os.geteuid() != 0:
        print("   The daemon needs root for namespaces and containers: using sudo.")
        if subprocess.run(["sudo", "-v"], check=False).returncode != 0:
            raise CommandError("sudo did not let us become root.")


def fancy() -> bool:
    """Whether the terminal shows more than ASCII."""
    return (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")


def mark(good: bool) -> str:
    if fancy():
        return "\u2713" if good else "\u2717"
    return "ok" if good else "!!"
