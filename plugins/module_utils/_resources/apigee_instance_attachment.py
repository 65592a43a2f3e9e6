# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An environment on an instance: proxies deployed to it run there. Private to the collection."""

from __future__ import annotations

from .apigee_attachment import ApigeeAttachment, covered_by, fields
from .apigee_model import hybrid_has_none


class ApigeeInstanceAttachment(ApigeeAttachment):
    """``organizations.instances.attachments``."""

    kind = "apigee_instance_attachment"
    title = "instance attachment"
    owner = "instance"
    parent_path = "v1/organizations/{organization}/instances/{instance}/attachments"
    list_items = "attachments"
    mark = covered_by("v1/organizations/{organization}/instances/{instance}")
    long_running = True
    unsuited = (hybrid_has_none("instance", "Environments of a hybrid organisation are named in its overrides file."),)
    fields = fields(owner)
