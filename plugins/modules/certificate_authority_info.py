#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate_authority_info
short_description: Read which authorities issued the certificates in a cluster
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Reads the authority (C(ca.crt)) from TLS Secrets such as cert-manager writes, and waits for Secrets that are not there yet.
  - Private keys in the Secrets are neither kept nor returned. The account needs C(get) on these Secrets.
  - During a rotation the Secrets name several authorities, the old and the new one; all of them are returned.
  - Also reads the certificates themselves (C(tls.crt)), and which authorities ConfigMaps name.
options:
  endpoint:
    description: Host of the cluster's API server, with a port or without.
    type: str
    required: true
  ca_certificate:
    description: Certificate of its authority, PEM in base64 as GKE gives it; the system's authorities when not given.
    type: str
  secrets:
    description: The Secrets.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the Secret.
        type: str
        required: true
      namespace:
        description: Its namespace.
        type: str
        default: default
  config_maps:
    description: ConfigMaps with authorities (C(ca.crt)), such as sidecars get that ask for client certificates. Never waited for.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the ConfigMap.
        type: str
        required: true
      namespace:
        description: Its namespace.
        type: str
        default: default
  wait_timeout:
    description: Longest time in seconds to wait until each Secret names an authority; V(0) reads once and accepts none.
    type: int
    default: 0
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes.info
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.apigee_truststore
  - module: kubernetes.core.k8s_info
"""

EXAMPLES = r"""
- name: Who issued the certificates of the services?
  gatewayops.apigee_gke.certificate_authority_info:
    endpoint: "{{ found.resources[0].endpoint }}"
    ca_certificate: "{{ found.resources[0].ca_certificate }}"
    secrets:
      - {name: orders-tls, namespace: shop}
    wait_timeout: 60
  register: issuers

- name: Let Apigee trust them
  gatewayops.apigee_gke.apigee_truststore:
    environment: prod
    name: gke-ca
    authorities: "{{ issuers.authorities | map(attribute='certificate') }}"
"""

RETURN = r"""
authorities:
  description: Each authority once, in the order of fingerprints.
  returned: always
  type: list
  elements: dict
  contains:
    certificate:
      description: The certificate as PEM.
      type: str
    subject:
      description: Its common name.
      type: str
      sample: CN=apigee-gke-ca
    expires:
      description: When it expires.
      type: str
      sample: "2036-11-18T09:00:00+00:00"
    fingerprint:
      description: SHA-256 in hex.
      type: str
    secrets:
      description: Secrets that name it, as NAMESPACE/NAME.
      type: list
      elements: str
certificates:
  description: The certificate in each Secret that has one, by NAMESPACE/NAME.
  returned: always
  type: dict
  sample: {shop/orders-tls: {subject: CN=orders, issuer: CN=apigee-gke CA, names: [orders.shop.svc.cluster.local],
    expires: "2027-02-19T09:00:00+00:00"}}
config_maps:
  description: The authorities in each ConfigMap that has some, as PEM texts by NAMESPACE/NAME.
  returned: always
  type: dict
missing:
  description: Secrets that are not there or name no authority, as NAMESPACE/NAME. Public issuers name none.
  returned: always
  type: list
  elements: str
waited:
  description: Seconds waited.
  returned: always
  type: float
"""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._certificates import authorities
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import fail, open_context
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.spec import common
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.errors import Failure
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._kubernetes.reader import Reader, ReadError, wait

PAUSE_SECONDS = 1.0


def main():
    """Reads, waits, and ends the module."""
    place = {"name": {"type": "str", "required": True}, "namespace": {"type": "str", "default": "default"}}
    module = AnsibleModule(
        argument_spec={
            **common(),
            "endpoint": {"type": "str", "required": True},
            "ca_certificate": {"type": "str"},
            # Names of Secrets, nothing secret.
            "secrets": {"type": "list", "elements": "dict", "default": [], "options": place, "no_log": False},
            "config_maps": {"type": "list", "elements": "dict", "default": [], "options": place},
            "wait_timeout": {"type": "int", "default": 0},
        },
        supports_check_mode=True,
    )
    secrets, seconds = module.params["secrets"], module.params["wait_timeout"]
    client = open_context(module).client
    started = time.monotonic()
    failure = None
    found, own, maps, known = {}, {}, {}, []
    try:
        reader = Reader(module.params["endpoint"], module.params["ca_certificate"] or "", client.token)
        found = wait(lambda: authorities.read(reader, secrets, own), seconds, PAUSE_SECONDS)
        maps = authorities.believed(reader, module.params["config_maps"])
        reader.close()
        known = authorities.collect(found)
    except Failure as error:
        failure = error
    except ReadError as error:
        failure = Failure(
            f"cluster at {module.params['endpoint']}: the authorities of its certificates could not be read.\n"
            f"  because   {error}\n"
            "  fix       Check that the API server can be reached from here, and that the account may get these Secrets."
        )
    except ValueError as error:
        failure = Failure(f"a certificate that was given or read cannot be used: {error}")
    if failure:
        fail(module, failure)
    missing = sorted(place for place, text in found.items() if not text)
    waited = round(time.monotonic() - started, 1)
    if missing and seconds:
        module.fail_json(
            msg=f"no authority (ca.crt) within {seconds} s in {', '.join(missing)}. Look at the Certificate of that name: "
            "kubectl describe certificate. Issuers with public authorities name none; leave them out.",
            authorities=known,
            missing=missing,
            waited=waited,
        )
    module.exit_json(
        changed=False,
        authorities=known,
        certificates=authorities.leaves(own),
        config_maps=maps,
        missing=missing,
        waited=waited,
    )


if __name__ == "__main__":
    main()
