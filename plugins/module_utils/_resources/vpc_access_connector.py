# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Serverless VPC Access connector: the machines through which functions reach a network. Private to the collection."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from .._engine import normalise
from .._engine.compare import Change
from .._engine.fields import Document, Field, find
from .._engine.ownership import ParentMark
from .._engine.resource import Resource
from .._engine.states import State
from .._google import operations
from .._google.errors import ApiError
from .._google.locations import everywhere
from .compute_network import ComputeNetwork
from .compute_subnetwork import ComputeSubnetwork

_NAME = re.compile(r"^[a-z][-a-z0-9]{0,23}[a-z0-9]$")
#: What Google wants a connector's range to be, no more and no less.
_PREFIX_LENGTH = 28
_SIZE = ("machine_type", "min_instances", "max_instances")
_Read = t.TypeVar("_Read")


def _short(value: t.Any, resource: t.Any) -> t.Any:
    return normalise.short_name(value)


def _room(connector: Resource) -> Resource:
    """What it lives in: its subnetwork, or the network that its range is taken from."""
    options, project = connector.options, connector.project
    subnet = options.get("subnet")
    if subnet:
        place = {"name": normalise.short_name(subnet), "region": options["region"]}
        project = str(options.get("subnet_project") or project)
        return ComputeSubnetwork({**place, "project": project}, connector.context)
    name = normalise.short_name(options.get("network") or "")
    return ComputeNetwork({"name": name, "project": project}, connector.context)


def _if_enabled(read: t.Callable[[], _Read]) -> _Read | None:
    """What is read, or None where the API is still to be enabled: then there is nothing yet."""
    try:
        return read()
    except ApiError as error:
        if error.service_disabled:
            return None
        raise


class _RoomMark(ParentMark):
    """Google gives a connector no place for a mark: it is ours where its subnetwork or network is."""

    def owned(self, resource: Resource, found: Document) -> bool:
        # Deleting takes a name alone; what it lives in is then what Google says.
        for name, place in (("subnet", "subnet.name"), ("subnet_project", "subnet.projectId"), ("network", "network")):
            value = find(found, place.split("."))
            if value:
                resource.options.setdefault(name, value)
        return super().owned(resource, found)


class VpcAccessConnector(Resource):
    """Either a /28 of its own (``network`` and ``ip_cidr_range``) or a /28 subnetwork (``subnet``)."""

    kind = "vpc_access_connector"
    title = "VPC access connector"
    service = "vpcaccess"
    path = "v1/projects/{project}/locations/{region}/connectors/{name}"
    create_query = {"connectorId": "{name}"}
    family = operations.longrunning("vpcaccess")
    update_method = "PATCH"
    state_place = "state"
    states: t.ClassVar[dict[str, State]] = {**Resource.states, "READY": State.READY}
    mark = _RoomMark(_room)
    lock = "vpcaccess/{project}/{region}"
    #: Google: in a bad state, manual deletion recommended.
    remade_when_failed = True
    long_running = True
    timeout = 1200.0
    fields = (
        Field("name", api=None, required=True, identity=True),
        Field("region", api=None, required=True, identity=True),
        Field(
            "network", immutable=True, reference="compute_network", same=normalise.short_name, encode=_short
        ),
        Field("ip_cidr_range", immutable=True),
        Field(
            "subnet",
            api="subnet.name",
            immutable=True,
            reference="compute_subnetwork",
            same=normalise.short_name,
            encode=_short,
        ),
        Field("subnet_project", api="subnet.projectId", immutable=True),
        Field("machine_type", choices=("f1-micro", "e2-micro", "e2-standard-4"), default="e2-micro"),
        Field("min_instances", type="int", initial=2),
        Field("max_instances", type="int", initial=3),
        Field("connected_projects", type="list", elements="str", output=True),
        Field("state", output=True),
    )
    mutually_exclusive = (("ip_cidr_range", "subnet"), ("network", "subnet"))
    required_together = (("network", "ip_cidr_range"),)

    # -- rules -------------------------------------------------------------------------------------------------

    def validate(self) -> list[str]:
        wrong = []
        if not _NAME.match(self.name):
            wrong.append(
                f"name is {self.name!r}. Use 2 to 25 lower-case letters, digits and dashes; start with a letter, end "
                "without a dash."
            )
        if not (self.options.get("subnet") or self.options.get("network")):
            wrong.append("neither subnet nor network with ip_cidr_range is stated. Name a /28 subnetwork or a free /28.")
        if self.options.get("subnet_project") and not self.options.get("subnet"):
            wrong.append("subnet_project is stated without subnet. State both, or leave subnet_project out.")
        return wrong + self._range_rules() + self._instance_rules()

    def _range_rules(self) -> list[str]:
        value = self.options.get("ip_cidr_range")
        if not value:
            return []
        try:
            network = ipaddress.IPv4Network(value)
        except ValueError as error:
            return [f"ip_cidr_range {value} is not a range ({error}). Write it like 10.8.0.0/28."]
        if network.prefixlen != _PREFIX_LENGTH:
            return [f"ip_cidr_range {value} is a /{network.prefixlen}. Google takes a /28 only, such as 10.8.0.0/28."]
        return []

    def _instance_rules(self) -> list[str]:
        fewest, most = self.options.get("min_instances"), self.options.get("max_instances")
        wrong = []
        if fewest is not None and not 2 <= fewest <= 9:
            wrong.append(f"min_instances is {fewest}. State 2 to 9.")
        if most is not None and not 3 <= most <= 10:
            wrong.append(f"max_instances is {most}. State 3 to 10.")
        if not wrong and (fewest or 2) >= (most or 3):
            wrong.append(f"min_instances {fewest} is not less than max_instances {most or 3}. State both.")
        return wrong

    def examine_creation(self) -> list[str]:
        """Whether the range is free, or the subnetwork fit: Google would say so minutes later."""
        if self.options.get("subnet"):
            return self._unfit_subnet()
        wanted = ipaddress.IPv4Network(self.options["ip_cidr_range"])
        return [
            f"ip_cidr_range {wanted} overlaps {what} {taken} of network {self.options['network']}. Choose a free /28."
            for what, taken in self._taken()
            if wanted.overlaps(taken)
        ]

    def _unfit_subnet(self) -> list[str]:
        subnetwork = _room(self)
        found = subnetwork.read() or {}
        taken = str(found.get("ipCidrRange") or "")
        if taken and ipaddress.ip_network(taken).prefixlen != _PREFIX_LENGTH:
            return [f"subnet {subnetwork.name} is {taken}. A connector needs a /28 that nothing else uses."]
        return []

    def _taken(self) -> list[tuple[str, ipaddress.IPv4Network]]:
        """The network's ranges: its subnetworks', and those of connectors in all regions."""
        network = normalise.short_name(self.options["network"])
        url = f"compute/v1/projects/{self.project}/aggregated/subnetworks"
        key = ("subnetworks", self.project)
        there = _if_enabled(lambda: self.context.once(key, lambda: self.wire.aggregated(url, "subnetworks")))
        ranges = []
        for one in there or []:
            if normalise.short_name(one.get("network")) == network:
                stated = [one, *(one.get("secondaryIpRanges") or [])]
                ranges += [(f"subnetwork {one['name']}", str(each.get("ipCidrRange"))) for each in stated]
        for one in _if_enabled(lambda: everywhere(self.wire, self.service, self.project, "connectors")) or []:
            region, name = str(one["name"]).split("/")[3::2]
            # One that is to be made again holds the range that it will have.
            if (region, name) == (self.options["region"], self.name):
                continue
            if normalise.short_name(one.get("network")) == network and one.get("ipCidrRange"):
                ranges.append((f"connector {name} in {region}", str(one["ipCidrRange"])))
        return [(what, ipaddress.IPv4Network(text)) for what, text in ranges if ":" not in text]

    def remade(self, found: Document, changes: list[Change]) -> bool:
        """Only where it comes back in its place, as large as it was, and no other project has functions that use it."""
        stated = self.options
        # Whose it is, is looked up in what Google says; that is not declared by it.
        self.options = dict(stated)
        try:
            if self.fixed(changes) or not super().remade(found, changes):
                return False
        finally:
            self.options = stated
        users = set(found.get("connectedProjects") or []) - {self.project}
        if users and users != {self.context.project_number(self.wire, self.project)}:
            return False
        for name, value in self.describe(found).items():
            if name in _SIZE and value is not None:
                self.options.setdefault(name, value)
        return True

    def remedy(self) -> str:
        """What to do about one that failed and is not made again unasked."""
        return (
            "Make sure that no function of others needs it, delete it (module vpc_access_connector with state: absent, "
            f"force: true, project: {self.project}, region: {self.options['region']}, name: {self.name}), and run again."
        )

    # -- reading -----------------------------------------------------------------------------------------------

    def everything(self) -> list[Document]:
        return self.wire.pages(self.service, self.parent_url(), "connectors")
