# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Service Networking: the peering between a network and Google's managed services, and peered DNS domains."""

from __future__ import annotations

import re
from typing import Any

from testbed.google.errors import GoogleError, field_violation, precondition
from testbed.google.operations import Run
from testbed.google.rules import Pattern, ProjectNumber, Required, Said
from testbed.google.service import Call, Service, handles, work

_SEEN = "google-apis.md 4.4"
_SERVICE = "servicenetworking.googleapis.com"
_PEERING = "servicenetworking-googleapis-com"
_TYPE = "type.googleapis.com/google.cloud.servicenetworking.v1."
_HELD = (
    "Failed to delete connection; Producer services (e.g. CloudSQL, Cloud Memstore, etc.) are still using this "
    "connection."
)


def key(network: str) -> str:
    """Return the store key below which a network's peering lives; network is projects/NUMBER/global/networks/N."""
    return f"servicenetworking/{network}"


class ServiceNetworking(Service):
    """Base of both kinds."""

    document = "servicenetworking.v1"
    prefix = "servicenetworking"
    api = _SERVICE

    def project_name(self, call: Call) -> str | None:
        texts = [*call.path.values(), call.query.get("network") or ""]
        texts += [call.body.get("network") or "", call.body.get("consumerNetwork") or ""]
        for text in texts:
            found = re.search(r"projects/([^/]+)", text)
            if found and found[1] != "-":
                return found[1]
        return None

    def network(self, call: Call, text: str) -> str:
        """Return projects/NUMBER/global/networks/N of an existing network. Raises GoogleError."""
        found = re.fullmatch(r"projects/(\d+)/global/networks/([^/]+)", text or "")
        if not found:
            raise field_violation(
                "network", f"Invalid network '{text}': expected projects/NUMBER/global/networks/NAME."
            )
        project = call.project(found[1])
        if not call.store.exists(f"compute/projects/{project['projectId']}/global/networks/{found[2]}"):
            raise GoogleError(404, f"Network '{text}' was not found.")
        return text

    @staticmethod
    def service_name(call: Call) -> None:
        """Raise GoogleError 400 for any producer but servicenetworking.googleapis.com."""
        if not re.search(rf"services/{re.escape(_SERVICE)}(/|\Z)", next(iter(call.path.values()))):
            raise GoogleError(400, f"The service must be services/{_SERVICE}.")

    def operate(self, call: Call, network: str, work_name: str, duration: str, **arguments: Any) -> dict[str, Any]:
        """Start the operation of a change to a network's peering; one at a time for each network."""
        return call.operations.start(
            call,
            "longrunning",
            scope="",
            duration=duration,
            work=work_name,
            arguments={"network": network, **arguments},
            lock=key(network),
            refuse=lambda _: GoogleError(
                400,
                "There is a peering operation in progress on the local or peer network. Try again later.",
                status="FAILED_PRECONDITION",
            ),
            response=arguments.get("response"),
        )


class Connections(ServiceNetworking):
    """Private connections. Only one exists for each network."""

    @handles(
        "servicenetworking.services.connections.list",
        rules=[
            Required("network", query=True, source=_SEEN),
            Pattern("network", r"projects/[^/]+/global/networks/[^/]+", query=True, source="field text"),
        ],
    )
    def list(self, call: Call) -> dict[str, Any]:
        text = call.query["network"]
        found = re.search(r"projects/([^/]+)/global/networks/(.+)", text)
        assert found is not None
        if not found[1].isdigit():
            raise field_violation(
                "network", f"Invalid value '{text}': the project must be given by its number, not by its id."
            )
        connection = call.store.get(f"{key(text)}/connection")
        return {"connections": [self._shown(connection)] if connection else []}

    @handles(
        "servicenetworking.services.connections.create",
        rules=[
            Required("network", source="field text"),
            Required("reservedPeeringRanges", source="field text"),
            ProjectNumber("network", source=_SEEN),
            Said("other ranges on an existing connection end the operation with code 9", source=_SEEN),
        ],
    )
    def create(self, call: Call) -> dict[str, Any]:
        return self._connect(call, create=True)

    @handles(
        "servicenetworking.services.connections.patch",
        rules=[
            Required("network", source="field text"),
            ProjectNumber("network", source=_SEEN),
            Said("replaces the ranges; force is needed when one is removed", source=_SEEN),
        ],
    )
    def patch(self, call: Call) -> dict[str, Any]:
        ranges = call.body.get("reservedPeeringRanges", [])
        if not ranges:
            raise field_violation("reservedPeeringRanges", "reservedPeeringRanges must not be empty.")
        stored = call.store.get(f"{key(self.network(call, call.body['network']))}/connection")
        removed = set(stored["reservedPeeringRanges"]) - set(ranges) if stored else set()
        if removed and not call.query.get("force"):
            raise precondition(f"Cannot modify allocated ranges {', '.join(sorted(removed))} without force.")
        return self._connect(call, create=False)

    def _connect(self, call: Call, *, create: bool) -> dict[str, Any]:
        """Start to give a network's connection the ranges of the body; whether it may exist before differs."""
        self.service_name(call)
        return self.operate(
            call,
            self.network(call, call.body["network"]),
            "servicenetworking.connect",
            "servicenetworking.connection",
            ranges=call.body["reservedPeeringRanges"],
            create=create,
        )

    @handles(
        "servicenetworking.services.connections.deleteConnection",
        rules=[
            Required("consumerNetwork", source="field text"),
            ProjectNumber("consumerNetwork", source=_SEEN),
            Said("ends with code 9 while Apigee holds instances", source=_SEEN),
        ],
    )
    def delete(self, call: Call) -> dict[str, Any]:
        self.service_name(call)
        network = self.network(call, call.body["consumerNetwork"])
        if not call.store.exists(f"{key(network)}/connection"):
            raise GoogleError(404, f"Service connection {_PEERING} was not found on network {network}.")
        response = {"@type": "type.googleapis.com/google.protobuf.Empty"}
        return self.operate(
            call, network, "servicenetworking.disconnect", "servicenetworking.connection", response=response
        )

    @handles("servicenetworking.operations.get", permission="")
    async def operation(self, call: Call) -> dict[str, Any]:
        return await call.operations.poll(call, call.path["name"])

    @work("servicenetworking.connect")
    async def connect(self, run: Run) -> dict[str, Any]:
        network, ranges = run.arguments["network"], run.arguments["ranges"]
        number, name = re.findall(r"projects/(\d+)/global/networks/(.+)", network)[0]
        async with run.transaction() as tx:
            stored = tx.get(f"{key(network)}/connection")
            if stored and run.arguments["create"] and set(stored["reservedPeeringRanges"]) != set(ranges):
                raise precondition(
                    "Cannot modify allocated ranges in CreateConnection. Please use UpdateConnection.\n"
                    f"Existing allocated IP ranges: {stored['reservedPeeringRanges']}."
                )
            project = self.emulator.project(tx, number)["projectId"]
            link = f"https://www.googleapis.com/compute/v1/projects/{project}/global/networks/{name}"
            for given in ranges:
                address = tx.get(f"compute/projects/{project}/global/addresses/{given}")
                if address is None or address.get("network") != link or address.get("purpose") != "VPC_PEERING":
                    raise GoogleError(
                        400, f"Range {given} was not found, or is not reserved for VPC peering on {network}."
                    )
            connection = {
                "network": network,
                "reservedPeeringRanges": ranges,
                "peering": _PEERING,
                "service": f"services/{_SERVICE}",
                "tenantProject": (stored or {}).get("tenantProject", f"t{number[:8]}-tp"),
            }
            tx.put(f"{key(network)}/connection", connection)
        await self.emulator.apply_network()
        return {"@type": _TYPE + "Connection", **self._shown(connection)}

    @work("servicenetworking.disconnect")
    async def disconnect(self, run: Run) -> None:
        network = run.arguments["network"]
        async with run.transaction() as tx:
            number, name = re.findall(r"projects/(\d+)/global/networks/(.+)", network)[0]
            if apigee_holds(tx, self.emulator.project(tx, number)["projectId"], name):
                raise precondition(_HELD)
            tx.delete(f"{key(network)}/connection")
        await self.emulator.apply_network()

    @staticmethod
    def _shown(connection: dict[str, Any]) -> dict[str, Any]:
        return {name: connection[name] for name in ("network", "reservedPeeringRanges", "peering", "service")}


def apigee_holds(tx: Any, project: str, network: str) -> bool:
    """Tell whether an Apigee instance still lives in a peered network, whichever project its organisation is of.

    project is the id of the network's own project: with shared VPC it is not the organisation's.
    """
    for found, organization in tx.items("apigee/organizations/"):
        if len(found.split("/")) != 3 or organization.get("network_project") != project:
            continue
        if organization["authorizedNetwork"].rsplit("/", 1)[-1] == network and tx.keys(f"{found}/instances/"):
            return True
    return False


class PeeredDnsDomains(ServiceNetworking):
    """DNS suffixes that managed services resolve through the network. Create, list, delete: nothing else exists."""

    @handles(
        "servicenetworking.services.projects.global.networks.peeredDnsDomains.create",
        rules=[
            ProjectNumber("parent", path=True, source=_SEEN),
            Required("name", source="field text"),
            Required("dnsSuffix", source="field text"),
            Pattern("name", r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?", source="field text"),
            Pattern(
                "dnsSuffix",
                r"(?:[a-z0-9_](?:[-a-z0-9_]{0,61}[a-z0-9_])?\.)+",
                message="Invalid DNS suffix: it must be a fully qualified domain name that ends with a dot.",
                source=_SEEN,
            ),
        ],
    )
    def create(self, call: Call) -> dict[str, Any]:
        network = self._network(call, "parent")
        where = f"{key(network)}/peeredDnsDomains/{call.body['name']}"
        if not call.store.exists(f"{key(network)}/connection"):
            raise precondition(f"There is no private connection between {network} and {_SERVICE}.")
        for other in call.store.children(f"{key(network)}/peeredDnsDomains"):
            if other["name"] == call.body["name"] or other["dnsSuffix"] == call.body["dnsSuffix"]:
                raise GoogleError(409, f"Peered DNS domain {other['name']} ({other['dnsSuffix']}) already exists.")
        domain = {"name": call.body["name"], "dnsSuffix": call.body["dnsSuffix"]}
        return self.operate(
            call,
            network,
            "servicenetworking.peer_domain",
            "servicenetworking.peered_dns_domain",
            key=where,
            domain=domain,
            response={"@type": _TYPE + "PeeredDnsDomain", **domain},
        )

    @handles(
        "servicenetworking.services.projects.global.networks.peeredDnsDomains.list",
        rules=[ProjectNumber("parent", path=True, source=_SEEN)],
    )
    def list(self, call: Call) -> dict[str, Any]:
        network = self._network(call, "parent")
        return {"peeredDnsDomains": call.store.children(f"{key(network)}/peeredDnsDomains")}

    @handles(
        "servicenetworking.services.projects.global.networks.peeredDnsDomains.delete",
        rules=[ProjectNumber("name", path=True, source=_SEEN)],
    )
    def delete(self, call: Call) -> dict[str, Any]:
        network = self._network(call, "name")
        name = call.path["name"].rsplit("/", 1)[-1]
        where = f"{key(network)}/peeredDnsDomains/{name}"
        if not call.store.exists(where):
            raise GoogleError(404, f"Peered DNS domain '{name}' was not found on {network}.")
        response = {"@type": "type.googleapis.com/google.protobuf.Empty"}
        return self.operate(
            call,
            network,
            "servicenetworking.unpeer_domain",
            "servicenetworking.peered_dns_domain",
            key=where,
            response=response,
        )

    def _network(self, call: Call, name: str) -> str:
        self.service_name(call)
        found = re.search(r"projects/[^/]+/global/networks/[^/]+", call.path[name])
        return self.network(call, found[0] if found else "")

    @work("servicenetworking.peer_domain")
    async def peer(self, run: Run) -> None:
        async with run.transaction() as tx:
            tx.put(run.arguments["key"], run.arguments["domain"])
        await self.emulator.apply_network()

    @work("servicenetworking.unpeer_domain")
    async def unpeer(self, run: Run) -> None:
        async with run.transaction() as tx:
            tx.delete(run.arguments["key"])
        await self.emulator.apply_network()
