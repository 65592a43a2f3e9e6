# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure on a testbed of its own: ``python -m benchmarks``. Reports; asserts nothing about time."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import admissions, latency, report
from benchmarks.recorder import Call, Recorder
from benchmarks.replay import Replay, is_write
from tooling.prepare import COLLECTIONS, ROOT, VENV
from tooling.steps import StepFailed

BIN = VENV / "bin"
HERE = Path(__file__).resolve().parent
PLAYBOOK = [str(BIN / "ansible-playbook"), "-i", "inventories/testbed"]


def main() -> None:
    """Run everything on a fresh testbed, print the report, take the testbed down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=5, metavar="N", help="unchanged converges (default %(default)d)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there as well")
    options = parser.parse_args()
    # Asked to end, it still takes its testbed down.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        bench = Bench(Path(folder))
        say("the engines")
        engines = bench.alone("benchmarks.engines")
        say("the webhook's server")
        server = bench.alone("benchmarks.server")
        say("a whole organisation")
        organization = bench.alone("benchmarks.organization")
        try:
            bench.up()
            figures = {**bench.measure(options.repeat), **bench.measure_tls(options.repeat), **bench.measure_ways()}
        finally:
            bench.down()
    figures.update(engines=engines, server=server, organization=organization)
    print(report.markdown(figures))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


class Bench:
    """One testbed, and what is run on it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._environment = {**os.environ, "TESTBED_HOME": str(folder / "testbed"), "TESTBED_IMAGES": latency.IMAGES}
        self._connection: dict = {}

    def up(self) -> None:
        self._testbed("up")
        self._connection = json.loads((self._folder / "testbed" / "connection.json").read_text())

    def _fresh(self) -> None:
        """Start over with an empty project and no process that remembers anything."""
        self.down()
        self.up()

    def down(self) -> None:
        self._testbed("down")

    def measure(self, repeat: int) -> dict:
        """All figures, in seconds unless they are called otherwise."""
        gcloud = shutil.which("gcloud") is not None and shutil.which("kubectl") is not None
        say("recording a first converge and one with nothing to change")
        writes, reads = self._record()
        figures: dict = {"machine": machine(), "gcloud": gcloud, "writes": len(writes), "reads": len(reads)}

        say("first converge")
        self._fresh()
        figures["first"] = {"converge": self._converge().pop("seconds")}
        say(f"nothing to change, {repeat} times")
        unchanged = [self._converge() for _ in range(repeat)]
        figures["unchanged"] = {"converge": median(unchanged), "bare": [], "gcloud": []}
        figures["unchanged"]["runs"] = [run["seconds"] for run in unchanged]
        middle = sorted(unchanged, key=lambda run: run["seconds"])[repeat // 2]
        figures["tasks"] = middle["tasks"]
        figures["around"] = middle["around"]
        figures["answers"] = sum(call.seconds for call in reads)
        figures["unchanged"]["bare"] = statistics.median(self._bare("reads", reads) for _ in range(repeat))
        if gcloud:
            figures["unchanged"]["gcloud"], figures["left_out"] = self._script("gcloud_read.sh")

        say("the same as bare HTTP calls")
        self._fresh()
        figures["first"]["bare"] = self._bare("writes", writes)
        if gcloud:
            say("the same by gcloud")
            self._fresh()
            figures["first"]["gcloud"], left_out = self._script("gcloud_create.sh")
            figures["left_out"] += left_out
        return figures

    def measure_tls(self, repeat: int) -> dict:
        """The site with TLS, and who adds its sidecars."""
        say("the site with TLS")
        self._fresh()
        first = self._converge(tls=True)["seconds"]
        say(f"nothing to change, {repeat} times")
        unchanged = [self._converge(tls=True)["seconds"] for _ in range(repeat)]
        say("admissions")
        replay = Replay(self._connection, self._folder)
        seen = admissions.both(admissions.Admissions(*replay.cluster(), replay.token), self._use_webhook)
        return {"tls": {"first": first, "unchanged": statistics.median(unchanged)}, "admissions": seen}

    def measure_ways(self) -> dict:
        """What each way to the same pods adds."""
        say("the ways to the pods")
        self._fresh()
        try:
            return {"latency": latency.measure(self._folder / "testbed")}
        except StepFailed as failure:
            raise SystemExit(str(failure)) from failure

    def _use_webhook(self) -> None:
        written = self._folder / "webhook.json"
        run([*PLAYBOOK, "tests/acceptance/webhook.yml", "-e", f"apigee_gke_report_file={written}"], self._environment)

    def alone(self, module: str) -> dict:
        """What a measurement prints that needs no testbed."""
        path = f"{ROOT}{os.pathsep}{COLLECTIONS.parent}"
        printed = run([str(BIN / "python"), "-m", module], {**os.environ, "PYTHONPATH": path})
        return json.loads(printed.splitlines()[-1])

    def _record(self) -> tuple[list[Call], list[Call]]:
        """The writes of a first converge and the reads of the next one, as they were sent."""
        with Recorder(self._connection["emulator"]) as recorder:
            access = {
                "auth_kind": "serviceaccount",
                "service_account_file": self._connection["service_account_file"],
                "endpoints": recorder.endpoints(self._connection["endpoints"]),
            }
            extra = ["--extra-vars", json.dumps({"apigee_gke_auth": access})]
            self._converge(*extra)
            first = list(recorder.calls)
            recorder.calls.clear()
            self._converge(*extra)
            second = list(recorder.calls)
        log = json.loads(self._testbed("requests", "--json"))["requests"]
        changing = {(entry["verb"], entry["path"]) for entry in log if entry["mutating"]}
        return [call for call in first if is_write(call, changing)], second

    def _converge(self, *arguments: str, tls: bool = False) -> dict:
        """One run. Without TLS unless asked: the same calls by bare HTTP and by gcloud can make that site as well."""
        times = self._folder / "times.json"
        environment = {
            **self._environment,
            "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callbacks"),
            "ANSIBLE_CALLBACKS_ENABLED": "task_times",
            "TASK_TIMES": str(times),
        }
        began = time.time()
        run([*PLAYBOOK, "site.yml", "-e", f"testbed_tls={str(tls).lower()}", *arguments], environment)
        ended = time.time()
        seen = json.loads(times.read_text())
        starts = [*(task["at"] for task in seen["tasks"]), seen["ended"]]
        tasks = [
            {"name": task["name"], "action": task["action"], "seconds": after - task["at"]}
            for task, after in zip(seen["tasks"], starts[1:], strict=True)
        ]
        return {
            "seconds": ended - began,
            "tasks": tasks,
            "around": {
                "python and ansible, before the playbook is read": seen["playbook"] - began,
                "reading the playbook, before the first task": starts[0] - seen["playbook"],
                "after the last task": ended - seen["ended"],
            },
        }

    def _bare(self, what: str, calls: list[Call]) -> float:
        """Seconds of one replay in a process that runs already, its token included."""
        began = time.monotonic()
        replay = Replay(self._connection, self._folder)
        getattr(replay, what)(calls)
        return time.monotonic() - began

    def _script(self, name: str) -> tuple[float, list[str]]:
        """Seconds of a script, and the lines in which it says what it left out."""
        environment = {**self._environment, **json.loads(self._testbed("env", "--format", "json"))}
        began = time.monotonic()
        output = run([str(HERE / name)], environment)
        took = time.monotonic() - began
        lines = output.splitlines()
        start = next((index for index, line in enumerate(lines) if line.startswith("left out")), len(lines))
        return took, lines[start:]

    def _testbed(self, *words: str) -> str:
        return run([str(BIN / "testbed"), *words], self._environment)


def run(command: list[str], environment: dict[str, str]) -> str:
    """Run a command and return what it printed; end with its last lines when it fails."""
    finished = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
    )
    if finished.returncode:
        tail = "\n".join(finished.stdout.splitlines()[-25:])
        raise SystemExit(f"{' '.join(command[:4])} ended with {finished.returncode}:\n{tail}")
    return finished.stdout


def median(runs: list[dict]) -> float:
    return statistics.median(entry["seconds"] for entry in runs)


def machine() -> dict:
    """What the figures depend on."""
    with open("/proc/meminfo", encoding="ascii") as file:
        memory = int(file.readline().split()[1]) // 1024 // 1024
    versions = run(
        [str(BIN / "python"), "-c", "import ansible.release; print(ansible.release.__version__)"], dict(os.environ)
    )
    return {
        "kernel": platform.release(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": memory,
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "ansible_core": versions.strip(),
    }


def say(text: str) -> None:
    print(f" {text} ...", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
