# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Record set of a Cloud DNS zone. Private to the collection."""

from __future__ import annotations

import ipaddress
import typing as t

from .._engine import normalise
from .._engine.context import Context
from .._engine.fields import Document, Field, Options
from .._engine.ownership import ParentMark
from .._engine.resource import Resource
from .dns_managed_zone import DnsManagedZone, dns_name_problem

TYPES = ("A", "AAAA", "CNAME", "TXT")
#: Seconds; what Google's console proposes.
TTL = 300


def _spelt(data: t.Any, resource: t.Any) -> t.Any:
    """Data in Google's spelling: addresses shortened, names with a final dot, texts quoted. (A ``decode`` function.)"""
    return [_one(str(each), resource.options["type"]) for each in data] if isinstance(data, list) else data


def _one(value: str, kind: str) -> str:
    if kind == "AAAA":
        try:
            return str(ipaddress.IPv6Address(value))
        except ValueError:
            return value
    if kind == "CNAME":
        return str(normalise.trailing_dot(value))
    if kind == "TXT" and not value.startswith('"'):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return value


def _zone(resource: Resource) -> DnsManagedZone:
    zone = {"project": resource.options.get("project"), "name": resource.options["managed_zone"]}
    return DnsManagedZone(zone, resource.context)


class DnsRecordSet(Resource):
    """All records of one name and type. Cloud DNS has no place for a mark there: they are ours if their zone is."""

    kind = "dns_record_set"
    title = "DNS record set"
    service = "dns"
    path = "dns/v1/projects/{project}/managedZones/{managed_zone}/rrsets/{name}/{type}"
    parent_path = "dns/v1/projects/{project}/managedZones/{managed_zone}/rrsets"
    update_method = "PATCH"
    update_mask = False
    update_carries = ("name", "type", "ttl", "rrdatas")
    mark = ParentMark(_zone)
    fields = (
        Field("managed_zone", required=True, identity=True, api=None, reference="dns_managed_zone"),
        Field("name", required=True, identity=True),
        Field("type", required=True, identity=True, choices=TYPES),
        Field("ttl", type="int", initial=TTL),
        Field("rrdatas", type="list", elements="str", lists="set", decode=_spelt),
    )
    required_if = (("state", "present", ("rrdatas",)),)

    def __init__(self, options: Options, context: Context) -> None:
        super().__init__(options, context)
        if self.options.get("name"):
            self.options["name"] = normalise.trailing_dot(self.options["name"])
        if "rrdatas" in self.options:
            self.options["rrdatas"] = _spelt(self.options["rrdatas"], self)

    def validate(self) -> list[str]:
        """Names and data that do not fit the type."""
        kind, data = self.options["type"], self.options.get("rrdatas") or []
        wrong = dns_name_problem("name", self.options["name"])
        if not data:
            wrong.append("rrdatas is empty. State at least one value, or state: absent.")
        if kind == "CNAME":
            if len(data) > 1:
                wrong.append("rrdatas holds several names. A name can be an alias of one other alone.")
            for each in data:
                wrong += dns_name_problem("rrdatas", each)
        if kind in ("A", "AAAA"):
            family = ipaddress.IPv4Address if kind == "A" else ipaddress.IPv6Address
            for each in data:
                try:
                    family(each)
                except ValueError:
                    wrong.append(f"rrdatas holds {each!r}. A record of type {kind} holds IPv{family(1).version} addresses.")
        return wrong

    def examine_creation(self) -> list[str]:
        """A name outside the zone, which Google would refuse once other things are made."""
        zone = _zone(self)
        found = self.context.once(("zone", zone.project, zone.name), zone.read)
        name = str((found or {}).get("dnsName") or "")
        if not name or f".{self.options['name']}".endswith(f".{name}"):
            return []
        return [f"name {self.options['name']} is not inside {name}, the domain of the DNS zone {zone.name}."]

    def everything(self) -> list[Document]:
        """The zone's record sets of the type that is asked for."""
        found = self.wire.pages(self.service, self.parent_url(), "rrsets")
        return [each for each in found if each.get("type") == self.options["type"]]
