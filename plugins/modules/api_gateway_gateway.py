#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: api_gateway_gateway
short_description: Manage a gateway of API Gateway
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - A gateway serves one config of an API under a host name of its own. It is moved to another config in place; Google
    goes on serving the old one until the new one is ready.
options:
  name:
    description: Name of the gateway.
    type: str
    required: true
  region:
    description: Region it serves from, one of those that API Gateway has.
    type: str
    required: true
  api:
    description: Name of the API. Required with O(state=present).
    type: str
  config:
    description: Name of the config that it serves, which must be active. Required with O(state=present).
    type: str
  display_name:
    description: Name for people.
    type: str
  labels:
    description: Labels; those not named are left alone.
    type: dict
  streaming_mode:
    description: Whether responses are streamed. Google chooses when not stated, and cannot change it in place.
    type: str
    choices: [STREAMING_MODE_ENABLED]
  keep_configs:
    description:
      - How many configs to keep, newest first, beside the one that is served; Google keeps 100 of one API.
      - Others are deleted once the gateway serves O(config), if this collection has made them and no gateway serves
        them. Without this option none is deleted.
    type: int
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.change
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.api_gateway_api
  - module: gatewayops.apigee_gke.api_gateway_config
"""

EXAMPLES = r"""
- name: The gateway serves a config, and one more stays to go back to
  gatewayops.apigee_gke.api_gateway_gateway:
    project: acme-shop
    name: products
    region: europe-west1
    api: products
    config: products-0a1b2c3d4e
    keep_configs: 1
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
  description: The gateway in the words of the options, with what only Google knows. In check mode, as it would be.
  returned: success
  type: dict
  contains:
    default_hostname:
      description: The host name that callers use.
      type: str
    state:
      description: Google's word for its state.
      type: str
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.api_gateway_gateway import (
    ApiGatewayGateway,
)


def main() -> None:
    """One call: the engine does the rest."""
    run(ApiGatewayGateway)


if __name__ == "__main__":
    main()
