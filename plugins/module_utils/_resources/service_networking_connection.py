# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Private connection between a VPC network and Google's services. Private to the collection."""

from __future__ import annotations

import typing as t

from .._engine import normalise
from .._engine.compare import Change
from .._engine.fields import Document, Field
from .._engine.ownership import Mark, ParentMark
from .._engine.resource import Reference, Resource
from .._google import clock, operations
from .._google.errors import ApiError, OperationError

SERVICE = "servicenetworking.googleapis.com"
PEERING = "servicenetworking-googleapis-com"


def _network(connection: Resource) -> Resource:
    from .compute_network import ComputeNetwork

    options = {"name": normalise.short_name(connection.options["network"]), "project": connection.project}
    return ComputeNetwork(options, connection.context)


class _NetworkOrRangesMark(ParentMark):
    """Ours in a network of ours; in somebody else's, if nobody else has a range in it."""

    def owned(self, resource: Resource, found: Document) -> bool:
        ranges = found.get("reservedPeeringRanges") or []
        return super().owned(resource, found) or (
            isinstance(resource, ServiceNetworkingConnection)
            and bool(ranges)
            and len(resource.ranges_of_ours(found)) == len(ranges)
        )


class ServiceNetworkingConnection(Resource):
    """The peering through which Apigee reaches a network; it needs the network by project number.

    There is no get: connections of the network are listed. The list of ranges is replaced as a whole by Google, so
    ranges that others reserved are sent along.
    """

    kind = "service_networking_connection"
    title = "service networking connection of network"
    service = "servicenetworking"
    family = operations.SERVICE_NETWORKING
    name_option = "network"
    parent_path = f"v1/services/{SERVICE}/connections"
    update_method = "PATCH"
    timeout = 900.0
    delete_patience = 600.0
    mark: t.ClassVar[Mark] = _NetworkOrRangesMark(_network)
    #: The ranges that remain when ours are taken out of somebody else's connection.
    _staying: t.Sequence[str] = ()
    _ours: list[str] | None = None
    fields = (
        Field("network", required=True, identity=True, reference="compute_network"),
        Field(
            "reserved_peering_ranges",
            type="list",
            elements="str",
            required=True,
            lists="set",
            keep_extra=True,
            same=normalise.short_name,
        ),
        Field("peering", output=True),
        Field("service", output=True),
    )

    def references(self) -> list[Reference]:
        ranges = self.options.get("reserved_peering_ranges") or []
        # A new range can be added to a connection that exists.
        needed = [Reference("compute_global_address", str(name), needed=False) for name in ranges]
        return super().references() + needed

    @property
    def name(self) -> str:
        """The network's short name, however it is spelt."""
        return normalise.short_name(super().name)

    def full_network(self) -> str:
        """``projects/<number>/global/networks/<name>``: the only spelling this API takes."""
        name = normalise.short_name(self.options["network"])
        project = self.project
        given = normalise.relative(self.options["network"])
        if given.startswith("projects/"):
            project = given.split("/")[1]
        return f"projects/{self.context.project_number(self.wire, project)}/global/networks/{name}"

    def read(self) -> Document | None:
        network = self.full_network()
        answer = self.wire.find(self.service, self.parent_url(), {"network": network}) or {}
        for connection in answer.get("connections") or []:
            if connection.get("peering", PEERING) == PEERING:
                return connection
        return None

    def everything(self) -> list[Document]:
        found = self.read()
        return [found] if found else []

    def body(self) -> Document:
        ranges = [normalise.short_name(name) for name in self.options["reserved_peering_ranges"]]
        return {"network": self.full_network(), "reservedPeeringRanges": ranges}

    def ranges_of_ours(self, found: Document) -> list[str]:
        """Those of the connection's ranges that carry our mark; read once."""
        from .compute_global_address import ComputeGlobalAddress

        if self._ours is None:
            self._ours = []
            for name in map(str, found.get("reservedPeeringRanges") or []):
                address = ComputeGlobalAddress({"name": name, "project": self.project}, self.context)
                document = address.read()
                if document is not None and address.mark.owned(address, document):
                    self._ours.append(name)
        return self._ours

    def withdrawal(self, found: Document) -> list[Change]:
        """Ranges of ours in a connection that others use too."""
        stated = map(normalise.short_name, self.options.get("reserved_peering_ranges") or [])
        going = set(stated) & set(self.ranges_of_ours(found))
        there = [str(name) for name in found.get("reservedPeeringRanges") or []]
        staying = [name for name in there if name not in going]
        if not going:
            return []
        field = next(field for field in self.fields if field.name == "reserved_peering_ranges")
        self._staying = staying
        return [Change(field.name, there, staying, field, field.name)]

    def update(self, found: Document, changes: list[Change]) -> None:
        if self._staying:
            self._replace(self._staying)
            return
        wanted = self.body()["reservedPeeringRanges"]
        kept = [name for name in found.get("reservedPeeringRanges") or [] if name not in wanted]
        self._replace((kept if wanted else []) + wanted)

    def _replace(self, ranges: list[str]) -> None:
        """State the whole list of ranges. Google refuses while a producer still uses one that is taken out."""
        patience = clock.Deadline(self.delete_patience if self._staying else 0)
        body = {"network": self.full_network(), "reservedPeeringRanges": ranges}
        while True:
            try:
                reply = self.wire.send(
                    self.service,
                    "PATCH",
                    f"{self.parent_url()}/{PEERING}",
                    query={"updateMask": "reservedPeeringRanges", "force": True},
                    body=body,
                )
                self.finish(reply.json())
                return
            except OperationError as error:
                if patience.over() or not self.in_use(error):
                    raise
            clock.sleep(min(10.0, patience.left()))

    def send_delete(self) -> t.Any:
        body = {"consumerNetwork": self.full_network()}
        return self.wire.send(self.service, "POST", f"{self.parent_url()}/{PEERING}", body=body, repeatable=True).json()

    def in_use(self, error: ApiError | OperationError) -> bool:
        # Producers release their side some time after their last instance is gone.
        return isinstance(error, OperationError) and error.number == 9
