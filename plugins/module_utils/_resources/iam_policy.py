# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IAM policies: reading one, and changing one grant in it without touching any other. Private to the collection.

Google has no call for one member: the whole policy is read, changed and written back, with the etag that makes Google
refuse it if somebody else was faster. Then it is read again.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._engine.fields import Document
from .._google import clock, retries
from .._google.errors import ApiError, Failure
from .._google.session import Wire

#: Conditional bindings are shown, and survive, in this version alone.
VERSION = 3
#: Seconds that Google may take until every part of it knows a new service account.
UNKNOWN = 120.0
ACCOUNT = "serviceAccount:"
#: Members that are addresses, which Google writes in lower case.
_ADDRESSES = ("user", "serviceAccount", "group", "domain")


@dataclasses.dataclass(frozen=True)
class Target:
    """What a policy belongs to: its service, its path, and how its policy is asked for.

    asking  "GET" (version in the query), "POST" (the same, by POST) or "BODY" (version in the body)
    """

    service: str
    path: str
    asking: str

    def read(self, wire: Wire) -> Document:
        """The policy as it is now. Raises ApiError."""
        place = f"{self.path}:getIamPolicy"
        query = {"options.requestedPolicyVersion": VERSION}
        if self.asking == "GET":
            return t.cast(Document, wire.get(self.service, place, query))
        body = {"options": {"requestedPolicyVersion": VERSION}} if self.asking == "BODY" else None
        reply = wire.send(
            self.service,
            "POST",
            place,
            query=None if body else query,
            body=body,
            counts_as_read=True,
            repeatable=True,
        )
        return t.cast(Document, reply.json())

    def change(self, wire: Wire, role: str, member: str, granted: bool) -> None:
        """Bring it about that a member has a role, or has it not. Raises Failure."""
        looks = retries.intervals()
        patience = clock.Deadline(UNKNOWN)
        while True:
            policy = self.read(wire)
            if has(policy, role, member) == granted:
                return
            body = {"policy": changed(policy, role, member, granted)}
            try:
                # Sent twice by a lost reply, the second is refused: its etag is old by then.
                wire.send(self.service, "POST", f"{self.path}:setIamPolicy", body=body, repeatable=True)
                return
            except ApiError as error:
                again = error.status == 409 and not wire.deadline.over()
                if not again and not (_unknown(error, member) and self._comes(wire, member) and not patience.over()):
                    raise
            clock.sleep(min(clock.jitter(next(looks)), wire.deadline.left()))

    @staticmethod
    def _comes(wire: Wire, member: str) -> bool:
        """Whether an account that a policy may not name yet exists; a misspelt one never comes.

        Who may not look waits, and then hears what Google said of the policy.
        """
        try:
            found = wire.find("iam", f"v1/projects/-/serviceAccounts/{member.removeprefix(ACCOUNT)}")
        except ApiError:
            return True
        if found is None:
            raise Failure(f"member {member} does not exist. Create it first (iam_service_account), or correct its address.")
        return True


def _unknown(error: ApiError, member: str) -> bool:
    return error.status == 400 and member.startswith(ACCOUNT) and "does not exist" in error.said


def same_member(member: t.Any) -> str:
    """A member in one spelling."""
    text = str(member)
    kind, colon, rest = text.partition(":")
    return f"{kind}:{rest.lower()}" if colon and kind in _ADDRESSES else text


def members(policy: Document, role: str) -> list[str]:
    """Who has a role without a condition, as Google writes them."""
    found = [one for one in policy.get("bindings") or [] if one.get("role") == role and not one.get("condition")]
    return [member for one in found for member in one.get("members") or []]


def has(policy: Document, role: str, member: str) -> bool:
    """Whether a member has a role without a condition."""
    return same_member(member) in map(same_member, members(policy, role))


def changed(policy: Document, role: str, member: str, granted: bool) -> Document:
    """The policy to write: one grant more or less, everything else as it was read."""
    bindings: list[Document] = [dict(one) for one in policy.get("bindings") or []]
    mine = [one for one in bindings if one.get("role") == role and not one.get("condition")]
    if granted and mine:
        mine[0]["members"] = [*(mine[0].get("members") or []), member]
    elif granted:
        bindings.append({"role": role, "members": [member]})
    else:
        for one in mine:
            one["members"] = [who for who in one.get("members") or [] if same_member(who) != same_member(member)]
    written: Document = {"bindings": [one for one in bindings if one.get("members")]}
    if policy.get("etag"):
        written["etag"] = policy["etag"]
    if any(one.get("condition") for one in policy.get("bindings") or []):
        written["version"] = VERSION
    return written
