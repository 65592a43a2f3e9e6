#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: api_gateway_config
short_description: Manage a config of an API of API Gateway
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - A config holds an OpenAPI document and never changes. Without O(name) it is named by the content of the document and
    the account, so that the same content is the same config and a change is a new one, to which
    M(gatewayops.apigee_gke.api_gateway_gateway) moves a gateway. Order, spacing and comments are not content.
  - The document is judged before anything is written. Every fault is named with its line, and so is what Google
    accepts and does not enforce, such as scopes, a key as one of several alternatives, or a misspelt extension.
  - Configs of an API are made one after the other, since two at once may both be unusable.
requirements:
  - PyYAML, where the module runs
options:
  api:
    description: Name of the API that it belongs to.
    type: str
    required: true
  name:
    description: Name of the config. Without it, O(prefix), a dash and ten characters that stand for the content.
    type: str
  prefix:
    description: What the name begins with when O(name) is not stated; without it, the API's name.
    type: str
  openapi:
    description:
      - The OpenAPI document, as text (YAML or JSON) or as data. Version 2.0, 3.0 or 3.1. Required with O(state=present).
      - A config cannot get another document; leave O(name) out to have a new config made.
    type: raw
  gateway_service_account:
    description:
      - E-mail address of the account as which gateways call the backend. Without it, Compute Engine's default account.
      - Google cannot change it in place.
    type: str
  display_name:
    description: Name for people.
    type: str
  labels:
    description: Labels; those not named are left alone.
    type: dict
  validator:
    description:
      - Whether the Python library C(openapi-spec-validator) judges the document by OpenAPI's own schema, beside our rules.
      - V(auto) where it is installed, which is what happens without this option; V(required) fails without it.
    type: str
    choices: [auto, required, none]
  server_validation:
    description:
      - Whether Google is asked, before a config is made, to judge the document without keeping it. That takes an API
        that exists and the permission C(servicemanagement.services.update).
      - V(auto) where that is possible, which is what happens without this option; V(required) fails where it is not.
    type: str
    choices: [auto, required, none]
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.change
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.api_gateway_api
  - module: gatewayops.apigee_gke.api_gateway_gateway
"""

EXAMPLES = r"""
- name: The document as it is now
  gatewayops.apigee_gke.api_gateway_config:
    project: acme-shop
    api: products
    openapi: "{{ lookup('ansible.builtin.file', 'products.yaml') }}"
    gateway_service_account: gateway@acme-shop.iam.gserviceaccount.com
  register: config

- name: The gateway serves it
  gatewayops.apigee_gke.api_gateway_gateway:
    project: acme-shop
    name: products
    region: europe-west1
    api: products
    config: "{{ config.resource.name }}"
    keep_configs: 2
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
  description: The config in the words of the options, with what only Google knows. In check mode, as it would be.
  returned: success
  type: dict
  contains:
    name:
      description: Its name, also where it is made from the content.
      type: str
    service_config_id:
      description: The configuration of the managed service that Google has made of the document.
      type: str
    state:
      description: Google's word for its state.
      type: str
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.api_gateway_config import (
    ApiGatewayConfig,
)


def main() -> None:
    """One call: the engine does the rest."""
    run(ApiGatewayConfig)


if __name__ == "__main__":
    main()
