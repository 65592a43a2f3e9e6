#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apigee_environment
short_description: Manage an Apigee environment
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Creates, changes and deletes an environment.
  - Google fixes O(deployment_type) and O(api_proxy_type) at creation.
  - Deleting an environment deletes what is in it. Without O(force=true), only an environment that this collection has made is
    deleted, and only if its target servers, keystores, key value maps and so on are this collection's, too.
options:
  organization:
    description: The Apigee organisation. Without it, the one named like the project.
    type: str
  name:
    description: Name of the environment.
    type: str
    required: true
  display_name:
    description: Name for people.
    type: str
  description:
    description: What it is for. The collection's own mark is added to it and never shown.
    type: str
  deployment_type:
    description: What is deployed to it.
    type: str
    choices: [PROXY, ARCHIVE]
  api_proxy_type:
    description: Kind of proxies it runs.
    type: str
    choices: [PROGRAMMABLE, CONFIGURABLE]
  type:
    description: Size of the environment, where the billing type knows sizes.
    type: str
    choices: [BASE, INTERMEDIATE, COMPREHENSIVE]
  node_config:
    description: Bounds of its automatic scaling.
    type: dict
    suboptions:
      min_node_count:
        description: Fewest nodes.
        type: int
      max_node_count:
        description: Most nodes.
        type: int
  forward_proxy_uri:
    description: Proxy for requests to targets, as V(http://HOST:PORT). An empty value removes it.
    type: str
  client_ip_resolution:
    description: Which address counts as the caller's. An empty value returns to Apigee's own choice.
    type: dict
    suboptions:
      header_name:
        description: Header that holds addresses, such as C(X-Forwarded-For). Needed unless all is empty.
        type: str
      header_index:
        description: Which of them, from 0 at the left; negative ones count from the right. Needed unless all is
          empty.
        type: int
  properties:
    description: Properties by name. Those not named are removed once this is stated.
    type: dict
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.change
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.apigee_environment_group_attachment
  - module: gatewayops.apigee_gke.apigee_instance_attachment
  - module: gatewayops.apigee_gke.resources
"""

EXAMPLES = r"""
- name: Where production proxies run
  gatewayops.apigee_gke.apigee_environment:
    project: acme-shop
    name: prod
    description: Production

- name: A larger one behind a load balancer, with room for ten nodes
  gatewayops.apigee_gke.apigee_environment:
    project: acme-shop
    name: prod
    type: COMPREHENSIVE
    node_config:
      min_node_count: 2
      max_node_count: 10
    client_ip_resolution:
      header_name: X-Forwarded-For
      header_index: -2
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
  description: The environment in the words of the options; in check mode as it would be.
  returned: success
  type: dict
  contains:
    node_config:
      description: With C(current_aggregate_node_count), the nodes that run now in all instances.
      type: dict
    has_attached_flow_hooks:
      description: Whether a flow hook is attached.
      type: bool
    state:
      description: Google's word for its state.
      type: str
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
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.apigee_environment import (
    ApigeeEnvironment,
)


def main() -> None:
    """One call: the engine does the rest."""
    run(ApigeeEnvironment)


if __name__ == "__main__":
    main()
