#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apigee_instance_attachment
short_description: Attach an Apigee environment to an instance
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Attaches an environment to a runtime instance, or detaches it. Proxies deployed to the environment run on
      the instance.
options:
  organization:
    description: The Apigee organisation. Without it, the one named like the project.
    type: str
  instance:
    description: The instance.
    type: str
    required: true
  environment:
    description: The environment.
    type: str
    required: true
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.change
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.apigee_environment
  - module: gatewayops.apigee_gke.apigee_instance
  - module: gatewayops.apigee_gke.resources
"""

EXAMPLES = r"""
- name: Run production in Europe
  gatewayops.apigee_gke.apigee_instance_attachment:
    project: acme-shop
    instance: europe-west1
    environment: prod
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
  description: The attachment in the words of the options; in check mode as it would be.
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
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.apigee_instance_attachment import (
    ApigeeInstanceAttachment,
)


def main() -> None:
    """One call: the engine does the rest."""
    run(ApigeeInstanceAttachment)


if __name__ == "__main__":
    main()
