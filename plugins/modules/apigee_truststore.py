#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apigee_truststore
short_description: Let an Apigee environment trust certificate authorities, and rotate them without a failed call
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Keeps a reference and, behind it, a keystore with the given certificate authorities, each as an alias.
  - The keystore is named after the reference and a digest of the authorities. When these change, a new keystore is made and
    filled, the reference is turned to it, and only then the old one is removed. No proxy is deployed again. A run that was
    interrupted in between is completed by the next one.
  - An authority that is no longer stated stays trusted beside the new ones, because certificates of it may still be in
    use, until it expires or O(retire) is set. The result's C(note) says so.
options:
  organization:
    description: The Apigee organisation. Without it, the one named like the project.
    type: str
  environment:
    description: The environment it belongs to.
    type: str
    required: true
  name:
    description: Name of the reference. Target servers name it as C(ref://NAME).
    type: str
    required: true
  authorities:
    description: Certificates of the authorities to trust, as PEM texts. Required with O(state=present).
    type: list
    elements: str
  retire:
    description: Whether to stop trusting authorities that are not among O(authorities).
    type: bool
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
  - module: gatewayops.apigee_gke.certificate_authority_info
  - module: gatewayops.apigee_gke.apigee_keystore
"""

EXAMPLES = r"""
- name: Trust the authority that issues the services' certificates
  gatewayops.apigee_gke.apigee_truststore:
    project: acme-shop
    environment: prod
    name: gke-ca
    authorities: ["{{ lookup('ansible.builtin.file', 'ca.crt') }}"]

- name: Trust it alone, once all certificates are renewed
  gatewayops.apigee_gke.apigee_truststore:
    project: acme-shop
    environment: prod
    name: gke-ca
    authorities: ["{{ lookup('ansible.builtin.file', 'ca.crt') }}"]
    retire: true
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
  description: The C(reference), the C(keystore) behind it and its C(certificates); in check mode as it would be.
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
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.apigee_truststore import (
    ApigeeTruststore,
)


def main() -> None:
    """One call: the engine does the rest."""
    run(ApigeeTruststore)


if __name__ == "__main__":
    main()
