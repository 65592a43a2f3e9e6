# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Serverless VPC Access: connectors, each with a /28 of its own or in a /28 subnetwork."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from testbed.google import function_picture
from testbed.google.errors import GoogleError, field_violation
from testbed.google.operations import Run
from testbed.google.rules import Immutable, Network, Pattern, Range, Said
from testbed.google.service import Call, Service, handles, now, on_failure, work
from testbed.google.services.compute.common import BASE, ZONES, used_ranges

_SEEN = "google-apis.md 4.12"
_DOCUMENT = "vpcaccess.v1 discovery document, Connector"
_TYPE = "type.googleapis.com/google.cloud.vpcaccess.v1."
_NAME = r"[a-z][-a-z0-9]{0,23}[a-z0-9]"
_METHODS = "vpcaccess.projects.locations.connectors"
_INSTANCES = [
    Range("minInstances", 2, 9, source="gcloud compute networks vpc-access connectors create, flag texts"),
    Range("maxInstances", 3, 10, source="gcloud compute networks vpc-access connectors create, flag texts"),
    Said("minInstances is less than maxInstances", source=_DOCUMENT),
]


def key(parent: str, name: str = "") -> str:
    """Return the store key of a connector, or of all connectors of projects/ID/locations/REGION."""
    return f"vpcaccess/{parent}/connectors/{name}"


class Connectors(Service):
    """projects.locations.connectors.*, and the locations that there are"""

    document = "vpcaccess.v1"
    prefix = "vpcaccess"
    api = "vpcaccess.googleapis.com"
    method_prefix = _METHODS

    @handles(
        ".create",
        rules=[
            Pattern("connectorId", _NAME, query=True, source=f"{_SEEN}; gcloud's own check"),
            Network("ipCidrRange", source=f"{_DOCUMENT}.ipCidrRange"),
            *_INSTANCES,
            Said("either network and ipCidrRange or subnet", source=_SEEN),
            Said("a range of its own is a /28 and free in the network; a subnetwork is a /28", source=_SEEN),
        ],
    )
    def create(self, call: Call) -> dict[str, Any]:
        parent = self._parent(call, call.path["parent"])
        name = call.query.get("connectorId") or ""
        if not name:
            raise field_violation("connectorId", "connector_id is required")
        full = f"{parent}/connectors/{name}"
        if call.store.exists(key(parent, name)):
            raise GoogleError(409, f"Resource '{full}' already exists")
        document = {"minInstances": 2, "maxInstances": 10, "machineType": "e2-micro", **call.body, "name": full}
        _check_instances(document)
        self._place(call, parent, document)
        call.store.put(key(parent, name), {**document, "state": "CREATING"})
        return self._operate(call, full, "create", "vpcaccess.ready", "vpcaccess.connector")

    @handles(".get")
    def get(self, call: Call) -> dict[str, Any]:
        return self._stored(call)[1]

    @handles(".list")
    def list(self, call: Call) -> dict[str, Any]:
        return {"connectors": call.store.children(key(self._parent(call, call.path["parent"])).rstrip("/"))}

    @handles(
        ".patch",
        rules=[
            *_INSTANCES,
            Immutable(("name", "network", "ipCidrRange", "subnet"), source=f"{_SEEN}: create-only to clients"),
        ],
    )
    def patch(self, call: Call) -> dict[str, Any]:
        where, before = self._stored(call)
        if before["state"] != "READY":
            raise GoogleError(400, f"Connector is in state {before['state']}.", status="FAILED_PRECONDITION")
        fields = call.mask or list(call.body)
        sent = {name: value for name, value in call.body.items() if name in fields}
        call.immutable(before, sent)
        document = {**before, **sent}
        _check_instances(document)
        call.store.put(where, {**document, "state": "UPDATING"})
        return self._operate(call, before["name"], "update", "vpcaccess.ready", "vpcaccess.connector")

    @handles(".delete")
    def delete(self, call: Call) -> dict[str, Any]:
        where, before = self._stored(call)
        call.store.put(where, {**before, "state": "DELETING"})
        return self._operate(call, before["name"], "delete", "vpcaccess.gone", "vpcaccess.connector_delete")

    @handles("vpcaccess.projects.locations.list")
    def locations(self, call: Call) -> dict[str, Any]:
        parent = f"projects/{call.project()['projectId']}/locations"
        return {"locations": [{"name": f"{parent}/{region}", "locationId": region} for region in ZONES]}

    @handles("vpcaccess.projects.locations.operations.get")
    async def operation(self, call: Call) -> dict[str, Any]:
        name = re.sub(r"^projects/[^/]+", f"projects/{call.project()['projectId']}", call.path["name"])
        return await call.operations.poll(call, name)

    @work("vpcaccess.ready")
    async def ready(self, run: Run) -> dict[str, Any] | None:
        async with run.transaction() as tx:
            document = tx.get(run.arguments["key"])
            if document is None:
                return None
            document["state"] = "READY"
            tx.put(run.arguments["key"], document)
        await function_picture.connectors_changed(run.emulator)
        return {"@type": f"{_TYPE}Connector", **document}

    @on_failure("vpcaccess.ready")
    async def broken(self, run: Run, error: dict[str, Any]) -> None:
        async with run.transaction() as tx:
            document = tx.get(run.arguments["key"])
            if document is not None:
                tx.put(run.arguments["key"], {**document, "state": "ERROR"})

    @work("vpcaccess.gone")
    async def gone(self, run: Run) -> dict[str, Any]:
        async with run.transaction() as tx:
            tx.delete(run.arguments["key"])
        await function_picture.connectors_changed(run.emulator)
        return {"@type": "type.googleapis.com/google.protobuf.Empty"}

    def _parent(self, call: Call, text: str) -> str:
        location = text.split("/")[3]
        if location not in ZONES:
            raise GoogleError(403, f"Permission denied on 'locations/{location}' (or it may not exist).")
        return f"projects/{call.project()['projectId']}/locations/{location}"

    def _stored(self, call: Call) -> tuple[str, dict[str, Any]]:
        full = call.path["name"]
        parent, name = self._parent(call, full), full.rsplit("/", 1)[-1]
        document = call.store.get(key(parent, name))
        if document is None:
            raise GoogleError(404, f"Resource '{parent}/connectors/{name}' was not found")
        return key(parent, name), document

    def _operate(self, call: Call, target: str, method: str, work_name: str, duration: str) -> dict[str, Any]:
        parent, name = target.rsplit("/connectors/", 1)
        metadata = {"@type": f"{_TYPE}OperationMetadata", "method": f"google.cloud.vpcaccess.v1.{method}"}
        return call.operations.start(
            call,
            "longrunning",
            scope=parent,
            duration=duration,
            work=work_name,
            arguments={"key": key(parent, name)},
            metadata={**metadata, "createTime": now(), "target": target},
        )

    def _place(self, call: Call, parent: str, document: dict[str, Any]) -> None:
        """Raise GoogleError 400 unless the connector has a place: a free /28, or a subnetwork that is a /28."""
        project, region = parent.split("/")[1], parent.split("/")[3]
        subnet = document.get("subnet") or {}
        if bool(subnet.get("name")) == bool(document.get("ipCidrRange")):
            raise GoogleError(400, "Exactly one of subnet and network with ip_cidr_range must be specified.")
        if subnet.get("name"):
            home = subnet.get("projectId") or project
            found = call.store.get(f"compute/projects/{home}/regions/{region}/subnetworks/{subnet['name']}")
            if found is None:
                raise GoogleError(400, f"Subnet {subnet['name']} was not found in {region} of project {home}.")
            if ipaddress.IPv4Network(found["ipCidrRange"]).prefixlen != 28:
                raise field_violation("subnet", f"Subnet {subnet['name']} must have a netmask of 28.")
            document["network"] = found["network"].rsplit("/", 1)[-1]
            return
        network = document.setdefault("network", "default")
        link = f"{BASE}projects/{project}/global/networks/{network}"
        if not call.store.exists(f"compute/{link.removeprefix(BASE)}"):
            raise GoogleError(400, f"Network {network} was not found in project {project}.")
        wanted = ipaddress.IPv4Network(document["ipCidrRange"])
        if wanted.prefixlen != 28:
            raise field_violation("ip_cidr_range", f"Invalid IP CIDR range {wanted}: it must have a netmask of 28.")
        taken = used_ranges(call.store, project, link) | _connector_ranges(call, project, network)
        for what, other in taken.items():
            if wanted.overlaps(other):
                raise field_violation("ip_cidr_range", f"IP CIDR range {wanted} overlaps with {what} ({other}).")


def _connector_ranges(call: Call, project: str, network: str) -> dict[str, ipaddress.IPv4Network]:
    found = {}
    for where, document in call.store.items(f"vpcaccess/projects/{project}/"):
        if document.get("network") == network and document.get("ipCidrRange"):
            found[f"connector {where.rsplit('/', 1)[-1]}"] = ipaddress.IPv4Network(document["ipCidrRange"])
    return found


def _check_instances(document: dict[str, Any]) -> None:
    if document["minInstances"] >= document["maxInstances"]:
        raise field_violation("min_instances", "min_instances must be less than max_instances.")
