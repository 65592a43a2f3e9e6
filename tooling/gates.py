# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every gate, in one list: what it runs, what it proves. ``make test`` runs them all and names each that failed."""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tooling import failures, packed_modules, second_look
from tooling.machine import cores
from tooling.prepare import ROOT, VENV
from tooling.steps import duration

BIN = VENV / "bin"
LOGS = ROOT / "build" / "logs"
# Groups whose tests run playbooks of this checkout.
PLAYING = ("unit", "testbed", "acceptance", "molecule")
MOLECULE = [str(BIN / "molecule"), "-c", "extensions/molecule/config.yml"]
PYTEST = [str(BIN / "python"), "-m", "pytest", "-q", "-p", "no:cacheprovider"]


@dataclass(frozen=True)
class Gate:
    """One gate: its name, the group it belongs to, and its command. ``real``: it needs the testbed's real parts."""

    name: str
    group: str
    command: list[str]
    real: bool = False


def module(name: str, *arguments: str) -> list[str]:
    """Return the command that runs one of our own modules with the checkout's Python."""
    return [str(BIN / "python"), "-m", name, *arguments]


def workers() -> str:
    """Return how many pytest workers this machine carries: one per core, as the unit tests only compute."""
    return str(cores())


def testbeds() -> str:
    """Return how many testbeds of one cluster run side by side. A node takes 20 of root's 128 inotify instances."""
    return "3" if cores() >= 4 else "2"


def scenarios() -> list[str]:
    """Return the names of the molecule scenarios, as their folders say them."""
    return sorted(path.parent.name for path in (ROOT / "extensions" / "molecule").glob("*/molecule.yml"))


def gates() -> list[Gate]:
    """Return all gates, the quick ones first, so that a slip is known within a minute."""
    return [
        Gate("ruff", "lint", [str(BIN / "ruff"), "check", "."]),
        Gate("yamllint", "lint", [str(BIN / "yamllint"), "--strict", "."]),
        Gate("licences", "lint", [str(BIN / "reuse"), "lint", "--quiet"]),
        Gate("ansible-lint", "lint", [str(BIN / "ansible-lint"), "--offline", "--profile", "production", "--strict"]),
        Gate("changelog", "lint", [str(BIN / "antsibull-changelog"), "lint"]),
        Gate("documentation", "lint", module("tooling.documentation")),
        Gate("unit tests", "unit", [*PYTEST, "-n", workers(), "tests/unit"]),
        Gate(
            "testbed and tooling",
            "unit",
            # Whole files: the tests of many share a cloud and build on each other.
            [*PYTEST, "-n", workers(), "--dist", "loadfile", "-m", "not testbed", "tests/testbed", "tests/tooling"],
        ),
        Gate("sanity", "sanity", module("tooling.sanity")),
        Gate("artifact", "artifact", module("tooling.artifact")),
        Gate("kubernetes, built", "build", module("testbed.kubernetes.build"), real=True),
        Gate(
            "testbed, real parts",
            "testbed",
            [*PYTEST, "-n", "2", "--dist", "loadfile", "-m", "testbed", "tests/testbed"],
            real=True,
        ),
        # Which tests share a site, and in which order, is said in the folder's conftest.py.
        Gate(
            "acceptance",
            "acceptance",
            [*PYTEST, "-n", testbeds(), "tests/acceptance"],
            real=True,
        ),
        *(Gate(f"molecule {name}", "molecule", [*MOLECULE, "test", "-s", name], real=True) for name in scenarios()),
    ]


def main() -> None:
    """Run the gates and end with one line that counts them; the exit code is 1 when any failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--only",
        action="append",
        metavar="GROUP_OR_NAME",
        help="a group (lint, unit, ...) or a gate's name; may be repeated",
    )
    parser.add_argument("--list", action="store_true")
    arguments = parser.parse_args()
    chosen = [gate for gate in gates() if not arguments.only or {gate.group, gate.name} & set(arguments.only)]
    if arguments.list:
        print("\n".join(f"{gate.group:<12} {gate.name}" for gate in chosen))
        return
    LOGS.mkdir(parents=True, exist_ok=True)
    # Two lanes side by side: gates on the testbed mostly wait, for pods and for time to pass; the others compute.
    lanes = [[gate for gate in chosen if gate.real is real] for real in (True, False)]
    with (
        tempfile.TemporaryDirectory(prefix="gates-", ignore_cleanup_errors=True) as room,
        ThreadPoolExecutor(max_workers=len(lanes)) as pool,
    ):
        troubled = [gate for gates in pool.map(lane, lanes, itertools.repeat(Path(room))) for gate in gates]
        # Nothing else runs any more.
        unstable = [gate for gate in troubled if passes_again(gate, Path(room))]
    failed = [gate for gate in troubled if gate not in unstable]
    print("\n".join(ending(chosen, failed, unstable)))
    sys.exit(1 if failed else 0)


def ending(chosen: list[Gate], failed: list[Gate], unstable: list[Gate]) -> list[str]:
    """Return the last lines of a run: what failed and why once more, as CI keeps only the end; then the count."""
    lines = []
    for sign, gates_of in (("~", unstable), ("✗", failed)):
        for gate in gates_of:
            lines += ["", f"{sign} {gate.name}, {log_of(gate).relative_to(ROOT)}"]
            lines += [f"   {line}" for line in failures.essence(gate.group, log_of(gate).read_text(errors="replace"))]
    if unstable:
        lines += ["", "unstable, passed the second time; to be mended: " + ", ".join(gate.name for gate in unstable)]
    if failed:
        lines += ["", "failed: " + ", ".join(gate.name for gate in failed)]
    return [*lines, "", f"{len(chosen) - len(failed)} passed, {len(failed)} failed"]


def passes_again(gate: Gate, room: Path) -> bool:
    """Run once more what failed of a gate, into a log of its own. Return whether it passed now."""
    command = second_look.command(gate.group, gate.command, log_of(gate).read_text(errors="replace"))
    return command is not None and run(dataclasses.replace(gate, name=f"{gate.name}, again", command=command), room)


def lane(gates_in_order: list[Gate], room: Path) -> list[Gate]:
    """Run gates one after the other, with a folder that they share, and return those that failed.

    Molecule's scenarios, each on a testbed of its own, run side by side: alone, one would leave most cores idle.
    """
    failed = []
    for group, together in itertools.groupby(gates_in_order, key=lambda gate: gate.group):
        with ThreadPoolExecutor(max_workers=int(testbeds()) if group == "molecule" else 1) as pool:
            chosen = list(together)
            passed = pool.map(run, chosen, itertools.repeat(room))
            failed += [gate for gate, good in zip(chosen, passed, strict=True) if not good]
    return failed


def log_of(gate: Gate) -> Path:
    """Return where a gate's output goes."""
    return LOGS / f"{gate.name.replace(' ', '-').replace(',', '').replace(chr(39), '')}.log"


def run(gate: Gate, room: Path | None = None) -> bool:
    """Run one gate, print a line about it, and its output when it failed. Return whether it passed.

    :param room: a folder that goes with the run of the gates.
    """
    log = log_of(gate)
    started = time.monotonic()
    environment = {
        **os.environ,
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}:/usr/sbin:/sbin",
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
    }
    environment["PYTHONPATH"] = str(ROOT)
    if room and gate.group in PLAYING:
        environment = packed_modules.environment(environment, room / "packed")
    if room and gate.group == "lint":
        # ansible-lint leaves the examples of modules as files of their own.
        environment["TMPDIR"] = str(room)
    with log.open("w") as output:
        code = subprocess.run(
            gate.command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        ).returncode
    lines = log.read_text(errors="replace").splitlines()
    summary = (
        next((line.strip("= ") for line in reversed(lines) if line.strip()), "")
        if code == 0
        else f"exit code {code}, {log.relative_to(ROOT)}"
    )
    print(
        f" {'✓' if code == 0 else '✗'} {gate.name:<24} {summary[:80]:<80} {duration(time.monotonic() - started):>8}",
        flush=True,
    )
    if code:
        print("\n".join(f"   {line}" for line in lines[-60:]), flush=True)
    return code == 0


if __name__ == "__main__":
    main()
