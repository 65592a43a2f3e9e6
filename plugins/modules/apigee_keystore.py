#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apigee_keystore
short_description: Manage a keystore or truststore of an Apigee environment
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Creates and deletes a keystore, which is a truststore when its aliases hold certificates without keys.
  - What is in it are aliases. A keystore that is deleted takes its aliases with it, so it stays while it holds one that
    this collection did not make.
  - A keystore has no place for this collection's mark. It is ours when a record in the organisation's key value map
    C(gatewayops-ownership) says that this collection made or adopted it, whosever its environment is.
options:
  organization:
    description: The Apigee organisation. Without it, the one named like the project.
    type: str
  environment:
    description: The environment it belongs to.
    type: str
    required: true
  name:
    description: Name of the keystore.
    type: str
    required: true
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.change
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.apigee_keystore_alias
  - module: gatewayops.apigee_gke.apigee_truststore
  - module: gatewayops.apigee_gke.apigee_reference
"""

EXAMPLES = r"""
- name: A place for authorities to trust
  gatewayops.apigee_gke.apigee_keystore:
    project: acme-shop
    environment: prod
    name: partners
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
  description: The keystore, with the names of its C(aliases); in check mode as it would be.
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
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.apigee_keystore import (
    ApigeeKeystore,
)


def main() -> None:
    """One call: the engine does the rest."""
    run(ApigeeKeystore)


if __name__ == "__main__":
    main()
