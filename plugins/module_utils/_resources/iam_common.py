# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses of service accounts. Private to the collection."""

from __future__ import annotations

from .._engine.resource import Resource

#: What follows the project in the address of an account that somebody made.
DOMAIN = ".iam.gserviceaccount.com"


def project_id(resource: Resource) -> str:
    """The project's id, also where its number is given; addresses are made from it. May read."""
    project = resource.project
    if not project.isdigit():
        return project

    def load() -> str:
        return str(resource.wire.get("cloudresourcemanager", f"v3/projects/{project}")["projectId"])

    return str(resource.context.once(("project_id", project), load))


def address(resource: Resource, name: str) -> str:
    """The e-mail address of a service account: ``name`` itself if it is one, else that of our project's account."""
    if "@" in name:
        return name
    # A project of a domain (example.com:shop) stands in the address the other way round.
    return f"{name}@{'.'.join(reversed(project_id(resource).split(':')))}{DOMAIN}"


def short(email: str) -> str:
    """What an account is called in its project; Google's own accounts have no shorter name than their address."""
    return email.split("@")[0] if email.endswith(DOMAIN) else email
