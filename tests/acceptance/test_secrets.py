# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planted secrets turn up nowhere: output, results, diffs, logs of the testbed, command lines."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.cloud import Cloud, Run

# Any access token, also those that the run itself obtained.
TOKEN = r"ya29\.[A-Za-z0-9._-]{12,}"
PASSWORD = "canary-Pa55w0rd-9f2c"


class CommandLines(threading.Thread):
    """Samples the command line of every process that comes from one testbed or its runs, until it is told to stop.

    Others of the machine are left out: what other people show there is not ours to judge.
    """

    def __init__(self, home: Path, secret: re.Pattern[str]) -> None:
        super().__init__(daemon=True)
        self.mark = f"TESTBED_HOME={home}".encode()
        self.secret = secret
        self.found: set[str] = set()
        self.samples = 0
        self.stopped = threading.Event()

    def run(self) -> None:
        while not self.stopped.is_set():
            ours: dict[str, bool] = {"0": False}
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    line = (process / "cmdline").read_bytes().decode(errors="replace")
                    # Whose it is takes twenty times as long to learn as what it shows.
                    shows = bool(self.secret.search(line)) and self._ours(process.name, ours)
                except OSError:
                    continue
                self.samples += 1
                if shows:
                    self.found.add(line.replace("\0", " ")[:200])
            time.sleep(0.02)

    def _ours(self, number: str, known: dict[str, bool]) -> bool:
        """Whether a process, or one that it comes from, was started for this testbed. OSError when it is gone."""
        if number not in known:
            process = Path("/proc", number)
            parent = (process / "stat").read_text(errors="replace").rpartition(")")[2].split()[1]
            known[number] = self.mark in (process / "environ").read_bytes().split(b"\0") or self._ours(parent, known)
        return known[number]


@contextmanager
def watched(home: Path, secret: re.Pattern[str]) -> Iterator[None]:
    """Look at all command lines meanwhile; raise AssertionError when one shows a secret."""
    watcher = CommandLines(home, secret)
    watcher.start()
    try:
        yield
    finally:
        watcher.stopped.set()
        watcher.join()
    assert watcher.samples > 100
    assert not watcher.found


def leaks(cloud: Cloud, run: Run, secret: re.Pattern[str]) -> list[str]:
    """Where a secret turned up: the run's output and report, any log below the testbed's folder, the request log."""
    texts = {"output": run.output, "report": json.dumps(run.report)}
    for file in cloud.home.rglob("*"):
        if file.suffix in (".log", ".txt", ".jsonl") and file.is_file():
            texts[str(file)] = file.read_text(errors="replace")
    texts["requests"] = json.dumps(cloud.control("GET", "requests"))
    return [
        f"{name}: ...{text[max(0, found.start() - 80) : found.start() + 8]}..."
        for name, text in texts.items()
        if (found := secret.search(text))
    ]


def key_of(cloud: Cloud) -> dict[str, Any]:
    """The service account key that the testbed was seeded with."""
    return json.loads(Path(cloud.connection["service_account_file"]).read_text())


def pattern(cloud: Cloud, *more: str) -> re.Pattern[str]:
    """Any line of the private key, any access token, the password, and more."""
    lines = [line for line in key_of(cloud)["private_key"].splitlines() if len(line) > 40]
    assert lines
    return re.compile("|".join([TOKEN, PASSWORD, *(re.escape(text) for text in [*lines, *more])]))


def variables(folder: Path, **content: Any) -> str:
    """A file of variables, as a user writes one who keeps secrets off command lines."""
    file = folder / "variables.json"
    file.write_text(json.dumps(content))
    return f"@{file}"


@pytest.mark.parametrize("whose", ["the testbed's", "a stranger's"])
def test_the_watch_itself(tmp_path: Path, whose: str) -> None:
    ours = {**os.environ, "TESTBED_HOME": str(tmp_path)}
    shown = ["sh", "-c", "sleep 3; true", PASSWORD]
    found = False
    try:
        with watched(tmp_path, re.compile(PASSWORD)):
            shows = subprocess.Popen(shown, env=ours if whose == "the testbed's" else None)
            subprocess.run(["sh", "-c", "sleep 3; true"], env=ours, check=True)
            shows.wait()
    except AssertionError as error:
        found = PASSWORD in str(error)
    assert found is (whose == "the testbed's")


def test_a_first_run_with_a_key_file(empty: Cloud) -> None:
    secret = pattern(empty)
    with watched(empty.home, secret):
        run = empty.play("site.yml", "-vvv", "--diff")
    assert leaks(empty, run, secret) == []


def test_a_run_with_an_access_token_that_changes_something(converged: Cloud, tmp_path: Path) -> None:
    token = converged.token()
    assert re.fullmatch(TOKEN, token)
    secret = pattern(converged, token)
    converged.google("DELETE", "compute", "compute/v1/projects/acme-shop/global/firewalls/shop-vpc-apigee-to-pods")
    auth = {"auth_kind": "accesstoken", "access_token": token, "endpoints": converged.connection["endpoints"]}
    with watched(converged.home, secret):
        run = converged.play("site.yml", "-vvv", "--diff", "-e", variables(tmp_path, apigee_gke_auth=auth))
    assert run.changed
    assert leaks(converged, run, secret) == []


def test_a_run_with_the_contents_of_a_key(converged: Cloud, tmp_path: Path) -> None:
    secret = pattern(converged)
    auth = {
        "auth_kind": "serviceaccount",
        "service_account_contents": json.dumps(key_of(converged)),
        "endpoints": converged.connection["endpoints"],
    }
    with watched(converged.home, secret):
        run = converged.play("site.yml", "-vvv", "--check", "--diff", "-e", variables(tmp_path, apigee_gke_auth=auth))
    assert leaks(converged, run, secret) == []


@pytest.mark.parametrize("place", ["endpoint", "proxy"])
def test_a_password_in_an_address_that_cannot_be_reached(converged: Cloud, tmp_path: Path, place: str) -> None:
    """Failures name addresses; the password in one is not for everybody's eyes."""
    address = f"http://deployer:{PASSWORD}@127.0.0.1:9/"
    secret = pattern(converged)
    endpoints, environment = dict(converged.connection["endpoints"]), {}
    if place == "endpoint":
        endpoints["compute"] = address
    else:
        environment = {"HTTP_PROXY": address, "http_proxy": address}
    auth = {"service_account_file": converged.connection["service_account_file"], "endpoints": endpoints}
    arguments = ("-vvv", "--diff", "-e", variables(tmp_path, apigee_gke_auth=auth))
    with watched(converged.home, secret):
        run = converged.play("site.yml", *arguments, environment=environment, check=False)
    assert run.code != 0
    assert "127.0.0.1" in run.output
    assert leaks(converged, run, secret) == []
