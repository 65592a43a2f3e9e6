#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: resources
short_description: Bring many Google objects to what is declared, in one go
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Takes a list of the same declarations that the singular modules take, and does the work in one process.
  - Everything is read and compared first. What must be refused is refused before the first write.
  - Changes are made in dependency order, whatever the order of the list; independent ones are made at the same time.
    With O(state=absent) the order is the reverse.
options:
  resources:
    description:
      - The objects. Each entry has C(kind), the name of the singular module for one such object, and that module's
        options.
      - O(project), O(state), O(timeout), O(allow_recreate) and O(force) can be set for one entry as well.
      - C(origin) may say where an entry is declared (a file and a line); messages about it begin with that.
      - Misspelt options are refused, naming the nearest right one; all errors of all entries are told at once.
    type: list
    elements: dict
    required: true
  adopt:
    description:
      - Make objects of an Apigee organisation that somebody else made, and that are declared, this collection's own by putting its mark on them. From
        then on O(state=absent) and O(prune) remove them. Counts as a change.
      - Of objects that have no place for a mark a record is kept in the organisation's key value map C(gatewayops-ownership).
      - Can be set for one entry as well.
    type: bool
    default: false
  prune:
    description:
      - Also delete what this collection made in an Apigee organisation and O(resources) does not declare any more. What
        others made is never touched, be it in an environment or a keystore that this collection made.
      - Planned, shown and refused with everything else. Deleted last, in reverse order of dependency, and only once
        everything declared is as it should be.
      - Every playbook that uses this collection leaves the same mark. Where several share an organisation, choose kinds
        and environments so that each prunes what is its own.
      - Without it nothing is pruned; an empty dictionary prunes in the whole organisation.
    type: dict
    suboptions:
      organization:
        description: The organisation. Without it, the one named like the project.
        type: str
      kinds:
        description:
          - Kinds to look at. Without it, all of what an organisation holds but instances, environments, groups, attachments
            and DNS peerings, which are pruned only where they are named here.
        type: list
        elements: str
      environments:
        description: Look only at what lives in these environments. Without it, at the whole organisation.
        type: list
        elements: str
      empty:
        description: Prune even where O(resources) is empty. Otherwise that is refused, as it is nearly always a mistake.
        type: bool
        default: false
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.change
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.resources_info
  - module: gatewayops.apigee_gke.compute_network
"""

EXAMPLES = r"""
- name: A network, a subnetwork in it and the range for Google's services
  gatewayops.apigee_gke.resources:
    project: acme-shop
    resources:
      - kind: compute_network
        name: shop-vpc
      - kind: compute_subnetwork
        name: shop-europe-west1
        network: shop-vpc
        region: europe-west1
        ip_cidr_range: 10.10.0.0/20
      - kind: compute_global_address
        name: google-services
        network: shop-vpc
        purpose: VPC_PEERING
        prefix_length: 21

- name: These target servers, and no others of ours in this environment
  gatewayops.apigee_gke.resources:
    project: acme-shop
    resources:
      - kind: apigee_target_server
        environment: prod
        name: orders
        host: orders.shop.svc.shop.gke.acme.example
        port: 8443
    prune:
      kinds: [apigee_target_server]
      environments: [prod]

- name: Start what takes minutes, and go on meanwhile
  gatewayops.apigee_gke.resources:
    project: acme-shop
    wait: false
    resources:
      - kind: gke_cluster
        name: shop
        location: europe-west1
  register: started
"""

RETURN = r"""
resources:
  description: One entry for each object, in the order of the list.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: The kind.
      type: str
    name:
      description: The name.
      type: str
    action:
      description:
        - What was or would be done.
        - One of V(created), V(updated), V(recreated), V(deleted), V(unchanged), V(kept) (not ours, left alone) and
          V(pending).
      type: str
    changes:
      description: What differed, as C(field), C(before), C(after).
      type: list
      elements: dict
    pending:
      description: Why the object is not ready yet; only with O(wait=false).
      type: str
    note:
      description: Anything a person should know about it.
      type: str
    requests:
      description: Calls made for the object, as C(reads) and C(writes).
      type: dict
    waited:
      description: Seconds spent waiting for Google.
      type: float
    resource:
      description: The object in the words of the options, with what only Google knows. In check mode, as it would be.
      type: dict
pending:
  description:
    - Objects that are not ready yet, as C(kind), C(name), C(reason); C(operation) says where to look for its end, and
      C(unfinished) that there is more to do after it. Run again to join them.
  returned: success
  type: list
  elements: dict
requests:
  description: Calls made for all objects.
  returned: success
  type: dict
  contains:
    reads:
      description: Calls that changed nothing.
      type: int
    writes:
      description: Calls that changed something.
      type: int
refused:
  description: Sentences about what was refused, before anything was changed.
  returned: failure
  type: list
  elements: str
google_error:
  description: Google's own words, whole.
  returned: failure
  type: dict
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.plural import run


def main() -> None:
    """One call: the engine does the rest."""
    run()


if __name__ == "__main__":
    main()
