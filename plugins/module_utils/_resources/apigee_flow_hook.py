# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Flow hook: the shared flow that runs at one point of every proxy in an environment. Private to the collection.

The four points are always there; a hook exists for us while a shared flow is attached to it.
"""

from __future__ import annotations

from .._engine.compare import Change
from .._engine.fields import Document, Field
from .._engine.ownership import DescriptionMark, without_sentence
from .apigee_common import IN_ENVIRONMENT, ApigeeResource
from .apigee_keystore import ENVIRONMENT_PATH

#: Source: apigee v1 discovery document, FlowHook.flowHookPoint.
POINTS = ("PreProxyFlowHook", "PreTargetFlowHook", "PostTargetFlowHook", "PostProxyFlowHook")


class ApigeeFlowHook(ApigeeResource):
    """``organizations.environments.flowhooks``: synchronous; PUT attaches and replaces, DELETE detaches."""

    kind = "apigee_flow_hook"
    title = "flow hook"
    family = None
    name_option = "point"
    path = ENVIRONMENT_PATH + "/flowhooks/{point}"
    update_method = "PUT"
    mark = DescriptionMark()
    fields = (
        *IN_ENVIRONMENT,
        Field("point", api="flowHookPoint", required=True, identity=True, choices=POINTS),
        Field("shared_flow", reference="apigee_shared_flow"),
        Field("continue_on_error", type="bool", initial=True),
        Field("description", decode=without_sentence),
    )

    needed = ("shared_flow",)
    required_if = (("state", "present", needed),)

    def read(self) -> Document | None:
        """What is attached; nothing attached is no hook."""
        found = self.wire.find(self.service, self.url())
        return found if found and found.get("sharedFlow") else None

    def everything(self) -> list[Document]:
        """Those of the four that have something attached."""
        single = [type(self)({**self.options, "point": point}, self.context) for point in POINTS]
        for one in single:
            one.wire = self.wire
        found = [one.read() for one in single]
        # In lists objects are told apart by their name.
        return [{**document, "name": document["flowHookPoint"]} for document in found if document is not None]

    def body(self) -> Document:
        """Without the point, which only Google writes."""
        return _sent(super().body())

    def create(self) -> None:
        """Attach: there is no POST."""
        body = self.body()
        self.mark.stamp(self, body)
        self.wire.send(self.service, "PUT", self.url(), body=body)

    def update(self, found: Document, changes: list[Change]) -> None:
        """Attach again with what is there. Google leaves out false, and takes what is left out for true."""
        super().update(_sent({"continueOnError": False, **found}), changes)


def _sent(document: Document) -> Document:
    return {key: value for key, value in document.items() if key != "flowHookPoint"}
