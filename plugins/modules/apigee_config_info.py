#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apigee_config_info
short_description: Read what an Apigee organisation holds, as declarations that would make it
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads everything that an organisation holds and tells it in the words of this collection's modules. Nothing at Google is
    changed.
  - The answer can be given to M(gatewayops.apigee_gke.resources) as it is, which then finds nothing to change.
  - With O(dest) it is also written as a folder, which the role P(gatewayops.apigee_gke.apigee_config#role) takes. Content of
    proxies and shared flows is downloaded into it.
  - What the folder says already in other words (comments, defaults spelt out, policies indented in another way, generated
    proxies, zip files, secrets that were added to an entry) stays as it is. So an export after an apply changes no file.
  - Secrets of a file that has to be written anew are kept, and shown nowhere. Where one would be lost, because Apigee holds
    another one, nothing is written and the module fails.
  - Keys and other secrets are not exported. What was left out is named in RV(withheld) and at the head of each file.
options:
  organization:
    description: The Apigee organisation. Without it, the one named like the project.
    type: str
  kinds:
    description: Kinds to read, by the names of their modules. All when empty.
    type: list
    elements: str
    default: []
  values:
    description:
      - Also export the values of key value maps. Any of them may be a secret, so without it only names of maps are exported,
        and names of entries are told in RV(withheld).
    type: bool
    default: false
  dest:
    description:
      - Folder to write. Files of the kinds that are read are made equal to the organisation, and removed where it has none of
        a kind; anything else in the folder stays. In check mode nothing is written.
      - Needs PyYAML where the module runs.
    type: path
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.resources
  - plugin: gatewayops.apigee_gke.apigee_config
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Take over an organisation that was made by hand
  gatewayops.apigee_gke.apigee_config_info:
    project: acme-shop
    dest: acme-shop

- name: Which target servers are there, in all environments?
  gatewayops.apigee_gke.apigee_config_info:
    project: acme-shop
    kinds: [apigee_target_server]
  register: found
"""

RETURN = r"""
resources:
  description:
    - One entry for each object, sorted, with C(kind) and the options of that kind's module.
    - What has files names its C(revision); with O(dest) it says what the folder does, as C(bundle) or otherwise.
  returned: success
  type: list
  elements: dict
  sample:
    - {kind: apigee_target_server, environment: prod, name: orders, host: orders.shop.svc.gke.acme.internal, port: 8080}
withheld:
  description: Options that are not exported, as C(kind), C(name), C(option).
  returned: success
  type: list
  elements: dict
  sample:
    - {kind: apigee_keystore_alias, name: prod/client/client, option: private_key}
untold:
  description: Sentences about what declarations cannot say.
  returned: success
  type: list
  elements: str
files:
  description: Files and folders of content, relative to O(dest), that were or would be changed.
  returned: with O(dest)
  type: list
  elements: str
requests:
  description: Calls made.
  returned: success
  type: dict
  contains:
    reads:
      description: Calls that changed nothing, all of them.
      type: int
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._organization.module import run


def main() -> None:
    """One call: the room does the rest."""
    run()


if __name__ == "__main__":
    main()
