# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Service accounts and who may use them, impersonation and token exchange."""

from __future__ import annotations

import time
from typing import Any

import jwt

from testbed.google import policies
from testbed.google.errors import GoogleError, field_violation
from testbed.google.paging import page
from testbed.google.rules import Bytes, Pattern, Required, Said
from testbed.google.schema import camel
from testbed.google.service import Call, Reply, Service, handles

_DOCUMENT = "iam.v1, field texts of "
_CHANGEABLE = ("displayName", "description")
RULES = [
    Bytes("serviceAccount.displayName", 100, source=_DOCUMENT + "ServiceAccount"),
    Bytes("serviceAccount.description", 256, source=_DOCUMENT + "ServiceAccount"),
]


class Iam(Service):
    """Service accounts of a project, and who may use them."""

    document = "iam.v1"
    prefix = "iam"
    api = "iam.googleapis.com"
    volatile = ("uniqueId", "oauth2ClientId")

    @handles("iam.projects.serviceAccounts.get", permission="iam.serviceAccounts.get")
    def get(self, call: Call) -> dict[str, Any]:
        return _shown(self._named(call, call.path["name"])[1])

    @handles("iam.projects.serviceAccounts.list", permission="iam.serviceAccounts.list")
    def list(self, call: Call) -> dict[str, Any]:
        items = call.store.children(f"iam/projects/{call.project()['projectId']}/serviceAccounts")
        shown, following = page([_shown(a) for a in items], call.query.get("pageSize"), call.query.get("pageToken"), 20)
        return {"accounts": shown, "nextPageToken": following}

    @handles(
        "iam.projects.serviceAccounts.create",
        rules=[
            Required("accountId", source=_DOCUMENT + "CreateServiceAccountRequest"),
            Pattern(
                "accountId", r"[a-z][-a-z0-9]{4,28}[a-z0-9]", source=_DOCUMENT + "CreateServiceAccountRequest"
            ),
            *RULES,
            Said("a name that is taken is refused with 409", source="google-apis.md 4.13"),
        ],
    )
    def create(self, call: Call) -> dict[str, Any]:
        project, name = call.project()["projectId"], call.body["accountId"]
        email = f"{name}@{project}.iam.gserviceaccount.com"
        key = f"projects/{project}/serviceAccounts/{email}"
        if call.store.exists(f"iam/{key}"):
            raise GoogleError(409, f"Service account {name} already exists within project projects/{project}.")
        number = str(call.store.next_number("service-account", 10**20 + 1000))
        given = call.body.get("serviceAccount") or {}
        account = {
            "name": key,
            "projectId": project,
            "uniqueId": number,
            "email": email,
            "oauth2ClientId": number,
            **{name: given[name] for name in _CHANGEABLE if name in given},
        }
        return _shown(call.store.put(f"iam/{key}", account))

    @handles(
        "iam.projects.serviceAccounts.patch",
        rules=[
            Required("updateMask", source="iam.v1, text of PatchServiceAccountRequest"),
            *RULES,
            Said("changes displayName and description alone", source="iam.v1, text of PatchServiceAccountRequest"),
        ],
    )
    def patch(self, call: Call) -> dict[str, Any]:
        key, account = self._named(call, call.path["name"])
        for place in call.body["updateMask"].split(","):
            if camel(place) not in _CHANGEABLE:
                raise field_violation("updateMask", f"Field mask path {place} cannot be changed.")
            account[camel(place)] = (call.body.get("serviceAccount") or {}).get(camel(place), "")
        return _shown(call.store.put(key, account))

    @handles(
        "iam.projects.serviceAccounts.delete",
        rules=[Said("what it was granted stays, for a deleted member", source="iam.v1, Binding.members, deleted:")],
    )
    def delete(self, call: Call) -> dict[str, Any]:
        key, account = self._named(call, call.path["name"])
        call.store.delete(key)
        call.store.delete(f"policies/{key.removeprefix('iam/')}")
        policies.forget_account(call.store, account["email"], account["uniqueId"])
        return {}

    @handles("iam.projects.serviceAccounts.getIamPolicy")
    def get_policy(self, call: Call) -> dict[str, Any]:
        return policies.read(call, self._named(call, call.path["resource"])[0].removeprefix("iam/"))

    @handles("iam.projects.serviceAccounts.setIamPolicy", rules=policies.RULES)
    def set_policy(self, call: Call) -> dict[str, Any]:
        return policies.write(call, self._named(call, call.path["resource"])[0].removeprefix("iam/"), public=False)

    @staticmethod
    def _named(call: Call, name: str) -> tuple[str, dict[str, Any]]:
        """Return store key and document of the account that a path names by its address. Raises GoogleError 404."""
        email = name.rsplit("/", 1)[-1]
        account = call.emulator.identity.account(email)
        if account is None:
            raise GoogleError(404, f"Unknown service account: {email}")
        return f"iam/{account['name']}", account


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
