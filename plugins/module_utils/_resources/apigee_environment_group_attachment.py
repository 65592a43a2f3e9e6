# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An environment in an environment group: it is called under the group's host names. Private to the collection."""

from __future__ import annotations

from .apigee_attachment import ApigeeAttachment, fields


class ApigeeEnvironmentGroupAttachment(ApigeeAttachment):
    """``organizations.envgroups.attachments``."""

    kind = "apigee_environment_group_attachment"
    title = "environment group attachment"
    owner = "environment_group"
    parent_path = "v1/organizations/{organization}/envgroups/{environment_group}/attachments"
    list_items = "environmentGroupAttachments"
    fields = fields(owner)
