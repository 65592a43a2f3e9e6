#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apigee_key_value_map
short_description: Manage an Apigee key value map and its entries
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Creates, changes and deletes a key value map of an organisation, of an environment or of a proxy, with its entries.
  - Apigee keeps entries as objects of their own. All are read first, in pages, and only those that differ are written.
  - Entries that are not stated stay as they are, unless O(purge_entries=true).
  - Proxies keep what they have read for as long as their policy says, five minutes unless it says otherwise.
  - It has no place for this collection's mark. It is ours, and can be deleted, when a record in the organisation's map
    C(gatewayops-ownership) says that this collection made or adopted it, wherever it is.
options:
  organization:
    description: The Apigee organisation. Without it, the one named like the project.
    type: str
  environment:
    description: The environment that the map belongs to. Without it and without O(proxy), the organisation's map is meant.
    type: str
  proxy:
    description: The API proxy that the map belongs to.
    type: str
  name:
    description: Name by which policies refer to it (C(mapIdentifier)).
    type: str
    required: true
  entries:
    description:
      - Entries, as a mapping of name to value. Their values are shown in differences and results.
      - Values are text to Apigee. Numbers and booleans are written as text (V(true), V(8080)).
    type: dict
  secret_entries:
    description:
      - Entries whose values are never shown, neither before nor after a change.
      - An entry that is no longer stated here stays in the map.
    type: dict
  purge_entries:
    description: Whether to remove every entry that is neither in O(entries) nor in O(secret_entries).
    type: bool
  masked_values:
    description:
      - Whether Apigee masks the values for everybody who reads them. Nobody can then tell whether an entry differs, so
        entries cannot be stated together with it.
    type: bool
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.change
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.apigee_key_value_map_info
  - module: gatewayops.apigee_gke.apigee_proxy
  - module: gatewayops.apigee_gke.resources
"""

EXAMPLES = r"""
- name: Settings of all proxies of an environment
  gatewayops.apigee_gke.apigee_key_value_map:
    project: acme-shop
    environment: prod
    name: settings
    entries:
      region: europe-west1
      page_size: 50
    secret_entries:
      partner_token: "{{ vault_partner_token }}"

- name: Exactly these routes, for one proxy
  gatewayops.apigee_gke.apigee_key_value_map:
    project: acme-shop
    proxy: orders
    name: routes
    entries: {eu: orders-eu, us: orders-us}
    purge_entries: true
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
  description: The map with C(entry_names), the names of all its entries, and C(entries), the values of those that O(entries)
      names; in check mode as it would be.
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
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.apigee_key_value_map import (
    ApigeeKeyValueMap,
)


def main() -> None:
    """One call: the engine does the rest."""
    run(ApigeeKeyValueMap)


if __name__ == "__main__":
    main()
