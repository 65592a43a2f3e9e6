# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""IAM policies of whatever has one: read with an etag, replaced whole, checked as Google checks them.

A service's getIamPolicy handler returns read(call, key), its setIamPolicy handler, with RULES, write(call, key); key is
the store key of the thing that the policy belongs to, below "policies/".
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from testbed.google.errors import GoogleError, field_violation
from testbed.google.rules import Said
from testbed.google.service import Call
from testbed.google.store import Transaction

_TEXT = "text of Policy in every discovery document that has one"
RULES = [
    Said("requires policy", source="field text of SetIamPolicyRequest.policy: REQUIRED; an empty one is valid"),
    Said("an outdated etag is refused with 409 ABORTED", source=f"{_TEXT}, etag; google-apis.md 4.13"),
    Said("conditions need version 3, also where they are only removed", source=f"{_TEXT}, version"),
    Said("service accounts that are granted something exist", source="google-apis.md 4.13: 400 does not exist"),
    Said("roles and members are written as Google writes them", source=f"{_TEXT}, Binding.members and Binding.role"),
]
_ROLE = re.compile(r"(?:roles|projects/[^/]+/roles|organizations/[^/]+/roles)/[A-Za-z0-9_.]+")
_MEMBER = re.compile(
    r"allUsers|allAuthenticatedUsers|(?:user|serviceAccount|group):[^@\s]+@[^@\s]+|domain:[^@\s]+|project(?:Owner|Editor|Viewer):\S+"
    r"|principal(?:Set)?://\S+|deleted:\S+"
)
_PUBLIC = ("allUsers", "allAuthenticatedUsers")


def read(call: Call, key: str) -> dict[str, Any]:
    """Return the policy of a thing; one without bindings where nobody set any.

    Whoever does not ask for version 3 sees conditional bindings under changed role names and without their conditions,
    as documented at cloud.google.com/iam/help/conditions/policies.
    """
    options = call.body.get("options") or {}
    version = int(options.get("requestedPolicyVersion") or call.query.get("options.requestedPolicyVersion") or 1)
    stored = call.store.get(f"policies/{key}") or {"bindings": []}
    return _shown(stored, version)


def write(call: Call, key: str, *, public: bool = True) -> dict[str, Any]:
    """Replace the policy of a thing and return it.

    public: whether everybody may be a member. Raises GoogleError 400, 409.
    """
    if "policy" not in call.body:
        raise field_violation("policy", "Required field 'policy' not specified")
    new = call.body["policy"]
    stored = call.store.get(f"policies/{key}") or {"bindings": []}
    if new.get("etag") and new["etag"] != _etag(stored):
        raise GoogleError(
            409,
            "There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff.",
            status="ABORTED",
        )
    bindings = _joined(new.get("bindings", []))
    if (_conditional(bindings) or _conditional(stored["bindings"])) and new.get("version") != 3:
        raise GoogleError(400, "Invalid policy version: a policy with conditional bindings needs version 3.")
    for binding in bindings:
        _check(call, binding, public)
    document = {
        "version": 3 if _conditional(bindings) else 1,
        "bindings": bindings,
        "changes": stored.get("changes", 0) + 1,
    }
    call.store.put(f"policies/{key}", document)
    return _shown(document, 3)


def forget(tx: Transaction, key: str) -> None:
    """Remove the policy of a thing that is gone."""
    tx.delete(f"policies/{key}")


def forget_account(tx: Transaction, email: str, unique_id: str) -> None:
    """Write a deleted service account as Google does: its bindings stay, under a name that no new account gets."""
    mine = f"serviceAccount:{email}"
    for key, policy in list(tx.items("policies/")):
        if any(mine in binding["members"] for binding in policy["bindings"]):
            for binding in policy["bindings"]:
                binding["members"] = [
                    f"deleted:{mine}?uid={unique_id}" if member == mine else member for member in binding["members"]
                ]
            tx.put(key, policy | {"changes": policy.get("changes", 0) + 1})


def _shown(stored: dict[str, Any], version: int) -> dict[str, Any]:
    bindings = stored["bindings"]
    if version < 3:
        bindings = [
            {"role": f"{one['role']}_withcond_{_digest(one['condition'])[:20]}", "members": one["members"]}
            if one.get("condition")
            else one
            for one in bindings
        ]
    shown = 3 if version >= 3 and _conditional(bindings) else 1
    return {"version": shown, "bindings": bindings, "etag": _etag(stored)}


def _joined(bindings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One binding for each role and condition, none without members, no member twice."""
    found: dict[str, dict[str, Any]] = {}
    for one in bindings:
        key = json.dumps([one.get("role"), one.get("condition")], sort_keys=True)
        members = found.setdefault(key, {**one, "members": []})["members"]
        members += [member for member in one.get("members", []) if member not in members]
    return [one for one in found.values() if one["members"]]


def _check(call: Call, binding: dict[str, Any], public: bool) -> None:
    role = binding.get("role") or ""
    if not _ROLE.fullmatch(role.partition("_withcond_")[0]):
        raise GoogleError(400, f"Role {role} is not supported for this resource.")
    for member in binding["members"]:
        if not _MEMBER.fullmatch(member):
            raise GoogleError(400, f"Invalid member {member}: the member is not of a known type.")
        if member in _PUBLIC and not public:
            raise GoogleError(400, f"Invalid member {member}: everybody cannot get a role on this resource.")
        email = member.removeprefix("serviceAccount:")
        if member != email and _ours(call, email) and not call.store.exists(f"iam/{_account(email)}"):
            raise GoogleError(400, f"Service account {email} does not exist.")


def _ours(call: Call, email: str) -> bool:
    """Whether an account would be of a project that is emulated; others, and Google's own, are believed to exist."""
    name, _, domain = email.partition("@")
    project = domain.removesuffix(".iam.gserviceaccount.com")
    return bool(name) and project != domain and call.store.exists(f"projects/{project}")


def _account(email: str) -> str:
    project = email.split("@")[1].removesuffix(".iam.gserviceaccount.com")
    return f"projects/{project}/serviceAccounts/{email}"


def _conditional(bindings: list[dict[str, Any]]) -> bool:
    return any(binding.get("condition") for binding in bindings)


def _etag(stored: dict[str, Any]) -> str:
    return f"BwY{stored.get('changes', 0):09d}="


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
