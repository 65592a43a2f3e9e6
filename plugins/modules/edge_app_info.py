#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: edge_app_info
short_description: Read an app of Apigee Edge, and its keys where these are asked for
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads one app. Its keys are shown only with O(show_keys=true); a task that asks for them wants C(no_log).
options:
  organization:
    description: The organisation on Edge.
    type: str
    required: true
  developer:
    description: E-mail address of the developer.
    type: str
    required: true
  name:
    description: Name of the app.
    type: str
    required: true
  show_keys:
    description: Whether to show the keys. Their secrets never are.
    type: bool
    default: false
extends_documentation_fragment:
  - gatewayops.apigee_gke.edge
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.edge
seealso:
  - module: gatewayops.apigee_gke.edge_app
"""

EXAMPLES = r"""
- name: The partner's key
  gatewayops.apigee_gke.edge_app_info:
    organization: acme
    developer: ann@partner.example
    name: shop
    show_keys: true
    edge_user: "{{ edge_user }}"
    edge_password: "{{ edge_password }}"
  no_log: true
  register: found
"""

RETURN = r"""
resources:
  description: The app as C(developer), C(name), C(status) and C(credentials); empty when there is none.
  returned: success
  type: list
  elements: dict
  contains:
    credentials:
      description: Its keys, each as C(status), C(products) that are approved, and C(key) where it was asked for.
      type: list
      elements: dict
"""

from urllib.parse import quote

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._edge.access import EDGE
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import fail
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.errors import Failure
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.session import Wire


def _shown(credential, show_keys):
    products = [one["apiproduct"] for one in credential.get("apiProducts") or [] if one.get("status") == "approved"]
    found = {"status": credential.get("status"), "products": products}
    return {**found, "key": credential["consumerKey"]} if show_keys else found


def main():
    """Reads, and ends the module."""
    module = AnsibleModule(
        argument_spec={
            **EDGE.options(),
            "organization": {"type": "str", "required": True},
            "developer": {"type": "str", "required": True},
            "name": {"type": "str", "required": True},
            # Whether, not which: it hides nothing.
            "show_keys": {"type": "bool", "default": False, "no_log": False},
        },
        supports_check_mode=True,
    )
    wire = Wire(EDGE.open(module).client)
    names = [quote(module.params[name], safe="") for name in ("organization", "developer", "name")]
    failure = None
    try:
        found = wire.find("edge", "v1/organizations/{}/developers/{}/apps/{}".format(*names))
    except Failure as error:
        failure = error
    if failure:
        fail(module, failure)
    credentials = [_shown(one, module.params["show_keys"]) for one in (found or {}).get("credentials") or []]
    app = {"developer": module.params["developer"], "name": module.params["name"]}
    resources = [{**app, "status": found.get("status"), "credentials": credentials}] if found else []
    module.exit_json(changed=False, resources=resources)


if __name__ == "__main__":
    main()
