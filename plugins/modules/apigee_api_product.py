#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apigee_api_product
short_description: Manage an Apigee API product
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Creates, changes and deletes an API product, which says what the keys of apps open, and how often.
  - Apigee replaces a product as a whole. What is not stated here is read first and sent back as it is.
  - A product binds proxies in one of two forms that Apigee does not mix. One is O(proxies) and O(api_resources), the other
    is O(operations) with methods and quotas of their own. Changing from one to the other has to be said.
  - A product without proxies opens every proxy of the organisation, and one without environments every environment. A new
    product is therefore refused unless both are stated, be it as empty lists.
  - Only a product that this collection has made is deleted, known by its attribute C(managed-by). Apigee refuses to delete
    one that a key still names.
options:
  organization:
    description: The Apigee organisation. Without it, the one named like the project.
    type: str
  name:
    description: Name by which apps refer to it. It cannot be changed.
    type: str
    required: true
  display_name:
    description: Name for people. A new product has its O(name) unless stated.
    type: str
  description:
    description: What it is.
    type: str
  approval_type:
    description: Whether keys open it at once, or wait for somebody's approval. A new one has V(auto) unless stated.
    type: str
    choices: [auto, manual]
  environments:
    description: Environments that it opens. An empty list means all.
    type: list
    elements: str
  proxies:
    description: Proxies that it opens, with all methods. An empty list means all, if there are no O(operations).
    type: list
    elements: str
  api_resources:
    description:
      - Paths below the base paths of O(proxies). V(/**) means everything below, V(/*) one level, and V(/) everything.
    type: list
    elements: str
  operations:
    description:
      - What it opens, one path of one proxy in each. Operations that are not in the list are removed.
      - What is not stated of an operation that is there (its quota above all) stays as it is.
    type: list
    elements: dict
    suboptions:
      proxy:
        description: The proxy, or the remote service with O(operation_config_type=remoteservice).
        type: str
        required: true
      resource:
        description: Path below the base path, with the wildcards of O(api_resources).
        type: str
        required: true
      methods:
        description: Methods that it opens. An empty list means all.
        type: list
        elements: str
      quota:
        description: A quota of its own instead of the product's. V({}) takes it away.
        type: dict
        suboptions:
          limit:
            description: Requests in one period, required in a quota.
            type: int
          interval:
            description: Length of the period, required in a quota.
            type: int
          time_unit:
            description: Unit of the period. Apigee takes V(hour) unless stated.
            type: str
            choices: [minute, hour, day, month]
  operation_config_type:
    description: Whether O(operations) are of proxies or of remote services.
    type: str
    choices: [proxy, remoteservice]
  quota:
    description:
      - Requests that an app may make in one period. Policies of type Quota in the proxies enforce it, nothing else does.
      - V(0) removes the quota.
    type: int
  quota_interval:
    description: Length of the period.
    type: int
  quota_time_unit:
    description: Unit of the period.
    type: str
    choices: [minute, hour, day, month]
  quota_counter_scope:
    description: Whether operations without a quota of their own share one counter, and with whom.
    type: str
    choices: [PROXY, OPERATION, PRODUCT]
  oauth_scopes:
    description: OAuth scopes that apps may ask for.
    type: list
    elements: str
  attributes:
    description:
      - Further facts about it, as a mapping. C(access) (V(public), V(private) or V(internal)) decides who sees it in a portal.
      - Attributes that are not stated stay. V({}) removes them all.
    type: dict
  space:
    description: The space that it belongs to. Google cannot change it in place.
    type: str
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.change
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.apigee_api_product_info
  - module: gatewayops.apigee_gke.apigee_app
  - module: gatewayops.apigee_gke.apigee_app_key
  - module: gatewayops.apigee_gke.resources
"""

EXAMPLES = r"""
- name: What partners get
  gatewayops.apigee_gke.apigee_api_product:
    project: acme-shop
    name: partner
    display_name: For partners
    approval_type: manual
    environments: [prod]
    operations:
      - proxy: orders
        resource: /items/**
        methods: [GET]
      - proxy: orders
        resource: /orders
        methods: [POST]
        quota: {limit: 10, interval: 1, time_unit: minute}
    quota: 1000
    quota_interval: 1
    quota_time_unit: hour
    attributes:
      access: private
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
  description: The product in the words of the options; in check mode as it would be.
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
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.apigee_api_product import (
    ApigeeApiProduct,
)


def main() -> None:
    """One call: the engine does the rest."""
    run(ApigeeApiProduct)


if __name__ == "__main__":
    main()
