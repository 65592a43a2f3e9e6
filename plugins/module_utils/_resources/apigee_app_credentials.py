# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys of an app as Google tells them: which is whose, and the calls that change one. Private to the collection.

A key is a secret that stands in the URL of its own calls, so a failure of such a call is told without it.
"""

from __future__ import annotations

import hashlib
import json
import typing as t
from urllib.parse import quote

from .._engine.fields import Document
from .._google.errors import ApiError, Failure
from .._google.session import Wire
from .apigee_attributes import as_mapping

#: The attribute that keeps the name by which we call a key.
NAME = "gatewayops-key"
#: What a status is made by.
ACTIONS = {"approved": "approve", "revoked": "revoke", "active": "active", "inactive": "inactive"}
OCTETS = "application/octet-stream"


def name_of(credential: Document) -> str:
    """Our name of a key; for somebody else's, one made of its digest, which gives nothing of it away."""
    return as_mapping(credential).get(NAME) or "key-" + hashlib.sha256(credential["consumerKey"].encode()).hexdigest()[:12]


def own(app: Document) -> Document | None:
    """The key that Apigee made together with the app: the newest approved one that is not called by a name of ours."""
    unnamed = [one for one in app.get("credentials") or [] if NAME not in as_mapping(one)]
    approved = [one for one in unnamed if one.get("status") != "revoked"]
    return max(approved or unnamed, key=lambda one: int(one.get("issuedAt") or 0), default=None)


def products_of(credential: Document) -> dict[str, str]:
    """Products of a key with the status of each."""
    return {str(one["apiproduct"]): str(one.get("status") or "") for one in credential.get("apiProducts") or []}


def summary(credential: Document) -> Document:
    """What may be shown of a key."""
    return {
        "name": name_of(credential),
        "status": credential.get("status"),
        "products": [{"name": name, "status": status} for name, status in sorted(products_of(credential).items())],
        "expires_at": expiry(credential.get("expiresAt")),
        "issued_at": expiry(credential.get("issuedAt")),
    }


def expiry(value: t.Any) -> int | None:
    """A time as seconds since the epoch; None for never."""
    return None if value in (None, "", "-1", -1) else int(value) // 1000


def set_status(wire: Wire, url: str, status: str) -> None:
    """The call that sets a status, which wants no JSON."""
    wire.send("apigee", "POST", url, query={"action": ACTIONS[status]}, content=b"", content_type=OCTETS, repeatable=True)


class KeyCalls:
    """The calls that change one key."""

    def __init__(self, wire: Wire, app_url: str, key: str) -> None:
        self.wire = wire
        self.key = key
        self.url = f"{app_url}/keys/{quote(key, safe='')}"

    def _without_key(self, error: Failure) -> Failure:
        for text in (self.key, quote(self.key, safe="")):
            error.message = error.message.replace(text, "KEY")
            error.args = (error.message,)
            error.facts = json.loads(json.dumps(error.facts).replace(text, "KEY"))
        return error

    def _send(self, method: str, path: str = "", **how: t.Any) -> None:
        try:
            self.wire.send("apigee", method, self.url + path, repeatable=True, **how)
        except Failure as error:
            raise self._without_key(error) from None

    def bind(self, products: t.Iterable[str], attributes: list[Document]) -> None:
        """Add products. Google replaces the attributes by those in the call, so all of them are sent."""
        self._send("POST", body={"apiProducts": sorted(products), "attributes": attributes})

    def unbind(self, product: str) -> None:
        """Take a product away."""
        try:
            self._send("DELETE", f"/apiproducts/{quote(product, safe='')}")
        except ApiError as error:
            if not error.missing:
                raise

    def judge(self, product: str, status: str) -> None:
        """Approve or revoke the key for one product."""
        try:
            set_status(self.wire, f"{self.url}/apiproducts/{quote(product, safe='')}", status)
        except Failure as error:
            raise self._without_key(error) from None

    def judge_key(self, status: str) -> None:
        """Approve or revoke the key."""
        try:
            set_status(self.wire, self.url, status)
        except Failure as error:
            raise self._without_key(error) from None

    def scope(self, scopes: list[str]) -> None:
        """Replace the scopes."""
        self._send("PUT", body={"scopes": scopes})

    def remove(self) -> None:
        """Delete the key."""
        try:
            self._send("DELETE")
        except ApiError as error:
            if not error.missing:
                raise
