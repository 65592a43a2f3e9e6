# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""API key, good for named services alone. Private to the collection.

What the key is, its string, stays at Google: nothing here reads it but the reading module, and that only when told to.
"""

from __future__ import annotations

import ipaddress
import re
import typing as t

from .._engine.compare import Change
from .._engine.fields import Document, Field, Options
from .._engine.normalise import lower
from .._engine.ownership import LabelMark
from .._engine.resource import Resource
from .._google import operations
from .._google.errors import ApiError, Failure

#: Source: apikeys.v2, text of keys.create, parameter keyId.
_NAME = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
_TITLE = 63


class ApiKey(Resource):
    """``projects.locations.keys``. A deleted key is kept by Google for 30 days, and its name with it."""

    kind = "api_key"
    title = "API key"
    service = "apikeys"
    path = "v2/projects/{project}/locations/global/keys/{name}"
    create_query: t.ClassVar[dict[str, str]] = {"keyId": "{name}"}
    update_method = "PATCH"
    update_carries = ("etag",)
    family = operations.longrunning("apikeys", "v2")
    mark = LabelMark("annotations")
    fields = (
        Field("name", api=None, required=True, identity=True),
        Field("display_name"),
        Field(
            "services",
            type="list",
            elements="dict",
            lists="set",
            api="restrictions.apiTargets",
            fields=(
                Field("service", required=True, same=lower),
                Field("methods", type="list", elements="str", lists="set"),
            ),
        ),
        Field("apis", type="list", elements="str", api=None, reference="api_gateway_api"),
        Field(
            "allowed_ips",
            type="list",
            elements="str",
            lists="set",
            api="restrictions.serverKeyRestrictions.allowedIps",
        ),
        Field("annotations", type="dict", keep_extra=True),
        Field("restore", type="bool", api=None),
        Field("uid", output=True),
    )
    reading = (Field("show_key_strings", type="bool", api=None, secret=False),)

    #: The key of that name that was deleted and is still kept.
    deleted: Document | None = None

    # -- rules -------------------------------------------------------------------------------------------------

    def validate(self) -> list[str]:
        """Names that Google refuses, and a key that would open everything."""
        problems = super().validate()
        name = str(self.options["name"])
        if not _NAME.fullmatch(name):
            problems.append(
                f"name is {name!r}. State at most 63 lower-case letters, digits and dashes, a letter first and no dash last."
            )
        problems.extend(f"{where}{said} State {remedy}." for where, said, remedy in unfit(self.options))
        if not self.options.get("services") and not self.options.get("apis"):
            problems.append("neither services nor apis say what it is good for, so it would open every API. Name them.")
        return problems

    def examine_creation(self) -> list[str]:
        """Whether the name is free, and the gateways' APIs are there."""
        try:
            self._name_services()
            gone = self._deleted()
        except ApiError as error:
            if error.service_disabled:
                # Where it is only just being enabled, the engine asks again afterwards.
                return []
            raise
        if gone is None or self.options.get("restore"):
            return []
        return [
            f"a key of this name was deleted on {str(gone['deleteTime'])[:10]}, and Google keeps the name for 30 days. "
            "Choose another name, or set restore: true to bring it back, with the key string that was good before."
        ]

    # -- reading -----------------------------------------------------------------------------------------------

    def read(self) -> Document | None:
        """The key without its string; a deleted one does not count."""
        found = super().read()
        if found is not None and found.get("deleteTime"):
            self.deleted = found
            return None
        return found

    def _deleted(self) -> Document | None:
        """The deleted key of this name, which Google shows in a list if not by itself."""
        if self.deleted is None:
            parent = self.parent_url()
            kept: list[Document] = self.context.once(
                ("deleted", self.service, parent),
                lambda: self.wire.pages(self.service, parent, "keys", {"showDeleted": True}),
            )
            mine = [one for one in kept if str(one.get("name")).rsplit("/", 1)[-1] == self.options["name"]]
            self.deleted = next((one for one in mine if one.get("deleteTime")), None)
        return self.deleted

    def everything(self) -> list[Document]:
        """All keys of the project that are not deleted."""
        return self.wire.pages(self.service, self.parent_url(), "keys")

    def output(self, found: Document) -> Options:
        """The key string only where the reader asks for it."""
        shown = super().output(found)
        if self.options.get("show_key_strings"):
            shown["key_string"] = self.wire.get(self.service, f"{self.url()}/keyString").get("keyString")
        return shown

    # -- comparing and writing ---------------------------------------------------------------------------------

    def _name_services(self) -> None:
        """Put in place of each gateway's API the service that Google made of it."""
        named: list[Options] = []
        for api in self.options.get("apis") or []:
            found = self.wire.find("apigateway", self.fill("v1/projects/{project}/locations/global/apis/") + api)
            managed = (found or {}).get("managedService")
            if not managed:
                raise Failure(
                    f"apis: {api} {'has no managed service yet' if found else 'does not exist'}. "
                    "Declare it (api_gateway_api), or correct its name."
                )
            named.append({"service": managed})
        # Only now, as a key whose APIs could not be looked up must not become one without a restriction.
        if named:
            self.options["services"] = [*(self.options.get("services") or []), *named]
            del self.options["apis"]

    def difference(self, found: Document) -> list[Change]:
        """As any, once every service has its name."""
        self._name_services()
        return super().difference(found)

    def changed_places(self, changes: list[Change]) -> list[str]:
        """Google changes restrictions as a whole."""
        return sorted({place.split(".")[0] for place in super().changed_places(changes)})

    def create(self) -> None:
        """Make it, or bring it back and then make it what is wanted."""
        self._name_services()
        if self.deleted is None:
            super().create()
            return
        self.finish(self.wire.send(self.service, "POST", f"{self.url()}:undelete", body={}, repeatable=True).json())
        self.deleted = None
        found = self.read()
        changes = self.difference(found) if found is not None else []
        if found is not None and changes:
            self.update(found, changes)

    def forget(self) -> None:
        """The list of deleted keys is stale after a write."""
        super().forget()
        self.context.forget(("deleted", self.service, self.parent_url()))


def unfit(options: Options) -> t.Iterator[tuple[str, str, str]]:
    """What Google would not take of a key's title and ranges: the option, what is wrong, and what to state."""
    length = len(str(options.get("display_name") or ""))
    if length > _TITLE:
        yield "display_name", f" has {length} characters.", f"at most {_TITLE}"
    for one in options.get("allowed_ips") or []:
        if not _is_network(one):
            yield "allowed_ips", f": {one} is no address and no range.", "such as 203.0.113.7 or 203.0.113.0/24"


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True
