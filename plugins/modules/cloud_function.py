#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cloud_function
short_description: Manage a Cloud Function (Cloud Run function, second generation)
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Creates, changes and deletes a function that is called by HTTP. The source is packed so that equal files give equal bytes,
    and a digest of the files is kept in a label. Unchanged source is neither uploaded nor built again.
  - With O(forwarding) the source is this collection's own function. It passes requests on to one private address and hands on
    no keys, tokens or cookies. It is told by variables in O(environment), which are checked before anything is sent. These
    are C(FORWARD_TO) (V(http://HOST:PORT), required), C(FORWARD_PATHS) and C(FORWARD_METHODS) (separated by commas),
    C(FORWARD_CONNECT_TIMEOUT) and C(FORWARD_TIMEOUT) (seconds), C(FORWARD_REQUEST_BYTES), C(FORWARD_RESPONSE_BYTES), and
    C(FORWARD_USER_INFO) (V(true) where nobody but the gateway may call it).
  - Who may call the function is not decided here. Grant C(roles/run.invoker) on RV(resource.run_service).
options:
  name:
    description: Name of the function.
    type: str
    required: true
  region:
    description: Region of the function. A connector must be in the same one.
    type: str
    required: true
  description:
    description: What the function is for.
    type: str
  source:
    description:
      - Folder with the function's files. Hidden files, C(node_modules) and the like are left out.
      - Without O(source) and O(forwarding), the source of an existing function is left alone.
    type: path
  forwarding:
    description: Whether to deploy this collection's forwarding function. O(runtime) and O(entry_point) follow.
    type: bool
  forwarding_ca:
    description: Certificates (PEM) of the authority that the forwarding function trusts, and no other.
    type: str
  runtime:
    description: Language and version, for example V(python311). A new function needs it.
    type: str
  entry_point:
    description: The function in the source that is called. A new function needs it.
    type: str
  build_service_account:
    description: Service account that builds the function, as V(projects/PROJECT/serviceAccounts/EMAIL).
    type: str
  service_account:
    description: Email of the service account that the function runs as. Give it one of its own, with no roles it does not need.
    type: str
  memory:
    description: Memory of an instance, for example V(512M).
    type: str
  cpu:
    description: Processors of an instance, for example V("1").
    type: str
  request_seconds:
    description: How long a request may take.
    type: int
  concurrency:
    description:
      - How many requests an instance serves at a time. More than one needs O(cpu) of one or more.
      - With a Python runtime, as many threads serve them (variable C(THREADS)).
    type: int
  min_instances:
    description: Instances that are always ready.
    type: int
  max_instances:
    description: Most instances.
    type: int
  environment:
    description:
      - All variables of the function; those that are not named are removed. Not for secrets, which others could read here.
    type: dict
  ingress:
    description: From where it can be called. API Gateway needs V(ALLOW_ALL).
    type: str
    choices: [ALLOW_ALL, ALLOW_INTERNAL_ONLY, ALLOW_INTERNAL_AND_GCLB]
  vpc_connector:
    description: Connector through which it reaches a network, by name or full path. Excludes O(direct_vpc).
    type: str
  vpc_connector_egress:
    description: What goes through O(vpc_connector).
    type: str
    choices: [PRIVATE_RANGES_ONLY, ALL_TRAFFIC]
  direct_vpc:
    description: The interface in a network, without a connector. Google takes one.
    type: list
    elements: dict
    suboptions:
      network:
        description: The network, by name or path.
        type: str
      subnetwork:
        description: The subnetwork that addresses are taken from, by name or path.
        type: str
      tags:
        description: Network tags, by which firewall rules know the function.
        type: list
        elements: str
  direct_vpc_egress:
    description: What goes through O(direct_vpc).
    type: str
    choices: [VPC_EGRESS_PRIVATE_RANGES_ONLY, VPC_EGRESS_ALL_TRAFFIC]
  labels:
    description: Labels. Those that are not named are left alone.
    type: dict
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.change
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.cloud_function_info
  - module: gatewayops.apigee_gke.vpc_access_connector
"""

EXAMPLES = r"""
- name: A function that passes requests on to a private Service
  gatewayops.apigee_gke.cloud_function:
    project: acme-shop
    name: products
    region: europe-west1
    forwarding: true
    service_account: products-function@acme-shop.iam.gserviceaccount.com
    cpu: "1"
    memory: 512M
    concurrency: 16
    request_seconds: 20
    environment:
      FORWARD_TO: http://products.shop.internal
      FORWARD_PATHS: /products
      FORWARD_METHODS: GET,HEAD
      FORWARD_TIMEOUT: 15
    direct_vpc:
      - network: shop-vpc
        subnetwork: shop-europe-west1
        tags: [products-function]

- name: A function of our own
  gatewayops.apigee_gke.cloud_function:
    project: acme-shop
    name: greeter
    region: europe-west1
    source: "{{ playbook_dir }}/functions/greeter"
    runtime: nodejs22
    entry_point: greet
"""

RETURN = r"""
action:
  description:
    - What was or would be done.
    - One of V(created), V(updated), V(recreated), V(deleted), V(unchanged), V(kept) (not ours, left alone) and
      V(pending).
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
resource:
  description: The function in the words of the options, with what only Google knows. In check mode, as it would be.
  returned: success
  type: dict
  contains:
    url:
      description: Where it is called.
      type: str
    run_service:
      description: The Cloud Run service behind it, on which callers are allowed to invoke it.
      type: str
      sample: projects/acme-shop/locations/europe-west1/services/products
    state:
      description: Google's word for its state.
      type: str
      sample: ACTIVE
"""

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.main import run
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.cloud_function import (
    CloudFunction,
)


def main() -> None:
    """One call: the engine does the rest."""
    run(CloudFunction)


if __name__ == "__main__":
    main()
