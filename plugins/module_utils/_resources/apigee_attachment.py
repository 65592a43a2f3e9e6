# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the attachments of an environment share, to an instance or to a group. Private to the collection."""

from __future__ import annotations

import typing as t

from .._engine.fields import Field
from .apigee_common import ORGANIZATION, ORGANIZATION_LOCK, ApigeeResource
from .apigee_ownership import CoveredMark

_ENVIRONMENT = "v1/organizations/{organization}/environments/{environment}"


def covered_by(*paths: str) -> CoveredMark:
    """Ours if the environment is ours, or one of the objects that the templates ``paths`` lead to."""
    return CoveredMark(lambda resource: [("apigee", resource.fill(path)) for path in (_ENVIRONMENT, *paths)])


def fields(owner: str) -> tuple[Field, ...]:
    """The options of an attachment to an object that the option ``owner`` names; its kind is ``apigee_{owner}``."""
    return (
        ORGANIZATION,
        Field(owner, api=None, required=True, identity=True, reference=f"apigee_{owner}"),
        Field("environment", required=True, identity=True, reference="apigee_environment"),
    )


class ApigeeAttachment(ApigeeResource):
    """An attachment: the server chooses its name, so ours is found in the list."""

    #: The option that names what the environment is attached to.
    owner: t.ClassVar[str]
    list_match = ("environment",)
    mark = covered_by()
    pruned = False
    lock = ORGANIZATION_LOCK
    timeout = 1800.0

    @property
    def name(self) -> str:
        """What it is attached to, and the environment."""
        return f"{self.options.get(self.owner)}/{self.options.get('environment')}"
