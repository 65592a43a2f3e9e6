# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every shape of refusal in one form: what was said, why, what to do. Shapes: google-apis.md sections 1, 2 and 4.8."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google import operations
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.errors import ApiError, OperationError

RPC = "type.googleapis.com/google.rpc."
LOCKED = "the resource is locked by another operation: 4711"
AGENT = "Service account service-123@gcp-sa-apigee.iam.gserviceaccount.com does not exist."


def rpc(status: int, code: str, message: str, *details: dict[str, t.Any]) -> dict[str, t.Any]:
    error: dict[str, t.Any] = {"code": status, "status": code, "message": message}
    return {"error": {**error, "details": list(details)} if details else error}


def older(status: int, message: str, reason: str, **more: t.Any) -> dict[str, t.Any]:
    """Compute Engine's shape, and format v1 of the others."""
    errors = [{"domain": "global", "message": message, "reason": reason, **more}]
    return {"error": {"code": status, "message": message, "errors": errors}}


def precondition(kind: str, subject: str, description: str) -> dict[str, t.Any]:
    return {
        "@type": RPC + "PreconditionFailure",
        "violations": [{"type": kind, "subject": subject, "description": description}],
    }


def info(reason: str, **metadata: str) -> dict[str, t.Any]:
    return {"@type": RPC + "ErrorInfo", "reason": reason, "domain": "googleapis.com", "metadata": metadata}


QUOTA = {
    "@type": RPC + "QuotaFailure",
    "violations": [
        {
            "subject": "projects/1",
            "description": "too many",
            "quotaId": "InstancesPerOrg",
            "quotaMetric": "apigee.googleapis.com/instances",
            "quotaValue": "2",
        }
    ],
}
OVERRIDE = precondition(
    "CONFLICTING_DEPLOYMENT", "organizations/o/apis/a/revisions/1", "only one revision at a time, use override"
)
PATHS = precondition("CONFLICTING_DEPLOYMENT", "organizations/o/apis/b/revisions/3", "conflicting base paths: /shop")
BUNDLE = {
    "@type": "type.googleapis.com/edge.configstore.bundle.BadBundle",
    "violations": [{"filename": "apiproxy/policies/a.xml", "description": "unknown policy"}],
}
FIELD = {"@type": RPC + "BadRequest", "fieldViolations": [{"field": "host", "description": "no host name"}]}
HELP = {"@type": RPC + "Help", "links": [{"description": "Enable billing", "url": "https://example.test/billing"}]}

#: Name, HTTP status, body, what the message holds.
CASES: list[tuple[str, int, t.Any, tuple[str, ...]]] = [
    (
        "v2 precondition: another revision",
        400,
        rpc(400, "FAILED_PRECONDITION", "deployment validations failed", OVERRIDE),
        (
            "Google answered FAILED_PRECONDITION: deployment validations failed",
            "because organizations/o/apis/a/revisions/1: only one revision at a time",
            "do Another revision of it is deployed there: replace it with override.",
        ),
    ),
    (
        "v2 precondition: base path",
        400,
        rpc(400, "FAILED_PRECONDITION", "deployment validations failed", PATHS),
        ("because organizations/o/apis/b/revisions/3: conflicting base paths: /shop", "do Another proxy"),
    ),
    (
        "v1 of the same, details lost",
        400,
        older(400, "deployment validations failed", "failedPrecondition"),
        ("Google answered failedPrecondition: deployment validations failed",),
    ),
    (
        "field",
        400,
        rpc(400, "INVALID_ARGUMENT", "bad request", FIELD),
        ("INVALID_ARGUMENT: bad request", "because host: no host name"),
    ),
    (
        "bundle",
        400,
        rpc(400, "INVALID_ARGUMENT", "bundle contains errors", BUNDLE),
        ("because apiproxy/policies/a.xml: unknown policy", "do Correct the files named above"),
    ),
    (
        "lock",
        400,
        rpc(400, "FAILED_PRECONDITION", LOCKED),
        (LOCKED, "do Google does one thing at a time here", "raise timeout"),
    ),
    (
        "quota with its name and limit",
        429,
        rpc(429, "RESOURCE_EXHAUSTED", "Quota exceeded", QUOTA),
        ("because quota InstancesPerOrg, limit 2: too many", "do A quota or limit is used up"),
    ),
    (
        "rate",
        429,
        rpc(429, "RESOURCE_EXHAUSTED", "slow down", info("RATE_LIMIT_EXCEEDED")),
        ("do Too many calls at once",),
    ),
    ("rate, older", 403, older(403, "Rate Limit Exceeded", "rateLimitExceeded"), ("do Too many calls at once",)),
    (
        "not there or not visible",
        403,
        rpc(403, "PERMISSION_DENIED", 'Permission denied on resource "organizations/o" (or it may not exist)'),
        ("do Google tells neither whether it exists", "roles/apigee.admin"),
    ),
    (
        "missing permission, named",
        403,
        rpc(
            403,
            "PERMISSION_DENIED",
            "Permission 'apigee.proxies.create' denied on resource 'organizations/o' (or it may not exist).",
            info("IAM_PERMISSION_DENIED", permission="apigee.proxies.create", resource="organizations/o"),
        ),
        ("do Look at the name first", "a role with apigee.proxies.create on organizations/o"),
    ),
    ("missing permission, bare", 403, older(403, "Forbidden", "forbidden"), ("do Grant the credentials the role",)),
    (
        "API not enabled",
        403,
        rpc(403, "PERMISSION_DENIED", "off", info("SERVICE_DISABLED", service="apigee.googleapis.com"), HELP),
        (
            "do Enable the API: declare apigee.googleapis.com in project_services.",
            "see Enable billing: https://example.test/billing",
        ),
    ),
    ("API not enabled, older", 403, older(403, "off", "accessNotConfigured"), ("do Enable the API",)),
    ("service agent", 400, rpc(400, "INVALID_ARGUMENT", AGENT), (AGENT, "do Google makes its service agents late")),
    (
        "service perimeter",
        403,
        rpc(403, "PERMISSION_DENIED", "Request is prohibited", info("SECURITY_POLICY_VIOLATED")),
        ("do A service perimeter forbids it",),
    ),
    (
        "in use",
        400,
        rpc(400, "FAILED_PRECONDITION", "keystore k is in use: reference r refers to it"),
        ("do Remove what uses it first",),
    ),
    ("changed meanwhile", 409, rpc(409, "ABORTED", "etag mismatch"), ("do Somebody else changed it meanwhile",)),
    ("token endpoint", 400, {"error": "invalid_grant", "error_description": "no key"}, ("invalid_grant: no key",)),
    (
        "gateway fault",
        503,
        {"fault": {"faultstring": "service is down", "detail": {"errorcode": "messaging.adaptors.Down"}}},
        ("Google answered messaging.adaptors.Down: service is down", "do It is Google's own failure"),
    ),
    (
        "older management API",
        409,
        {"code": "distribution.DeploymentPathConflict", "message": "path /a", "contexts": []},
        ("Google answered distribution.DeploymentPathConflict: path /a", "do Another proxy of this environment"),
    ),
    ("list around it", 400, [rpc(400, "INVALID_ARGUMENT", "inside")], ("INVALID_ARGUMENT: inside",)),
    (
        "page of a load balancer",
        502,
        b"<!DOCTYPE html><html><head><title>502</title><style>b {}</style></head><body>Bad &amp; gone</body></html>",
        ("Google answered HTTP 502: 502 Bad & gone", "do It is Google's own failure"),
    ),
    ("nothing at all", 500, b"", ("Google answered HTTP 500", "do It is Google's own failure")),
    ("a document that is none", 400, [], ("HTTP 400: []",)),
    (
        "localized, resource and request",
        404,
        rpc(
            404,
            "NOT_FOUND",
            "gone",
            {"@type": RPC + "ResourceInfo", "resourceName": "keystores/k", "description": "was deleted"},
            {"@type": RPC + "LocalizedMessage", "locale": "en-US", "message": "It is gone."},
            {"@type": RPC + "RequestInfo", "requestId": "7f3a"},
        ),
        ("because keystores/k: was deleted", "because It is gone.", "(request 7f3a)"),
    ),
]


@pytest.mark.parametrize(("status", "body", "holds"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_one_message_for_every_shape(status: int, body: t.Any, holds: tuple[str, ...]) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    error = ApiError.read("GET", "https://apigee.googleapis.com/v1/x", status, raw)
    assert not [text for text in holds if text not in error.message], error.message
    assert error.message.count("\n  do ") <= 1 and "{" not in error.message


@pytest.mark.parametrize("said", ["quotaInterval 0: the quota interval is invalid", "invalid value in userName"])
def test_words_of_a_field_are_no_reason_for_a_remedy(said: str) -> None:
    body = json.dumps(rpc(400, "INVALID_ARGUMENT", said)).encode()
    assert ApiError.read("PUT", "https://x/", 400, body).message == f"Google answered INVALID_ARGUMENT: {said}"


def test_every_detail_is_kept_as_it_came() -> None:
    details = [OVERRIDE, info("X", a="b"), HELP, {"@type": RPC + "DebugInfo", "stackEntries": ["a", "b"]}]
    document = rpc(400, "FAILED_PRECONDITION", "no", *details)
    document["error"]["errors"] = [{"reason": "failedPrecondition", "message": "no"}]
    kept = ApiError.read("POST", "https://x/", 400, json.dumps(document).encode()).result()["google_error"]
    assert kept["details"] == [*details, *document["error"]["errors"]]
    assert (kept["method"], kept["status"], kept["code"], kept["reason"]) == ("POST", 400, "FAILED_PRECONDITION", "X")


def test_the_same_word_is_not_said_twice() -> None:
    error = ApiError.read("GET", "https://x/", 403, json.dumps(older(403, "Forbidden", "forbidden")).encode())
    assert error.message.count("Forbidden") == 1


@pytest.mark.parametrize(
    ("family", "operation", "holds"),
    [
        (
            operations.APIGEE,
            {"name": "o/1", "done": True, "error": {"code": 9, "message": "failed", "details": [OVERRIDE]}},
            ("operation o/1 failed: failed", "because organizations/o/apis/a/revisions/1", "do Another revision"),
        ),
        (
            operations.COMPUTE,
            {
                "name": "op-2",
                "status": "DONE",
                "error": {
                    "errors": [
                        {
                            "code": "QUOTA_EXCEEDED",
                            "message": "Quota 'NETWORKS' exceeded.",
                            "errorDetails": [
                                {"quotaInfo": {"limitName": "NETWORKS-per-project", "limit": 5, "metricName": "n"}},
                                {"help": {"links": [{"description": "Quotas", "url": "https://example.test/q"}]}},
                            ],
                        }
                    ]
                },
            },
            (
                "QUOTA_EXCEEDED: Quota 'NETWORKS' exceeded.",
                "because quota NETWORKS-per-project, limit 5",
                "do A quota or limit is used up",
                "see Quotas: https://example.test/q",
            ),
        ),
        (
            operations.CONTAINER,
            {"name": "operation-3", "status": "DONE", "error": {"code": 8, "message": "ZONE_RESOURCE_POOL_EXHAUSTED"}},
            ("do Google has no room there now",),
        ),
    ],
    ids=["rpc", "compute", "container"],
)
def test_the_end_of_an_operation_reads_like_any_refusal(
    family: operations.Family, operation: dict[str, t.Any], holds: tuple[str, ...]
) -> None:
    error = family.failure(operation)
    assert isinstance(error, OperationError)
    assert not [text for text in holds if text not in error.message], error.message
