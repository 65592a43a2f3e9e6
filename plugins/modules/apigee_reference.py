#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apigee_reference
short_description: Manage a reference to a keystore of an Apigee environment
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Target servers name a reference as C(ref://NAME). The keystore behind it can then be exchanged without a change of the
    target server and without a new deployment.
options:
  organization:
    description: The Apigee organisation. Without it, the one named like the project.
    type: str
  environment:
    description: The environment it belongs to.
    type: str
    required: true
  name:
    description: Name of the reference.
    type: str
    required: true
  refers:
    description: Name of the keystore it leads to, which must exist. Required with O(state=present).
    type: str
  resource_type:
    description: What the keystore is used as. Required with O(state=present). Google cannot change it in place.
    type: str
    choices: [KeyStore, TrustStore]
  description:
    description: What it is for. The collection's own mark is added to it and never shown.
    type: str
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.change
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.apigee_keystore
  - module: gatewayops.apigee_gke.apigee_target_server
"""

EXAMPLES = r"""
- name: What target servers trust by
  gatewayops.apigee_gke.apigee_reference:
    project: acme-shop
    environment: prod
    name: partners
    refers: partners-2026
    resource_type: TrustStore
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
  description: The reference in the words of the options; in check mode as it would be.
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
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.apigee_reference import (
    ApigeeReference,
)


def main() -> None:
    """One call: the engine does the rest."""
    run(ApigeeReference)


if __name__ == "__main__":
    main()
