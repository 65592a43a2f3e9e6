# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A site whose pods end TLS, looked at from where Apigee stands, and constant load through Apigee."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509

from testbed.network.namespace import Namespace
from testbed.state import State, cache_folder
from tests.acceptance.cloud import APIGEE_SCALE, Cloud, Run

SUFFIX = "gke.acme.internal"
HOST = f"orders.shop.svc.{SUFFIX}"
TLS_PORT, PLAIN_PORT = 8443, 8080
# The drain of docs/tls.md with Apigee's times at the scale of these testbeds: propagation, TTL, cache, connect; margin.
DRAIN_SECONDS = round((15 + 10 + 60 + 3 + 5) * APIGEE_SCALE + 0.5)
FAILED = "messaging.adaptors.http.flow.SslHandshakeFailed"


def play(cloud: Cloud, *arguments: str, check: bool = True, tls: Any = True, **variables: Any) -> Run:
    """Run the site with TLS; ``variables`` are extra variables."""
    values = {"testbed_drain_seconds": DRAIN_SECONDS, **variables}
    declaration = cloud.declaration(tls=tls)
    return cloud.play("site.yml", *arguments, "-e", json.dumps(values), declaration=declaration, check=check)


def items(cloud: Cloud, *arguments: str) -> list[dict[str, Any]]:
    """What ``kubectl get`` finds."""
    return json.loads(cloud.kubectl("get", *arguments, "-o", "json"))["items"]


def pods(cloud: Cloud, selector: str = "app.kubernetes.io/name=orders") -> dict[str, str]:
    """Name and address of the pods of namespace shop that do not leave."""
    found = items(cloud, "pods", "-n", "shop", "-l", selector)
    return {
        pod["metadata"]["name"]: pod["status"]["podIP"]
        for pod in found
        if "deletionTimestamp" not in pod["metadata"] and pod["status"].get("podIP")
    }


def restarts(cloud: Cloud) -> dict[str, int]:
    """How often each pod's sidecar was started again."""
    return {
        pod["metadata"]["name"]: next(
            each["restartCount"] for each in pod["status"]["initContainerStatuses"] if each["name"] == "tls-sidecar"
        )
        for pod in items(cloud, "pods", "-n", "shop", "-l", "app.kubernetes.io/name=orders")
    }


def apigee(cloud: Cloud) -> Namespace:
    """The network in which Apigee's instances stand."""
    return Namespace(State(home=cloud.home, cache=cache_folder()).namespace("apigee"))


def reached(cloud: Cloud, address: str, port: int) -> bool:
    """Whether a connection comes about from where Apigee stands."""

    def attempt() -> bool:
        try:
            socket.create_connection((address, port), timeout=1).close()
        except OSError:
            return False
        return True

    return apigee(cloud).inside(attempt)


def shown(cloud: Cloud, address: str) -> x509.Certificate:
    """The certificate that a pod shows to a new connection from Apigee's network."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    def ask() -> bytes:
        with (
            socket.create_connection((address, TLS_PORT), timeout=3) as plain,
            context.wrap_socket(plain, server_hostname=HOST) as secured,
        ):
            return secured.getpeercert(binary_form=True) or b""

    return x509.load_der_x509_certificate(apigee(cloud).inside(ask))


@dataclass
class Load:
    """What callers outside saw."""

    done: int = 0
    failed: list[str] = field(default_factory=list)


@contextlib.contextmanager
def load(cloud: Cloud, callers: int = 3, pause: float = 0.1) -> Iterator[Load]:
    """Call the service through Apigee all the time, until the block ends."""
    outcome, stop = Load(), threading.Event()
    northbound = cloud.connection["northbound"]
    trust = ssl.create_default_context(cafile=northbound["ca_cert"])
    began = time.monotonic()

    def caller() -> None:
        link = None
        while not stop.is_set():
            try:
                if link is None:
                    link = http.client.HTTPConnection("api.acme.example", timeout=30)
                    plain = socket.create_connection((northbound["address"], northbound["port"]), 10)
                    link.sock = trust.wrap_socket(plain, server_hostname="api.acme.example")
                link.request("GET", "/orders/42")
                answer = link.getresponse()
                body = answer.read()
                if answer.status != 200:
                    outcome.failed.append(f"{time.monotonic() - began:.1f} s: {answer.status} {body[:300]!r}")
                if answer.will_close:
                    link = None
            except (OSError, http.client.HTTPException) as error:
                outcome.failed.append(f"{time.monotonic() - began:.1f} s: {error!r}")
                link = None
            outcome.done += 1
            stop.wait(pause)
        if link is not None:
            link.close()

    threads = [threading.Thread(target=caller) for _each in range(callers)]
    for thread in threads:
        thread.start()
    try:
        yield outcome
    finally:
        stop.set()
        for thread in threads:
            thread.join()
