# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""An AdmissionReview in, its answer out. Private to the collection. Never raises, whatever comes in."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from .inject import Outcome, inject
from .settings import Defaults

API_VERSION, KIND = "admission.k8s.io/v1", "AdmissionReview"
REFUSED, MALFORMED = 422, 400


@dataclasses.dataclass(frozen=True)
class Answer:
    """The AdmissionReview to send back, and for metrics what it says: an outcome's verdict, or ``malformed``."""

    body: dict[str, t.Any]
    verdict: str
    outcome: Outcome | None = None

    def text(self) -> str:
        """The body as JSON. The patch, thousands of characters of Base64, is put in as it is."""
        response = self.body["response"]
        patch = response.get("patch")
        if patch is None:
            return json.dumps(self.body)
        rest = {name: value for name, value in response.items() if name != "patch"}
        return f'{json.dumps({**self.body, "response": rest})[:-2]}, "patch": "{patch}"}}}}'


def answer(review: t.Any, defaults: Defaults) -> Answer:
    """The answer to a review, which is anything that JSON can say."""
    request = review.get("request") if isinstance(review, dict) else None
    uid = request.get("uid") if isinstance(request, dict) else None
    if not isinstance(uid, str) or not uid or review.get("apiVersion") != API_VERSION or review.get("kind") != KIND:
        uid = uid if isinstance(uid, str) else ""
        return Answer(_refuse(uid, MALFORMED, f"this is no {KIND} of {API_VERSION} with a request and its uid"), "malformed")
    other = _other(request)
    if other:
        return Answer(_respond({"uid": uid, "allowed": True}), "skipped", Outcome(skipped=other))
    namespace = request.get("namespace")
    if not isinstance(namespace, str) or not namespace:
        return Answer(_refuse(uid, MALFORMED, "the request names no namespace"), "malformed")
    outcome = inject(request.get("object"), namespace, defaults)
    if outcome.refusal:
        return Answer(_refuse(uid, REFUSED, outcome.refusal), outcome.verdict, outcome)
    response: dict[str, t.Any] = {"uid": uid, "allowed": True}
    if outcome.patch:
        response["patchType"] = "JSONPatch"
        response["patch"] = outcome.patch.encoded
    if outcome.warnings:
        response["warnings"] = outcome.warnings
    return Answer(_respond(response), outcome.verdict, outcome)


def _other(request: t.Mapping[str, t.Any]) -> str:
    """Why a request is none of ours; nothing when it is the creation of a pod."""
    if request.get("operation") != "CREATE":
        return "only the creation of pods is looked at"
    if request.get("subResource"):
        return "subresources are not looked at"
    resource = request.get("resource")
    return "" if isinstance(resource, dict) and resource.get("resource") == "pods" else "it is no pod"


def _refuse(uid: str, code: int, message: str) -> dict[str, t.Any]:
    reason = "Invalid" if code == REFUSED else "BadRequest"
    return _respond({"uid": uid, "allowed": False, "status": {"code": code, "reason": reason, "message": message}})


def _respond(response: dict[str, t.Any]) -> dict[str, t.Any]:
    return {"apiVersion": API_VERSION, "kind": KIND, "response": response}
