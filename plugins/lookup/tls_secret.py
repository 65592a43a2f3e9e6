# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives certificate and key of a TLS Secret to options that want them, without a task that shows or keeps them."""

from __future__ import annotations

DOCUMENTATION = r"""
name: tls_secret
short_description: Certificate and private key in a TLS Secret of a cluster
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads a Secret on the controller, so that its key can be given to options that never show their value. Nothing is stored.
options:
  _terms:
    description: None.
    required: false
  cluster:
    description: Name of the cluster, for messages.
    type: str
    required: true
  endpoint:
    description: Host of the cluster's API server, with a port or without.
    type: str
    required: true
  ca_certificate:
    description: Certificate of its authority, PEM in base64 as GKE gives it; the system's authorities when empty.
    type: str
    default: ""
  namespace:
    description: Namespace of the Secret.
    type: str
    required: true
  name:
    description: Name of the Secret.
    type: str
    required: true
  needed:
    description: Fail when there is no such Secret, or no certificate and key in it.
    type: bool
    default: true
  auth:
    description: Credentials as the modules of this collection take them, with the same environment variables behind them.
    type: dict
    default: {}
seealso:
  - plugin: gatewayops.apigee_gke.access_token
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Let Apigee show what cert-manager has issued
  gatewayops.apigee_gke.apigee_client_certificate:
    organization: acme-shop
    environment: prod
    name: gke-client
    certificate: "{{ shown.certificate }}"
    private_key: "{{ shown.private_key }}"
  vars:
    shown: >-
      {{ lookup('gatewayops.apigee_gke.tls_secret', cluster='shop', endpoint='203.0.113.7', namespace='apigee-gke',
      name='apigee-client') }}
"""

RETURN = r"""
_raw:
  description: One dictionary with C(certificate) and C(private_key) as PEM; an empty one when there is nothing yet.
  type: list
  elements: dict
"""

import base64

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.credentials import with_environment
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.errors import Failure
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.session import Client
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._kubernetes import objects
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._kubernetes.reader import Reader, ReadError

_KEYS = {"certificate": "tls.crt", "private_key": "tls.key"}


class LookupModule(LookupBase):
    """The lookup."""

    def run(self, terms, variables=None, **kwargs):
        """What the Secret holds. Raises AnsibleError when it cannot be read, or is needed and holds nothing."""
        self.set_options(var_options=variables, direct=kwargs)
        namespace, name = self.get_option("namespace"), self.get_option("name")
        place = f"Secret {name} in namespace {namespace} of cluster {self.get_option('cluster')}"
        try:
            data = self._data(objects.path("v1", "Secret", namespace, name))
            held = {option: base64.b64decode(data.get(key) or "", validate=True) for option, key in _KEYS.items()}
        except Failure as error:
            # Ansible would repeat the words of a cause after ours.
            raise AnsibleError(str(error)) from None
        except (ReadError, ValueError) as error:
            raise AnsibleError(
                f"{place} could not be read.\n  because   {error}\n"
                "  fix       Check that the API server can be reached from here, and that the account may get this Secret."
            ) from None
        if not all(content.isascii() for content in held.values()):
            # An error of a decoder would repeat a part of the key.
            raise AnsibleError(
                f"{place} holds no PEM.\n"
                f"  wanted    {' and '.join(_KEYS.values())} as PEM, which is ASCII\n"
                "  found     other bytes, as DER has them\n"
                "  fix       Let cert-manager issue the Secret anew, or put certificate and key into it as PEM."
            )
        if all(held.values()):
            return [{option: content.decode("ascii") for option, content in held.items()}]
        if self.get_option("needed"):
            raise AnsibleError(
                f"{place} is not there, or holds no certificate with its key.\n"
                f"  wanted    {' and '.join(_KEYS.values())}\n"
                "  fix       Look at the Certificate that issues it: kubectl describe certificate; or give certificate and"
                " private_key instead of secret."
            )
        return [{}]

    def _data(self, path):
        token = Client(with_environment(self.get_option("auth") or {})).token
        reader = Reader(self.get_option("endpoint"), self.get_option("ca_certificate"), token)
        try:
            return (reader.get(path) or {}).get("data") or {}
        finally:
            reader.close()
