# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cloud DNS zone. Private to the collection."""

from __future__ import annotations

import re
import typing as t

from .._engine import normalise
from .._engine.compare import Change, differences
from .._engine.context import Context
from .._engine.fields import Document, Field, Options
from .._engine.ownership import DescriptionMark, without_sentence
from .._engine.resource import Resource
from .._google import operations

_NAME = re.compile(r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?")
_LINK = "https://www.googleapis.com/compute/v1/"


def dns_name_problem(option: str, value: str) -> list[str]:
    """A sentence about a DNS name that cannot be one; nothing for a good one."""
    labels = value.rstrip(".").split(".")
    if len(value) <= 254 and all(re.fullmatch(r"\*|[a-z0-9_](?:[-a-z0-9_]{0,61}[a-z0-9_])?", each) for each in labels):
        return []
    return [f"{option} is {value!r}. State a DNS name such as shop.internal."]


class ZoneMark(DescriptionMark):
    """The sentence; and names other than those that go with it keep a zone, as Google deletes empty ones only.

    So do other networks that see it, where it is shared with them.
    """

    why_kept = (
        "left alone: it does not carry this collection's mark, is shared with networks that are not named, or holds names "
        "that are not removed in the same run; Google deletes a zone only once it is empty"
    )

    def deletable(self, resource: Resource, found: Document) -> bool:
        zone = t.cast(DnsManagedZone, resource)
        return self.owned(zone, found) and not zone.networks_that_stay(found) and not zone.names_that_stay(found)


class DnsManagedZone(Resource):
    """A zone, private unless stated, with the networks that see it.

    An update replaces the whole zone: what the user does not state is sent back as it was found.
    """

    kind = "dns_managed_zone"
    title = "DNS zone"
    service = "dns"
    path = "dns/v1/projects/{project}/managedZones/{name}"
    update_method = "PUT"
    mark = ZoneMark()
    fields = (
        Field("name", required=True, identity=True),
        Field("dns_name", required=True, immutable=True, same=normalise.trailing_dot),
        Field("description", decode=without_sentence),
        Field("visibility", choices=("private", "public"), immutable=True, initial="private", default="public"),
        Field(
            "networks",
            type="list",
            elements="str",
            api="privateVisibilityConfig.networks",
            lists="set",
            reference="compute_network",
            encode=lambda value, resource: resource.links(value),
            decode=lambda value, resource: resource.as_stated(value),
        ),
        Field("shared", type="bool", api=None),
        Field("labels", type="dict", keep_extra=True),
        Field("id", output=True),
        Field("name_servers", type="list", elements="str", output=True),
    )

    def __init__(self, options: Options, context: Context) -> None:
        super().__init__(options, context)
        if self.options.get("dns_name"):
            self.options["dns_name"] = normalise.trailing_dot(self.options["dns_name"])

    # A class attribute of other kinds, hence "override".
    @property
    def family(self) -> operations.Family:  # type: ignore[override]
        """Changes of this very zone: Cloud DNS keeps its operations below the zone."""
        return operations.dns(self.project, self.options["name"], "operations")

    def validate(self) -> list[str]:
        """Names that are none, and networks for a zone that everybody sees."""
        wrong = []
        if not _NAME.fullmatch(self.options["name"]):
            wrong.append("name can have 1 to 63 lower-case letters, digits and dashes, and begins with a letter.")
        wrong += dns_name_problem("dns_name", str(self.options.get("dns_name") or ""))
        if self.options.get("visibility") == "public" and self.options.get("networks"):
            wrong.append("networks belong to private zones. Leave them out, or state visibility private.")
        return wrong

    def everything(self) -> list[Document]:
        return self.wire.pages(self.service, self.parent_url(), "managedZones")

    def networks_that_stay(self, found: Document) -> list[str]:
        """Networks that see a shared zone and are not named, which are those of other declarations."""
        if not self.options.get("shared"):
            return []
        there = self.describe(found).get("networks") or []
        return [each for each in there if each not in (self.options.get("networks") or [])]

    def difference(self, found: Document) -> list[Change]:
        """Networks of others are no difference, and are in every list that is sent."""
        others = self.networks_that_stay(found)
        together = [*others, *(self.options.get("networks") or [])]
        wanted = {**self.options, "networks": together} if others else self.options
        return differences(self.fields, wanted, self.describe(found))

    def withdrawal(self, found: Document) -> list[Change]:
        """Ours are taken out of a zone of this collection that other networks see: their names stay in it."""
        others = self.networks_that_stay(found)
        there = self.describe(found).get("networks") or []
        if not others or len(others) == len(there) or not self.mark.owned(self, found):
            return []
        field = next(field for field in self.fields if field.name == "networks")
        return [Change(field.name, there, others, field, field.name)]

    def changed_options(self, changes: list[Change]) -> Options:
        """With the networks as they are to be, not only those that are stated."""
        networks = {change.field: change.after for change in changes if change.field == "networks"}
        return {**super().changed_options(changes), **networks}

    def names_that_stay(self, found: Document) -> list[str]:
        """Type and name of what is in the zone, but for what Google puts there and what this run removes."""
        own = {(found.get("dnsName"), "NS"), (found.get("dnsName"), "SOA")}
        zone = (str(self.options.get("project") or ""), self.options["name"])
        sets = self.wire.pages(self.service, f"{self.url()}/rrsets", "rrsets")
        return [
            f"{one['type']} {one['name']}"
            for one in sets
            if (one["name"], one["type"]) not in own
            and ("dns_record_set", *zone, one["name"], one["type"]) not in self.context.going
        ]

    def links(self, networks: list[str]) -> list[Document]:
        """The networks as Google wants them."""
        return [{"networkUrl": _LINK + normalise.network_path(each, self.project)} for each in networks]

    def as_stated(self, found: t.Any) -> t.Any:
        """The networks found, each spelt as the user states it, else by short name in the project and by path outside.

        So that networks of two projects with one short name stay two.
        """
        if not isinstance(found, list):
            return found
        spelt = {normalise.network_path(each, self.project): each for each in self.options.get("networks") or []}
        paths = [normalise.relative(str(each.get("networkUrl") or "")) for each in found]
        own = f"projects/{self.project}/global/networks/"
        return [spelt.get(path) or path.removeprefix(own) for path in paths]
