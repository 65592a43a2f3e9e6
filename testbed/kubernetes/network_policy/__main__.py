# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process: three watches, and one loop that renders and applies whenever any of them told something.

It keeps nothing: whenever it starts, it lists everything and replaces the table. It ends only when nftables refuses
what it rendered, which is a fault of the testbed's and must be seen; the table that is in force then stays.
"""
from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from testbed.kubernetes.components import Layout
from testbed.kubernetes.identities import client_files
from testbed.kubernetes.mirror import Mirror
from testbed.kubernetes.spec import API_PORT, ClientFiles, NodeSpec

from .objects import Pod, pods_with_addresses
from .rules import Ruleset, isolated

PATHS = {"policies": "/apis/networking.k8s.io/v1/networkpolicies", "pods": "/api/v1/pods",
         "namespaces": "/api/v1/namespaces"}
#: Seconds. A rollout changes many pods at once: a pause so short is not seen by people and saves most of the work.
SETTLE = 0.05


class Controller:
    """Brings the node's table to what the API server holds."""

    def __init__(self, spec: NodeSpec, files: ClientFiles) -> None:
        self._spec = spec
        self._changed = threading.Event()
        self._mirrors = {name: Mirror(path, files, self._changed.set) for name, path in PATHS.items()}
        self._applied = ""

    def run(self) -> None:
        """For ever. Raises OSError when the table is refused."""
        for mirror in self._mirrors.values():
            mirror.start()
        for mirror in self._mirrors.values():
            mirror.listed.wait()
        while True:
            self._changed.wait()
            time.sleep(SETTLE)
            self._changed.clear()
            self._apply()

    def _apply(self) -> None:
        policies, namespaces = self._mirrors["policies"].items(), self._mirrors["namespaces"].items()
        pods = pods_with_addresses(self._mirrors["pods"].items())
        labels = {each["metadata"]["name"]: each["metadata"].get("labels") or {} for each in namespaces}
        text = Ruleset(policies, pods, labels, self._spec.pod_range,
                       blocks_match_pods=self._spec.network_policy == "calico").render()
        if text == self._applied:
            return
        replace(text)
        self._applied = text
        print(f"{time.strftime('%H:%M:%S')} {summary(policies, pods)}")


def replace(text: str) -> None:
    """Give nftables a script. Raises OSError with its complaint and the script."""
    done = subprocess.run(["nft", "-f", "-"], input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError(f"{text}\nnftables refused the table above: {done.stderr.strip()}")


def summary(policies: Sequence[Mapping[str, Any]], pods: Sequence[Pod]) -> str:
    """One line for people who look why a call is not answered."""
    parts = []
    for direction in ("Ingress", "Egress"):
        names = [f"{pod.namespace}/{pod.name}" for pod in isolated(policies, pods, direction)]
        parts.append(f"{direction.lower()} isolated: {', '.join(names) or 'none'}")
    return f"policies: {len(policies)}, pods: {len(pods)}, {'; '.join(parts)}"


def main(arguments: Sequence[str]) -> None:
    layout = Layout(Path(arguments[0]))
    spec = NodeSpec.from_json(layout.spec_file.read_text(encoding="utf-8"))
    Controller(spec, client_files(layout.certificates, "network-policy", f"https://127.0.0.1:{API_PORT}")).run()


if __name__ == "__main__":
    main(sys.argv[1:])
