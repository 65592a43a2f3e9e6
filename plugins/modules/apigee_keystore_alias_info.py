#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apigee_keystore_alias_info
short_description: Read Apigee aliases
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads one alias of a keystore by name, or all of them.
options:
  organization:
    description: The Apigee organisation. Without it, the one named like the project.
    type: str
  environment:
    description: The environment.
    type: str
    required: true
  keystore:
    description: The keystore.
    type: str
    required: true
  name:
    description: Name of the alias; without it, all are read.
    type: str
    aliases: [alias]
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.apigee_keystore_alias
"""

EXAMPLES = r"""
- name: Read what is there
  gatewayops.apigee_gke.apigee_keystore_alias_info:
    project: acme-shop
    environment: prod
    keystore: partners
  register: found
"""

RETURN = r"""
resources:
  description:
    - One entry for each of the Apigee aliases, with what only Google knows. Empty when there is none.
    - In the words of the options of M(gatewayops.apigee_gke.apigee_keystore_alias).
  returned: success
  type: list
  elements: dict
  sample:
    - {name: globex, keystore: partners, environment: prod, type: CERT}
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run_info
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.apigee_keystore_alias import (
    ApigeeKeystoreAlias,
)


def main() -> None:
    """One call: the engine does the rest."""
    run_info(ApigeeKeystoreAlias)


if __name__ == "__main__":
    main()
