# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives a Google access token to options that want one, without a task that shows it."""

from __future__ import annotations

DOCUMENTATION = r"""
name: access_token
short_description: A Google access token for the credentials given
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Obtains an access token on the controller, so that it can be given to options that never show their value, such as
    a C(kubeconfig) of C(kubernetes.core.k8s). Nothing is stored.
options:
  _terms:
    description: None.
    required: false
  auth:
    description:
      - Credentials as the modules of this collection take them (C(auth_kind), C(service_account_file) and so on).
      - What is not given comes from the same environment variables, E(GCP_AUTH_KIND), E(GCP_SERVICE_ACCOUNT_FILE) and
        so on.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Read the nodes of a cluster
  kubernetes.core.k8s_info:
    host: https://203.0.113.7
    api_key: "{{ lookup('gatewayops.apigee_gke.access_token', auth={'auth_kind': 'application'}) }}"
    kind: Node
"""

RETURN = r"""
_raw:
  description: The access token.
  type: list
  elements: str
"""

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.credentials import with_environment
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.errors import Failure
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.session import Client


class LookupModule(LookupBase):
    """The lookup."""

    def run(self, terms, variables=None, **kwargs):
        """One token. Raises AnsibleError with what to do when there are no usable credentials."""
        self.set_options(var_options=variables, direct=kwargs)
        try:
            return [Client(with_environment(self.get_option("auth") or {})).token()]
        except Failure as error:
            # Ansible would repeat the words of a cause after ours.
            raise AnsibleError(str(error)) from None
