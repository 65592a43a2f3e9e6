# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One family of failures, each a sentence a person can act on. Private to the collection."""

from __future__ import annotations

import json
import typing as t


class Failure(Exception):
    """What every part of the collection raises when it cannot go on.

    ``message`` is a sentence: the object, what was wanted, what was found, what to do.
    ``facts`` are added to the module's result as they are.
    """

    def __init__(self, message: str, **facts: t.Any) -> None:
        super().__init__(message)
        self.message = message
        self.facts = facts

    def about(self, subject: str) -> Failure:
        """Put the object's name in front, once."""
        if not self.message.startswith(subject):
            self.message = f"{subject}: {self.message}"
        return self

    def result(self) -> dict[str, t.Any]:
        """Facts for the module's result; never a secret."""
        return {key: value for key, value in self.facts.items() if value not in (None, [], {}, "")}


class CredentialsError(Failure):
    """No usable credentials: missing, malformed, or refused by the token endpoint."""

    def about(self, subject: str) -> Failure:
        """Credentials are everybody's: no object's name in front."""
        return self


class UnreachableError(Failure):
    """No reply at all: name, connection, TLS or timeout, after every retry."""


class RefusedError(Failure):
    """The collection itself will not do it: it would destroy, re-create, or touch what is not ours."""


class DeadlineError(Failure):
    """The budget ran out while Google was still working; the work goes on there."""


class InvalidError(Failure):
    """A declaration that cannot be right, found before anything was sent."""


class ApiError(Failure):
    """Google answered with an error. Both of its error shapes end here.

    ``status`` is the HTTP status, ``code`` the rpc status name ("NOT_FOUND", empty where an API has none),
    ``reason`` the machine word of the first detail or of ``errors[]`` ("SERVICE_DISABLED", "alreadyExists").
    ``uncertain`` says that an earlier try of the same call may have been carried out (its reply was lost).
    """

    def __init__(
        self,
        method: str,
        url: str,
        status: int,
        said: str,
        code: str = "",
        reason: str = "",
        details: list[t.Any] | None = None,
        request_id: str = "",
        uncertain: bool = False,
    ) -> None:
        self.method = method
        self.url = url
        self.status = status
        self.said = said
        self.code = code
        self.reason = reason
        self.details = details or []
        self.request_id = request_id
        self.uncertain = uncertain
        word = code or reason or f"HTTP {status}"
        sentence = f"Google answered {word}: {said}" if said else f"Google answered {word}"
        for violation in self.violations():
            sentence += f"\n  because {violation}"
        if request_id:
            sentence += f" (request {request_id})"
        super().__init__(
            sentence,
            status=status,
            google_error={
                "method": method,
                "url": url,
                "status": status,
                "code": code,
                "reason": reason,
                "message": said,
                "details": self.details,
                "request_id": request_id,
            },
        )

    def violations(self) -> list[str]:
        """Sentences from PreconditionFailure, BadRequest and the like, where Apigee hides the useful part."""
        found = []
        for detail in self.details:
            if not isinstance(detail, dict):
                continue
            for violation in (detail.get("violations") or []) + (detail.get("fieldViolations") or []):
                if isinstance(violation, dict):
                    keys = ("subject", "field", "filename", "type")
                    where = next((violation[key] for key in keys if violation.get(key)), None)
                    text = violation.get("description") or ""
                    found.append(f"{where}: {text}" if where else text)
        return found

    @property
    def missing(self) -> bool:
        """The object or its parent does not exist."""
        return self.status == 404

    @property
    def exists(self) -> bool:
        """A create met an object of that name."""
        if self.reason == "operationInProgress":
            return False
        return (self.status == 409 and self.code not in ("ABORTED",)) or self.code == "ALREADY_EXISTS"

    @property
    def service_disabled(self) -> bool:
        """The API is not enabled in the project."""
        return self.status == 403 and (
            self.reason in ("SERVICE_DISABLED", "accessNotConfigured")
            or "has not been used in project" in self.said
            or "it is disabled" in self.said
        )

    @classmethod
    def read(
        cls, method: str, url: str, status: int, body: bytes, request_id: str = "", uncertain: bool = False
    ) -> ApiError:
        """Read either shape: rpc style (status, details) or compute style (errors[], no status), or plain text."""
        try:
            document = json.loads(body.decode("utf-8"))
        except ValueError:
            document = None
        if isinstance(document, list) and document:
            document = document[0]
        error = document.get("error") if isinstance(document, dict) else None
        if isinstance(error, str):  # token endpoints: {"error": "invalid_grant", "error_description": "..."}
            error = {"message": document.get("error_description") or error, "status": error}
        if not isinstance(error, dict):
            said = body.decode("utf-8", "replace").strip()
            return cls(method, url, status, said[:500], request_id=request_id, uncertain=uncertain)
        details = list(error.get("details") or [])
        reason = ""
        for detail in details:
            if isinstance(detail, dict):
                reason = reason or str(detail.get("reason") or "")
                request_id = request_id or str(detail.get("requestId") or "")
        older = [entry for entry in error.get("errors") or [] if isinstance(entry, dict)]
        for entry in older:
            reason = reason or str(entry.get("reason") or "")
        return cls(
            method,
            url,
            status,
            str(error.get("message") or ""),
            code=str(error.get("status") or ""),
            reason=reason,
            details=details or older,
            request_id=request_id,
            uncertain=uncertain,
        )


class OperationError(Failure):
    """A long operation ended in an error. ``number`` is the google.rpc code where there is one (9: precondition)."""

    def __init__(self, operation: str, said: str, number: int = 0, details: list[t.Any] | None = None) -> None:
        self.operation = operation
        self.said = said
        self.number = number
        super().__init__(
            f"Google's operation {operation} failed: {said}",
            google_error={"operation": operation, "code": number, "message": said, "details": details or []},
        )
