# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each way to the same pods adds to a call, beside Apigee's straight one, all on one testbed in one run.

``python -m benchmarks.latency`` brings up a testbed of its own, prints the table and, as its last line, JSON.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import ssl
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.processes import quantile
from testbed.commands.common import control
from testbed.network.namespace import Namespace
from testbed.state import State
from tooling import demo_microgateway, gateway_call
from tooling.prepare import ROOT, VENV
from tooling.steps import StepFailed, run

Entry = dict[str, Any]

TESTBED = str(VENV / "bin" / "testbed")
PLAY = [str(VENV / "bin" / "ansible-playbook"), "-i", "inventories/testbed"]
ROUNDS = 20
"""All ways take turns, each time from another one on, so that what else the machine does falls on all of them."""

WARM_UP, WARM, COLD = 3, 20, 4
"""In each turn: calls that are not counted, calls on the connection that these opened, calls on a new one each."""

LONGEST_SECONDS = 4.0
"""Of the counted calls of one way in one turn; what it managed by then counts, and that is said."""

TIMEOUT = 60.0
HOST = "api.acme.example"
#: Of the sample application; one, so that every way ends at the very same.
NAMESPACE, WORKLOAD, PORT, REPLICAS = "shop", "orders", 8080, 1
LABELS = {"app.kubernetes.io/name": WORKLOAD}


# -- what is called ---------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Request:
    """A GET: who is connected to (``connect`` opens TCP), the TLS trust (None: plain), and what is asked for.

    ``workload``: whose pod has to answer.
    """

    connect: Callable[[], socket.socket]
    trust: ssl.SSLContext | None
    host: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    workload: str = WORKLOAD


@dataclass(frozen=True)
class Site:
    """What has to be there: a playbook with the facts that it takes."""

    playbook: str
    facts: Entry = field(default_factory=dict)


@dataclass(frozen=True)
class Way:
    """One row: its name, its site, and the request, which can be asked for once the site is there.

    ``inside``: its caller stands in a network of the testbed, which root alone can.
    """

    name: str
    site: Site
    request: Callable[[], Request]
    inside: bool = False


def apigee(path: str) -> Request:
    """A call to Apigee's host name."""
    return _to(gateway_call.connection()["northbound"], HOST, path)


def gateway(name: str) -> Request:
    """A call to a gateway of API Gateway, with its key."""
    where = gateway_call.connection()["api_gateway"]
    return _to(where, gateway_call.host(name), f"/{WORKLOAD}", {"x-api-key": gateway_call.key(name)})


def pod() -> Request:
    """A call from where Apigee is to the pod itself, with nothing between."""
    asking = Caller(DIRECT, apigee("/plain/42"))
    address = str(asking.answer()["pod_address"])
    asking.close()
    place = Namespace(State.from_environment().namespace("apigee"))
    connect = partial(place.inside, partial(socket.create_connection, (address, PORT), TIMEOUT))
    return Request(connect, None, address, f"/{WORKLOAD}")


def microgateway(service: str = demo_microgateway.SERVICE, workload: str = WORKLOAD) -> Request:
    """A call from the cluster's node to a gateway's Service, with a key."""
    place = Namespace(State.from_environment().namespace("node-0"))
    address = demo_microgateway.address(service)
    connect = partial(place.inside, partial(socket.create_connection, address, TIMEOUT))
    headers = {"x-api-key": demo_microgateway.key()}
    return Request(connect, None, address[0], demo_microgateway.PATH, headers, workload)


def _to(where: Entry, host: str, path: str, headers: dict[str, str] | None = None) -> Request:
    """A call to an entry of connection.json."""
    connect = partial(socket.create_connection, (where["address"], where["port"]), TIMEOUT)
    return Request(connect, ssl.create_default_context(cafile=where["ca_cert"]), host, path, headers or {})


_COMMON = {
    "project": "{{ testbed.project }}",
    "region": "europe-west1",
    "network": "shop-vpc",
    "domain": "acme.internal",
    "clusters": {"gke": {"dns": "vpc_scope"}},
}
_SAMPLE = {"image": "docker.io/gatewayops/sample-app:1", "replicas": REPLICAS}
STRAIGHT = Site(
    "site.yml",
    {
        "apigee_gke": {
            **_COMMON,
            # Both ways are to reach the same pod, so its plain port must stay open.
            "tls": {"network_policy": False},
            "environments": {"prod": {"hostnames": [HOST]}},
            "services": [
                {"name": WORKLOAD, "namespace": NAMESPACE, "port": PORT, "sample": _SAMPLE},
                {"name": "plain", "namespace": NAMESPACE, "port": PORT, "selector": LABELS, "tls": False},
            ],
            "proxies": [
                {"name": "orders", "base_path": "/tls", "service": WORKLOAD},
                {"name": "plain", "base_path": "/plain", "service": "plain"},
            ],
        }
    },
)


def behind_gateway(name: str, egress: str) -> Site:
    """The pods behind a gateway, a function and an internal load balancer of this name."""
    return Site(
        "playbooks/api_gateway.yml",
        {
            "api_gateway_gke": {
                **_COMMON,
                "services": [{"name": name, "namespace": NAMESPACE, "port": PORT, "selector": LABELS}],
                "egress": egress,
                "gateway": {
                    "name": name,
                    "routes": [{"path": f"/{WORKLOAD}", "methods": ["get"]}],
                    "keys": {name: {}},
                },
            }
        },
    )


BEHIND_INGRESS = Site(
    "playbooks/ingress.yml",
    {
        "ingress_gke": {
            **_COMMON,
            "environments": {"prod": {"hostnames": [HOST]}},
            "services": [{"name": "public", "port": PORT, "selector": LABELS, "health_check": {"path": "/healthz"}}],
            "ingress": {"name": "public", "namespace": NAMESPACE, "hosts": ["shop.acme.example"], "http": "plain"},
            "proxies": [{"name": "public", "base_path": "/ingress"}],
        }
    },
)

BEHIND_MICROGATEWAY = Site(
    "playbooks/microgateway.yml",
    {
        "microgateway_gke": _COMMON,
        # The other ways are to reach the pod as well.
        "edge_microgateway_targets": [
            {"name": WORKLOAD, "namespace": NAMESPACE, "selector": LABELS, "port": PORT, "protect": False}
        ],
        # Without a cache every call would ask Edge, which is far away on the day and next door here.
        "edge_microgateway_plugins": [{"name": "oauth", "settings": {"cacheKey": True}}],
    },
)
#: The same application in a pod of its own: its way in is closed to all who do not come by the gateway.
BESIDE = "beside"
BESIDE_MICROGATEWAY = Site(
    "playbooks/microgateway.yml",
    {
        "edge_microgateway_mode": "sidecar",
        "microgateway_gke": {
            **_COMMON,
            "services": [{"name": BESIDE, "namespace": NAMESPACE, "port": PORT, "sample": _SAMPLE}],
        },
        "edge_microgateway_workloads": [
            {
                "name": BESIDE,
                "namespace": NAMESPACE,
                "application_port": PORT,
                "plugins": BEHIND_MICROGATEWAY.facts["edge_microgateway_plugins"],
                "verify": {"path": "/healthcheck", "status": [200]},
            }
        ],
        # As the gateway before the Service needs it.
        "edge_microgateway_products": [{"name": WORKLOAD, "proxies": [f"edgemicro_{WORKLOAD}"], "paths": ["/"]}],
    },
)
#: What the testbed's nodes need beside what all have, as ``TESTBED_IMAGES``.
IMAGES = "edge-microgateway"

#: The way that all others are compared with.
DIRECT = "Apigee straight to the pods, plain HTTP"
NOTHING = "no gateway at all"
#: In this order; a way more is an entry more.
WAYS = (
    Way(NOTHING, STRAIGHT, pod, inside=True),
    Way(DIRECT, STRAIGHT, partial(apigee, "/plain/42")),
    Way("Apigee straight to the pods, TLS sidecar", STRAIGHT, partial(apigee, "/tls/42")),
    Way("Apigee, Ingress with Cloud Armor", BEHIND_INGRESS, partial(apigee, "/ingress/42")),
    Way("Edge Microgateway as a Service", BEHIND_MICROGATEWAY, microgateway, inside=True),
    Way(
        "Edge Microgateway as a sidecar",
        BESIDE_MICROGATEWAY,
        partial(microgateway, f"/api/v1/namespaces/{NAMESPACE}/services/{BESIDE}-gateway", BESIDE),
        inside=True,
    ),
    Way("API Gateway, function, direct egress", behind_gateway("direct", "direct"), partial(gateway, "direct")),
    Way("API Gateway, function, connector", behind_gateway("connector", "connector"), partial(gateway, "connector")),
)


# -- calling ----------------------------------------------------------------------------------------------------------
class Caller:
    """Calls one way, on a connection that it keeps for as long as it is asked to."""

    def __init__(self, name: str, request: Request) -> None:
        self._name = name
        self._request = request
        self._link: http.client.HTTPConnection | None = None

    def call(self) -> float:
        """Seconds until the last byte of the answer, connecting included where no connection is kept.

        :raises StepFailed: when it is not the application that answers.
        """
        return self._call()[0]

    def answer(self) -> Entry:
        """What the application says of a call.

        :raises StepFailed: when it is not the application that answers.
        """
        return self._call()[1]

    def _call(self) -> tuple[float, Entry]:
        began = time.perf_counter()
        link = self._link or self._connect()
        link.request("GET", self._request.path, headers=self._request.headers)
        reply = link.getresponse()
        body = reply.read()
        took = time.perf_counter() - began
        self._link = link
        said = _read(body)
        workload = self._request.workload
        if reply.status != 200 or not str(said.get("pod")).startswith(f"{workload}-"):
            raise StepFailed(
                f"{self._name}: a pod of {workload} was to answer with 200; there came {reply.status}: {body[:300]!r}"
            )
        if reply.will_close:
            self.close()
        return took, said

    def close(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None

    def _connect(self) -> http.client.HTTPConnection:
        wanted = self._request
        link = http.client.HTTPConnection(wanted.host, timeout=TIMEOUT)
        plain = wanted.connect()
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link.sock = wanted.trust.wrap_socket(plain, server_hostname=wanted.host) if wanted.trust else plain
        return link


def _read(body: bytes) -> Entry:
    """A JSON object; an empty one where it is none."""
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


@dataclass
class Seen:
    """Seconds of the calls of one way, a list for each round."""

    warm: list[list[float]] = field(default_factory=list)
    cold: list[list[float]] = field(default_factory=list)


def turns(callers: dict[str, Caller], forget: Callable[[], Any], rounds: int = ROUNDS) -> dict[str, Seen]:
    """Let all ways take turns. ``forget`` is called before each cold call, and not counted."""
    seen = {name: Seen() for name in callers}
    names = list(callers)
    for number in range(rounds):
        for name in rotated(names, number):
            caller = callers[name]
            for _each in range(WARM_UP):
                caller.call()
            seen[name].warm.append(_counted(WARM, caller.call))
            caller.close()

            def cold(caller: Caller = caller) -> float:
                caller.close()
                forget()
                return caller.call()

            seen[name].cold.append(_counted(COLD, cold))
            caller.close()
    return seen


def rotated(names: list[str], number: int) -> list[str]:
    """All of them, from another one on in each round."""
    start = number % len(names)
    return names[start:] + names[:start]


def _counted(count: int, call: Callable[[], float]) -> list[float]:
    """Seconds of so many calls, or of those that the time allowed; at least one."""
    deadline = time.monotonic() + LONGEST_SECONDS
    found = [call()]
    while len(found) < count and time.monotonic() < deadline:
        found.append(call())
    return found


# -- what it comes to -------------------------------------------------------------------------------------------------
def summary(seen: dict[str, Seen], direct: str = DIRECT) -> dict[str, Entry]:
    """For each way p50 and p95 in seconds, warm and cold, with their ratios to those of ``direct``.

    ``spread`` is the lowest and the highest ratio of p50 in a single round: how far the rounds agree.
    """
    found = {name: {"warm": _part(each.warm), "cold": _part(each.cold)} for name, each in seen.items()}
    for name, parts in found.items():
        for kind, part in parts.items():
            beside = found[direct][kind]
            pairs = zip(getattr(seen[name], kind), getattr(seen[direct], kind), strict=True)
            ratios = [quantile(own, 0.5) / quantile(other, 0.5) for own, other in pairs]
            part.update(
                p50_ratio=part["p50"] / beside["p50"],
                p95_ratio=part["p95"] / beside["p95"],
                added=part["p50"] - beside["p50"],
                spread=[min(ratios), max(ratios)],
            )
    return found


def _part(rounds: Iterable[list[float]]) -> Entry:
    every = [seconds for each in rounds for seconds in each]
    return {"p50": quantile(every, 0.5), "p95": quantile(every, 0.95), "count": len(every)}


# -- one run ----------------------------------------------------------------------------------------------------------
def measure(home: Path) -> Entry:
    """All ways on the testbed in this folder, which is up and empty.

    :raises StepFailed: when a site does not come up, or something else than the application answers.
    """
    # By this the testbed's own tools find it.
    os.environ["TESTBED_HOME"] = str(home)
    ways = [way for way in WAYS if not way.inside or os.geteuid() == 0]
    for playbook, facts in dict.fromkeys((way.site.playbook, json.dumps(way.site.facts)) for way in ways):
        run([*PLAY, playbook, "--extra-vars", facts], cwd=ROOT)
    callers = {way.name: Caller(way.name, way.request()) for way in ways}
    state = State.from_environment()
    load = os.getloadavg()[0]
    seen = turns(callers, partial(control, state, "DELETE", "/memory"))
    return {"rounds": ROUNDS, "load": [load, os.getloadavg()[0]], "ways": summary(seen)}


def main() -> None:
    """Measure on a testbed of its own."""
    # Asked to end, it still takes its testbed down.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        home = Path(folder) / "testbed"
        environment = {**os.environ, "TESTBED_HOME": str(home), "TESTBED_IMAGES": IMAGES}
        try:
            run([TESTBED, "up"], env=environment)
            found = measure(home)
        except StepFailed as failure:
            sys.exit(str(failure))
        finally:
            run([TESTBED, "down"], env=environment)
    print("\n".join(report.latency(found)))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
