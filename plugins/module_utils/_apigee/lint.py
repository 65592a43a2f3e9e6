# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""apigeelint on a bundle, where it is installed: an optional gate beside our own checks. Private to the collection.

It runs as a command with Apigee X's profile and without the user's exceptions, so that its verdict is the same
everywhere; its warnings pass, its errors do not.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import typing as t

from .bundle import Bundle

COMMAND = "apigeelint"
#: Seconds; it takes a fifth of one.
PATIENCE = 60.0
_ERROR = 2


def problems(bundle: Bundle, mode: str) -> list[str]:
    """Errors that apigeelint finds, as sentences.

    ``mode`` is ``auto`` (nothing is said where it is not installed), ``required`` or ``none``.
    """
    command = shutil.which(COMMAND) if mode != "none" else None
    if command is None:
        return [_NOT_THERE] if mode == "required" else []
    with tempfile.TemporaryDirectory(prefix="bundle-") as folder:
        for path, data in bundle.files.items():
            target = os.path.join(folder, *path.split("/"))
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "wb") as handle:
                handle.write(data)
        arguments = [command, "-s", os.path.join(folder, bundle.root), "-f", "json.js"]
        arguments += ["--profile", "apigeex", "--norc", "--ignoreDirectives"]
        try:
            # run_command knows no deadline, and belongs to a module, of which nothing is known here.
            done = subprocess.run(  # pylint: disable=ansible-bad-function
                arguments, capture_output=True, text=True, timeout=PATIENCE, check=False, stdin=subprocess.DEVNULL
            )
            return _errors(json.loads(done.stdout), folder)
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            return [f"{command} gave no verdict ({error}). Repair it, or set lint: none."] if mode == "required" else []


_NOT_THERE = f"lint is required, but there is no {COMMAND} on the PATH. Install it (npm install -g apigeelint)."


def _errors(report: t.Any, folder: str) -> list[str]:
    found = []
    for file in report:
        path = os.path.relpath(str(file.get("filePath")), folder)
        for message in file.get("messages") or []:
            if message.get("severity") == _ERROR:
                line = f", line {message['line']}" if message.get("line") else ""
                found.append(f"{path}{line}: apigeelint {message.get('ruleId')}: {message.get('message')}")
    return found
