# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a module of the collection once in this process, for tests that interrupt it.

Arguments: a JSON file with the module's options, and how many mutating calls are let through before the process dies as
by SIGKILL (0: it lives), and the module's name. Prints its result.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
import typing as t
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / ".ansible" / "collections"))

import requests
from ansible.module_utils.testing import patch_module_args


def die_after(calls: int) -> None:
    """Die once Google has carried out this many mutating calls, before their last reply is seen."""
    send = requests.adapters.HTTPAdapter.send
    lock = threading.Lock()
    made = 0

    def counted(adapter: t.Any, request: t.Any, **how: t.Any) -> t.Any:
        nonlocal made
        reads = request.method == "GET" or request.url.endswith("/wait") or "/token" in request.url
        with lock:
            reply = send(adapter, request, **how)
            made += not reads
            if made == calls:
                os._exit(137)
        return reply

    requests.adapters.HTTPAdapter.send = counted  # type: ignore[method-assign]


if __name__ == "__main__":
    if int(sys.argv[2]):
        die_after(int(sys.argv[2]))
    with patch_module_args(json.loads(Path(sys.argv[1]).read_text())):
        module = sys.argv[3] if len(sys.argv) > 3 else "resources"
        importlib.import_module(f"ansible_collections.gatewayops.apigee_gke.plugins.modules.{module}").main()
