# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""testbed up: check, build what is not built, start the daemon, say where everything is."""
from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time

from testbed import images
from testbed.commands import common, machine, status
from testbed.commands.common import CommandError, mark
from testbed.images.cert_manager import ensure_cert_manager
from testbed.kubernetes import build
from testbed.kubernetes.toolchain import BuildError
from testbed.state import State

#: Clusters that were running start again before the daemon is up.
TIMEOUT = 180.0


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--timeout", type=float, default=TIMEOUT, metavar="SECONDS",
                        help="how long to wait for the daemon (default %(default).0f)")
    parser.add_argument("--without-cert-manager", action="store_true",
                        help="do not build cert-manager when it is not built yet (TLS then needs tls: false)")
    parser.add_argument("--realistic", action="store_true",
                        help="Google's own durations for long operations; without it they end at the next look")
    parser.add_argument("--dns-cache-extra", type=float, default=60.0, metavar="SECONDS",
                        help="how long Apigee uses a DNS answer beyond its TTL (default %(default).0f, as assumed of "
                             "the real one)")
    parser.add_argument("--apigee-scale", type=float, default=1.0, metavar="FACTOR",
                        help="factor for all of Apigee's times: DNS cache, connection pools, time limits")


def run(state: State, options: argparse.Namespace) -> int:
    if common.is_up(state):
        _add_images(state)
        print(f" {mark(True)} already up")
        status.show(state)
        return 0
    began = time.monotonic()
    lacking = machine.missing()
    if lacking:
        raise CommandError("This machine lacks:\n" + "\n".join(f"   - {item}" for item in lacking))
    print(f" {mark(True)} machine")
    try:
        build.ensure_binaries(build.show)
        images.ensure_images(build.show)
        if not options.without_cert_manager:
            ensure_cert_manager(build.show)
    except BuildError as error:
        raise CommandError(f"Kubernetes could not be built:\n{error}") from error
    print(f" {mark(True)} kubernetes and images")
    _start(state, options)
    common.emulator(state, "PUT", "durations", {"scale": 1.0 if options.realistic else 0.0})
    print(f" {mark(True)} testbed up in {time.monotonic() - began:.1f} s")
    status.show(state)
    print("\n For kubectl and gcloud:  eval \"$(testbed env)\"")
    return 0


def _add_images(state: State) -> None:
    """Give nodes that run the images that are asked for now and were not when the testbed started.

    :raises CommandError: when they cannot be made or imported.
    """
    try:
        lacking = set(images.wanted()) - set(common.control(state, "GET", "/status")["images"])
        if not lacking:
            return
        images.ensure_images(build.show)
    except BuildError as error:
        raise CommandError(f"An image could not be built:\n{error}") from error
    names = ",".join(sorted(lacking))
    common.control(state, "PUT", f"/images?names={names}")
    print(f" {mark(True)} nodes have {names}")


def _start(state: State, options: argparse.Namespace) -> None:
    state.prepare()
    state.connection_file.unlink(missing_ok=True)
    common.ask_for_sudo()
    argv = [sys.executable, "-m", "testbed.daemon",
            "--dns-cache-extra", str(options.dns_cache_extra), "--apigee-scale", str(options.apigee_scale)]
    if os.geteuid() != 0:
        argv += ["--owner", f"{os.getuid()}:{os.getgid()}"]
    log_file = state.logs / "daemon.log"
    with log_file.open("ab") as log:
        began_at = log.tell()
        process = subprocess.Popen(
            common.as_root(state, argv), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
            start_new_session=True, env={**os.environ, "TESTBED_HOME": str(state.home),
                                         "TESTBED_CACHE": str(state.cache)})
    deadline = time.monotonic() + options.timeout
    pause = 0.02
    while not common.is_up(state):
        if process.poll() is not None:
            with log_file.open(encoding="utf-8", errors="replace") as log:
                log.seek(began_at)
                tail = log.read().strip().splitlines()[-15:]
            raise CommandError("The testbed's daemon ended at its start:\n" + "\n".join(f"   {line}" for line in tail))
        if time.monotonic() > deadline:
            raise CommandError(f"The testbed is not up after {options.timeout:.0f} s; it goes on trying. "
                               "See: testbed logs daemon; stop it with: testbed down")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.5)
