#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apigee_organization
short_description: Adopt or create an Apigee organisation
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Takes the organisation as it is where it exists, and creates it where it does not. An organisation is named
      after its project.
  - What decides its foundation (network model, billing, encryption, region) is fixed at creation. A difference
      there is refused; leave the option out to adopt what is there.
  - With O(state=absent) only an organisation that this collection created is deleted, and only one of billing
      type V(EVALUATION), or when O(confirm_deletion) names it. Not even O(force) deletes another.
options:
  name:
    description: Name of the organisation, which is the id of its project.
    type: str
    required: true
  display_name:
    description: Name for people.
    type: str
  description:
    description: What it is for. The collection's own mark is added to one that it creates, and never shown.
    type: str
  runtime_type:
    description: Where the runtime is. A new organisation is of type V(CLOUD) unless stated.
    type: str
    choices: [CLOUD, HYBRID]
  billing_type:
    description: How it is paid for.
    type: str
    choices: [EVALUATION, PAYG, SUBSCRIPTION]
  analytics_region:
    description: Region that keeps its analytics. Needed to create one without data residency.
    type: str
  authorized_network:
    description:
      - Network to peer with, by short name or C(projects/PROJECT/global/networks/NAME).
      - Needed where proxies reach pods directly. Excludes O(disable_vpc_peering).
    type: str
  disable_vpc_peering:
    description: Whether the organisation is made without VPC peering, so that only Private Service Connect
        reaches targets.
    type: bool
  api_consumer_data_location:
    description: Region of API consumer data, with data residency.
    type: str
  runtime_database_encryption_key_name:
    description: Full name of the Cloud KMS key for the runtime database.
    type: str
  api_consumer_data_encryption_key_name:
    description: Full name of the Cloud KMS key for API consumer data.
    type: str
  control_plane_encryption_key_name:
    description: Full name of the Cloud KMS key for control plane data.
    type: str
  properties:
    description: Properties by name. Those not named are left as they are.
    type: dict
  confirm_deletion:
    description: Name of the organisation, to allow the deletion of one that is paid for.
    type: str
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.change
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.apigee_organization_info
  - module: gatewayops.apigee_gke.resources
"""

EXAMPLES = r"""
- name: Use the organisation that is there
  gatewayops.apigee_gke.apigee_organization:
    project: acme-shop
    name: acme-shop

- name: Create an organisation that reaches pods directly
  gatewayops.apigee_gke.apigee_organization:
    project: acme-shop
    name: acme-shop
    billing_type: EVALUATION
    analytics_region: europe-west1
    authorized_network: shop-vpc
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
  description: The organisation in the words of the options, with what only Google knows; in check mode as it
      would be.
  returned: success
  type: dict
  contains:
    state:
      description: Google's word for its state.
      type: str
    project_id:
      description: The project it belongs to.
      type: str
    apigee_project_id:
      description: Google's own project behind it, to be accepted by service attachments.
      type: str
    environments:
      description: Names of its environments.
      type: list
      elements: str
    ca_certificates:
      description: Certificates of the authorities that sign what its instances show, in base64.
      type: list
      elements: str
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
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.apigee_organization import (
    ApigeeOrganization,
)


def main() -> None:
    """One call: the engine does the rest."""
    run(ApigeeOrganization)


if __name__ == "__main__":
    main()
