# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One family of failures, each a sentence a person can act on. Private to the collection."""

from __future__ import annotations

import typing as t

from . import refusals
from .remedies import remedy


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
    """Google answered with an error. All of its error shapes end here (refusals.py).

    ``status`` is the HTTP status, ``code`` the rpc status name ("NOT_FOUND", empty where an API has none),
    ``reason`` the machine word of the first detail or of ``errors[]`` ("SERVICE_DISABLED", "alreadyExists").
    ``uncertain`` says that an earlier try of the same call may have been carried out (its reply was lost).
    The message is what was said, why, and what to do; the whole answer is kept in the result's ``google_error``.
    APIs with other words for all this have a subclass.
    """

    speaker: t.ClassVar[str] = "Google"
    fact: t.ClassVar[str] = "google_error"
    remedy: t.ClassVar[t.Callable[[refusals.Refusal, int], str]] = staticmethod(remedy)

    def __init__(
        self,
        method: str,
        url: str,
        status: int,
        refusal: refusals.Refusal,
        request_id: str = "",
        uncertain: bool = False,
    ) -> None:
        self.method = method
        self.url = url
        self.status = status
        self.said = refusal.said
        self.code = refusal.code
        self.reason = refusal.reason
        self.details = refusal.details
        self.refusal = refusal
        self.request_id = request_id or refusal.request_id
        self.uncertain = uncertain
        super().__init__(
            _sentence(
                f"{self.speaker} answered {self.code or self.reason or f'HTTP {status}'}",
                refusal,
                self.remedy(refusal, status),
            )
            + (f" (request {self.request_id})" if self.request_id else ""),
            status=status,
            **{
                self.fact: {
                    "method": method,
                    "url": url,
                    "status": status,
                    "code": self.code,
                    "reason": self.reason,
                    "message": self.said,
                    "details": self.details,
                    "request_id": self.request_id,
                }
            },
        )

    def violations(self) -> list[str]:
        """Sentences from PreconditionFailure, BadRequest and the like, where Apigee hides the useful part."""
        return list(self.refusal.because)

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
    def final(self) -> bool:
        """Nothing was done, and the same call would be refused again."""
        return self.status in (400, 401, 403, 404, 412) and not self.uncertain

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
        """Read a reply's body, whatever shape it has."""
        return cls(method, url, status, refusals.read(body), request_id, uncertain)


def _sentence(beginning: str, refusal: refusals.Refusal, do: str) -> str:
    """What was said, why, and what to do about it."""
    text = f"{beginning}: {refusal.said}" if refusal.said else beginning
    for because in refusal.because:
        text += f"\n  because {because}"
    if do:
        text += f"\n  do {do}"
    for link in refusal.links:
        text += f"\n  see {link}"
    return text


class OperationError(Failure):
    """A long operation ended in an error. ``number`` is the google.rpc code where there is one (9: precondition).

    ``said`` is what people are told when Google's own message is not enough, or there is none.
    """

    def __init__(self, operation: str, said: str, number: int = 0, details: list[t.Any] | None = None) -> None:
        self.operation = operation
        self.said = said
        self.number = number
        refusal = refusals.of_status({"code": number, "message": said, "details": details or []})
        self.reason = refusal.reason
        super().__init__(
            _sentence(f"Google's operation {operation} failed", refusal, remedy(refusal, 0)),
            google_error={"operation": operation, "code": number, "message": said, "details": details or []},
        )
