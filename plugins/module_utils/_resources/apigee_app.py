# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""App of a developer. Private to the collection.

Apigee makes a key together with an app, and another one whenever an update of the app names a product that no key has.
So an update here never names products: they are bound to the key that is there, and no key ever comes of a second run.
"""

from __future__ import annotations

from urllib.parse import quote

from .._engine.compare import Change
from .._engine.context import Context
from .._engine.fields import Document, Field, Options
from .._engine.resource import Reference
from . import apigee_app_credentials as credentials
from .apigee_attributes import ATTRIBUTES, AttributedResource, counted
from .apigee_common import ORGANIZATION

#: Apps below a developer.
PATH = "v1/organizations/{organization}/developers/{developer}/apps"
DEVELOPER = Field("developer", api=None, required=True, identity=True, same=lambda value: str(value).lower())


class DeveloperResource(AttributedResource):
    """What belongs to a developer."""

    # Whatever its keys name: a product cannot go while one does, be that key declared or not.
    after = ("project_services", "apigee_api_product")

    def __init__(self, options: Options, context: Context) -> None:
        super().__init__(options, context)
        if self.options.get("developer"):
            # Google knows developers by the address in lower case.
            self.options["developer"] = str(self.options["developer"]).lower()

    def references(self) -> list[Reference]:
        """Its developer."""
        developer = self.options.get("developer")
        return [*super().references(), *([Reference("apigee_developer", developer, option="email")] if developer else [])]


class ApigeeApp(DeveloperResource):
    """``organizations.developers.apps``: synchronous, replaced as a whole but for its keys and its status."""

    kind = "apigee_app"
    title = "app"
    path = PATH + "/{name}"
    lock = path
    names_only = True
    output_only = frozenset(
        (
            "apiProducts",
            "createdAt",
            "credentials",
            "developerId",
            "keyExpiresIn",
            "keys",
            "lastModifiedAt",
            "ownKey",
            "scopes",
            "status",
        )
    )
    fields = (
        ORGANIZATION,
        DEVELOPER,
        Field("name", required=True, identity=True),
        Field("callback_url"),
        Field("products", type="list", elements="str", lists="set", api="ownKey.products"),
        Field("oauth_scopes", type="list", elements="str", lists="set", api="ownKey.scopes"),
        Field("status", choices=("approved", "revoked"), default="approved"),
        Field("key_expires_in", type="int", api=None, secret=False),
        ATTRIBUTES,
        Field("app_id", output=True),
        Field("keys", type="list", elements="dict", output=True),
    )

    @property
    def name(self) -> str:
        """Its developer and its name: names repeat from developer to developer."""
        return f"{self.options.get('developer')}/{self.options.get('name')}"

    # -- rules -------------------------------------------------------------------------------------------------

    def examine(self, found: Document, changes: list[Change]) -> list[str]:
        """Products without a key that could have them."""
        stated = [change.field for change in changes if change.top in ("products", "oauth_scopes")]
        if not stated or credentials.own(found) is not None:
            return []
        return [
            f"{' and '.join(stated)} cannot be changed: the app has no key of its own any more, and Apigee makes no other "
            "one without being asked. Declare a key with apigee_app_key and leave this out."
        ]

    # -- reading -----------------------------------------------------------------------------------------------

    def read(self) -> Document | None:
        """The app, with what its own key opens."""
        found = super().read()
        return None if found is None else self._told(found)

    @staticmethod
    def _told(found: Document) -> Document:
        own = credentials.own(found)
        told = {**found, "keys": [credentials.summary(one) for one in found.get("credentials") or []]}
        if own is not None:
            told["ownKey"] = {"products": list(credentials.products_of(own)), "scopes": own.get("scopes") or []}
        return told

    def names(self) -> list[str]:
        """Names of all apps of the developer."""
        return [str(one["name"]) for one in counted(self, self.parent_url(), "app", "name", shallowExpand=True)]

    def everything(self) -> list[Document]:
        """All apps of the developer."""
        return [self._told(found) for found in super().everything()]

    # -- writing -----------------------------------------------------------------------------------------------

    def body(self) -> Document:
        """With the products and scopes of the key that comes with it."""
        body = super().body()
        body.pop("status", None)
        key = body.pop("ownKey", {})
        if key.get("products"):
            body["apiProducts"] = key["products"]
        if key.get("scopes"):
            body["scopes"] = key["scopes"]
        if self.options.get("key_expires_in"):
            body["keyExpiresIn"] = str(self.options["key_expires_in"] * 1000)
        return body

    def create(self) -> None:
        """Apps begin as approved ones."""
        super().create()
        if self.options.get("status") == "revoked":
            credentials.set_status(self.wire, self.url(), "revoked")

    def replacement(self, found: Document, changes: list[Change]) -> Document:
        """The app itself: whatever names products would make a key."""
        new = super().replacement(found, [change for change in changes if change.top not in _BY_OTHER_CALLS])
        return {key: value for key, value in new.items() if key not in self.output_only}

    def update(self, found: Document, changes: list[Change]) -> None:
        """The app, its own key, its status: each only if it differs."""
        tops = {change.top for change in changes}
        if tops - _BY_OTHER_CALLS or self.adopting:
            super().update(found, changes)
        own = credentials.own(found)
        if own is not None and tops & {"products", "oauth_scopes"}:
            self._change_key(own, tops)
        if "status" in tops:
            credentials.set_status(self.wire, self.url(), self.options["status"])

    def _change_key(self, own: Document, tops: set[str]) -> None:
        calls = credentials.KeyCalls(self.wire, self.url(), own["consumerKey"])
        there, wanted = credentials.products_of(own), self.options.get("products")
        if "products" in tops and wanted is not None:
            added = [name for name in wanted if name not in there]
            if added:
                calls.bind(added, own.get("attributes") or [])
            for name in sorted(there.keys() - set(wanted)):
                calls.unbind(name)
        if "oauth_scopes" in tops:
            calls.scope(self.options["oauth_scopes"])

    def delete(self, found: Document) -> None:
        """Its keys first: Google removes them some time after the app, and until then they are somebody's."""
        for one in found.get("credentials") or []:
            credentials.KeyCalls(self.wire, self.url(), one["consumerKey"]).remove()
        super().delete(found)


_BY_OTHER_CALLS = frozenset(("products", "oauth_scopes", "status"))


def app_url(resource: DeveloperResource) -> str:
    """The app of something that belongs to it."""
    place = (("organizations", resource.organization), ("developers", resource.options["developer"]))
    path = "/".join(f"{collection}/{quote(str(name), safe='@')}" for collection, name in place)
    return f"v1/{path}/apps/{quote(str(resource.options['app']), safe='')}"
