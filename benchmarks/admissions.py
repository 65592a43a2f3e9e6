# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an admission costs: dry runs of pods at a steady rate, beside those that nobody is asked about."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks.processes import cpu, memory, of_pods, quantile

RATE, COUNT, WARM = 100, 1000, 100
CONNECTIONS = 8
TIMEOUT = 60.0
NAMESPACE, SERVICE = "shop", "tls-sidecar.gatewayops.io/service"
WEBHOOK = "/api/v1/namespaces/tls-sidecar/pods"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods?dryRun=All"


class Admissions:
    """Calls of one API server. ``server`` is its address, ``authority`` a file."""

    def __init__(self, server: str, authority: str, token: str) -> None:
        self._host, _, self._port = server.removeprefix("https://").partition(":")
        self._context = ssl.create_default_context(cafile=authority)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def measure(self, annotated: bool) -> dict[str, float]:
        """Seconds of a dry run (p50, p99); for annotated pods CPU seconds and MiB of the webhook, where one runs."""
        pods = self._ask(self._connect(), "GET", WEBHOOK).get("items", []) if annotated else []
        processes = of_pods(item["metadata"]["uid"] for item in pods)
        self._steadily(WARM, annotated)
        before = cpu(processes)
        seconds, late = self._steadily(COUNT, annotated)
        found = {"p50": quantile(seconds, 0.5), "p99": quantile(seconds, 0.99), "count": len(seconds), "late": late}
        if processes:
            found["cpu"] = (cpu(processes) - before) / len(seconds)
            found["memory"] = max(map(memory, processes))
        return found

    def _steadily(self, count: int, annotated: bool) -> tuple[list[float], float]:
        """Seconds of each call, and how much longer all took than the rate wants."""
        seconds: list[float] = []
        began = time.monotonic()

        def work(first: int) -> None:
            connection = self._connect()
            for number in range(first, count, CONNECTIONS):
                time.sleep(max(0.0, began + number / RATE - time.monotonic()))
                start = time.perf_counter()
                made = self._ask(connection, "POST", PODS, pod(number, annotated))
                seconds.append(time.perf_counter() - start)
                names = [item["name"] for item in made["spec"].get("initContainers", [])]
                if ("tls-sidecar" in names) is not annotated:
                    raise SystemExit(f"a pod with annotated={annotated} came back with init containers {names}.")
            connection.close()

        with ThreadPoolExecutor(CONNECTIONS) as pool:
            list(pool.map(work, range(CONNECTIONS)))
        return seconds, max(0.0, time.monotonic() - began - count / RATE)

    def _connect(self) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(self._host, int(self._port or 443), context=self._context, timeout=TIMEOUT)

    def _ask(self, connection: http.client.HTTPSConnection, verb: str, path: str, body: Any = None) -> dict[str, Any]:
        connection.request(verb, path, json.dumps(body) if body else None, self._headers)
        response = connection.getresponse()
        answer = json.loads(response.read())
        if response.status not in (200, 201):
            raise SystemExit(f"{verb} {path}: {response.status} {answer.get('message')}")
        return answer


def pod(number: int, annotated: bool) -> dict[str, Any]:
    """A pod of some size: two containers with 25 variables each."""
    variables = [{"name": f"SETTING_{index}", "value": "x" * 40} for index in range(25)]
    image = "docker.io/gatewayops/sample-app:1"
    containers = [
        {"name": "app", "image": image, "env": variables, "ports": [{"containerPort": 8080}]},
        {"name": "helper", "image": image, "env": variables},
    ]
    annotations = {SERVICE: "orders"} if annotated else {}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"benchmark-{number}", "annotations": annotations},
        "spec": {"containers": containers},
    }


def both(admissions: Admissions, use_webhook: Callable[[], None]) -> dict[str, dict[str, float]]:
    """Beside each other: nobody asked, the policy, the webhook, and nobody asked again. The site has the policy."""
    found = {"bare": admissions.measure(False), "policy": admissions.measure(True)}
    use_webhook()
    found["webhook"] = admissions.measure(True)
    found["bare, again"] = admissions.measure(False)
    return found
