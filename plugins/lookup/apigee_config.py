# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives what a folder declares of an Apigee organisation to the module that brings it about."""

from __future__ import annotations

DOCUMENTATION = r"""
name: apigee_config
short_description: What a folder declares of an Apigee organisation
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads a folder as M(gatewayops.apigee_gke.apigee_config_info) writes it, and gives a list of entries for
    M(gatewayops.apigee_gke.resources). Each knows its file and line, with which messages about it begin.
  - Each kind has a file named after it in the plural, C(api_products.yml) for
    M(gatewayops.apigee_gke.apigee_api_product), with a list of that module's options. What lives in an environment stands in
    C(environments/NAME/). Content of proxies stands in C(proxies/NAME/apiproxy/), of shared flows in
    C(shared_flows/NAME/sharedflowbundle/).
  - Files encrypted with Ansible Vault, and values encrypted in them, are decrypted. Files are data, they are no templates.
  - Everything that is wrong with files is told at once.
options:
  _terms:
    description:
      - The folder. Without one, only O(resources) counts.
      - A relative one is looked for where Ansible was started, then beside the play.
    type: list
    elements: str
  organization:
    description: The organisation, for entries that do not name one.
    type: str
    default: ""
  resources:
    description:
      - Entries with C(kind), laid over those of the folder that have the same name; further ones are added. This is where
        secrets come from.
    type: list
    elements: dict
    default: []
  kinds:
    description: Only entries of these kinds. All when empty.
    type: list
    elements: str
    default: []
  environments:
    description: Only entries that live in these environments, and these environments themselves. All when empty.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Bring an organisation to what its folder says
  gatewayops.apigee_gke.resources:
    project: acme-shop
    resources: "{{ query('gatewayops.apigee_gke.apigee_config', '/srv/acme-shop') }}"
"""

RETURN = r"""
_raw:
  description: Entries for M(gatewayops.apigee_gke.resources).
  type: list
  elements: dict
"""

import os

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._organization import lines, reading


class LookupModule(LookupBase):
    """The lookup."""

    def run(self, terms, variables=None, **kwargs):
        """All entries. Raises AnsibleError with everything that is wrong with the folder."""
        self.set_options(var_options=variables, direct=kwargs)
        entries = []
        try:
            for term in terms:
                if term:
                    here = os.path.abspath(os.path.expanduser(str(term)))
                    folder = here if os.path.isdir(here) else self._loader.path_dwim(str(term))
                    entries += reading.read(folder, self._load)
            entries = reading.combine(entries, self.get_option("resources"))
            entries = reading.selected(entries, self.get_option("kinds"), self.get_option("environments"))
        except reading.FolderError as error:
            # Ansible would repeat the words of a cause after ours.
            raise AnsibleError(str(error)) from None
        organization = self.get_option("organization")
        return [{**({"organization": organization} if organization else {}), **entry} for entry in entries]

    def _load(self, path):
        """The data of a file, and where its entries begin."""
        try:
            data = self._loader.load_from_file(path, cache="none")
        except AnsibleError as error:
            raise reading.FolderError([str(error)]) from None
        with open(path, encoding="utf-8") as file:
            text = file.read()
        return data, [] if text.startswith(lines.VAULT) else lines.beginnings(text)
