# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A site whose pods end TLS, looked at from where Apigee stands, and constant load through Apigee."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import ssl
from typing import Any

from cryptography import x509

from testbed.callers import Seen, calling
from testbed.network.namespace import Namespace
from testbed.state import State, cache_folder
from tests.acceptance.cloud import APIGEE_SCALE, URL, Cloud, Run

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


def killed(cloud: Cloud, tls: Any, *there: str) -> bool:
    """Run the site with TLS until ``kubectl get`` finds something, then kill the run; whether it was killed."""

    def kill(pid: int) -> bool:
        if not items(cloud, *there):
            return False
        os.kill(pid, signal.SIGKILL)
        return True

    values = json.dumps({"testbed_drain_seconds": DRAIN_SECONDS})
    return cloud.play_killed(kill, "-e", values, declaration=cloud.declaration(tls=tls), timeout=300)


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


def without_certificate(cloud: Cloud, address: str) -> int:
    """The status with which a pod answers a caller in Apigee's network who shows no certificate."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    def ask() -> int:
        link = http.client.HTTPSConnection(address, TLS_PORT, timeout=5, context=context)
        try:
            link.request("GET", "/42", headers={"Host": HOST})
            return link.getresponse().status
        finally:
            link.close()

    return apigee(cloud).inside(ask)


def load(cloud: Cloud, callers: int = 3, pause: float = 0.1) -> contextlib.AbstractContextManager[Seen]:
    """Call the service through Apigee all the time, until the block ends."""
    return calling(cloud.connection, URL, callers, pause)
