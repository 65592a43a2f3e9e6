# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs modules of the collection, for tests that interrupt them.

Every line of standard input is a run, as JSON: ``module``, its ``options``, and ``die_after``, the number of mutating
calls that are let through before the process dies as by SIGKILL (0: it lives). Each run is a process of its own, forked
from this one, which has imported everything already. Answers are lines too: ``code`` and ``output`` of the process.

With arguments it is one run of this very process: a file with the options, ``die_after``, and the module's name.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import tempfile
import threading
import traceback
import typing as t
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / ".ansible" / "collections"))

import google.auth.transport.requests
import google.oauth2.service_account
import requests
from ansible.module_utils.testing import patch_module_args
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine import registry

#: What is imported for every run, before the first one.
PRELOADED = (google.auth.transport.requests, google.oauth2.service_account)
COLLECTION = "ansible_collections.gatewayops.apigee_gke.plugins"


def die_after(calls: int) -> None:
    """Die once Google has carried out this many mutating calls, before their last reply is seen."""
    send = requests.adapters.HTTPAdapter.send
    lock = threading.Lock()
    made = 0

    def counted(adapter: t.Any, request: t.Any, **how: t.Any) -> t.Any:
        nonlocal made
        reads = request.method == "GET" or request.url.endswith(("/wait", ":getIamPolicy")) or "/token" in request.url
        with lock:
            reply = send(adapter, request, **how)
            made += not reads
            if made == calls:
                os._exit(137)
        return reply

    requests.adapters.HTTPAdapter.send = counted  # type: ignore[method-assign]


def run(asked: dict[str, t.Any]) -> t.NoReturn:
    """Be the process of one run."""
    if asked["die_after"]:
        die_after(asked["die_after"])
    module = importlib.import_module(f"{COLLECTION}.modules.{asked['module']}")
    try:
        with patch_module_args(asked["options"]):
            module.main()
    except SystemExit as ended:
        sys.stdout.flush()
        os._exit(int(ended.code or 0))
    except BaseException:
        traceback.print_exc(file=sys.stdout)
        sys.stdout.flush()
        os._exit(1)
    os._exit(0)


def serve() -> None:
    """Fork one process for each line."""
    for name in ("resources", "apigee_config_info"):
        importlib.import_module(f"{COLLECTION}.modules.{name}")
    for kind in registry.KINDS:
        registry.load(kind)
    for line in sys.stdin:
        with tempfile.TemporaryFile() as output:
            child = os.fork()
            if not child:
                os.dup2(output.fileno(), 1)
                os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
                run(json.loads(line))
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            output.seek(0)
            print(json.dumps({"code": code, "output": output.read().decode()}), flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        options = json.loads(Path(sys.argv[1]).read_text())
        run({"options": options, "die_after": int(sys.argv[2]), "module": (*sys.argv[3:], "resources")[0]})
    serve()
