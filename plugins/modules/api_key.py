#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: api_key
short_description: Manage an API key
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Makes an API key that is good for named services, or for the APIs of gateways, and for nothing else. A key without a restriction
    is refused, because it opens every API of its project.
  - Google chooses the key string. This module never reads it. M(gatewayops.apigee_gke.api_key_info) does, where it is told to.
  - An API key says which application calls, not who. Whoever sees it can use it.
options:
  name:
    description: ID of the key in its project. This is not the key itself, which only Google chooses.
    type: str
    required: true
  display_name:
    description: What people call it. At most 63 characters.
    type: str
  services:
    description: What it is good for. One of O(services) and O(apis) is required with O(state=present).
    type: list
    elements: dict
    suboptions:
      service:
        description: Name of the service. That of a gateway's API is its managed service.
        type: str
        required: true
      methods:
        description: Methods that may be called; without it, all.
        type: list
        elements: str
  apis:
    description:
      - Names of APIs of API Gateway that it is good for, beside O(services). Their managed services are looked up.
      - The managed service has to be enabled in the key's project, or Google refuses the calls.
    type: list
    elements: str
  allowed_ips:
    description: Addresses and ranges that may call with it; without it, all.
    type: list
    elements: str
  annotations:
    description: Annotations; those not named are left alone.
    type: dict
  restore:
    description:
      - Google keeps a deleted key, and its name, for 30 days. V(true) brings such a key back, with the string that it had.
      - Without it, a name that is still kept is refused, because whoever knew the old string could use it again.
    type: bool
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.change
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.api_key_info
"""

EXAMPLES = r"""
- name: A key for a partner's application
  gatewayops.apigee_gke.api_key:
    project: acme-shop
    name: partner
    display_name: Partner's shop
    apis: [products]

- name: The same for a service that is known by its name
  gatewayops.apigee_gke.api_key:
    project: acme-shop
    name: partner-backend
    services:
      - service: products-1a2b3c.apigateway.acme-shop.cloud.goog
    allowed_ips: [203.0.113.0/24]
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
  description: The key in the words of the options, never its string; in check mode as it would be.
  returned: success
  type: dict
  contains:
    uid:
      description: Google's own identifier of the key.
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
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.api_key import (
    ApiKey,
)


def main() -> None:
    """One call: the engine does the rest."""
    run(ApiKey)


if __name__ == "__main__":
    main()
