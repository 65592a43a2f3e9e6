#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: api_gateway_preflight
short_description: Check the declaration of a private service behind API Gateway before anything is changed
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Checks everything that can be known to be wrong before the first write, and reports all of it at once, each problem
    with what was found and what to do.
  - First offline (misspelt keys, wrong values, ranges that overlap, regions that do not reach each other, deadlines that do
    not grow towards the caller, ways to authenticate that API Gateway does not enforce, services that are not declared,
    faults of an OpenAPI document with their lines), then against what exists (project, subnets, connectors,
    private names).
  - Returns every fact that follows from the declaration, which the roles use.
  - Where the function goes over to another way into the network, its load balancers are to answer both ways, until a later run
    finds the function gone over.
  - Warns of gateways and functions of this collection that serve the same API, or call into the same domain, and are not declared.
  - Never changes anything.
options:
  declaration:
    description: The declaration; the inventory's C(api_gateway_gke).
    type: dict
    required: true
  base_dir:
    description: Folder to which paths in the declaration are relative.
    type: path
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
  gatewayops.apigee_gke.api_gateway_preflight:
    declaration:
      project: acme-shop
      region: europe-west1
      network: shop-vpc
      clusters:
        shop: {}
      services:
        - {name: shop-api, namespace: staging, port: 3000}
      gateway:
        name: shop
        routes:
          - {path: /products, methods: [get]}
        keys: {partner: {}}
  register: api_gateway_gke_preflight
"""

RETURN = r"""
site:
  description: All facts, those declared and those that follow.
  returned: success
  type: dict
resources:
  description:
    - What is made beside network and clusters, and as early, as entries of M(gatewayops.apigee_gke.resources); the way into
      the network and both service accounts.
  returned: success
  type: list
  elements: dict
left:
  description:
    - The way into the network that is not declared any more, where it can go, as entries of M(gatewayops.apigee_gke.resources).
    - The function calls by the declared one, no other function, Cloud Run service, job or worker pool of the region and no
      other project uses it, and a connector is asked for with C(egress.remove_left).
  returned: success
  type: list
  elements: dict
stays:
  description:
    - Where O(judge=false), names of ways into the network that are not among RV(resources) and RV(left), because others use
      them. They keep the network.
  returned: success
  type: list
  elements: str
shared:
  description:
    - What a removal is to leave to others, where O(judge=false); C(accounts) as the names of those that another function or
      config runs as, which are not among RV(resources) either, and C(ranges) as the names of those that are reserved for a
      peering in the network, by which a site of Apigee marks that it uses network and clusters.
    - The C(host) of a service whose private name leads to somebody else's load balancer is then empty in RV(site).
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

import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._apigee.bundle import located
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration import (
    gateway_derive,
    gateway_rules,
    gateway_schema,
    live,
    neighbours,
    problems,
    reads,
    shape,
    ways,
)
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration.preflight import Preflight, options


def _document(declaration, base_dir):
    """The text of the user's own document, and why it cannot be read."""
    path = (declaration.get("gateway") or {}).get("document")
    if not path:
        return None, []
    try:
        with open(located(path, base_dir), encoding="utf-8") as stream:
            return stream.read(), []
    except (OSError, ValueError) as error:
        return None, [problems.Problem("gateway.document", "cannot be read.", found=f"{path}: {error}")]


def _ways(module, wire, site, documents):
    """The way into the network that can go beside what is declared, and the names of those that stay at a teardown."""
    egress, judge = site["egress"], module.params["judge"]
    left, stays = [], []
    if egress["left"]:
        asks = ways.asked_to_go(site, judge) and (egress["left"]["gone_over"] or not judge)
        others = reads.others_on(wire, site, egress["left"], documents) if asks else []
        why = ways.why_stays(site, others, judge)
        left = [] if why else gateway_derive.left_behind(site)
        stays += [egress["left"]["name"]] if why else []
        if why and not (judge and egress["leaves"]) and egress["remove_left"] is not False:
            module.warn(why)
    if not judge and egress["existing"]:
        why = ways.why_way_stays(site, reads.others_on(wire, site, egress, documents))
        stays += [egress["name"]] if why else []
        if why:
            module.warn(why)
    if judge and egress["leaves"]:
        module.warn(ways.going_over(site))
    return left, [] if judge else stays


def _shared(module, site, answers):
    """What a removal is to leave to others, said as warnings; names that are others' are taken out of ``site``."""
    documents = answers.documents
    accounts = neighbours.accounts_of_others(site, documents, answers.failures)
    names, ranges = neighbours.disputed(site, documents), neighbours.peered(documents)
    for warning in neighbours.removal_warnings(site, {"accounts": accounts, "names": names, "ranges": ranges}):
        module.warn(warning)
    for service in site["services"]:
        service["host"] = "" if service["name"] in names else service["host"]
    return {"accounts": sorted(email.split("@", 1)[0] for email in accounts), "ranges": ranges}


def main():
    """Checks, derives, and ends the module."""
    module = AnsibleModule(argument_spec=options(base_dir={"type": "path"}), supports_check_mode=True)
    preflight = Preflight(module)
    judge = preflight.judge
    declaration, found = shape.read(module.params["declaration"], gateway_schema.DECLARATION, "api_gateway_gke")
    document, unreadable = _document(declaration, module.params["base_dir"] or os.getcwd())
    site, more = gateway_derive.site(declaration)
    if judge:
        # What has no sense as a whole can still be removed, as long as its parts can be read.
        found += more + unreadable + gateway_rules.check(declaration, site, document)
    if found:
        preflight.stop(found)
    connections, left, stays, shared = {}, [], [], {"accounts": [], "ranges": []}
    if module.params["online"]:
        answers = preflight.look(
            lambda wire: reads.read_private(wire, site, removal=not judge),
            lambda documents: gateway_rules.check_live(site, documents, {}),
            neighbours.OPTIONAL,
        )
        documents = answers.documents
        existing = {**live.facts(documents), **gateway_rules.live_facts(documents, site)}
        site, more = gateway_derive.site(declaration, existing)
        found = more + gateway_rules.check_live(site, documents, existing["connectors"])
        found += neighbours.name_problems(site, documents)
        if found and judge:
            preflight.stop(found)
        for warning in neighbours.forgotten(site, documents) if judge else ():
            module.warn(warning)
        if not judge:
            shared = _shared(module, site, answers)
        site["project_number"] = live.project_number(documents)
        connections = live.connections(site, documents)
        left, stays = preflight.ask(lambda wire: _ways(module, wire, site, documents))
    site["gateway"]["document_text"] = document or ""
    module.exit_json(
        changed=False,
        site=site,
        resources=[
            one
            for one in gateway_derive.entries(site, with_way=site["egress"]["name"] not in stays)
            if one["kind"] != "iam_service_account" or one["name"] not in shared["accounts"]
        ],
        left=left,
        stays=stays,
        shared=shared,
        connections=connections,
        requests=preflight.counts,
    )


if __name__ == "__main__":
    main()
