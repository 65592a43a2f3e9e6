#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: iam_member
short_description: Manage one member of one role
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Gives a role to one member, on the project, a service account, a function or a Cloud Run service, or takes it back.
  - All other grants stay as they are. Google only knows whole policies, so the policy is read, changed in this one place and written
    back, and again if somebody else changed it meanwhile.
  - Grants with a condition are other grants. They are neither seen as this one nor touched.
  - A service account that has just been made is waited for until Google takes it. One that does not exist is refused at once.
options:
  role:
    description: The role in full, such as V(roles/run.invoker).
    type: str
    required: true
  member:
    description: Who gets it, with its type, such as C(serviceAccount:shop-gateway@acme-shop.iam.gserviceaccount.com).
    type: str
    required: true
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
  - gatewayops.apigee_gke.change
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.group
notes:
  - A grant has no place for a mark. O(state=absent) takes it back if the service account that has it, or what it is on, bears
    this collection's mark, and otherwise only with O(force=true).
seealso:
  - module: gatewayops.apigee_gke.iam_member_info
  - module: gatewayops.apigee_gke.iam_service_account
"""

EXAMPLES = r"""
- name: The gateway may call the function, and nobody else may
  gatewayops.apigee_gke.iam_member:
    project: acme-shop
    run_service: shop-forward
    location: europe-west1
    role: roles/run.invoker
    member: serviceAccount:shop-gateway@acme-shop.iam.gserviceaccount.com

- name: Whoever deploys may let things run as the gateway
  gatewayops.apigee_gke.iam_member:
    project: acme-shop
    service_account: shop-gateway
    role: roles/iam.serviceAccountUser
    member: group:deployers@acme.example
"""

RETURN = r"""
action:
  description: What was or would be done (V(created), V(updated), V(recreated), V(deleted), V(unchanged),
      V(kept), V(pending)).
  returned: success
  type: str
  sample: created
changes:
  description: What differed, field by field.
  returned: success
  type: list
  elements: dict
  contains:
    field:
      description: Dotted name of the option.
      type: str
    before:
      description: What was found.
      type: raw
    after:
      description: What is wanted.
      type: raw
resource:
  description: The grant in the words of the options.
  returned: success
  type: dict
note:
  description: Why an object was left alone.
  returned: when there is something to say
  type: str
requests:
  description: Calls made.
  returned: success
  type: dict
  contains:
    reads:
      description: Calls that changed nothing.
      type: int
    writes:
      description: Calls that changed something.
      type: int
waited:
  description: Seconds spent waiting for Google.
  returned: success
  type: float
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.iam_member import (
    IamMember,
)


def main() -> None:
    """One call: the engine does the rest."""
    run(IamMember)


if __name__ == "__main__":
    main()
