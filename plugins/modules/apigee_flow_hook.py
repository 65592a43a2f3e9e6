#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apigee_flow_hook
short_description: Attach a shared flow to a flow hook of an Apigee environment
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Attaches a shared flow to one of the four points of an environment, at which it runs for every proxy deployed there.
  - The shared flow must be deployed to the environment. While it is attached it cannot be undeployed, but another revision
    of it can take its place.
  - With O(state=absent) it is detached; the shared flow stays.
options:
  organization:
    description: The Apigee organisation. Without it, the one named like the project.
    type: str
  environment:
    description: The environment it belongs to.
    type: str
    required: true
  point:
    description:
      - Where it runs. Before or after everything that the proxy does, or before or after what it does for its target.
    type: str
    required: true
    choices: [PreProxyFlowHook, PreTargetFlowHook, PostTargetFlowHook, PostProxyFlowHook]
  shared_flow:
    description: Name of the shared flow. Required with O(state=present).
    type: str
  continue_on_error:
    description:
      - Whether a call goes on when the shared flow fails. With V(false) the caller gets its fault.
      - A hook that is attached without it goes on, as Apigee says. State V(false) where the shared flow guards something.
    type: bool
  description:
    description: What it is for. The collection's own mark is added to it and never shown.
    type: str
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.change
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.apigee_flow_hook_info
  - module: gatewayops.apigee_gke.apigee_shared_flow
  - module: gatewayops.apigee_gke.resources
"""

EXAMPLES = r"""
- name: No call without a key, whatever the proxy does
  gatewayops.apigee_gke.apigee_flow_hook:
    project: acme-shop
    environment: prod
    point: PreProxyFlowHook
    shared_flow: verify-key
    continue_on_error: false

- name: Nothing at that point any more
  gatewayops.apigee_gke.apigee_flow_hook:
    project: acme-shop
    environment: prod
    point: PreProxyFlowHook
    state: absent
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
  description: The hook in the words of the options; in check mode as it would be.
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
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.apigee_flow_hook import (
    ApigeeFlowHook,
)


def main() -> None:
    """One call: the engine does the rest."""
    run(ApigeeFlowHook)


if __name__ == "__main__":
    main()
