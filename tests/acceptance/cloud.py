# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A testbed and the playbooks run against it, from the outside: only the commands that a user has."""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import yaml

from tooling import packed_modules

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / ".venv" / "bin"
INVENTORY = ROOT / "inventories" / "testbed"
URL = "https://api.acme.example/orders/42"
APIGEE_SCALE = 0.1
# Nothing that works takes this long; a hang shall say where it hangs. A cold cache builds Kubernetes first.
TESTBED_SECONDS = 1200.0
PLAYBOOK_SECONDS = 900.0
RECAP = re.compile(r"ok=(\d+) +changed=(\d+) +unreachable=(\d+) +failed=(\d+)")


@dataclass(frozen=True)
class Run:
    """What one playbook run came to. ``tasks`` is how many it took, skipped ones left out."""

    code: int
    output: str
    tasks: int | None
    changed: int | None
    report: list[dict[str, Any]]
    seconds: float

    @property
    def actions(self) -> set[tuple[str, str, str]]:
        """(kind, name, action) of everything that the run did or would do, unchanged objects left out."""
        return {
            (entry["kind"], entry["name"], entry["action"]) for entry in self.report if entry["action"] != "unchanged"
        }

    @property
    def changed_fields(self) -> set[tuple[str, str, str]]:
        """(kind, name, field) of everything that the run did or would do; for a whole object its action."""
        return {
            (entry["kind"], entry["name"], change["field"])
            for entry in self.report
            for change in entry.get("changes") or [{"field": entry["action"]}]
            if entry["action"] != "unchanged"
        }


class Cloud:
    """One testbed with a state folder of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("GCP_", "CLOUDSDK_", "GOOGLE_"))},
            "TESTBED_HOME": str(home),
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}{os.pathsep}/usr/sbin{os.pathsep}/sbin",
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
        }
        # What a killed run leaves goes with this folder, and modules are packed once for all runs.
        self.temporary = home / "tmp"
        self.runs = packed_modules.environment(self.environment, home / "packed") | {"TMPDIR": str(self.temporary)}
        self._converged: dict[str, Any] = {}
        self.session = requests.Session()
        self.session.trust_env = False

    # -- the testbed

    def testbed(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the testbed command."""
        finished = subprocess.run(
            [str(BIN / "testbed"), *arguments], timeout=TESTBED_SECONDS,
            env=self.environment, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        if check and finished.returncode:
            raise AssertionError(f"testbed {' '.join(arguments)}: {finished.stdout}{finished.stderr}")
        return finished

    def up(self) -> None:
        """Start it, with Apigee's times made short.

        Apigee keeps idle connections for 60 s, and DNS answers for their TTL (10 s here) and 60 s more. A test would
        have to wait that long for a connection to be fresh; at this scale it waits 6 and 7 s. Connect timeouts shrink
        with them, from 3 s to 0.3 s.
        """
        self.testbed("up", "--apigee-scale", str(APIGEE_SCALE))

    def down(self) -> None:
        """Stop it and remove its state."""
        self.testbed("down")
        shutil.rmtree(self.home, ignore_errors=True)

    @property
    def connection(self) -> dict[str, Any]:
        """How to reach it."""
        return json.loads((self.home / "connection.json").read_text())

    def control(self, verb: str, path: str, **arguments: Any) -> dict[str, Any]:
        """Talk to the control endpoint of the emulator."""
        reply = self.session.request(verb, f"{self.connection['emulator']}/_testbed/{path}", timeout=120, **arguments)
        reply.raise_for_status()
        return reply.json()

    def reset(self, *, new_nodes: bool = False) -> None:
        """Return to an empty project.

        Shared with what was before: the testbed's processes, and unless ``new_nodes`` is set the node of a cluster that
        will be made again just as it was. The emulated Google forgets the cluster and the node is emptied of all that
        was made in it (tests/testbed/test_real_world.py shows that); a boot takes ten seconds of processor time.
        """
        self.control("DELETE", "faults")
        self.control("POST", "reset", params={} if new_nodes else {"keep_nodes": 1})
        self.control("DELETE", "requests")

    def converge(self) -> None:
        """Make it the converged site of the testbed's inventory.

        A site that is just as the last such run left it, at Google object by object and in Kubernetes field by field
        of what users declare, is taken over as it is: files that mend what they break share one. Any other is reset
        and made anew.
        """
        if not self._converged or self._converged != self.picture():
            self.reset()
            self.play()
            self._converged = self.picture()
        self.control("DELETE", "faults")
        self.control("DELETE", "requests")

    def picture(self) -> dict[str, Any]:
        """What exists: the digest of Google's objects, and what is declared of every object outside the system."""
        google = self.state()["digest"]
        if not any("/clusters/" in key for key in self.state()["objects"]):
            return {"google": google, "kubernetes": {}}
        kinds = "services,deployments,namespaces,configmaps,jobs"
        items = json.loads(self.kubectl("get", kinds, "-A", "-o", "json"))["items"]
        kubernetes = {
            f"{item['kind']}/{item['metadata'].get('namespace', '')}/{item['metadata']['name']}": item.get("spec") or {}
            for item in items
        }
        return {
            "google": google,
            "kubernetes": {name: spec for name, spec in sorted(kubernetes.items()) if "/kube-" not in name},
        }

    def counters(self) -> dict[str, Any]:
        """Calls seen since the last time the log was cleared."""
        return self.control("GET", "requests", params={"counters": 1})["counters"]

    def state(self) -> dict[str, Any]:
        """What exists at the emulated Google, without times and generated ids."""
        return self.control("GET", "state")

    def token(self, account: str = "deployer") -> str:
        """An access token."""
        return self.control("POST", "tokens", json={"account": account})["access_token"]

    def google(self, verb: str, service: str, path: str, **arguments: Any) -> dict[str, Any]:
        """Call an emulated API with plain HTTP, as somebody who does not know this collection would."""
        reply = self.session.request(
            verb,
            f"{self.connection['emulator']}/{service}/{path}",
            headers={"Authorization": f"Bearer {self.token()}"},
            timeout=60,
            **arguments,
        )
        if not reply.ok:
            raise AssertionError(f"{verb} {path}: {reply.status_code} {reply.text}")
        return reply.json() if reply.content else {}

    def shell_environment(self) -> dict[str, str]:
        """What ``eval "$(testbed env)"`` sets."""
        return {**self.environment, **json.loads(self.testbed("env", "--format", "json").stdout)}

    def kubectl(self, *arguments: str) -> str:
        """Run kubectl on the cluster."""
        environment = self.shell_environment()
        kubectl = shutil.which("kubectl", path=environment["PATH"]) or "kubectl"
        finished = subprocess.run([kubectl, *arguments], env=environment, capture_output=True, text=True)
        if finished.returncode:
            raise AssertionError(f"kubectl {' '.join(arguments)}: {finished.stdout}{finished.stderr}")
        return finished.stdout

    def call(self, url: str = URL, *, fresh: bool = False) -> dict[str, Any]:
        """Send a request from outside through Apigee; the hops as data.

        :param fresh: let Apigee forget its open connections and the DNS answers that it holds first.
        """
        finished = self.testbed("call", "--json", *(["--fresh"] if fresh else []), url, check=False)
        if not finished.stdout.strip():
            raise AssertionError(finished.stderr)
        return json.loads(finished.stdout)

    # -- the playbooks

    def declaration(self, **changes: Any) -> dict[str, Any]:
        """The testbed inventory's declaration with some keys replaced.

        Pods are called by plain HTTP unless ``tls`` says otherwise: most tests are about something else, and a site
        with TLS starts nine more pods. What is about TLS asks for it (``tls=True``).
        """
        files = sorted(INVENTORY.rglob("*.yml"))
        for file in files:
            content = yaml.safe_load(file.read_text()) or {}
            if isinstance(content, dict) and "apigee_gke" in content:
                return {**copy.deepcopy(content["apigee_gke"]), "tls": False, **changes}
        raise AssertionError(f"no declaration below {INVENTORY}")

    def command(
        self, playbook: str = "site.yml", *arguments: str, declaration: dict[str, Any] | None = None, report: Path
    ) -> list[str]:
        """The ansible-playbook command line."""
        wanted = self.declaration() if declaration is None else declaration
        extra: dict[str, Any] = {"apigee_gke_report_file": str(report), "apigee_gke": wanted}
        return [
            str(BIN / "ansible-playbook"), "-i", str(INVENTORY), str(ROOT / playbook),
            *arguments, "-e", json.dumps(extra),
        ]  # fmt: skip

    def play(
        self,
        playbook: str = "site.yml",
        *arguments: str,
        declaration: dict[str, Any] | None = None,
        environment: dict[str, str] | None = None,
        check: bool = True,
    ) -> Run:
        """Run a playbook to its end. With check, a failure is an error that shows what it printed."""
        report = self.home / "report.json"
        report.unlink(missing_ok=True)
        self.temporary.mkdir(exist_ok=True)
        started = time.monotonic()
        finished = subprocess.run(
            self.command(playbook, *arguments, declaration=declaration, report=report),
            env={**self.runs, **(environment or {})}, cwd=ROOT, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PLAYBOOK_SECONDS,
        )  # fmt: skip
        recap = RECAP.search(finished.stdout)
        run = Run(
            finished.returncode,
            finished.stdout,
            int(recap[1]) if recap else None,
            int(recap[2]) if recap else None,
            json.loads(report.read_text()) if report.exists() else [],
            time.monotonic() - started,
        )
        if check and run.code:
            log = (self.home / "logs" / "daemon.log").read_text(errors="replace")
            raise AssertionError(
                f"{playbook} ended with {run.code}:\n{run.output[-6000:]}\nThe testbed says:\n{log[-3000:]}"
            )
        return run

    def play_killed(
        self,
        kill: Callable[[int], bool],
        *arguments: str,
        declaration: dict[str, Any] | None = None,
        timeout: float = 180.0,
    ) -> bool:
        """Run the site and kill it with everything it started.

        It runs as the init of a process namespace of its own: when that is killed, the kernel kills all the rest.

        :param kill: called every few milliseconds with the playbook's process id; returns True when it has killed it,
            or arranged for that.
        :returns: whether it was killed before it ended by itself.
        """
        report = self.home / "report.json"
        self.temporary.mkdir(exist_ok=True)
        process = subprocess.Popen(
            ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc",
             *self.command("site.yml", *arguments, declaration=declaration, report=report)],
            env=self.runs, cwd=ROOT, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        arranged, deadline = False, time.monotonic() + timeout
        while process.poll() is None and time.monotonic() < deadline:
            inner = _child(process.pid)
            if inner and not arranged:
                arranged = kill(inner)
            time.sleep(0.02)
        if process.poll() is None:
            process.kill()
            process.wait()
            raise AssertionError("the playbook neither ended nor was killed")
        return process.returncode != 0


def _child(pid: int) -> int | None:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return None
    return int(children[0]) if children else None


def until(condition: Callable[[], Any], *, seconds: float, what: str) -> Any:
    """Return the first true answer; raise AssertionError naming what did not come true within the time."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds} s, last answer {answer!r}")
        time.sleep(0.2)
