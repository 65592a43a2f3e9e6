# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all kinds of Edge share, and the organisation itself. Private to the collection."""

from __future__ import annotations

import typing as t

from .._engine.fields import Document, Field
from .._engine.resource import Resource
from .._google.errors import RefusedError
from .._microgateway.rules import ALTERNATIVE

#: Stands in the URL of every kind.
ORGANIZATION = Field("organization", api=None, required=True, identity=True)
ENVIRONMENT = Field("environment", api=None, required=True, identity=True)
#: What an organisation of Apigee X or hybrid says of itself, and one of Edge does not.
_OF_APIGEE_X = ("runtimeType", "projectId", "apigeeProjectId", "billingType")

if t.TYPE_CHECKING:
    _Base = Resource
else:
    _Base = object


class OnEdge(_Base):
    """Mixed into kinds whose organisation must be one of Edge's. Stands before the class that it is mixed into."""

    service = "edge"
    family = None
    # Whatever else a run has, it is Google's.
    after: t.ClassVar[tuple[str, ...]] = ()

    def references(self) -> list[t.Any]:
        """Nothing that the engine would look for on Google."""
        return []

    def examine_creation(self) -> list[str]:
        """Nothing is made in an organisation of another product."""
        name = str(self.options["organization"])
        self.context.once(("edge organization", name), lambda: look(self, name))
        return []


def look(resource: Resource, name: str) -> Document:
    """The organisation. Raises RefusedError for one of Apigee X or hybrid, EdgeError for one that is not there."""
    found = resource.wire.get("edge", f"v1/organizations/{name}")
    told = [key for key in _OF_APIGEE_X if key in found]
    if told:
        raise RefusedError(f"{name} is an organisation of Apigee X or hybrid (it has {told[0]}). {ALTERNATIVE}.")
    return t.cast(Document, found)


class EdgeOrganization(Resource):
    """``organizations``: only read."""

    kind = "edge_organization"
    title = "Edge organisation"
    service = "edge"
    path = "v1/organizations/{name}"
    after = ()
    fields = (
        Field("name", required=True, identity=True),
        Field("type", output=True),
        Field("environments", type="list", elements="str", output=True),
    )

    def read(self) -> Document | None:
        """The organisation, if it is Edge's."""
        return look(self, str(self.options["name"]))

    def everything(self) -> list[Document]:
        """All that the user sees."""
        return [{"name": name} for name in self.wire.get(self.service, "v1/organizations")]
