# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""DNS peering: the runtime of an organisation resolves names of our network. Private to the collection.

Which mechanism applies follows from the organisation. With VPC peering it is a peered DNS domain of service networking,
handled here. Without, it is Apigee's own ``dnsZones``, which is not handled yet and refused with the reason.
"""

from __future__ import annotations

import re
import typing as t

from .._engine import normalise
from .._engine.fields import Document, Field
from .._google import operations
from .._google.errors import RefusedError
from .apigee_common import ORGANIZATION, ApigeeResource, read_organization
from .apigee_ownership import RecordMark

_SUFFIX = re.compile(r"^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)+$")
_NAME = re.compile(r"^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$")

#: Names that no resolver forwards: multicast DNS, and the machine itself.
_RESERVED = ("local.", "localhost.")


def _around(resource: ApigeeDnsPeering) -> list[tuple[str, str]]:
    project, network = resource.network()
    return [("compute", f"compute/v1/projects/{project}/global/networks/{network}")] if network else []


def _with_dot(value: str, resource: t.Any) -> str:
    return normalise.trailing_dot(value)


class ApigeeDnsPeering(ApigeeResource):
    """Service networking's ``peeredDnsDomains``: created, listed, deleted; wants the project's number."""

    kind = "apigee_dns_peering"
    title = "DNS peering"
    service = "servicenetworking"
    family = operations.SERVICE_NETWORKING
    list_items = "peeredDnsDomains"
    list_match = ("name",)
    mark = RecordMark(_around)
    pruned = False
    timeout = 1200.0
    after = ("project_services", "service_networking_connection")
    fields = (
        ORGANIZATION,
        Field("network", api=None, identity=True, reference="compute_network"),
        Field("name", required=True, identity=True),
        Field("dns_suffix", same=normalise.trailing_dot, encode=_with_dot, immutable=True),
    )
    needed = ("dns_suffix",)
    required_if = (("state", "present", needed),)

    def network(self) -> tuple[str, str]:
        """Project and short name of the network: as stated, otherwise the one that the organisation is peered with."""
        stated = str(self.options.get("network") or "")
        if not stated:
            there = read_organization(self, self.organization)
            stated = str((there or {}).get("authorizedNetwork") or "")
        match = re.search(r"projects/([^/]+)/global/networks/([^/]+)$", stated)
        if match:
            return match.group(1), match.group(2)
        return self.project, normalise.short_name(stated)

    def parent_url(self) -> str:
        """The list of the network's peered domains; Google takes only the project's number here."""
        project, network = self.network()
        number = self.context.project_number(self.wire, project)
        return (
            f"v1/services/servicenetworking.googleapis.com/projects/{number}/global/networks/{network}/peeredDnsDomains"
        )

    def lock_key(self) -> str:
        """Peerings of a network change one at a time."""
        return "servicenetworking/" + "/".join(self.network())

    def validate(self) -> list[str]:
        """Suffix and name as Google accepts them."""
        problems = super().validate()
        name = str(self.options["name"])
        if not _NAME.match(name):
            problems.append(
                f"name is {name!r}. Use lower-case letters, digits and dashes; start with a letter, end without a dash."
            )
        suffix = str(self.options.get("dns_suffix") or "")
        complete = str(normalise.trailing_dot(suffix))
        if suffix and not _SUFFIX.match(complete):
            problems.append(f"dns_suffix is {suffix!r}. Write a domain such as shop.gke.acme.internal.")
        elif suffix and any(complete == word or complete.endswith("." + word) for word in _RESERVED):
            problems.append(
                f"dns_suffix is {suffix!r}: names below .{complete.rstrip('.').rsplit('.', 1)[-1]} never leave a "
                "resolver. Use a domain of your own, such as shop.gke.acme.internal."
            )
        return problems

    def read(self) -> Document | None:
        """The peered domain; None too where the organisation cannot have one."""
        return super().read() if self._possible() else None

    def everything(self) -> list[Document]:
        """All peered domains of the network; none where the organisation cannot have any."""
        return super().everything() if self._possible() else []

    def _possible(self) -> bool:
        organization = read_organization(self, self.organization)
        return bool(not (organization or {}).get("disableVpcPeering") and self.network()[1])

    def examine_creation(self) -> list[str]:
        """The organisation must exist and be peered, with this very network."""
        organization = read_organization(self, self.organization)
        if organization is None and self.context.check:
            return []  # an earlier task may be about to create it
        if organization is None:
            return [
                f"organisation {self.organization} does not exist, or the credentials may not see it. Create it first "
                "(apigee_organization), or correct organization."
            ]
        if organization.get("disableVpcPeering"):
            return [
                f"organisation {self.organization} was created without VPC peering (disableVpcPeering): its runtime "
                "has no route to pods and no peered DNS domains. Reach the workload through Private Service Connect: "
                "an endpoint attachment in front of an internal load balancer; or use a peered organisation. "
                "DNS zones of such organisations are not supported by this version."
            ]
        stated, peered = self.options.get("network"), organization.get("authorizedNetwork")
        if stated and peered and normalise.short_name(stated) != normalise.short_name(peered):
            return [
                f"network is {stated}, but organisation {self.organization} is peered with {peered}. Names are "
                "resolved in the peered network only: leave network out, or state that one."
            ]
        if not self.network()[1]:
            return [f"organisation {self.organization} is peered with no network. State network once it is."]
        return []

    def create(self) -> None:
        """Create it, after looking at the organisation once more: it may have been made by this very run."""
        for sentence in self.examine_creation():
            raise RefusedError(sentence)
        super().create()

    def output(self, found: Document) -> dict[str, t.Any]:
        """With the network that was found and the mechanism that applies."""
        project, network = self.network()
        shown = super().output(found)
        return {**shown, "mechanism": "peered_dns_domain", "network": network, "network_project": project}

    def predicted(self) -> dict[str, t.Any]:
        """The same keys, with the suffix as Google will show it."""
        shown = super().predicted()
        suffix = normalise.trailing_dot(self.options.get("dns_suffix"))
        network = normalise.short_name(self.options.get("network"))
        return {
            **shown,
            "dns_suffix": suffix,
            "mechanism": "peered_dns_domain",
            "network": network,
            "network_project": self.options.get("project"),
        }
