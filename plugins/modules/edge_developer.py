#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: edge_developer
short_description: Manage a developer on Apigee Edge
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Creates, changes and deletes a developer, the owner of apps.
  - Deleting a developer deletes apps and keys. Without O(force=true), only a developer that this collection has made, and that
    has no apps, is deleted.
options:
  organization:
    description: The organisation on Edge.
    type: str
    required: true
  email:
    description: E-mail address by which Edge knows the developer, in lower case.
    type: str
    required: true
  first_name:
    description: First name. Required with O(state=present).
    type: str
  last_name:
    description: Last name. Required with O(state=present).
    type: str
  user_name:
    description: User name. A new developer has the e-mail address unless stated.
    type: str
  status:
    description: Whether the developer's keys are good. A new developer is V(active).
    type: str
    choices: [active, inactive]
  attributes:
    description: Further facts about it, as a mapping. Attributes that are not stated stay. V({}) removes them all.
    type: dict
extends_documentation_fragment:
  - gatewayops.apigee_gke.edge
  - gatewayops.apigee_gke.change
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.edge
seealso:
  - module: gatewayops.apigee_gke.edge_app
  - module: gatewayops.apigee_gke.edge_organization_info
"""

EXAMPLES = r"""
- name: A partner's developer
  gatewayops.apigee_gke.edge_developer:
    organization: acme
    email: ann@partner.example
    first_name: Ann
    last_name: Smith
    edge_user: "{{ edge_user }}"
    edge_password: "{{ edge_password }}"
"""

RETURN = r"""
action:
  description: What was or would be done (V(created), V(updated), V(deleted), V(unchanged), V(kept)).
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
  description: The developer in the words of the options, with C(apps) and C(developer_id); in check mode as it would be.
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
  description: Seconds spent waiting.
  returned: success
  type: float
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._edge.access import EDGE
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._edge.consumers import EdgeDeveloper
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run


def main() -> None:
    """One call: the engine does the rest."""
    run(EdgeDeveloper, EDGE)


if __name__ == "__main__":
    main()
