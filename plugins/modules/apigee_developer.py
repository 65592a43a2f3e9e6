#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apigee_developer
short_description: Manage an Apigee developer
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Creates, changes and deletes a developer, the owner of apps.
  - Apigee replaces a developer as a whole. What is not stated here is read first and sent back as it is.
  - Deleting a developer deletes every app and key. Without O(force=true), only a developer that this collection has made is
    deleted, and only if all apps are this collection's, too.
options:
  organization:
    description: The Apigee organisation. Without it, the one named like the project.
    type: str
  email:
    description: E-mail address by which Apigee knows the developer, in lower case.
    type: str
    required: true
  first_name:
    description: First name. Required with O(state=present).
    type: str
  last_name:
    description: Last name. Required with O(state=present).
    type: str
  user_name:
    description: User name, which Apigee X does not use. A new developer has the e-mail address unless stated.
    type: str
  status:
    description: Whether the developer's keys are good. A new developer is V(active).
    type: str
    choices: [active, inactive]

  attributes:
    description: Further facts about it, as a mapping. Attributes that are not stated stay. V({}) removes them all.
    type: dict
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.change
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.apigee_developer_info
  - module: gatewayops.apigee_gke.apigee_app
  - module: gatewayops.apigee_gke.resources
"""

EXAMPLES = r"""
- name: A partner's developer
  gatewayops.apigee_gke.apigee_developer:
    project: acme-shop
    email: ann@partner.example
    first_name: Ann
    last_name: Smith
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
  description: Seconds spent waiting for Google.
  returned: success
  type: float
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.apigee_developer import ApigeeDeveloper


def main() -> None:
    """One call: the engine does the rest."""
    run(ApigeeDeveloper)


if __name__ == "__main__":
    main()
