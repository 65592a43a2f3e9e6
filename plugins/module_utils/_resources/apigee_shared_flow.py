# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shared flow: its content as a revision, and where that revision is deployed. Private to the collection.

Apigee gives a shared flow no labels, so nothing is remembered: the newest and the deployed revisions are downloaded and
compared. What we made is recorded among the organisation's own records. A shared flow has no base path, so nobody can
be in its way, and nothing can be asked of it through the gateway.
"""

from __future__ import annotations

from .._engine.fields import Field
from . import apigee_revisions as revisions
from .apigee_common import ORGANIZATION
from .apigee_ownership import RecordMark


class ApigeeSharedFlow(revisions.ApigeeRevisions):
    """``organizations.sharedflows``."""

    kind = "apigee_shared_flow"
    title = "shared flow"
    collection = "sharedflows"
    path = "v1/organizations/{organization}/sharedflows/{name}"
    mark = RecordMark()
    # Not after key value maps: those of a proxy come after the proxy, which comes after shared flows. None is needed
    # before a flow is called.
    after = ("project_services", "apigee_environment", "apigee_instance_attachment")
    fields = (
        ORGANIZATION,
        Field("name", required=True, identity=True),
        Field("bundle", type="path", api=None),
        *revisions.OPTIONS,
    )
    required_if = (("state", "present", ("bundle", "revision"), True),)
    mutually_exclusive = (("bundle", "revision"),)
