# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the kinds of API Gateway share. Private to the collection."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .._engine.fields import Document, Field
from .._engine.ownership import LabelMark
from .._engine.resource import Resource
from .._engine.states import State
from .._google import operations
from .._google.errors import ApiError, OperationError

#: API Gateway documentation: lower-case letters, digits and dashes, 63 at most, no dash at either end.
IDENTIFIER = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
NAMED = (
    Field("display_name"),
    Field("labels", type="dict", keep_extra=True),
)
#: google.rpc.Code, as operations tell it.
_PRECONDITION = 9
_PLAIN = operations.longrunning("apigateway")


def _failure(operation: Document) -> OperationError | None:
    """With what Google notes about a document beside the error: the place and the reason of each fault."""
    failed = _PLAIN.failure(operation)
    notes = (operation.get("metadata") or {}).get("diagnostics") or []
    if failed is None or not notes:
        return failed
    told = "; ".join(f"{one.get('location', '')}: {one.get('message', '')}".strip(": ") for one in notes)
    said = failed.said if all(str(one.get("message")) in failed.said for one in notes) else f"{failed.said} ({told})"
    return OperationError(failed.operation, said, failed.number)


#: google.longrunning, with diagnostics.
API_GATEWAY = dataclasses.replace(_PLAIN, failure=_failure)


class ApiGatewayResource(Resource):
    """An object of API Gateway: marked by a label, changed by mask, every write an operation."""

    service = "apigateway"
    family = API_GATEWAY
    update_method = "PATCH"
    state_place = "state"
    #: Source: apigateway.v1, ApiConfig.state.
    states: t.ClassVar[dict[str, State]] = {**Resource.states, "ACTIVATING": State.PENDING}
    mark = LabelMark()
    adopts = True
    timeout = 1200.0
    #: The array of a list's answer.
    collection: t.ClassVar[str]

    def validate(self) -> list[str]:
        """The name as Google accepts it."""
        name = str(self.options.get("name") or "")
        if not IDENTIFIER.fullmatch(name):
            return [f"name is {name!r}. Use 1 to 63 lower-case letters, digits and dashes, no dash at either end."]
        return []

    def everything(self) -> list[Document]:
        """All objects of the collection."""
        return self.wire.pages(self.service, self.parent_url(), self.collection)

    def in_use(self, error: ApiError | OperationError) -> bool:
        """Google keeps what others still use; what uses it may be going just now."""
        refused = getattr(error, "code", "") == "FAILED_PRECONDITION" or getattr(error, "number", 0) == _PRECONDITION
        return super().in_use(error) or refused
