# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Managed zones, the project's quota, response policies."""

from __future__ import annotations

import re
from typing import Any

from testbed.google.errors import GoogleError
from testbed.google.paging import page
from testbed.google.rules import Pattern, Required, Said
from testbed.google.service import Call, Reply, Service, handles, now
from testbed.google.services.compute.common import BASE

_TEXT = "dns.v1, field text"
_DNS_NAME = r"(?:(?:[a-z0-9_*](?:[-a-z0-9_]{0,61}[a-z0-9_])?)\.)+"


class DnsService(Service):
    """Base of every kind of Cloud DNS."""

    document = "dns.v1"
    prefix = "dns"
    api = "dns.googleapis.com"
    error_style = "legacy"
    # Cloud DNS writes empty values out (description "", signatureRrdatas []).
    drop_defaults = False

    def denied(self, call: Call, permission: str) -> GoogleError:
        # A bare text is all that callers get here (google-apis.md 4.6).
        return GoogleError(403, "Forbidden")

    def zone_key(self, call: Call) -> str:
        """Return the store key of the zone that a call addresses, by name or id. Raises GoogleError 404."""
        project, wanted = call.project()["projectId"], call.path["managedZone"]
        for zone in call.store.children(f"dns/projects/{project}/managedZones"):
            if wanted in (zone["name"], zone["id"]):
                return f"dns/projects/{project}/managedZones/{zone['name']}"
        raise GoogleError(404, f"The 'parameters.managedZone' resource named '{wanted}' does not exist.")

    def of_zone(self, call: Call, collection: str, parameter: str) -> dict[str, Any]:
        """Return what a zone has under the name in a path parameter. Raises GoogleError 404."""
        found = call.store.get(f"{self.zone_key(call)}/{collection}/{call.path[parameter]}")
        if found is None:
            raise GoogleError(
                404, f"The 'parameters.{parameter}' resource named '{call.path[parameter]}' does not exist."
            )
        return found


def public(document: dict[str, Any]) -> dict[str, Any]:
    """Return a stored object without the emulator's own fields."""
    return {k: v for k, v in document.items() if not k.startswith("_")}


class ManagedZones(DnsService):
    """Private zones; public ones, forwarding and peering zones are kept but serve nobody."""

    @handles(
        "dns.managedZones.create",
        rules=[
            Required("name", source=_TEXT),
            Required("dnsName", source=_TEXT),
            Required("description", source="google-apis.md 4.6 (from memory)"),
            Pattern("name", r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?", source=_TEXT),
            Pattern("dnsName", _DNS_NAME, source=_TEXT + " (trailing dot)"),
            Said("networks exist; one zone for each name and network", source="Cloud DNS documentation"),
        ],
    )
    def create(self, call: Call) -> dict[str, Any]:
        project = call.project()["projectId"]
        key = f"dns/projects/{project}/managedZones/{call.body['name']}"
        if call.store.exists(key):
            text = f"The resource 'entity.managedZone' named '{call.body['name']}' already exists"
            raise GoogleError(409, text)
        zone = {
            "kind": "dns#managedZone",
            **call.body,
            "id": str(call.store.next_number("dns", 6_000_000_000_000_000_003)),
            "creationTime": now(),
            "visibility": call.body.get("visibility", "public"),
            "nameServers": ["ns-gcp-private.googledomains.com."],
        }
        zone = self._checked(call, zone)
        call.store.put(key, zone)
        call.then(self.emulator.apply_network)
        return public(zone)

    @handles("dns.managedZones.get")
    def get(self, call: Call) -> dict[str, Any]:
        return public(call.store.get(self.zone_key(call)) or {})

    @handles("dns.managedZones.list")
    def list(self, call: Call) -> dict[str, Any]:
        zones = call.store.children(f"dns/projects/{call.project()['projectId']}/managedZones")
        wanted = call.query.get("dnsName")
        items = [public(z) for z in zones if not wanted or z["dnsName"] == wanted]
        items, following = page(items, call.query.get("maxResults"), call.query.get("pageToken"))
        return {"kind": "dns#managedZonesListResponse", "managedZones": items, "nextPageToken": following}

    @handles("dns.managedZones.patch", "dns.managedZones.update")
    def patch(self, call: Call) -> dict[str, Any]:
        key = self.zone_key(call)
        before = call.store.get(key) or {}
        if before.get("_cluster"):
            raise GoogleError(400, "The zone is managed by GKE and cannot be changed.")
        for name in ("name", "dnsName", "visibility"):
            if call.body.get(name, before.get(name)) != before.get(name):
                raise GoogleError(400, f"Invalid value for 'entity.managedZone.{name}': it cannot be changed.")
        kept = (
            before
            if call.method.verb == "PATCH"
            else {k: before[k] for k in ("kind", "id", "creationTime", "nameServers")}
        )
        zone = self._checked(call, {**kept, **call.body})
        call.store.put(key, zone)
        call.then(self.emulator.apply_network)
        identifier = str(call.store.next_number("dns-operation"))
        operation = {
            "kind": "dns#operation",
            "id": identifier,
            "startTime": now(),
            "status": "done",
            "user": call.principal,
            "type": "update",
            "zoneContext": {"oldValue": public(before), "newValue": public(zone)},
        }
        call.store.put(f"{key}/operations/{identifier}", operation)
        return operation

    @handles(
        "dns.managedZones.delete", rules=[Said("refused while it holds records", source="Cloud DNS documentation")]
    )
    def delete(self, call: Call) -> Reply:
        key = self.zone_key(call)
        zone = call.store.get(key) or {}
        if zone.get("_cluster"):
            raise GoogleError(400, "The zone is managed by GKE and cannot be deleted.")
        if call.store.children(f"{key}/rrsets"):
            raise GoogleError(
                400,
                f"The resource named '{zone['name']}' cannot be deleted because it contains one or more "
                "'resource records'.",
                reason="containerNotEmpty",
            )
        call.store.delete(key)
        call.store.delete_under(key + "/")
        call.then(self.emulator.apply_network)
        return Reply(None, status=204)

    @handles("dns.managedZoneOperations.get", permission="dns.managedZoneOperations.get")
    def operation(self, call: Call) -> dict[str, Any]:
        return self.of_zone(call, "operations", "operation")

    def _checked(self, call: Call, zone: dict[str, Any]) -> dict[str, Any]:
        project = call.project()["projectId"]
        networks = zone.get("privateVisibilityConfig", {}).get("networks", [])
        if networks and zone["visibility"] != "private":
            raise GoogleError(
                400, "Invalid value for 'entity.managedZone.privateVisibilityConfig': the zone is public."
            )
        links = []
        for network in networks:
            found = re.search(r"projects/([^/]+)/global/networks/([^/]+)\Z", network.get("networkUrl", ""))
            path = f"projects/{call.project(found[1])['projectId']}/global/networks/{found[2]}" if found else ""
            if not found or not call.store.exists(f"compute/{path}"):
                raise GoogleError(
                    400, f"Invalid value for 'networkUrl': '{network.get('networkUrl')}': no such network."
                )
            network["networkUrl"] = BASE + path
            network["kind"] = "dns#managedZonePrivateVisibilityConfigNetwork"
            links.append(BASE + path)
        for other in call.store.children(f"dns/projects/{project}/managedZones"):
            bound = [n["networkUrl"] for n in other.get("privateVisibilityConfig", {}).get("networks", [])]
            if other["name"] != zone["name"] and other["dnsName"] == zone["dnsName"] and set(bound) & set(links):
                raise GoogleError(
                    409,
                    f"Network is already bound to another zone ({other['name']}) with the DNS name {zone['dnsName']}.",
                )
        return zone


class DnsProjects(DnsService):
    """The project's limits, which a preflight reads (gke-dns-path.md 1.7)."""

    @handles("dns.projects.get")
    def get(self, call: Call) -> dict[str, Any]:
        project = call.project()
        return {
            "kind": "dns#project",
            "id": project["projectId"],
            "number": project["number"],
            "quota": {
                "kind": "dns#quota",
                "managedZones": 10000,
                "managedZonesPerNetwork": 10000,
                "networksPerManagedZone": 100,
                "networksPerResponsePolicy": 100,
                "peeringZonesPerTargetNetwork": 100,
                "resourceRecordsPerRrset": 100,
                "responsePolicies": 100,
                "responsePolicyRulesPerResponsePolicy": 10000,
                "rrsetAdditionsPerChange": 1000,
                "rrsetDeletionsPerChange": 1000,
                "rrsetsPerManagedZone": 10000,
                "totalRrdataSizePerChange": 100000,
                "gkeClustersPerManagedZone": 100,
                "managedZonesPerGkeCluster": 1000,
            },
        }


class ResponsePolicies(DnsService):
    """Response policies: one for each network; a foreign one stops Cloud DNS for GKE."""

    @handles("dns.responsePolicies.list")
    def list(self, call: Call) -> dict[str, Any]:
        items = call.store.children(f"dns/projects/{call.project()['projectId']}/responsePolicies")
        items, following = page(items, call.query.get("maxResults"), call.query.get("pageToken"))
        return {"responsePolicies": items, "nextPageToken": following}

    @handles("dns.responsePolicies.create", rules=[Required("responsePolicyName", source=_TEXT)])
    def create(self, call: Call) -> dict[str, Any]:
        prefix = f"dns/projects/{call.project()['projectId']}/responsePolicies"
        links = {n.get("networkUrl") for n in call.body.get("networks", [])}
        for other in call.store.children(prefix):
            if other["responsePolicyName"] == call.body["responsePolicyName"]:
                raise GoogleError(409, f"The resource named '{other['responsePolicyName']}' already exists")
            if links & {n.get("networkUrl") for n in other.get("networks", [])}:
                raise GoogleError(400, "Network is already bound to another response policy.")
        identifier = str(call.store.next_number("dns", 6_000_000_000_000_000_003))
        policy = {"kind": "dns#responsePolicy", "id": identifier, **call.body}
        return call.store.put(f"{prefix}/{call.body['responsePolicyName']}", policy)

    @handles("dns.responsePolicies.delete")
    def delete(self, call: Call) -> Reply:
        key = f"dns/projects/{call.project()['projectId']}/responsePolicies/{call.path['responsePolicy']}"
        if not call.store.exists(key):
            raise GoogleError(404, f"The response policy '{call.path['responsePolicy']}' does not exist.")
        call.store.delete(key)
        return Reply(None, status=204)
