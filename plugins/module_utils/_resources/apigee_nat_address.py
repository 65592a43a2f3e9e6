# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""NAT address of an Apigee instance: the address from which its calls to the internet come. Private to the collection.

It is reserved first and used once it is activated, so that there is time to put it where callers are let in by address.
Google takes none out of use again but by giving it back.
"""

from __future__ import annotations

import re
import typing as t

from .._engine.compare import Change
from .._engine.fields import Document, Field
from .._engine.resource import Resource
from .._engine.states import State
from .._google.errors import ApiError
from .apigee_common import ORGANIZATION, ORGANIZATION_LOCK, ApigeeResource
from .apigee_model import hidden, hybrid_has_none
from .apigee_ownership import RecordMark

_NAME = re.compile(r"^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$")


def _is_active(value: t.Any, resource: t.Any) -> bool:
    return value == "ACTIVE"


class _AddressMark(RecordMark):
    """A record; one that a killed run left may stand beside an address that is still to be put into use."""

    def remnant(self, resource: Resource, found: Document, changes: list[Change]) -> bool:
        return super().remnant(resource, found, [change for change in changes if change.top != "active"])


class ApigeeNatAddress(ApigeeResource):
    """``organizations.instances.natAddresses``: reserved, then activated, each a long operation."""

    kind = "apigee_nat_address"
    title = "NAT address"
    path = "v1/organizations/{organization}/instances/{instance}/natAddresses/{name}"
    state_place = "state"
    states: t.ClassVar[dict[str, State]] = {**Resource.states, "RESERVED": State.READY}
    mark = _AddressMark()
    pruned = False
    lock = ORGANIZATION_LOCK
    timeout = 1800.0
    long_running = True
    unsuited = (
        hybrid_has_none(
            "NAT address", "Its calls come from its cluster: reserve addresses for that network's Cloud NAT."
        ),
    )
    fields = (
        ORGANIZATION,
        Field("instance", api=None, required=True, identity=True, reference="apigee_instance"),
        Field("name", required=True, identity=True),
        Field("active", type="bool", api="state", decode=_is_active),
        Field("ip_address", output=True),
        Field("state", output=True),
    )

    @property
    def name(self) -> str:
        """The instance, and its own."""
        return f"{self.options.get('instance')}/{self.options.get('name')}"

    def validate(self) -> list[str]:
        """The name as Google accepts it."""
        problems = super().validate()
        name = str(self.options["name"])
        if not _NAME.match(name):
            problems.append(
                f"name is {name!r}. Use up to 20 lower-case letters, digits and dashes; start with a letter, end without "
                "a dash."
            )
        return problems

    def fixed(self, changes: list[Change]) -> list[Change]:
        """An address in use stays in use."""
        return [change for change in changes if change.top == "active" and not change.after]

    def refusal(self, change: Change) -> str:
        """What Google offers instead."""
        return (
            "it is in use, and Google does not take an address out of use. Leave active out, or give the address back "
            "(state: absent; calls that use it are drained). allow_recreate: true does so and reserves another one."
        )

    def body(self) -> Document:
        """Its name is all that is sent; use comes later."""
        return {"name": self.options["name"]}

    def update(self, found: Document, changes: list[Change]) -> None:
        """Nothing changes but its use, which comes last."""

    def concludes_after(self) -> tuple[str, ...]:
        """Whoever lets calls in by address comes first: calls from an address that is not known yet are kept out."""
        return ("compute_security_policy", "compute_firewall") if self.options.get("active") else ()

    def conclude(self, found: Document) -> bool:
        """Let the instance use it."""
        if found.get("state") == "ACTIVE":
            return False
        try:
            self.finish(self.wire.send(self.service, "POST", f"{self.url()}:activate", body={}, repeatable=True).json())
        except ApiError as error:
            # The activation of a run that was killed has ended meanwhile, or the reply to the first try was lost.
            if error.status not in (400, 409) or (self.read() or {}).get("state") != "ACTIVE":
                raise
        return True

    def everything(self) -> list[Document]:
        """All NAT addresses of the instance."""
        return self.wire.pages(self.service, self.parent_url(), "natAddresses")


def _listed(resource: Resource, text: str) -> tuple[str, str]:
    """Where INSTANCE/NAME, or a full name, is listed, and by which name."""
    parts = text.split("/")
    organization = parts[1] if parts[0] == "organizations" else resource.project
    instance, name = (parts[3], parts[5]) if parts[0] == "organizations" else (parts[0], parts[1])
    return f"v1/organizations/{organization}/instances/{instance}/natAddresses", name


def address_of(resource: Resource, text: str) -> str | None:
    """The address of INSTANCE/NAME, or of a full name; None while there is none.

    All addresses of an instance are read at once, for all who ask.
    """
    path, name = _listed(resource, text)

    def load() -> list[Document]:
        try:
            return resource.wire.pages("apigee", path, "natAddresses")
        except ApiError as error:
            if error.missing or hidden(error) or error.service_disabled:
                return []
            raise

    for one in resource.context.once(("nat_addresses", path), load):
        if str(one.get("name")).rsplit("/", 1)[-1] == name and one.get("state") != "DELETING":
            return str(one["ipAddress"]) if one.get("ipAddress") else None
    return None


def forget_address(resource: Resource, text: str) -> None:
    """The next :func:`address_of` reads again."""
    resource.context.forget(("nat_addresses", _listed(resource, text)[0]))
