# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Record sets and changes. What a user writes into a zone that GKE manages is put back by GKE's controller."""

from __future__ import annotations

import re
from typing import Any

import dns.exception
import dns.name
import dns.rdata

from testbed.google.errors import GoogleError
from testbed.google.operations import Run
from testbed.google.paging import page
from testbed.google.rules import Pattern, Required, Said
from testbed.google.service import Call, handles, now, work
from testbed.google.services.container.common import picture
from testbed.google.services.dns.zones import _DNS_NAME, DnsService, public

_TEXT = "dns.v1, field text"
_DATA = Said("data fits the type, and an alias is alone at its name", source="RFC 1035 5 and 1034 3.6.2, field text")
_MANAGED = Said("in a zone of GKE: put back after the controller's period", source="gke-dns-path.md 1.6")


class Records(DnsService):
    """resourceRecordSets and changes of a zone."""

    async def _current(self, call: Call, key: str) -> dict[tuple[str, str], dict[str, Any]]:
        """Return the record sets of a zone by (name, type)."""
        zone = call.store.get(key) or {}
        found: dict[tuple[str, str], dict[str, Any]] = {}
        if zone.get("_cluster"):
            document = call.store.get(f"container/{zone['_cluster']}")
            if document is not None and document["status"] == "RUNNING":
                for name, kind, ttl, rrdatas in await self.emulator.world.published_records(picture(document)):
                    found[(name, kind)] = _rrset(name, kind, ttl, list(rrdatas))
        for record in call.store.children(f"{key}/rrsets"):
            place = (record["name"], record["type"])
            if record.get("_removed"):
                found.pop(place, None)
            else:
                found[place] = public(record)
        return found

    @handles("dns.resourceRecordSets.list")
    async def list(self, call: Call) -> dict[str, Any]:
        key = self.zone_key(call)
        zone = call.store.get(key) or {}
        name, kind = call.query.get("name"), call.query.get("type")
        if kind and not name:
            raise GoogleError(400, "Invalid value for 'parameters.type': it needs 'parameters.name'.")
        if name and not name.endswith("."):
            raise GoogleError(400, f"Invalid value for 'parameters.name': '{name}': it must be fully qualified.")
        own = _own_records(zone)
        everything = [*own, *[r for _, r in sorted((await self._current(call, key)).items())]]
        items = [r for r in everything if (not name or r["name"] == name) and (not kind or r["type"] == kind)]
        items, following = page(items, call.query.get("maxResults"), call.query.get("pageToken"))
        return {"kind": "dns#resourceRecordSetsListResponse", "rrsets": items, "nextPageToken": following}

    @handles("dns.resourceRecordSets.get")
    async def get(self, call: Call) -> dict[str, Any]:
        found = (await self._current(call, self.zone_key(call))).get((call.path["name"], call.path["type"]))
        if found is None:
            raise self._missing(call.path["name"], call.path["type"])
        return found

    @handles(
        "dns.resourceRecordSets.create",
        rules=[
            Required("name", source=_TEXT),
            Required("type", source=_TEXT),
            Pattern("name", _DNS_NAME, source=_TEXT),
            _DATA,
            _MANAGED,
        ],
    )
    async def create(self, call: Call) -> dict[str, Any]:
        key = self.zone_key(call)
        await self._add(call, key, call.body, await self._current(call, key))
        self._written(call, key)
        return self._read(call, key, call.body["name"], call.body["type"])

    @handles("dns.resourceRecordSets.patch", rules=[_DATA, _MANAGED])
    async def patch(self, call: Call) -> dict[str, Any]:
        key = self.zone_key(call)
        place = (call.path["name"], call.path["type"])
        current = await self._current(call, key)
        if place not in current:
            raise self._missing(*place)
        changed = {**current.pop(place), **call.body}
        await self._add(call, key, changed, current)
        self._written(call, key)
        return self._read(call, key, *place)

    @handles("dns.resourceRecordSets.delete", rules=[_MANAGED])
    async def delete(self, call: Call) -> dict[str, Any]:
        key = self.zone_key(call)
        place = (call.path["name"], call.path["type"])
        if place not in await self._current(call, key):
            raise self._missing(*place)
        self._remove(call, key, *place)
        self._written(call, key)
        return {}

    @handles(
        "dns.changes.create",
        rules=[
            Said("deletions name exactly what exists; additions are new", source="Cloud DNS documentation"),
            _DATA,
            _MANAGED,
        ],
    )
    async def change(self, call: Call) -> dict[str, Any]:
        key = self.zone_key(call)
        current = await self._current(call, key)
        for record in call.body.get("deletions", []):
            place = (record.get("name", ""), record.get("type", ""))
            if place not in current:
                raise self._missing(*place)
            stored = current.pop(place)
            if record.get("rrdatas") != stored["rrdatas"] or record.get("ttl") != stored["ttl"]:
                raise GoogleError(
                    412,
                    f"Precondition not met for 'entity.change.deletions[{place[0]}][{place[1]}]'",
                    reason="conditionNotMet",
                )
            self._remove(call, key, *place)
        for record in call.body.get("additions", []):
            await self._add(call, key, record, current)
        identifier = str(call.store.next_number("dns-change"))
        self._written(call, key)
        change = {
            "kind": "dns#change",
            "id": identifier,
            "startTime": now(),
            "status": "pending",
            **{name: call.body[name] for name in ("additions", "deletions") if call.body.get(name)},
        }
        call.store.put(f"{key}/changes/{identifier}", change)
        arguments = {"key": f"{key}/changes/{identifier}"}
        call.operations.later(call, duration="dns.change", work="dns.change", arguments=arguments)
        return change

    @handles("dns.changes.get")
    def get_change(self, call: Call) -> dict[str, Any]:
        return self.of_zone(call, "changes", "changeId")

    @handles("dns.changes.list")
    def list_changes(self, call: Call) -> dict[str, Any]:
        items = call.store.children(f"{self.zone_key(call)}/changes")
        items, following = page(items, call.query.get("maxResults"), call.query.get("pageToken"))
        return {"kind": "dns#changesListResponse", "changes": items, "nextPageToken": following}

    @work("dns.change")
    async def changed(self, run: Run) -> None:
        async with run.transaction() as tx:
            change = tx.get(run.arguments["key"])
            if change is not None:
                tx.put(run.arguments["key"], {**change, "status": "done"})

    @work("dns.resync")
    async def resync(self, run: Run) -> None:
        """GKE's controller: whatever a user wrote into its zone goes."""
        async with run.transaction() as tx:
            tx.delete_under(f"{run.arguments['key']}/rrsets/")

    async def _add(
        self, call: Call, key: str, record: dict[str, Any], current: dict[tuple[str, str], dict[str, Any]]
    ) -> None:
        zone = call.store.get(key) or {}
        name, kind = record.get("name", ""), record.get("type", "")
        if not re.fullmatch(_DNS_NAME, name) or not f".{name}".endswith(f".{zone['dnsName']}"):
            raise GoogleError(
                400, f"Invalid value for 'entity.rrset.name': '{name}': it is not inside {zone['dnsName']}"
            )
        if (name, kind) in current:
            raise GoogleError(409, f"The resource 'entity.change.additions[{name}][{kind}]' already exists")
        if not record.get("rrdatas"):
            raise GoogleError(400, "Invalid value for 'entity.rrset.rrdatas': at least one is needed.")
        _check_data(kind, record["rrdatas"])
        others = {other for at, other in current if at == name} | ({"SOA", "NS"} if name == zone["dnsName"] else set())
        if (kind == "CNAME" and others) or "CNAME" in others:
            raise GoogleError(
                400,
                f"The resource record set 'entity.change.additions[{name}][{kind}]' is invalid because the DNS name "
                f"'{name}' may have either one CNAME resource record set or resource record sets of other types, but "
                "not both.",
                reason="cnameResourceRecordSetConflict",
            )
        stored = _rrset(name, kind, int(record.get("ttl", 300)), record["rrdatas"])
        call.store.put(f"{key}/rrsets/{name}|{kind}", stored)

    def _remove(self, call: Call, key: str, name: str, kind: str) -> None:
        zone = call.store.get(key) or {}
        where = f"{key}/rrsets/{name}|{kind}"
        if zone.get("_cluster"):
            call.store.put(where, {"name": name, "type": kind, "_removed": True})
        else:
            call.store.delete(where)

    def _read(self, call: Call, key: str, name: str, kind: str) -> dict[str, Any]:
        return call.store.get(f"{key}/rrsets/{name}|{kind}") or {}

    def _written(self, call: Call, key: str) -> None:
        if (call.store.get(key) or {}).get("_cluster"):
            call.operations.later(call, duration="container.dns_resync", work="dns.resync", arguments={"key": key})
        call.then(self.emulator.apply_network)

    @staticmethod
    def _missing(name: str, kind: str) -> GoogleError:
        return GoogleError(404, f"The 'parameters.name' resource named '{name} ({kind})' does not exist.")


def _rrset(name: str, kind: str, ttl: int, rrdatas: list[str]) -> dict[str, Any]:
    return {
        "kind": "dns#resourceRecordSet",
        "name": name,
        "type": kind,
        "ttl": ttl,
        "rrdatas": rrdatas,
        "signatureRrdatas": [],
    }


def _check_data(kind: str, values: list[str]) -> None:
    """Raise GoogleError 400 for data that is none of its type."""
    if kind == "CNAME" and len(values) > 1:
        raise GoogleError(400, "Invalid value for 'entity.rrset.rrdatas': a CNAME has one value.")
    for value in values:
        try:
            data = dns.rdata.from_text("IN", kind, value, origin=dns.name.root, relativize=False)
        except (dns.exception.DNSException, ValueError) as exc:
            said = f"Invalid value for 'entity.rrset.rrdatas': '{value}' is no {kind}. ({exc})"
            raise GoogleError(400, said) from exc
        if kind == "CNAME" and not value.endswith("."):
            raise GoogleError(400, f"Invalid value for 'entity.rrset.rrdatas': '{data}' is not fully qualified.")


def _own_records(zone: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the records that every zone has."""
    server = zone["nameServers"][0]
    hostmaster = f"{server} cloud-dns-hostmaster.google.com. 1 21600 3600 259200 300"
    return [_rrset(zone["dnsName"], "NS", 21600, [server]), _rrset(zone["dnsName"], "SOA", 21600, [hostmaster])]
