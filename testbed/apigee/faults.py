# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults: what interrupts a flow, and the body that Apigee gives them.

Codes and texts: Apigee "Runtime error catalog" and its troubleshooting playbooks; the error reference of each policy
for the policies' own. The reason of a refused connection and of NoActiveTargets is published nowhere: clients match on
errorcode, not on these.
"""
from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from testbed.apigee.messages import Message

_FLOW = "messaging.adaptors.http.flow."


class Fault(Exception):
    """Ends the normal flow. ``response`` replaces the default body (RaiseFault, a target's own error response)."""

    def __init__(self, status: int, errorcode: str, faultstring: str, reason: str | None = None, *,
                 response: Message | None = None, raised_by: str | None = None) -> None:
        super().__init__(f"{errorcode}: {faultstring}")
        self.status = status
        self.errorcode = errorcode
        self.faultstring = faultstring
        self.reason = reason
        self.response = response
        self.raised_by = raised_by

    @property
    def name(self) -> str:
        """Value of the variable fault.name: the last part of the error code."""
        return self.errorcode.rpartition(".")[2]

    def body(self) -> bytes:
        detail = {"errorcode": self.errorcode}
        if self.reason:
            detail["reason"] = self.reason
        fault = {"faultstring": self.faultstring, "detail": detail}
        return json.dumps({"fault": fault}, separators=(",", ":")).encode()


def application_not_found(host: str, path: str) -> Fault:
    return Fault(404, _FLOW + "ApplicationNotFound", f"Unable to identify proxy for host: {host} and url: {path}",
                 "CLASSIFICATION_FAILURE")


def shared_flow_not_found(name: str) -> Fault:
    """Source: Apigee "FlowCallout policy runtime error troubleshooting"."""
    return Fault(500, "flow.SharedFlowNotFound", f"Shared Flow {name} Not Found")


def route_failed() -> Fault:
    return Fault(500, "messaging.runtime.RouteFailed", "Unable to route the message to a TargetEndpoint")


def unresolved_host(host: str) -> Fault:
    return Fault(503, "protocol.http.NoResolvedHost", f"Unable to resolve host {host}",
                 "TARGET_CONNECT_HOST_NOT_REACHABLE")


def connect_timeout() -> Fault:
    return Fault(503, _FLOW + "ServiceUnavailable", "The Service is temporarily unavailable", "TARGET_CONNECT_TIMEOUT")


def connection_refused() -> Fault:
    return Fault(503, _FLOW + "ServiceUnavailable", "The Service is temporarily unavailable",
                 "TARGET_CONNECT_CONNECTION_REFUSED")


def handshake_failed(why: str) -> Fault:
    return Fault(503, _FLOW + "SslHandshakeFailed", f"SSL Handshake failed {why}")


def unexpected_eof() -> Fault:
    return Fault(502, _FLOW + "UnexpectedEOFAtTarget", "Unexpected EOF at target", "TARGET_UNEXPECTED_EOF")


def read_timeout() -> Fault:
    return Fault(504, _FLOW + "GatewayTimeout", "Gateway Timeout", "TARGET_READ_TIMEOUT")


def no_active_targets() -> Fault:
    return Fault(503, _FLOW + "NoActiveTargets", "The Service is temporarily unavailable", "TARGET_NO_ACTIVE_TARGETS")


def error_response_code(response: Message) -> Fault:
    """A target answered with a status outside success.codes; the client gets that answer, as fault rules leave it."""
    return Fault(response.status, _FLOW + "ErrorResponseCode", f"Received {response.status} Response",
                 "TARGET_RESPONSE_STATUS", response=response)


def body_too_big(side: str) -> Fault:
    """``side`` is ``request`` (413) or ``response`` (502)."""
    return Fault(413 if side == "request" else 502, "protocol.http.TooBigBody", "Body buffer overflow")


def unsupported(what: str) -> Fault:
    """Not a code of Apigee: it says that the testbed's runtime, unlike Apigee, cannot do this."""
    return Fault(501, "testbed.apigee.Unsupported", f"The testbed's Apigee runtime does not execute {what}")


def malformed_request(what: str) -> Fault:
    """A body that is not HTTP. The code is the testbed's own: Apigee's ingress refuses such requests before Apigee."""
    return Fault(400, "testbed.apigee.MalformedRequest", f"Malformed request body: {what}")


def internal_error() -> Fault:
    return Fault(500, "messaging.runtime.UnknownException", "Internal error of the testbed's Apigee runtime")
