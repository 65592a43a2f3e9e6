# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Service accounts, impersonation and token exchange, as far as credentials need them."""

from __future__ import annotations

import time
from typing import Any

import jwt

from testbed.google.errors import GoogleError, field_violation
from testbed.google.paging import page
from testbed.google.rules import Required
from testbed.google.service import Call, Reply, Service, handles


class Iam(Service):
    """Service accounts of a project: read only."""

    document = "iam.v1"
    prefix = "iam"
    api = "iam.googleapis.com"

    @handles("iam.projects.serviceAccounts.get", permission="iam.serviceAccounts.get")
    def get(self, call: Call) -> dict[str, Any]:
        email = call.path["name"].rsplit("/", 1)[-1]
        account = call.emulator.identity.account(email)
        if account is None:
            raise GoogleError(404, f"Unknown service account: {email}")
        return _shown(account)

    @handles("iam.projects.serviceAccounts.list", permission="iam.serviceAccounts.list")
    def list(self, call: Call) -> dict[str, Any]:
        items = call.store.children(f"iam/projects/{call.project()['projectId']}/serviceAccounts")
        shown, following = page([_shown(a) for a in items], call.query.get("pageSize"), call.query.get("pageToken"), 20)
        return {"accounts": shown, "nextPageToken": following}


def _shown(account: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in account.items() if k != "keys"} | {"etag": "MDEwMjE5MjA="}


class IamCredentials(Service):
    """Impersonation."""

    document = "iamcredentials.v1"
    prefix = "iamcredentials"
    api = "iamcredentials.googleapis.com"

    def project_name(self, call: Call) -> str | None:
        """The project of the account: callers write projects/-."""
        account = call.emulator.identity.account(call.path["name"].rsplit("/", 1)[-1])
        return account["projectId"] if account else None

    @handles(
        "iamcredentials.projects.serviceAccounts.generateAccessToken",
        rules=[Required("scope", source="iamcredentials.v1, field text")],
    )
    async def access_token(self, call: Call) -> dict[str, Any]:
        email = call.path["name"].rsplit("/", 1)[-1]
        if call.emulator.identity.account(email) is None:
            raise GoogleError(404, "Not found; Gaia id not found for email " + email)
        lifetime = float((call.body.get("lifetime") or "3600s").removesuffix("s"))
        if not 0 < lifetime <= 43200:
            raise field_violation("lifetime", "The lifetime must be at most 12 hours.")
        token = await call.emulator.identity.token_for(email, lifetime)
        # Whole seconds, as Google writes it: google-auth takes no fraction here.
        expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + lifetime))
        return {"accessToken": token, "expireTime": expires}


class SecurityTokens(Service):
    """Workload identity federation: a token of a foreign provider for a Google one. Any well-formed JWT is taken."""

    document = "sts.v1"
    prefix = "sts"

    @handles("sts.token", public=True)
    async def exchange(self, call: Call) -> Any:
        body = call.body
        for name in ("grantType", "requestedTokenType", "subjectToken", "subjectTokenType", "audience"):
            if not body.get(name):
                return _refused("invalid_request", f"Missing required field: {name}")
        if "/workloadIdentityPools/" not in body["audience"] or "/providers/" not in body["audience"]:
            return _refused("invalid_target", 'Invalid value for "audience".')
        try:
            subject = jwt.decode(body["subjectToken"], options={"verify_signature": False})["sub"]
        except (jwt.PyJWTError, KeyError):
            return _refused("invalid_grant", "The subject token is not a JWT with a subject.")
        pool = body["audience"].split("//iam.googleapis.com/")[-1].split("/providers/")[0]
        principal = f"principal://iam.googleapis.com/{pool}/subject/{subject}"
        token = await call.emulator.identity.token_for(principal)
        return {
            "access_token": token,
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "token_type": "Bearer",
            "expires_in": 3599,
        }


def _refused(error: str, description: str) -> Reply:
    return Reply({"error": error, "error_description": description}, 400, unchecked=True)
