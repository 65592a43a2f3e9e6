# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An emulator of Google's APIs without a world behind it, and modules run against it as Ansible runs them."""

from __future__ import annotations

import json
import subprocess
import sys
import typing as t
import urllib.request
from pathlib import Path

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.session import Client

HERE = Path(__file__).resolve().parent


class Cloud:
    """An emulator of its own, and the module run against it."""

    def __init__(self, state: Path) -> None:
        self.state = state
        command = [sys.executable, "-m", "testbed.google", "--port", "0", "--state", str(state)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = t.cast(t.IO[str], self.process.stdout).readline().strip()
        self.connection = json.loads((state / "connection.json").read_text())
        command = [sys.executable, str(HERE / "resources_run.py")]
        self._runs = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.client = Client({**self.access, "auth_kind": "serviceaccount"})

    def control(self, path: str, method: str = "GET", body: t.Any = None) -> dict[str, t.Any]:
        data = json.dumps(body or {}).encode() if method in ("POST", "PUT") else None
        request = urllib.request.Request(f"{self.url}/_testbed/{path}", data, method=method)
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request) as reply:
            return json.load(reply)

    def stop(self) -> None:
        t.cast(t.IO[str], self._runs.stdin).close()
        self._runs.wait(20)
        self.process.terminate()
        self.process.wait(20)

    @property
    def access(self) -> dict[str, t.Any]:
        """Options that lead a module here."""
        return {name: self.connection[name] for name in ("endpoints", "service_account_file", "project")}

    @property
    def organization(self) -> str:
        """Path of the organisation."""
        return f"v1/organizations/{self.connection['project']}"

    def by_hand(self, method: str, path: str, body: t.Any = None, **how: t.Any) -> t.Any:
        """A call to Apigee as somebody else's tool makes it; the path is relative to the organisation."""
        return self.client.send("apigee", method, f"{self.organization}{path}", body=body, **how).json()

    def empty_organization(self, environments: t.Sequence[str] = ("prod",)) -> None:
        """An emptied project with an organisation and environments that somebody else made."""
        self.control("reset", "POST")
        self.run([{"kind": "project_services", "services": ["apigee"]}])
        document = {"runtimeType": "CLOUD", "analyticsRegion": "europe-west1", "disableVpcPeering": True}
        query = {"parent": f"projects/{self.connection['project']}"}
        self.client.send("apigee", "POST", "v1/organizations", query=query, body=document)
        for name in environments:
            self.settle()
            self.by_hand("POST", "/environments", {"name": name})
        self.settle()
        self.control("requests", "DELETE")

    def producer(self, subnetwork: str, region: str, name: str, **settings: t.Any) -> str:
        """A service attachment in front of a load balancer, as a cluster's team makes them; returns its path."""
        place = f"projects/{self.connection['project']}/regions/{region}"
        rule = {"loadBalancingScheme": "INTERNAL", "subnetwork": f"{place}/subnetworks/{subnetwork}", "ports": ["8443"]}
        attachment = {
            "connectionPreference": "ACCEPT_AUTOMATIC",
            "targetService": f"{place}/forwardingRules/{name}",
            "natSubnets": [rule["subnetwork"]],
            **settings,
        }
        for collection, body in (("forwardingRules", rule), ("serviceAttachments", attachment)):
            where = f"compute/v1/{place}/{collection}"
            operation = self.client.send("compute", "POST", where, body={"name": name, **body}).json()
            self.client.send("compute", "POST", f"compute/v1/{place}/operations/{operation['name']}/wait")
        return f"{place}/serviceAttachments/{name}"

    def settle(self) -> None:
        """Look at every operation until none runs: the emulator ends one when somebody looks."""
        while any(not one.get("done") for one in self.by_hand("GET", "/operations").get("operations") or []):
            pass

    def writes(self) -> int:
        """Mutating calls since the log was cleared."""
        return sum(1 for call in self.control("requests")["requests"] if call["mutating"])

    def run(self, resources: list[dict[str, t.Any]], **how: t.Any) -> dict[str, t.Any]:
        """The module ``resources``."""
        return self.module("resources", resources=resources, **how)

    def whole_life(self, resources: list[dict[str, t.Any]]) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
        """Predicted, made as predicted, found again and removed. Returns the results of making and of finding again."""
        self.control("reset", "POST")
        before = self.control("state")["digest"]
        predicted = self.run(resources, check=True)
        assert self.control("state")["digest"] == before
        made = self.run(resources)
        for guess, one in zip(predicted["resources"], made["resources"], strict=True):
            assert guess["resource"].keys() == one["resource"].keys()
            assert guess["action"] == one["action"], (guess, one)
        again = self.run(resources)
        assert not again["changed"] and again["requests"]["writes"] == 0
        removed = self.run(resources, state="absent")
        assert {one["action"] for one in removed["resources"]} == {"deleted"}
        return made, again

    def converges_after_every_write(self, resources: list[dict[str, t.Any]]) -> None:
        """Killed after each of its writes in turn, the run is completed by the next one, to the very same state."""
        self.control("reset", "POST")
        writes = self.run(resources)["requests"]["writes"]
        wanted = self.control("state")["digest"]
        assert writes >= len(resources)
        for number in range(1, writes + 1):
            self.control("reset", "POST")
            self.run(resources, die_after=number)
            self.run(resources)
            assert self.control("state")["digest"] == wanted, f"interrupted after write {number}"

    def module(
        self,
        name: str,
        /,
        die_after: int = 0,
        check: bool = False,
        diff: bool = False,
        fails: bool = False,
        **options: t.Any,
    ) -> dict[str, t.Any]:
        """The result of a module. ``fails``: it should.

        ``die_after``: it dies after so many mutating calls; the result is empty then, unless there were fewer.
        """
        arguments = {
            **self.access,
            **options,
            "_ansible_check_mode": check,
            "_ansible_diff": diff,
            "_ansible_remote_tmp": str(self.state),
            "_ansible_keep_remote_files": False,
        }
        asked = {"module": name, "options": arguments, "die_after": die_after}
        print(json.dumps(asked), file=self._runs.stdin, flush=True)
        done = json.loads(t.cast(t.IO[str], self._runs.stdout).readline())
        if die_after:
            assert done["code"] in (0, 137), done["output"]
            return {} if done["code"] else json.loads(done["output"])
        assert done["output"].startswith("\n{"), done["output"]
        result = json.loads(done["output"])
        assert bool(result.get("failed")) is fails, result.get("msg", result)
        return result
