# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two ways in which Apigee resolves names of our network, and what they differ in. Private to the collection."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .._engine import normalise
from .._engine.fields import Document
from .._engine.ownership import DescriptionMark, Mark
from .._google import operations
from .._google.errors import ApiError, Failure, OperationError
from .apigee_ownership import CoveredMark

if t.TYPE_CHECKING:
    from .._engine.compare import Change
    from .._engine.resource import Resource
    from .apigee_dns_peering import ApigeeDnsPeering

#: What Apigee's service agent needs on the project that owns the network (google-apis.md section 6).
DNS_PEER = "roles/dns.peer"
_DNS_PEER_PERMISSION = "dns.networks.targetWithPeeringZone"


@dataclasses.dataclass(frozen=True)
class Mechanism:
    """One of the two.

    word         what results call it
    items        array in the list's reply
    state_place  where it tells its state
    parent       where it is listed and made;  lock: what changes one at a time
    query, body  of the call that makes it, from the resource and the body in the words of a peered domain
    told         an entry of the list, in the words of a peered domain
    """

    word: str
    service: str
    family: operations.Family
    items: str
    state_place: str
    parent: t.Callable[[ApigeeDnsPeering], str]
    lock: t.Callable[[ApigeeDnsPeering], str]
    query: t.Callable[[ApigeeDnsPeering], dict[str, t.Any]]
    body: t.Callable[[ApigeeDnsPeering, Document], Document]
    told: t.Callable[[Document], Document]


def network_of(stated: t.Any, project: str) -> tuple[str, str]:
    """Project and short name of a network given by either."""
    text = str(stated or "")
    match = re.search(r"projects/([^/]+)/global/networks/([^/]+)$", text)
    return (match.group(1), match.group(2)) if match else (project, str(normalise.short_name(text) or ""))


def _domains(peering: ApigeeDnsPeering) -> str:
    project, network = peering.network()
    number = peering.context.project_number(peering.wire, project)  # Google takes nothing else here
    return f"v1/services/servicenetworking.googleapis.com/projects/{number}/global/networks/{network}/peeredDnsDomains"


def _zone_body(peering: ApigeeDnsPeering, body: Document) -> Document:
    project, network = peering.network()
    return {
        "domain": body["dnsSuffix"],
        "peeringConfig": {"targetProjectId": project, "targetNetworkId": network},
    }


def _zone_told(zone: Document) -> Document:
    target = zone.get("peeringConfig") or {}
    project, network = network_of(target.get("targetNetworkId"), str(target.get("targetProjectId") or ""))
    return {
        "name": str(zone.get("name") or "").rsplit("/", 1)[-1],
        "dnsSuffix": normalise.trailing_dot(zone.get("domain")),
        "description": zone.get("description"),
        "state": zone.get("state"),
        "network": f"projects/{project}/global/networks/{network}",
    }


PEERED_DOMAIN = Mechanism(
    word="peered_dns_domain",
    service="servicenetworking",
    family=operations.SERVICE_NETWORKING,
    items="peeredDnsDomains",
    state_place="",
    parent=_domains,
    lock=lambda peering: "servicenetworking/" + "/".join(peering.network()),
    query=lambda peering: {},
    body=lambda peering, body: body,
    told=lambda entry: entry,
)

ZONE = Mechanism(
    word="dns_zone",
    service="apigee",
    family=operations.APIGEE,
    items="dnsZones",
    state_place="state",
    parent=lambda peering: f"v1/organizations/{peering.organization}/dnsZones",
    lock=lambda peering: f"apigee/{peering.organization}",
    query=lambda peering: {"dnsZoneId": peering.options["name"]},
    body=_zone_body,
    told=_zone_told,
)


class PeeringMark(Mark):
    """A zone carries the sentence in its description; a peered domain is ours with its network, or by a record."""

    _domain = CoveredMark(
        lambda peering: [
            ("compute", f"compute/v1/projects/{project}/global/networks/{network}")
            for project, network in [peering.network()]
            if network
        ]
    )
    _zone = DescriptionMark()

    def _of(self, resource: Resource) -> Mark:
        return self._zone if t.cast("ApigeeDnsPeering", resource).mechanism is ZONE else self._domain

    def stamp(self, resource: Resource, body: Document) -> None:
        self._of(resource).stamp(resource, body)

    def owned(self, resource: Resource, found: Document) -> bool:
        return self._of(resource).owned(resource, found)

    def before_create(self, resource: Resource) -> None:
        self._of(resource).before_create(resource)

    def after_create(self, resource: Resource, found: Document) -> None:
        self._of(resource).after_create(resource, found)

    def after_refusal(self, resource: Resource) -> None:
        self._of(resource).after_refusal(resource)

    def adopt(self, resource: Resource, found: Document) -> None:
        self._of(resource).adopt(resource, found)

    def settle(self, resource: Resource, found: Document | None, changes: list[Change], present: bool) -> None:
        self._of(resource).settle(resource, found, changes, present)

    def after_delete(self, resource: Resource) -> None:
        self._of(resource).after_delete(resource)


def dns_peer_trouble(peering: ApigeeDnsPeering, error: ApiError | OperationError) -> Failure:
    """The same error, with the grant that is missing if it is the one for Apigee's service agent."""
    if peering.mechanism is not ZONE or _DNS_PEER_PERMISSION not in f"{error.said} {error.message}":
        return error
    project, network = peering.network()
    number = peering.context.project_number(peering.wire, peering.project)
    agent = f"service-{number}@gcp-sa-apigee.iam.gserviceaccount.com"
    # Whoever catches it still asks the error itself; only what people read is replaced.
    error.message = (
        f"Google answered: {error.said}\n"
        f"  because Apigee's service agent may not ask network {network} of project {project} for names.\n"
        f"  do Grant it {DNS_PEER} there, once the organisation exists (before that there is no such account): "
        f"gcloud projects add-iam-policy-binding {project} --member=serviceAccount:{agent} --role={DNS_PEER}"
    )
    return error
