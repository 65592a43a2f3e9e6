# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Apigee environment group: the host names under which environments are called. Private to the collection."""

from __future__ import annotations

import re

from .._engine import normalise
from .._engine.fields import Document, Field
from .apigee_common import ORGANIZATION, ORGANIZATION_LOCK, ApigeeResource
from .apigee_ownership import OrganizationMark

_HOST = re.compile(r"^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", re.I)


class ApigeeEnvironmentGroup(ApigeeResource):
    """``organizations.envgroups``."""

    kind = "apigee_environment_group"
    title = "environment group"
    path = "v1/organizations/{organization}/envgroups/{name}"
    create_query = {"name": "{name}"}
    update_method = "PATCH"
    state_place = "state"
    mark = OrganizationMark()
    pruned = False
    lock = ORGANIZATION_LOCK
    timeout = 1800.0
    fields = (
        ORGANIZATION,
        Field("name", required=True, identity=True),
        Field("hostnames", type="list", elements="str", lists="set", same=normalise.lower),
        Field("state", output=True),
    )

    needed = ("hostnames",)
    required_if = (("state", "present", needed),)

    def validate(self) -> list[str]:
        """Host names that can be none."""
        problems = super().validate()
        hostnames = self.options.get("hostnames")
        if hostnames == []:
            problems.append("hostnames is empty. A group needs at least one host name.")
        for name in hostnames or []:
            if not _HOST.match(str(name)):
                problems.append(
                    f"hostnames: {name!r} is no host name. Write it without scheme, port, path and final dot."
                )
        return problems

    def everything(self) -> list[Document]:
        """All groups of the organisation."""
        return self.wire.pages(self.service, self.parent_url(), "environmentGroups")
