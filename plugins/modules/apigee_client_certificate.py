#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apigee_client_certificate
short_description: Give an Apigee environment a client certificate, and renew it without a failed call
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Keeps a reference and, behind it, a keystore whose alias C(client) holds the certificate and its private key. Target
    servers with C(client_auth_enabled) show it to backends.
  - A renewed certificate is a new keystore, named after the reference and a digest of the certificate. The reference is
    turned to it and only then the old one is removed. No proxy is deployed again.
options:
  organization:
    description: The Apigee organisation. Without it, the one named like the project.
    type: str
  environment:
    description: The environment it belongs to.
    type: str
    required: true
  name:
    description: Name of the reference. Target servers name it as C(ref://NAME), with the alias C(client).
    type: str
    required: true
  certificate:
    description: The certificate as PEM text, with those that issued it behind it. Required with O(state=present).
    type: str
  private_key:
    description: Its private key as PEM text. Required with O(state=present).
    type: str
  settle:
    description: Seconds between the exchange and the removal of the old keystore, in which all of Apigee learns of it. 30 when
      not stated.
    type: int
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.change
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.apigee_target_server
  - module: gatewayops.apigee_gke.apigee_keystore
"""

EXAMPLES = r"""
- name: What Apigee shows to the pods
  gatewayops.apigee_gke.apigee_client_certificate:
    project: acme-shop
    environment: prod
    name: gke-client
    certificate: "{{ apigee_certificate }}"
    private_key: "{{ apigee_private_key }}"
  no_log: true
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
  description: The C(reference), the C(keystore) behind it and its C(certificates), never the key; in check mode as it would be.
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
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.apigee_client_certificate import (
    ApigeeClientCertificate,
)


def main() -> None:
    """One call: the engine does the rest."""
    run(ApigeeClientCertificate)


if __name__ == "__main__":
    main()
