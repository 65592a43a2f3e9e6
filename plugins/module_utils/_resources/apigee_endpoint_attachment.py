# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Endpoint attachment: Apigee's way through Private Service Connect to a load balancer. Private to the collection.

It carries requests only once the producer, the service attachment, accepts Apigee's own project. That is somebody
else's decision: it is waited for a while, and where it does not come the module says who has to accept whom.
"""

from __future__ import annotations

import re
import typing as t

from .._engine.context import Context
from .._engine.fields import Document, Field, Options
from .._engine.states import State
from .._google import clock
from .apigee_common import ORGANIZATION, ORGANIZATION_LOCK, ApigeeResource
from .apigee_model import detect, hybrid_has_none
from .apigee_ownership import RecordMark

_NAME = re.compile(r"^[a-z][a-z0-9-]{0,30}[a-z0-9]$")
_SERVICE_ATTACHMENT = re.compile(r"(?:^|/)(projects/[^/]+/regions/([^/]+)/serviceAttachments/[^/]+)$")
#: Seconds that a producer gets to accept a connection that stands open; one that accepts by its lists does so at once.
ACCEPTANCE = 120.0

_WAITING = ("", "CONNECTION_STATE_UNSPECIFIED", "UNAVAILABLE", "PENDING")
_USABLE = ("ACCEPTED", "ACCEPTED_LIMITED_CAPACITY")


def _path(value: t.Any) -> t.Any:
    match = _SERVICE_ATTACHMENT.search(str(value or ""))
    return match.group(1) if match else value


class ApigeeEndpointAttachment(ApigeeResource):
    """``organizations.endpointAttachments``: created and deleted, never changed."""

    kind = "apigee_endpoint_attachment"
    title = "endpoint attachment"
    path = "v1/organizations/{organization}/endpointAttachments/{name}"
    create_query = {"endpointAttachmentId": "{name}"}
    state_place = "state"
    mark = RecordMark()
    lock = ORGANIZATION_LOCK
    timeout = 1800.0
    long_running = True
    unsuited = (
        hybrid_has_none("endpoint attachment", "The runtime reaches whatever its cluster reaches: name that host."),
    )
    fields = (
        ORGANIZATION,
        Field("name", api=None, required=True, identity=True),
        Field("service_attachment", same=_path, encode=lambda value, resource: _path(value), immutable=True),
        Field("location", immutable=True),
        Field("accepted", type="bool", api=None),
        Field("host", output=True),
        Field("connection_state", output=True),
        Field("state", output=True),
    )
    needed = ("service_attachment",)
    required_if = (("state", "present", needed),)

    def __init__(self, options: Options, context: Context) -> None:
        super().__init__(options, context)
        #: Since when the connection is seen to stand open.
        self._open_since: float | None = None

    def validate(self) -> list[str]:
        """Name and place as Google accepts them."""
        problems = super().validate()
        name = str(self.options["name"])
        if not _NAME.match(name):
            problems.append(
                f"name is {name!r}. Use 2 to 32 lower-case letters, digits and dashes; start with a letter, end "
                "without a dash."
            )
        stated = self.options.get("service_attachment")
        match = _SERVICE_ATTACHMENT.search(str(stated or ""))
        if stated and not match:
            problems.append(
                f"service_attachment is {stated!r}. Write projects/PROJECT/regions/REGION/serviceAttachments/NAME."
            )
        location = self.options.get("location")
        if match and location and location != match.group(2):
            problems.append(
                f"location is {location}, but the service attachment is in {match.group(2)}. Leave location out."
            )
        return problems

    def body(self) -> Document:
        """With the place, which is the service attachment's."""
        return {"location": self._region(), **super().body()}

    def predicted(self) -> Options:
        """With the place too."""
        shown = super().predicted()
        return {**shown, "location": shown["location"] or self._region()}

    def _region(self) -> str | None:
        match = _SERVICE_ATTACHMENT.search(str(self.options.get("service_attachment") or ""))
        return match.group(2) if match else None

    def readiness(self, found: Document) -> tuple[State, str]:
        """Its own state, then the producer's word for the connection."""
        state, word = super().readiness(found)
        if state is not State.READY:
            return state, word
        word = str(found.get("connectionState") or "")
        if word in _USABLE or self.options.get("accepted") is False:
            return State.READY, word
        if word not in _WAITING:
            return State.FAILED, word
        self._open_since = clock.now() if self._open_since is None else self._open_since
        waits = clock.now() - self._open_since < ACCEPTANCE and not self.wire.deadline.over()
        return State.PENDING if waits else State.FAILED, word

    def trouble(self, found: Document) -> str:
        """Who has to accept whom."""
        model = detect(self, self.organization)
        tenant = model.tenant if model and model.tenant else "Apigee's own project (apigee_project_id)"
        where = f"service attachment {_path(found.get('serviceAttachment'))}"
        word = str(found.get("connectionState") or "")
        if word == "CLOSED":
            return f"{where} has closed the connection or is gone: make it again, and then this."
        if word == "REJECTED":
            return f"{where} rejects project {tenant}: take it off its consumerRejectLists and into consumerAcceptLists."
        if word in _WAITING:
            return (
                f"{where} has not accepted project {tenant}: add it to its consumerAcceptLists (projectIdOrNum, "
                "connectionLimit), or state accepted: false to go on without."
            )
        return f"{where} keeps the connection of project {tenant} in this state: look at it there."

    def remark(self, action: str) -> str:
        """That nobody has looked whether it carries requests."""
        open_yet = self.options.get("accepted") is False and action in ("created", "recreated")
        return "made without looking whether the producer accepts it" if open_yet else ""

    def everything(self) -> list[Document]:
        """All endpoint attachments of the organisation."""
        return self.wire.pages(self.service, self.parent_url(), "endpointAttachments")
