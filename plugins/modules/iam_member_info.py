#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: iam_member_info
short_description: Read who has a role
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads the members of a role on the project, a service account, a function or a Cloud Run service. Roles that come from a
    folder, an organisation or, for the others, from the project, are not among them.
  - Grants with a condition are not told.
options:
  role:
    description: The role in full, such as V(roles/run.invoker).
    type: str
    required: true
  member:
    description: Whether this member has it; without it, all are read.
    type: str
  service_account:
    description: The service account that may be used, by name or address. Without it, O(cloud_function) or O(run_service), the
      role is on the project.
    type: str
  cloud_function:
    description: The function that the role is on.
    type: str
  run_service:
    description: The Cloud Run service that the role is on. A function of the second generation is one, too.
    type: str
  location:
    description: Region of O(cloud_function) or O(run_service).
    type: str
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.iam_member
"""

EXAMPLES = r"""
- name: Who may call the function
  gatewayops.apigee_gke.iam_member_info:
    project: acme-shop
    run_service: shop-forward
    location: europe-west1
    role: roles/run.invoker
  register: found
"""

RETURN = r"""
resources:
  description: One entry for each member, in the words of the options of M(gatewayops.apigee_gke.iam_member).
  returned: success
  type: list
  elements: dict
  sample:
    - {role: roles/run.invoker, member: "serviceAccount:shop-gateway@acme-shop.iam.gserviceaccount.com"}
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run_info
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.iam_member import (
    IamMember,
)


def main() -> None:
    """One call: the engine does the rest."""
    run_info(IamMember)


if __name__ == "__main__":
    main()
