# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An environment on an instance: proxies deployed to it run there. Private to the collection."""

from __future__ import annotations

from .._engine.fields import Field
from .apigee_common import ORGANIZATION, ORGANIZATION_LOCK, ApigeeResource
from .apigee_ownership import RecordMark


def _around(resource: ApigeeResource) -> list[tuple[str, str]]:
    return [
        ("apigee", resource.fill("v1/organizations/{organization}/environments/{environment}")),
        ("apigee", resource.fill("v1/organizations/{organization}/instances/{instance}")),
    ]


class ApigeeInstanceAttachment(ApigeeResource):
    """``organizations.instances.attachments``: the server chooses the name, so ours is found in the list."""

    kind = "apigee_instance_attachment"
    title = "instance attachment"
    parent_path = "v1/organizations/{organization}/instances/{instance}/attachments"
    list_items = "attachments"
    list_match = ("environment",)
    mark = RecordMark(_around)
    lock = ORGANIZATION_LOCK
    timeout = 1800.0
    long_running = True
    fields = (
        ORGANIZATION,
        Field("instance", api=None, required=True, identity=True, reference="apigee_instance"),
        Field("environment", required=True, identity=True, reference="apigee_environment"),
    )

    @property
    def name(self) -> str:
        """Instance and environment."""
        return f"{self.options.get('instance')}/{self.options.get('environment')}"
