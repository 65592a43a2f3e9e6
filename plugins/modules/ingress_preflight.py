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
    problems,
    reads,
    shape,
)
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import open_context
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.spec import common
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.errors import (
    CredentialsError,
    Failure,
    UnreachableError,
)
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.session import Wire

_TITLE = "The declaration cannot be made true. Nothing has been changed."
_UNASKED = "What exists could not be read. Nothing has been changed."


def _stop(module, found, counts, title=_TITLE):
    module.fail_json(
        msg=problems.page(found, title), problems=[problem.as_dict() for problem in found], requests=counts
    )


def _authority(site, declaration):
    """The authority that Apigee is to trust, where the certificate is of no public one."""
    stated = (declaration.get("ingress") or {}).get("certificate") or {}
    site["authority"] = stated.get("authority") or ""


def main():
    """Checks, derives, and ends the module."""
    argument_spec = dict(
        common(),
        declaration={"type": "dict", "required": True},
        online={"type": "bool", "default": True},
        judge={"type": "bool", "default": True},
    )
    module = AnsibleModule(argument_spec=argument_spec, supports_check_mode=True)
    judge = module.params["judge"]
    counts = {"reads": 0, "writes": 0}
    declaration, found = shape.read(module.params["declaration"], ingress_schema.DECLARATION, "ingress_gke")
    site, more = ingress_derive.site(declaration)
    if judge:
        # What has no sense as a whole can still be removed, as long as its parts can be read.
        found += more + ingress_rules.check(declaration, site)
    if found:
        _stop(module, found, counts)
    connections, documents = {}, {}
    if module.params["online"]:
        wire = Wire(open_context(module).client)
        try:
            answers = reads.read_all(wire, site) if site["apigee"] else reads.read_network(wire, site)
        except Failure as error:
            _stop(module, [reads.problem_of(error)], counts, _UNASKED)
        counts = {"reads": wire.counts.reads, "writes": wire.counts.writes}
        documents = answers.documents
        if documents.get("project") is None and "project" not in answers.failures:
            # What cannot be read in a project that is not there is no news.
            _stop(module, ingress_rules.check_live(site, documents), counts)
        failures = {
            name: failure
            for name, failure in answers.failures.items()
            if judge or isinstance(failure, (CredentialsError, UnreachableError))
        }
        if failures:
            _stop(module, reads.problems_of(failures), counts, _UNASKED)
        site, more = ingress_derive.site(declaration, live.facts(documents))
        found = more + ingress_rules.check_live(site, documents)
        if found and judge:
            _stop(module, found, counts)
        connections = live.connections(site, documents)
    site["project_number"] = live.project_number(documents)
    _authority(site, declaration)
    module.exit_json(changed=False, site=site, connections=connections, requests=counts)


if __name__ == "__main__":
    main()
