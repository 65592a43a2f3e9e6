# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An environment in an environment group: it is called under the group's host names. Private to the collection."""

from __future__ import annotations

from .._engine.fields import Field
from .apigee_common import ORGANIZATION, ORGANIZATION_LOCK, ApigeeResource
from .apigee_ownership import RecordMark


def _around(resource: ApigeeResource) -> list[tuple[str, str]]:
    return [("apigee", resource.fill("v1/organizations/{organization}/environments/{environment}"))]


class ApigeeEnvironmentGroupAttachment(ApigeeResource):
    """``organizations.envgroups.attachments``: the server chooses the name, so ours is found in the list."""

    kind = "apigee_environment_group_attachment"
    title = "environment group attachment"
    parent_path = "v1/organizations/{organization}/envgroups/{environment_group}/attachments"
    list_items = "environmentGroupAttachments"
    list_match = ("environment",)
    mark = RecordMark(_around)
    lock = ORGANIZATION_LOCK
    timeout = 1800.0
    fields = (
        ORGANIZATION,
        Field("environment_group", api=None, required=True, identity=True, reference="apigee_environment_group"),
        Field("environment", required=True, identity=True, reference="apigee_environment"),
    )

    @property
    def name(self) -> str:
        """Group and environment."""
        return f"{self.options.get('environment_group')}/{self.options.get('environment')}"
