# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads HealthMonitor elements. Source: Apigee "Load balancing across backend servers", health monitors."""
from __future__ import annotations

from testbed.apigee.bundle.model import HealthMonitor, HttpCheck
from testbed.apigee.bundle.xml import Node

# Apigee's documented defaults are not all published; the samples' values serve where a file says nothing.
_INTERVAL = 5
_CONNECT_TIMEOUT = 10
_READ_TIMEOUT = 30


def health_monitor(node: Node) -> HealthMonitor | None:
    """None when the monitor is switched off."""
    node.check(children=("IsEnabled", "IntervalInSec", "TCPMonitor", "HTTPMonitor"))
    interval = node.integer(node.child_text("IntervalInSec"), _INTERVAL, "IntervalInSec", 1)
    tcp, http = node.child("TCPMonitor"), node.child("HTTPMonitor")
    if (tcp is None) == (http is None):
        node.invalid("needs exactly one of TCPMonitor and HTTPMonitor")
        return None
    if tcp is not None:
        tcp.check(children=("ConnectTimeoutInSec", "Port"))
        monitor = HealthMonitor(interval, _connect_timeout(tcp), _port(tcp))
    else:
        monitor = _http(http, interval)
    return monitor if node.boolean(node.child_text("IsEnabled"), False, "IsEnabled") else None


def _connect_timeout(node: Node) -> int:
    return node.integer(node.child_text("ConnectTimeoutInSec"), _CONNECT_TIMEOUT, "ConnectTimeoutInSec", 1)


def _port(node: Node) -> int | None:
    text = node.child_text("Port")
    return node.integer(text, 0, "Port", 1) if text else None


def _http(node: Node, interval: int) -> HealthMonitor | None:
    node.check(children=("Request", "SuccessResponse"))
    request, success = node.child("Request"), node.child("SuccessResponse")
    if request is None:
        node.invalid("HTTPMonitor needs Request")
        return None
    request.check(children=("ConnectTimeoutInSec", "SocketReadTimeoutInSec", "Port", "Verb", "Path", "Header",
                            "Payload"),
                  beyond=("UseTargetServerSSLInfo", "IncludeHealthCheckIdHeader", "IsSSL", "TrustAllSSL"))
    codes: tuple[int, ...] = ()
    expected: tuple[tuple[str, str], ...] = ()
    if success is not None:
        success.check(children=("ResponseCode", "Header"))
        codes = tuple(success.integer(child.text, 200, "ResponseCode", 100) for child in success.all("ResponseCode"))
        expected = _headers(success)
    check = HttpCheck(
        request.child_text("Verb") or "GET", request.child_text("Path") or "/", _headers(request),
        request.child_text("Payload") or "",
        request.integer(request.child_text("SocketReadTimeoutInSec"), _READ_TIMEOUT, "SocketReadTimeoutInSec", 1),
        codes or (200,), expected)
    return HealthMonitor(interval, _connect_timeout(request), _port(request), check)


def _headers(node: Node) -> tuple[tuple[str, str], ...]:
    found = []
    for child in node.all("Header"):
        child.check(attributes=("name",))
        if not child.attribute("name"):
            child.invalid("Header without name")
            continue
        found.append((child.attribute("name") or "", child.text))
    return tuple(found)
