# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole organisation by the role ``apigee_config``, beside bare HTTP calls and beside one Ansible task per object.

``python -m benchmarks.organization`` prints JSON. It needs the collection on the path, as ``benchmarks`` sets it, but
no testbed: the emulator of Google's APIs alone is started, so deployments are ready at once.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path
from urllib.parse import quote

import requests
import yaml

from benchmarks.recorder import Call, Recorder
from benchmarks.replay import is_write
from tooling.prepare import ROOT, VENV

Entry = dict[str, t.Any]

#: Target servers, proxies, products, apps.
WHOLE = (200, 50, 100, 100)
#: The same mixture, for what takes a second per object.
SAMPLE = (13, 3, 7, 7)
REPEAT = 3
#: Seconds that every reply is held back in the rows "at a distance"; a read takes some 2 ms without it.
DISTANCE = 0.03
DEVELOPER = "ann@acme.example"
ENVIRONMENT = "environments/prod"
#: As the playbooks of the collection have it.
_STORED = {"ansible_module_compression": "ZIP_STORED"}
_PLAY = {"hosts": "localhost", "gather_facts": False, "vars": _STORED}


def content(size: tuple[int, int, int, int]) -> dict[str, list[Entry]]:
    """Entries by kind; each proxy has a target server, each product a proxy, each app a product."""
    servers, proxies, products, apps = size
    return {
        "apigee_target_server": [
            {"environment": "prod", "name": f"server-{n}", "host": f"s{n}.shop.internal", "port": 8443}
            for n in range(servers)
        ],
        "apigee_proxy": [
            {
                "name": f"proxy-{n}",
                "base_path": f"/p{n}",
                "target_servers": [f"server-{n}"],
                "environments": ["prod"],
                "probe": False,
            }
            for n in range(proxies)
        ],
        "apigee_api_product": [
            {
                "name": f"product-{n}",
                "display_name": f"Product {n}",
                "environments": ["prod"],
                "proxies": [f"proxy-{n % proxies}"],
            }
            for n in range(products)
        ],
        "apigee_developer": [{"email": DEVELOPER, "first_name": "Ann", "last_name": "Ames"}],
        "apigee_app": [
            {"developer": DEVELOPER, "name": f"app-{n}", "products": [f"product-{n % products}"]} for n in range(apps)
        ],
    }


class Google:
    """The emulator with an organisation that has an environment on an instance, and nothing else."""

    def __init__(self, folder: Path) -> None:
        command = [str(VENV / "bin" / "python"), "-m", "testbed.google", "--port", "0", "--state", str(folder)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        self.url = t.cast(t.IO[str], self._process.stdout).readline().strip()
        self.connection = json.loads((folder / "connection.json").read_text())
        self.session = requests.Session()
        self.session.trust_env = False
        self.organization = f"apigee/v1/organizations/{self.connection['project']}"

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(30)

    def control(self, verb: str, path: str) -> t.Any:
        return self._control(verb, path, {} if verb == "POST" else None)

    def _control(self, verb: str, path: str, body: Entry | None) -> t.Any:
        return self.session.request(verb, f"{self.url}/_testbed/{path}", json=body).json()

    @contextlib.contextmanager
    def far(self) -> t.Iterator[None]:
        """Every reply comes later by ``DISTANCE``, tokens included."""
        self._control("POST", "faults", {"kind": "delay", "seconds": DISTANCE})
        try:
            yield
        finally:
            self._control("DELETE", "faults", None)

    def fresh(self) -> None:
        """Nothing but the organisation."""
        self.control("POST", "reset")
        self.session.headers["Authorization"] = f"Bearer {self.control('POST', 'tokens')['access_token']}"
        project = self.connection["project"]
        self.send("POST", f"serviceusage/v1/projects/{project}/services/apigee.googleapis.com:enable", {})
        document = {"runtimeType": "CLOUD", "analyticsRegion": "europe-west1", "disableVpcPeering": True}
        self.send("POST", f"apigee/v1/organizations?parent=projects/{project}", document)
        self.send("POST", f"{self.organization}/environments", {"name": "prod"})
        self.send("POST", f"{self.organization}/instances", {"name": "west", "location": "europe-west1"})
        self.send("POST", f"{self.organization}/instances/west/attachments", {"environment": "prod"})

    def send(self, verb: str, path: str, body: Entry | None = None) -> Entry:
        """A call, and the end of its operation."""
        answer = self.session.request(verb, f"{self.url}/{path}", json=body)
        answer.raise_for_status()
        found = answer.json()
        while "operations/" in str(found.get("name")) and not found.get("done"):
            found = self.session.get(f"{self.url}/{path.split('/', 1)[0]}/v1/{found['name']}").json()
        return found

    def again(self, calls: list[Call]) -> float:
        """Seconds of the same calls, one after the other."""
        began = time.monotonic()
        for call in calls:
            answer = self.session.request(
                call.verb, self.url + call.path, data=call.body or None, headers=call.headers, timeout=300
            )
            if answer.status_code != call.status:
                raise SystemExit(f"{call.verb} {call.path}: {answer.status_code}, {call.status} when it was recorded.")
        return time.monotonic() - began

    def one_by_one(self, entries: dict[str, list[Entry]]) -> tuple[int, float]:
        """How many reads, and their seconds: every object once, and every deployment, one after the other."""
        collections = {
            "apigee_target_server": f"{ENVIRONMENT}/targetservers",
            "apigee_proxy": "apis",
            "apigee_api_product": "apiproducts",
            "apigee_developer": "developers",
            "apigee_app": f"developers/{DEVELOPER}/apps",
        }
        paths = [
            f"{collections[kind]}/{quote(str(entry.get('name') or entry.get('email')))}"
            for kind, some in entries.items()
            for entry in some
        ]
        paths += [
            f"{ENVIRONMENT}/apis/{entry['name']}/revisions/1/deployments" for entry in entries["apigee_proxy"]
        ]
        began = time.monotonic()
        for path in paths:
            self.session.get(f"{self.url}/{self.organization}/{path}").raise_for_status()
        return len(paths), time.monotonic() - began


class Plays:
    """Playbooks against an emulator."""

    def __init__(self, google: Google, folder: Path) -> None:
        self._google = google
        self._folder = folder

    def role(self, size: tuple[int, int, int, int], endpoints: dict[str, str] | None = None) -> float:
        """Seconds of a playbook with the role and a folder."""
        place = self._folder / f"organization-{sum(size)}"
        for kind, some in content(size).items():
            stem = {"apigee_proxy": "proxies"}.get(kind, kind.removeprefix("apigee_") + "s")
            path = place / ENVIRONMENT / f"{stem}.yml" if "environment" in some[0] else place / f"{stem}.yml"
            path.parent.mkdir(parents=True, exist_ok=True)
            said = [{name: value for name, value in entry.items() if name != "environment"} for entry in some]
            path.write_text(yaml.safe_dump(said, sort_keys=False))
        project = self._google.connection["project"]
        variables = {**_STORED, "apigee_config_folder": str(place), "apigee_config_project": project}
        roles = [{"role": "gatewayops.apigee_gke.apigee_config"}]
        return self._play([{**_PLAY, "vars": variables, "roles": roles}], endpoints)

    def tasks(self, size: tuple[int, int, int, int]) -> float:
        """Seconds of a playbook with one task for each object."""
        tasks = [{f"gatewayops.apigee_gke.{kind}": entry} for kind, some in content(size).items() for entry in some]
        return self._play([{**_PLAY, "tasks": tasks}])

    def _play(self, plays: list[Entry], endpoints: dict[str, str] | None = None) -> float:
        connection = self._google.connection
        access = {
            "auth_kind": "serviceaccount",
            "project": connection["project"],
            "service_account_file": connection["service_account_file"],
            "endpoints": endpoints or connection["endpoints"],
        }
        defaults = {"group/gatewayops.apigee_gke.google": access}
        playbook = self._folder / "play.yml"
        playbook.write_text(yaml.safe_dump([{**play, "module_defaults": defaults} for play in plays]))
        began = time.monotonic()
        done = subprocess.run(
            [str(VENV / "bin" / "ansible-playbook"), str(playbook)],
            cwd=ROOT,
            env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        took = time.monotonic() - began
        if done.returncode:
            raise SystemExit(f"{done.stdout[-3000:]}{done.stderr[-3000:]}")
        return took


def measure() -> dict[str, t.Any]:
    """Seconds of everything, and how many calls."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        google = Google(folder / "state")
        try:
            return _measured(google, Plays(google, folder))
        finally:
            google.stop()


def _measured(google: Google, plays: Plays) -> dict[str, t.Any]:
    google.fresh()
    google.control("DELETE", "requests")
    with Recorder(google.url) as recorder:
        endpoints = recorder.endpoints(google.connection["endpoints"])
        plays.role(WHOLE, endpoints)
        log = google.control("GET", "requests")["requests"]
        changing = {(entry["verb"], entry["path"]) for entry in log if entry["mutating"]}
        writes = [call for call in recorder.calls if is_write(call, changing)]
        recorder.calls.clear()
        plays.role(WHOLE, endpoints)
        reads = [call for call in recorder.calls if "/oauth2" not in call.path and call.verb == "GET"]
    google.fresh()
    first = plays.role(WHOLE)
    unchanged = [plays.role(WHOLE) for _ in range(REPEAT)]
    same_reads = statistics.median(google.again(reads) for _ in range(REPEAT))
    count, each = google.one_by_one(content(WHOLE))
    with google.far():
        far = {"role": plays.role(WHOLE), "same": google.again(reads), "each": google.one_by_one(content(WHOLE))[1]}
    google.fresh()
    same_writes = google.again(writes)
    google.fresh()
    sample = {"role": {"first": plays.role(SAMPLE), "unchanged": plays.role(SAMPLE)}}
    google.fresh()
    sample["tasks"] = {"first": plays.tasks(SAMPLE), "unchanged": plays.tasks(SAMPLE)}
    return {
        "objects": sum(map(len, content(WHOLE).values())),
        "role": {"first": first, "unchanged": statistics.median(unchanged)},
        "same": {"first": same_writes, "unchanged": same_reads, "writes": len(writes), "reads": len(reads)},
        "each": {"unchanged": each, "reads": count},
        "far": {**far, "seconds": DISTANCE},
        "sample": {**sample, "objects": sum(map(len, content(SAMPLE).values()))},
    }


if __name__ == "__main__":
    print(json.dumps(measure()))
    sys.exit(0)
