# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Google's refusals in one form, whichever shape they come in. Private to the collection.

Shapes that are read (google-apis.md section 2, the google.rpc package's error_details.proto):

* ``{error: {code, message, status, details[]}}``: rpc style, which Apigee calls format v2
* ``{error: {code, message, errors[{domain, message, reason}]}}``: Compute Engine, Cloud DNS, and format v1 anywhere
* ``{error: "invalid_grant", error_description: ...}``: token endpoints
* ``{fault: {faultstring, detail: {errorcode}}}``: Apigee's gateways, also in front of its management API
* ``{code, message, contexts[]}``: Apigee's older management API
* a bare ``google.rpc.Status``: the end of an operation, the ``errors[]`` of a deployment
* text or HTML of whatever stands on the way

``details[]`` holds typed messages; those of ``google.rpc`` and Apigee's ``BadBundle`` become sentences here. Nothing
is thrown away: :attr:`Refusal.details` keeps every one as it came.
"""

from __future__ import annotations

import dataclasses
import html
import json
import re
import typing as t

Document = dict[str, t.Any]

#: google.rpc codes by number: operations and deployments tell only this.
CODES = (
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
)
#: Characters of a text that is no document, as shown.
LONGEST = 500


@dataclasses.dataclass(frozen=True)
class Refusal:
    """What was said, and why, in sentences.

    said        Google's own message
    code        the rpc status name ("NOT_FOUND"); empty where an API has none
    reason      the machine word of the first detail, or of ``errors[]`` ("SERVICE_DISABLED", "alreadyExists")
    details     every detail as it came
    because     a sentence for each violation
    kinds       machine words beside the reason: types of violations ("CONFLICTING_DEPLOYMENT")
    facts       ErrorInfo's metadata (permission, resource, service, ...)
    links       "description: address", from Help
    request_id  by which Google's support finds it
    """

    said: str
    code: str = ""
    reason: str = ""
    details: list[t.Any] = dataclasses.field(default_factory=list)
    because: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    facts: dict[str, str] = dataclasses.field(default_factory=dict)
    links: tuple[str, ...] = ()
    request_id: str = ""

    @property
    def text(self) -> str:
        """Everything in which a remedy's words may stand."""
        return "\n".join((self.code, self.reason, *self.kinds, self.said, *self.because))


def read(body: bytes) -> Refusal:
    """The refusal in a reply's body, whatever that is."""
    try:
        document = json.loads(body.decode("utf-8"))
    except ValueError:
        return Refusal(_plain(body.decode("utf-8", "replace")))
    if isinstance(document, list) and document:
        document = document[0]
    if not isinstance(document, dict):
        return Refusal(_plain(body.decode("utf-8", "replace")))
    error = document.get("error")
    if isinstance(error, str):
        return Refusal(str(document.get("error_description") or error), code=error)
    if isinstance(error, dict):
        return of_status(error)
    fault = document.get("fault")
    if isinstance(fault, dict):
        code = str(_inside(fault, "detail").get("errorcode") or "")
        return Refusal(str(fault.get("faultstring") or code), reason=code, details=[fault])
    if document.get("message") and document.get("code"):
        contexts = [one for one in document.get("contexts") or [] if one]
        return Refusal(str(document["message"]), reason=str(document["code"]), details=contexts)
    return Refusal(_plain(body.decode("utf-8", "replace")))


def of_status(status: Document) -> Refusal:
    """The refusal in a ``google.rpc.Status`` or in the ``error`` of a reply."""
    said = str(status.get("message") or "")
    number = status.get("code")
    code = str(status.get("status") or "")
    if not code and isinstance(number, int) and 0 < number < len(CODES):
        code = CODES[number]
    details = [one for one in status.get("details") or [] if one]
    older = [one for one in status.get("errors") or [] if isinstance(one, dict)]
    told = _Telling(said)
    for detail in details:
        if isinstance(detail, dict):
            told.add(detail)
            told.add_nested(detail)
    for entry in older:
        told.reason = told.reason or str(entry.get("reason") or entry.get("code") or "")
        told.say(entry.get("location"), entry.get("message"))
        told.add_nested(entry)
    return Refusal(
        said=said,
        code=code,
        reason=told.reason,
        details=[*details, *older],
        because=tuple(told.because),
        kinds=tuple(dict.fromkeys(told.kinds)),
        facts=told.facts,
        links=tuple(told.links),
        request_id=told.request_id,
    )


class _Telling:
    """Collects what the details of one refusal say."""

    def __init__(self, said: str) -> None:
        self.said = said
        self.reason = ""
        self.because: list[str] = []
        self.kinds: list[str] = []
        self.facts: dict[str, str] = {}
        self.links: list[str] = []
        self.request_id = ""

    def say(self, where: t.Any, text: t.Any) -> None:
        """One sentence, unless it has been said."""
        sentence = f"{where}: {text}" if where and text else str(text or where or "")
        if sentence and text != self.said and sentence not in self.because:
            self.because.append(sentence)

    def add(self, detail: Document) -> None:
        """Whatever one detail carries; its type decides only where the same words mean different things."""
        kind = str(detail.get("@type") or "").rsplit(".", 1)[-1]
        self.reason = self.reason or str(detail.get("reason") or "")
        self.request_id = self.request_id or str(detail.get("requestId") or "")
        for name, value in _inside(detail, "metadata", "metadatas").items():
            self.facts.setdefault(str(name), str(value))
        for violation in [*_listed(detail, "violations"), *_listed(detail, "fieldViolations")]:
            self._violation(violation, quota=kind == "QuotaFailure")
        if kind in ("ResourceInfo", "LocalizedMessage", "localizedMessage"):
            self.say(detail.get("resourceName"), detail.get("description") or detail.get("message"))
        if kind == "quotaInfo":
            self._violation({**detail, "quotaId": detail.get("limitName"), "quotaValue": detail.get("limit")}, True)
        for link in _listed(detail, "links"):
            self.links.append(": ".join(str(link[key]) for key in ("description", "url") if link.get(key)))

    def add_nested(self, entry: Document) -> None:
        """Compute Engine's ``errorDetails``: each detail stands under its field instead of naming its type."""
        for inner in _listed(entry, "errorDetails"):
            for name, detail in inner.items():
                if isinstance(detail, dict):
                    self.add({"@type": name, **detail})

    def _violation(self, violation: Document, quota: bool) -> None:
        kind, text = violation.get("type") or violation.get("reason"), violation.get("description")
        if kind:
            self.kinds.append(str(kind))
        if quota:
            name = violation.get("quotaId") or violation.get("quotaMetric") or violation.get("metricName")
            limit = violation.get("quotaValue")
            parts = [f"quota {name}" if name else "", f"limit {limit}" if limit not in (None, "") else ""]
            where = ", ".join([part for part in parts if part] or [str(violation.get("subject") or "")])
        else:
            where = next((violation[one] for one in ("subject", "field", "filename") if violation.get(one)), kind)
        self.say(where, text)


def _listed(detail: Document, name: str) -> list[Document]:
    return [one for one in detail.get(name) or [] if isinstance(one, dict)]


def _inside(document: Document, *names: str) -> Document:
    for name in names:
        found = document.get(name)
        if isinstance(found, dict):
            return found
    return {}


def _plain(text: str) -> str:
    """A text without markup: load balancers and proxies on the way answer with pages."""
    if re.search(r"<\s*(!doctype|html|head|body|title|h1)\b", text, re.I):
        text = re.sub(r"(?is)<(script|style)\b.*?</\1\s*>", " ", text)
        text = html.unescape(re.sub(r"<[^>]*>", " ", text))
    return re.sub(r"\s+", " ", text).strip()[:LONGEST]
