# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives the source of the sidecar core to the role that runs it in a cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
name: sidecar_source
short_description: The source of the TLS sidecar's core, and its digest
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads the code that the admission webhook runs, from this very collection, be it a checkout or an installation.
  - Made for the roles and playbooks of this collection, and may change with them.
options:
  _terms:
    description: None.
    required: false
"""

EXAMPLES = r"""
- name: Say which code would run
  ansible.builtin.debug:
    msg: "{{ lookup('gatewayops.apigee_gke.sidecar_source').digest }}"
"""

RETURN = r"""
_raw:
  description: C(files), the text of each file by its path in the package, and C(digest), SHA-256 of all.
  type: list
  elements: dict
"""

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._webhook import source


class LookupModule(LookupBase):
    """The lookup."""

    def run(self, terms, variables=None, **kwargs):
        """Files and digest. Raises AnsibleError when this collection cannot be read."""
        try:
            return [source.read()]
        except OSError as error:
            raise AnsibleError(f"sidecar_source: the collection's own files cannot be read: {error}") from error
