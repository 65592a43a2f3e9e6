#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apigee_keystore_alias
short_description: Manage a certificate, with its key or without, in an Apigee keystore
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Uploads a certificate to a keystore (with its private key) or a truststore (without), exchanges and deletes it.
  - Certificates are compared by SHA-256 fingerprint. Google never shows private keys, so whether a new certificate needs
    another key is seen from the public keys in both certificates.
  - Google replaces the certificate of an alias, never its key. Rather than to change an alias that is in use, make a new
    keystore and let a reference lead to it, as M(gatewayops.apigee_gke.apigee_truststore) and
    M(gatewayops.apigee_gke.apigee_client_certificate) do.
  - An alias has no place for this collection's mark. It is ours when a record in the organisation's key value map
    C(gatewayops-ownership) says that this collection made or adopted it, whosever its keystore is.
options:
  organization:
    description: The Apigee organisation. Without it, the one named like the project.
    type: str
  environment:
    description: The environment it belongs to.
    type: str
    required: true
  keystore:
    description: The keystore it is in.
    type: str
    required: true
  name:
    description: Name of the alias.
    type: str
    required: true
    aliases: [alias]
  certificate:
    description:
      - The certificate as PEM text. Several are a chain, each issued by the next; independent authorities are an alias each.
      - One of O(certificate), O(pkcs12) and O(self_signed) is required with O(state=present).
    type: str
  pkcs12:
    description:
      - A PKCS 12 file with a private key and its certificates, as Base64 text. Its password is O(private_key_password).
      - It is opened where the module runs, to compare its certificates, which needs the Python package C(cryptography).
    type: str
  self_signed:
    description:
      - Lets Google make a private key, which nobody ever sees, and a certificate that it signs itself.
      - Of one that is there the common name, O(self_signed.dns_name) and whether it has expired are compared. The rest
        counts when it is made. Nothing of it changes in place.
    type: dict
    suboptions:
      subject:
        description: Whom the certificate names. O(self_signed.subject.common_name) is required.
        type: dict
        suboptions:
          common_name:
            description: Common name.
            type: str
          organization:
            description: Organisation.
            type: str
          organizational_unit:
            description: Unit of the organisation.
            type: str
          locality:
            description: City.
            type: str
          state:
            description: State or province.
            type: str
          country:
            description: Country, two letters.
            type: str
          email:
            description: E-mail address.
            type: str
      key_size:
        description: Bits of the RSA key, Google's choice when left out.
        type: int
      signature_algorithm:
        description: Such as V(SHA256withRSA), Google's choice when left out.
        type: str
      validity_days:
        description: Days for which the certificate holds, Google's choice when left out.
        type: int
      dns_name:
        description: DNS name that the certificate is for.
        type: str
  private_key:
    description: Its private key as PEM text. Leave it out in a truststore.
    type: str
  private_key_password:
    description: Password of O(private_key) or O(pkcs12), if that is encrypted. It travels in the body of the upload.
    type: str
  ignore_expiry_validation:
    description: Whether Google should accept a certificate that has expired.
    type: bool
  ignore_newline_validation:
    description: Whether Google should accept a chain without a newline between its certificates.
    type: bool
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.change
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.apigee_keystore
  - module: gatewayops.apigee_gke.apigee_reference
"""

EXAMPLES = r"""
- name: Trust a partner's authority
  gatewayops.apigee_gke.apigee_keystore_alias:
    project: acme-shop
    environment: prod
    keystore: partners
    name: globex
    certificate: "{{ lookup('ansible.builtin.file', 'globex-ca.pem') }}"

- name: A certificate that Apigee shows
  gatewayops.apigee_gke.apigee_keystore_alias:
    project: acme-shop
    environment: prod
    keystore: client
    name: client
    certificate: "{{ client_certificate }}"
    private_key: "{{ client_private_key }}"
  no_log: true

- name: A key and certificates from a PKCS 12 file
  gatewayops.apigee_gke.apigee_keystore_alias:
    project: acme-shop
    environment: prod
    keystore: client
    name: partner
    pkcs12: "{{ lookup('ansible.builtin.file', 'partner.p12', rstrip=false) | b64encode }}"
    private_key_password: "{{ partner_password }}"
  no_log: true

- name: A key that only Apigee knows
  gatewayops.apigee_gke.apigee_keystore_alias:
    project: acme-shop
    environment: prod
    keystore: client
    name: internal
    self_signed:
      subject:
        common_name: apigee.acme.example
        organization: Acme
      validity_days: 90
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
  description: The alias, its C(type) and C(certificates), never a key; in check mode as it would be.
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
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.apigee_keystore_alias import (
    ApigeeKeystoreAlias,
)


def main() -> None:
    """One call: the engine does the rest."""
    run(ApigeeKeystoreAlias)


if __name__ == "__main__":
    main()
