#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ingress_preflight
short_description: Check the declaration of an Ingress that admits Apigee alone before anything is changed
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Checks everything that can be known to be wrong before the first write, and reports all of it at once, each problem
    with what was found and what to do.
  - First offline (misspelt keys, wrong values, ranges that overlap, a policy that would admit nobody or everybody, calls
    that would cross the internet in plain text, services that are not declared), then against what exists (project,
    clusters and their add-ons, subnets, the Apigee organisation).
  - Returns every fact that follows from the declaration, which the roles use.
  - Never changes anything.
options:
  declaration:
    description: The declaration; the inventory's C(ingress_gke).
    type: dict
    required: true
  online:
    description: Whether to compare the declaration with what exists.
    type: bool
    default: true
  judge:
    description: Whether what exists has to fit the declaration. Removing needs to know what exists, and no more.
    type: bool
    default: true
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.group
  - gatewayops.apigee_gke.attributes.info
seealso:
  - module: gatewayops.apigee_gke.preflight
"""

EXAMPLES = r"""
- name: Check the declaration
  gatewayops.apigee_gke.ingress_preflight:
    declaration:
      project: acme-shop
      region: europe-west1
      network: shop-vpc
      environments:
        prod: {hostnames: [api.acme.example]}
      clusters:
        shop: {}
      services:
        - {name: products, port: 8080}
      ingress:
        name: shop
        certificate: {secret: shop-tls}
      proxies:
        - {name: products, base_path: /products, spike_arrest: 30ps, quota: 10000/hour}
  register: ingress_gke_preflight
"""

RETURN = r"""
site:
  description: All facts, those declared and those that follow.
  returned: success
  type: dict
connections:
  description: How to reach each declared cluster that exists, by name, as C(endpoint) and C(ca_certificate).
  returned: success
  type: dict
problems:
  description: Everything found wrong, each with C(path), C(message) and, where they help, C(found), C(because), C(fix), C(docs).
  returned: failure
  type: list
  elements: dict
requests:
  description: Calls made, as C(reads) and C(writes).
  returned: always
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration import (
    ingress_derive,
    ingress_rules,
    ingress_schema,
    live,
    reads,
    shape,
)
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration.preflight import Preflight, options


def _authority(site, declaration):
    """The authority that Apigee is to trust, where the certificate is of no public one."""
    stated = (declaration.get("ingress") or {}).get("certificate") or {}
    site["authority"] = stated.get("authority") or ""


def main():
    """Checks, derives, and ends the module."""
    module = AnsibleModule(argument_spec=options(), supports_check_mode=True)
    preflight = Preflight(module)
    declaration, found = shape.read(module.params["declaration"], ingress_schema.DECLARATION, "ingress_gke")
    site, more = ingress_derive.site(declaration)
    if preflight.judge:
        # What has no sense as a whole can still be removed, as long as its parts can be read.
        found += more + ingress_rules.check(declaration, site)
    if found:
        preflight.stop(found)
    connections, documents = {}, {}
    if module.params["online"]:
        read = reads.read_all if site["apigee"] else reads.read_network
        documents = preflight.look(
            lambda wire: read(wire, site), lambda documents: ingress_rules.check_live(site, documents)
        ).documents
        site, more = ingress_derive.site(declaration, live.facts(documents))
        found = more + ingress_rules.check_live(site, documents)
        if found and preflight.judge:
            preflight.stop(found)
        connections = live.connections(site, documents)
    site["project_number"] = live.project_number(documents)
    _authority(site, declaration)
    module.exit_json(changed=False, site=site, connections=connections, requests=preflight.counts)


if __name__ == "__main__":
    main()
