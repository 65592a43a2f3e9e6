#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: api_gateway_api
short_description: Manage an API of API Gateway
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - An API holds configs and has a managed service of its own, which has to be enabled in the project that owns the keys.
  - The services C(apigateway), C(servicemanagement) and C(servicecontrol) must be enabled in the project.
options:
  name:
    description: Name of the API, of lower-case letters, digits and dashes.
    type: str
    required: true
  display_name:
    description: Name for people.
    type: str
  labels:
    description: Labels; those not named are left alone.
    type: dict
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.change
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.api_gateway_config
  - module: gatewayops.apigee_gke.api_gateway_gateway
"""

EXAMPLES = r"""
- name: An API, and its managed service enabled
  gatewayops.apigee_gke.api_gateway_api:
    project: acme-shop
    name: products
  register: api

- name: Keys of this project are good for it
  gatewayops.apigee_gke.project_services:
    project: acme-shop
    services: ["{{ api.resource.managed_service }}"]
"""

RETURN = r"""
action:
  description:
    - What was or would be done.
    - One of V(created), V(updated), V(recreated), V(deleted), V(unchanged), V(kept) (not ours, left alone) and
      V(pending).
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
note:
  description: Why an object was left alone, or what works and should be otherwise.
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
resource:
  description: The API in the words of the options, with what only Google knows. In check mode, as it would be.
  returned: success
  type: dict
  contains:
    managed_service:
      description: The service that keys are restricted to.
      type: str
    state:
      description: Google's word for its state.
      type: str
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.api_gateway_api import (
    ApiGatewayApi,
)


def main() -> None:
    """One call: the engine does the rest."""
    run(ApiGatewayApi)


if __name__ == "__main__":
    main()
