# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Key of an app, given or generated, called by a name of ours. Private to the collection.

Google knows a key by nothing but itself. Ours has a name in an attribute, so that it can be spoken of, replaced by
another one beside it, and removed, without being shown.
"""

from __future__ import annotations

import re
import secrets
import string
import typing as t

from .._engine.compare import Change
from .._engine.fields import Document, Field, Options
from .._engine.ownership import LABEL
from .._engine.resource import Reference
from . import apigee_app_credentials as credentials
from .apigee_app import DEVELOPER, DeveloperResource, app_url
from .apigee_attributes import ATTRIBUTES, merged
from .apigee_common import ORGANIZATION

_CHARACTERS = re.compile(r"[A-Za-z0-9_-]+")
#: Bytes of a key or secret. Source: developers.apps.keys.create.create.
_LONGEST = 2048

_PRODUCT = (Field("name", api="apiproduct", required=True), Field("status", choices=("approved", "revoked")))


class ApigeeAppKey(DeveloperResource):
    """``organizations.developers.apps.keys``: synchronous; found in the app, changed by calls of its own."""

    kind = "apigee_app_key"
    title = "app key"
    # Whoever made a key by hand may hand it out by hand.
    adopts = False
    lock = "v1/organizations/{organization}/developers/{developer}/apps/{app}"
    own_attributes = frozenset((LABEL, credentials.NAME))
    fields = (
        ORGANIZATION,
        DEVELOPER,
        Field("app", api=None, required=True, identity=True),
        Field("name", required=True, identity=True),
        Field("key", api="consumerKey", secret=True, immutable=True),
        Field("secret", api="consumerSecret", secret=True, immutable=True),
        Field("products", type="list", elements="dict", lists="key:name", api="apiProducts", fields=_PRODUCT),
        Field("status", choices=("approved", "revoked"), default="approved"),
        Field("oauth_scopes", type="list", elements="str", lists="set", api="scopes"),
        Field("expires_in", type="int", api="expiresInSeconds", int64=True, write_only=True),
        ATTRIBUTES,
        Field("expires_at", type="int", output=True, decode=lambda value, resource: credentials.expiry(value)),
        Field("issued_at", type="int", output=True, decode=lambda value, resource: credentials.expiry(value)),
    )
    reading = (Field("show_keys", type="bool", api=None),)

    #: The key that is meant, once it is known.
    consumer_key = ""

    @property
    def name(self) -> str:
        """Its developer, its app and its name."""
        return "/".join(str(self.options.get(option)) for option in ("developer", "app", "name"))

    def references(self) -> list[Reference]:
        """Its app, which may have namesakes of other developers."""
        return [*super().references(), Reference("apigee_app", str(self.options.get("app")), needed=False)]

    # -- rules -------------------------------------------------------------------------------------------------

    def validate(self) -> list[str]:
        """Keys that Google does not take; the text never repeats one."""
        problems = super().validate()
        for option in ("key", "secret"):
            value = self.options.get(option)
            if value is not None and not _CHARACTERS.fullmatch(value):
                problems.append(f"{option} holds other characters than letters, digits, - and _, which Google refuses.")
            elif value is not None and len(value) > _LONGEST:
                problems.append(f"{option} is longer than {_LONGEST} characters, which Google refuses.")
        if self.options.get("secret") and not self.options.get("key"):
            problems.append("secret is of no use without key. State both, or neither to have them generated.")
        names = [one["name"] for one in self.options.get("products") or []]
        for name in sorted({name for name in names if names.count(name) > 1}):
            problems.append(f"products: {name} stands there twice.")
        return problems

    def refusal(self, change: Change) -> str:
        """How keys are exchanged."""
        return (
            f"another {change.field} is there under this name, and Google cannot change one. Declare the new key under "
            "another name, so that both are good while apps change over, and later this one as absent. allow_recreate: "
            "true deletes it first, and calls with it fail from then on."
        )

    # -- reading -----------------------------------------------------------------------------------------------

    def _credentials(self) -> list[Document]:
        app = self.wire.find(self.service, app_url(self)) or {}
        return [{**one, "name": credentials.name_of(one)} for one in app.get("credentials") or []]

    def read(self) -> Document | None:
        """The key that is given, else the one of that name."""
        found = self._credentials()
        given = self.options.get("key")
        same = [one for one in found if given and one["consumerKey"] == given]
        same += [one for one in found if one["name"] == self.options.get("name")]
        if not same:
            return None
        self.consumer_key = same[0]["consumerKey"]
        return same[0]

    def everything(self) -> list[Document]:
        """All keys of the app."""
        return self._credentials()

    def listed(self) -> list[tuple[Options, Document | None]]:
        """Without the app's own key, which is told as the app's products."""
        found = self._credentials()
        own = credentials.own({"credentials": found})
        return [(self.identify(one), one) for one in found if one is not own]

    def output(self, found: Document) -> Options:
        """Never the secret; the key only where the reader asks for it."""
        shown = super().output(found)
        return {**shown, "key": found["consumerKey"]} if self.options.get("show_keys") else shown

    # -- comparing ---------------------------------------------------------------------------------------------

    def difference(self, found: Document) -> list[Change]:
        """A secret that Google does not tell cannot be compared."""
        changes = super().difference(found)
        return [change for change in changes if change.field != "secret" or found.get("consumerSecret")]

    # -- writing -----------------------------------------------------------------------------------------------

    def _calls(self) -> credentials.KeyCalls:
        return credentials.KeyCalls(self.wire, app_url(self), self.consumer_key)

    def create(self) -> None:
        """The key, then what it opens: Google binds no product while a key is made."""
        self.consumer_key = self.options.get("key") or _generated(48)
        attributes = merged([], {**(self.options.get("attributes") or {}), credentials.NAME: self.options["name"]})
        body: Document = {
            "consumerKey": self.consumer_key,
            "consumerSecret": self.options.get("secret") or _generated(64),
            "attributes": attributes,
        }
        self.mark.stamp(self, body)
        if self.options.get("expires_in"):
            body["expiresInSeconds"] = str(self.options["expires_in"])
        self.wire.send(self.service, "POST", f"{app_url(self)}/keys/create", body=body, repeatable=True)
        self._open({}, body["attributes"])
        if self.options.get("oauth_scopes"):
            self._calls().scope(self.options["oauth_scopes"])
        if self.options.get("status") == "revoked":
            self._calls().judge_key("revoked")

    def _open(self, there: dict[str, str], attributes: list[Document]) -> None:
        """Bind the stated products that are not bound, and set the statuses that are stated and differ."""
        stated: list[Options] = self.options.get("products") or []
        added = [one["name"] for one in stated if one["name"] not in there]
        if added:
            self._calls().bind(added, attributes)
            bound = next((one for one in self._credentials() if one["consumerKey"] == self.consumer_key), {})
            there = credentials.products_of(bound)
        for one in stated:
            if one.get("status") and there.get(one["name"]) != one["status"]:
                self._calls().judge(one["name"], one["status"])

    def update(self, found: Document, changes: list[Change]) -> None:
        """Products, attributes, scopes and status: each by its own call, only if it differs."""
        tops = {change.top for change in changes}
        self.consumer_key, self.present = found["consumerKey"], found
        attributes = found.get("attributes") or []
        if "attributes" in tops:
            encode = t.cast("t.Callable[[t.Any, t.Any], list[Document]]", ATTRIBUTES.encode)
            attributes = encode(self.options["attributes"], self)
            self._calls().bind([], attributes)
        if "products" in tops:
            there = credentials.products_of(found)
            self._open(there, attributes)
            for name in sorted(there.keys() - {one["name"] for one in self.options["products"]}):
                self._calls().unbind(name)
        if "oauth_scopes" in tops:
            self._calls().scope(self.options["oauth_scopes"])
        if "status" in tops:
            self._calls().judge_key(self.options["status"])

    def delete(self, found: Document) -> None:
        """The key alone; apps that use another one go on."""
        self.consumer_key = found["consumerKey"]
        self._calls().remove()


def _generated(length: int) -> str:
    """As many characters of chance as Apigee's own keys have."""
    letters = string.ascii_letters + string.digits
    return "".join(secrets.choice(letters) for _number in range(length))
