#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: iam_service_account_info
short_description: Read service accounts
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads one service account of a project by name or address, or all of them.
options:
  name:
    description: What stands before the C(@) of its address, or the whole address; without it, all are read.
    type: str
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.iam_service_account
"""

EXAMPLES = r"""
- name: Read what is there
  gatewayops.apigee_gke.iam_service_account_info:
    project: acme-shop
  register: found
"""

RETURN = r"""
resources:
  description:
    - One entry for each of the service accounts, with what only Google knows. Empty when there is none.
    - In the words of the options of M(gatewayops.apigee_gke.iam_service_account). Accounts that Google made are called by
      their address.
  returned: success
  type: list
  elements: dict
  sample:
    - {name: shop-gateway, email: shop-gateway@acme-shop.iam.gserviceaccount.com, disabled: false}
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run_info
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.iam_service_account import (
    IamServiceAccount,
)


def main() -> None:
    """One call: the engine does the rest."""
    run_info(IamServiceAccount)


if __name__ == "__main__":
    main()
