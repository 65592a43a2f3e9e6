#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
short_description: Check a whole declaration before anything is changed
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Checks everything that can be known to be wrong before the first write, and reports all of it at once, each problem
    with what was found and what to do.
  - First offline (misspelt keys, wrong values, ranges that overlap, references to nothing, broken bundles), then
    against what exists (credentials, project, organisation, cluster, subnets, response policies, base paths), and in
    clusters that run (workloads that are not there, objects of somebody else in the way of ours).
  - Warns of workloads that have one replica or no disruption budget, and of clusters that do not enforce the
    NetworkPolicies that close plain ports.
  - Returns every fact that follows from the declaration (names, suffixes, ranges, hosts), which the roles use.
  - Never changes anything.
options:
  declaration:
    description: The declaration; the inventory's C(apigee_gke).
    type: dict
    required: true
  base_dir:
    description: Folder to which paths in the declaration are relative.
    type: path
  sidecar:
    description:
      - What goes over the defaults that the declaration gives to the injector of TLS sidecars; the inventory's
        C(apigee_gke_sidecar). RV(site) has both together.
    type: dict
    default: {}
  online:
    description: Whether to compare the declaration with what exists.
    type: bool
    default: true
  judge:
    description:
      - Whether what exists, and the user's bundles, have to fit the declaration. Removing a site needs to know what
        exists (an instance that was adopted under its own name), and no more.
    type: bool
    default: true
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.group
  - gatewayops.apigee_gke.attributes.info
"""

EXAMPLES = r"""
- name: Check the declaration
  gatewayops.apigee_gke.preflight:
    declaration:
      project: acme-shop
      region: europe-west1
      network: shop-vpc
      environments:
        prod: {hostnames: [api.acme.example]}
      clusters:
        shop: {dns: vpc_scope}
      services:
        - {name: orders, namespace: shop, port: 8080}
      proxies:
        - {name: orders, base_path: /orders, service: orders}
  register: apigee_gke_preflight
"""

RETURN = r"""
site:
  description: All facts of the site, those declared and those that follow.
  returned: success
  type: dict
modes:
  description:
    - Who will add TLS sidecars in clusters that are still to be made, C(policy) or C(webhook), by cluster. A preview asks GKE
      which version they would get; where that is not to be had, the cluster is left out, and its own API decides once it is there.
  returned: success
  type: dict
  sample: {shop: policy}
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
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._apigee import bundle as bundles
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._apigee import validate
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration import (
    clusters,
    derive,
    live,
    problems,
    reads,
    rules,
    shape,
)
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration.preflight import Preflight, options
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._kubernetes import survey
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar import settings

# In these states GKE's API server answers; while a cluster is made it has an address and no server.
_ANSWERING = ("RUNNING", "RECONCILING", "DEGRADED")


def _inspector(base_dir):
    """Reads each bundle once, by the path as it is declared."""
    known = {}

    def inspect(path):
        if path not in known:
            try:
                content = bundles.read(bundles.located(path, base_dir))
            except bundles.BundleError as error:
                known[path] = rules.Bundle([], [], list(error.problems))
            else:
                findings = [str(finding) for finding in validate.validate(content)]
                known[path] = rules.Bundle(validate.base_paths(content), validate.target_servers(content), findings)
        return known[path]

    return inspect


def _defaults(site, over):
    """The injector's defaults with the user's over them, as facts of the site; and what is wrong with them."""
    site["tls"]["defaults"] = shape.merged(site["tls"]["defaults"], over)
    try:
        return settings.Defaults.read(site["tls"]["defaults"]), []
    except settings.DefaultsError as error:
        return None, [problems.Problem("apigee_gke_sidecar", "the injector cannot take it.", found=str(error))]


def _survey(module, site, documents, token, defaults):
    """Problems with what the services name in clusters that run; what may cost requests some day is warned of.

    Services whose pods only their workload tells get its labels, so that nobody has to look it up again.
    """
    connections = live.connections(site, documents)
    states = {cluster["name"]: cluster.get("status") for cluster in live.existing(site, documents)}
    found = []
    for name, connection in connections.items():
        services = [service for service in site["services"] if service["cluster"] == name]
        if not services or states[name] not in _ANSWERING:
            continue
        seen = survey.survey(name, connection, services, token, defaults, bool(site["client_certificate"]))
        found += seen.problems
        for sentence in seen.advice:
            module.warn(sentence)
        complete = {service["name"]: service for service in seen.services}
        site["services"] = [complete.get(service["name"], service) for service in site["services"]]
    return found


def main():
    """Checks, derives, and ends the module."""
    argument_spec = options(base_dir={"type": "path"}, sidecar={"type": "dict", "default": {}})
    module = AnsibleModule(argument_spec=argument_spec, supports_check_mode=True)
    preflight = Preflight(module)
    base_dir = module.params["base_dir"] or os.getcwd()
    inspect = _inspector(base_dir)

    declaration, found = shape.read(module.params["declaration"])
    site, more = derive.derive(declaration, inspect=inspect)
    found += more + rules.check(declaration, site, inspect if preflight.judge else None)
    if found:
        preflight.stop(found)
    documents = {}
    if module.params["online"]:
        documents = preflight.look(
            lambda wire: reads.read_all(wire, site, preview=module.check_mode),
            lambda documents: live.check(site, documents),
        ).documents
        site, more = derive.derive(declaration, live.facts(documents), inspect)
        found = more + live.check(site, documents)
        defaults, wrong = _defaults(site, module.params["sidecar"])
        found += wrong
        if preflight.judge:
            found += _survey(module, site, documents, preflight.wire.client.token, defaults)
            for sentence in clusters.unenforced(site, documents.get("clusters")):
                module.warn(sentence)
        if found and preflight.judge:
            preflight.stop(found)
    site["project_number"] = live.project_number(documents)
    for proxy in site["proxies"]:
        if proxy["bundle"]:
            proxy["bundle"] = bundles.located(proxy["bundle"], base_dir)
    modes = clusters.expected_modes(site, documents.get("clusters"), documents.get("server_configurations") or {})
    connections = live.connections(site, documents)
    module.exit_json(changed=False, site=site, connections=connections, modes=modes, requests=preflight.counts)


if __name__ == "__main__":
    main()
