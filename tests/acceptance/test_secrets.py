# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planted secrets turn up nowhere: output, results, diffs, logs of the testbed, command lines."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

from tests.acceptance.cloud import Cloud


class CommandLines(threading.Thread):
    """Samples every process's command line until it is told to stop."""

    def __init__(self, secrets: list[str]) -> None:
        super().__init__(daemon=True)
        self.secrets = secrets
        self.found: set[str] = set()
        self.samples = 0
        self.stopped = threading.Event()

    def run(self) -> None:
        while not self.stopped.is_set():
            for process in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    line = process.read_bytes().decode(errors="replace")
                except OSError:
                    continue
                self.samples += 1
                if any(secret in line for secret in self.secrets):
                    self.found.add(line.replace("\0", " ")[:200])
            time.sleep(0.02)


def leaks(cloud: Cloud, run_output: str, secrets: list[str], kept: set[str]) -> list[str]:
    """Where a secret turned up: output of the run, any log of the testbed (kept: files that hold one by nature)."""
    found = [f"output: {secret[:12]}..." for secret in secrets if secret in run_output]
    for file in cloud.home.rglob("*"):
        if file.suffix not in (".log", ".txt", ".jsonl") or str(file) in kept or not file.is_file():
            continue
        text = file.read_text(errors="replace")
        found += [f"{file}: {secret[:12]}..." for secret in secrets if secret in text]
    log = json.dumps(cloud.control("GET", "requests"))
    return found + [f"requests log: {secret[:12]}..." for secret in secrets if secret in log]


def test_key_file_and_tokens(empty: Cloud, tmp_path: Path) -> None:
    key_file = empty.connection["service_account_file"]
    key = json.loads(Path(key_file).read_text())
    secrets = [line for line in key["private_key"].splitlines() if len(line) > 40][:5]
    watcher = CommandLines(secrets)
    watcher.start()
    run = empty.play("site.yml", "-vvv", "--diff")
    watcher.stopped.set()
    watcher.join()
    assert watcher.samples > 100
    assert not watcher.found
    assert leaks(empty, run.output, secrets, {key_file}) == []

    token = empty.token()
    auth = {"auth_kind": "accesstoken", "access_token": token, "endpoints": empty.connection["endpoints"]}
    # From a file, as a user would who does not want it on a command line.
    variables = tmp_path / "auth.json"
    variables.write_text(json.dumps({"apigee_gke_auth": auth}))
    watcher = CommandLines([token])
    watcher.start()
    run = empty.play("site.yml", "-vvv", "--diff", "-e", f"@{variables}")
    watcher.stopped.set()
    watcher.join()
    assert not watcher.found
    assert leaks(empty, run.output, [token], set()) == []
