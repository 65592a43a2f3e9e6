# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors in the shape that each Google API answers with."""

from __future__ import annotations

from typing import Any

STATUS = {
    400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 405: "UNIMPLEMENTED",
    409: "ALREADY_EXISTS", 412: "FAILED_PRECONDITION", 429: "RESOURCE_EXHAUSTED", 499: "CANCELLED", 500: "INTERNAL",
    501: "UNIMPLEMENTED", 502: "UNAVAILABLE", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED",
}  # fmt: skip
_REASON = {
    400: "invalid", 401: "authError", 403: "forbidden", 404: "notFound", 405: "httpMethodNotAllowed",
    409: "alreadyExists",
    412: "conditionNotMet", 429: "rateLimitExceeded", 500: "backendError", 501: "notImplemented", 502: "backendError",
    503: "backendError", 504: "backendError",
}  # fmt: skip
CODE = {
    "CANCELLED": 1, "INVALID_ARGUMENT": 3, "DEADLINE_EXCEEDED": 4, "NOT_FOUND": 5, "ALREADY_EXISTS": 6,
    "PERMISSION_DENIED": 7, "RESOURCE_EXHAUSTED": 8, "FAILED_PRECONDITION": 9, "ABORTED": 10, "UNIMPLEMENTED": 12,
    "INTERNAL": 13, "UNAVAILABLE": 14, "UNAUTHENTICATED": 16,
}  # fmt: skip


class GoogleError(Exception):
    """A refusal as Google words it.

    http is the HTTP status; status the google.rpc name (derived from http when None); details the list of typed
    details; reason the word for errors[].reason in the older error shape (derived from http when None).
    """

    def __init__(
        self,
        http: int,
        message: str,
        *,
        status: str | None = None,
        details: list[dict[str, Any]] | None = None,
        reason: str | None = None,
    ) -> None:
        super().__init__(message)
        self.http = http
        self.message = message
        self.status = status or STATUS.get(http, "UNKNOWN")
        self.details = details or []
        self.reason = reason or _REASON.get(http, "invalid")

    def body(self, style: str = "rpc") -> dict[str, Any]:
        """Return the JSON body.

        style: rpc (status, details), both (and errors[]), legacy (errors[], no status), v1 (errors[] and no more).
        """
        error: dict[str, Any] = {"code": self.http, "message": self.message}
        if style != "rpc":
            error["errors"] = [{"message": self.message, "domain": "global", "reason": self.reason}]
        if style not in ("legacy", "v1"):
            error["status"] = self.status
        if self.details and style != "v1":
            error["details"] = self.details
        return {"error": error}

    def operation_error(self) -> dict[str, Any]:
        """Return the same refusal as google.rpc.Status, for the end of an operation."""
        error: dict[str, Any] = {"code": CODE.get(self.status, 2), "message": self.message}
        if self.details:
            error["details"] = self.details
        return error


class ContractViolation(Exception):
    """The emulator's own answer disagrees with the discovery document: a defect of the emulator."""


def precondition(message: str, *violations: dict[str, str]) -> GoogleError:
    """Return HTTP 400 FAILED_PRECONDITION, with google.rpc.PreconditionFailure violations when given."""
    details = []
    if violations:
        details = [{"@type": "type.googleapis.com/google.rpc.PreconditionFailure", "violations": list(violations)}]
    return GoogleError(400, message, status="FAILED_PRECONDITION", details=details, reason="failedPrecondition")


def field_violation(field: str, description: str, message: str | None = None) -> GoogleError:
    """Return HTTP 400 INVALID_ARGUMENT that names a field, with google.rpc.BadRequest details."""
    violation = {"field": field, "description": description}
    details = [{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]}]
    return GoogleError(400, message or description, details=details)
