# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""DNS peering: the runtime of an organisation resolves names of our network. Private to the collection.

Which mechanism applies follows from the organisation. With VPC peering it is a peered DNS domain of service networking,
without it is Apigee's own ``dnsZones``; each is refused on the other's organisations. Neither can change in place, and
both are found in lists, so all they differ in is stated by :data:`PEERED_DOMAIN` and :data:`ZONE`.
"""

from __future__ import annotations

import re
import typing as t

from .._engine import normalise
from .._engine.compare import Change
from .._engine.fields import Document, Field
from .._google.errors import ApiError, OperationError, RefusedError
from .apigee_common import ORGANIZATION, ApigeeResource
from .apigee_dns_mechanisms import PEERED_DOMAIN, ZONE, Mechanism, PeeringMark, dns_peer_trouble, network_of
from .apigee_model import Model, detect, hybrid_has_none, refusals

_SUFFIX = re.compile(r"^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)+$")
_NAME = re.compile(r"^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$")

#: Names that no resolver forwards: multicast DNS, and the machine itself.
_RESERVED = ("local.", "localhost.")


def _with_dot(value: str, resource: t.Any) -> str:
    return normalise.trailing_dot(value)


class ApigeeDnsPeering(ApigeeResource):
    """Created, listed, deleted; whatever the mechanism is, it is shown in the same words."""

    kind = "apigee_dns_peering"
    title = "DNS peering"
    list_match = ("name",)
    mark = PeeringMark()
    pruned = False
    timeout = 1800.0
    after = ("project_services", "service_networking_connection")
    unsuited = (
        hybrid_has_none(
            "name resolution", "Let the resolver of that cluster forward the names, or run the runtime in your network."
        ),
    )
    fields = (
        ORGANIZATION,
        Field("network", api=None, identity=True, reference="compute_network"),
        Field("name", required=True, identity=True),
        Field("dns_suffix", same=normalise.trailing_dot, encode=_with_dot, immutable=True),
    )
    needed = ("dns_suffix",)
    required_if = (("state", "present", needed),)

    # -- what the mechanism settles ----------------------------------------------------------------------------

    @property
    def mechanism(self) -> Mechanism:
        """The one of the organisation's model; as long as nobody knows that, the one for VPC peering."""
        model = self.model()
        return PEERED_DOMAIN if model is None or model.peered else ZONE

    # Class attributes of other kinds; what they are here follows from the organisation, hence "override".
    @property
    def service(self) -> str:  # type: ignore[override]
        """Whose endpoint."""
        return self.mechanism.service

    @property
    def family(self) -> t.Any:
        """How its writes are waited for."""
        return self.mechanism.family

    @property
    def list_items(self) -> str:  # type: ignore[override]
        """The array in the list's reply."""
        return self.mechanism.items

    @property
    def state_place(self) -> str:  # type: ignore[override]
        """A zone tells its state; a peered domain is there or not."""
        return self.mechanism.state_place

    def model(self) -> Model | None:
        """The organisation's model."""
        return detect(self, self.organization)

    # -- who ---------------------------------------------------------------------------------------------------

    def network(self) -> tuple[str, str]:
        """Project and short name of the network: as stated, otherwise the one that the organisation is peered with."""
        model = self.model()
        return network_of(self.options.get("network") or (model.network if model else ""), self.project)

    def parent_url(self) -> str:
        """Where peerings of this mechanism are listed and made."""
        return self.mechanism.parent(self)

    def lock_key(self) -> str:
        """Peerings of one network, or of one organisation, change one at a time."""
        return self.mechanism.lock(self)

    # -- rules -------------------------------------------------------------------------------------------------

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

    def examine_ahead(self) -> list[str]:
        """As far as a declared organisation tells its model."""
        return self.examine_creation() if self.model() else []

    def examine_creation(self) -> list[str]:
        """The organisation must exist, and its names must come from a network that it can ask."""
        model = self.model()
        if model is None and self.context.check:
            return []  # an earlier task may be about to create it
        if model is None:
            return [
                f"organisation {self.organization} does not exist, or the credentials may not see it. Create it first "
                "(apigee_organization), or correct organization."
            ]
        found = refusals(self, self.organization, self.unsuited)
        if found:
            return found
        stated, peered = self.options.get("network"), model.network
        if model.peered and stated and peered and normalise.short_name(stated) != normalise.short_name(peered):
            return [
                f"network is {stated}, but organisation {self.organization} is peered with {peered}. Names are "
                "resolved in the peered network only: leave network out, or state that one."
            ]
        if not self.network()[1]:
            return [
                f"organisation {self.organization} is peered with no network. State network once it is."
                if model.peered
                else f"organisation {self.organization} was made without VPC peering, so nothing tells which network's "
                "names are meant. State network. Names alone bring no way to pods: proxies reach a load balancer "
                "through an endpoint attachment (apigee_endpoint_attachment)."
            ]
        return []

    # -- reading -----------------------------------------------------------------------------------------------

    def read(self) -> Document | None:
        """The peering; None too where the organisation cannot have one."""
        return super().read() if self._possible() else None

    def everything(self) -> list[Document]:
        """All peerings of the network or organisation; none where there cannot be any."""
        return super().everything() if self._possible() else []

    def list_all(self) -> list[Document]:
        """As Google lists them, in the words of a peered domain."""
        return [self.mechanism.told(entry) for entry in super().list_all()]

    def _possible(self) -> bool:
        model = self.model()
        if model is not None and model.hybrid:
            return False
        return self.mechanism is ZONE or bool(self.network()[1])

    def output(self, found: Document) -> dict[str, t.Any]:
        """With the network that was found and the mechanism that applies."""
        project, network = network_of(found.get("network"), self.project) if "network" in found else self.network()
        shown = super().output(found)
        if project != self.project and self.mechanism is ZONE:
            network = f"projects/{project}/global/networks/{network}"  # the short name would mean ours
        return {**shown, "mechanism": self.mechanism.word, "network": network, "network_project": project}

    def predicted(self) -> dict[str, t.Any]:
        """The same keys, with the suffix as Google will show it."""
        shown = super().predicted()
        suffix = normalise.trailing_dot(self.options.get("dns_suffix"))
        network = normalise.short_name(self.options.get("network"))
        return {
            **shown,
            "dns_suffix": suffix,
            "mechanism": self.mechanism.word,
            "network": network,
            "network_project": self.options.get("project"),
        }

    def difference(self, found: Document) -> list[Change]:
        """The suffix, and of a zone also the network: it is in no address there."""
        changes = super().difference(found)
        if "network" in found and self.options.get("network"):
            before, after = network_of(found["network"], self.project), self.network()
            if before != after:
                spec = next(field for field in self.fields if field.name == "network")
                changes.append(Change("network", "/".join(before), "/".join(after), spec, "network"))
        return changes

    # -- writing -----------------------------------------------------------------------------------------------

    def create(self) -> None:
        """Create it, after looking at the organisation once more: it may have been made by this very run."""
        for sentence in self.examine_creation():
            raise RefusedError(sentence)
        body = self.mechanism.body(self, super().body())
        self.mark.stamp(self, body)
        try:
            query = self.mechanism.query(self)
            reply = self.wire.send(self.service, "POST", self.parent_url(), query=query, body=body, repeatable=True)
            self.finish(reply.json())
        except (ApiError, OperationError) as error:
            raise dns_peer_trouble(self, error) from error
