#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apigee_endpoint_attachment
short_description: Reach a load balancer from Apigee through Private Service Connect
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Connects an Apigee organisation with a service attachment in front of an internal load balancer. Proxies send requests
      to the RV(resource.host) that results, or to a name that a private zone gives it.
  - This is the way to pods of an organisation without VPC peering. TLS still ends in the pod behind a passthrough load
      balancer.
  - The connection carries requests once the service attachment accepts Apigee's own project. That is waited for two
      minutes; after that, or when it is rejected, the module says who has to accept whom.
  - Google changes nothing in place, and takes one endpoint attachment for each service attachment in an organisation.
      Another service attachment is refused unless O(allow_recreate) is set; deleting one can take Google two hours.
options:
  organization:
    description: The Apigee organisation. Without it, the one named like the project.
    type: str
  name:
    description: Name of the endpoint attachment, 2 to 32 lower-case letters, digits and dashes.
    type: str
    required: true
  service_attachment:
    description:
      - Full path of the service attachment, C(projects/PROJECT/regions/REGION/serviceAttachments/NAME).
      - Required with O(state=present).
    type: str
  location:
    description: Region of the endpoint attachment, which is that of the service attachment and follows from it.
    type: str
  accepted:
    description:
      - Whether the producer must have accepted the connection before the module ends, which is so unless V(false).
      - With V(false) a connection that is still open, or refused, is no failure.
    type: bool
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.change
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.apigee_dns_peering
  - module: gatewayops.apigee_gke.apigee_target_server
  - module: gatewayops.apigee_gke.resources
"""

EXAMPLES = r"""
- name: Reach the orders service through its internal load balancer
  gatewayops.apigee_gke.apigee_endpoint_attachment:
    project: acme-shop
    name: orders
    service_attachment: projects/acme-shop/regions/europe-west1/serviceAttachments/orders
  register: orders

- name: Send requests there
  gatewayops.apigee_gke.apigee_target_server:
    project: acme-shop
    environment: prod
    name: orders
    host: "{{ orders.resource.host }}"
    port: 8443
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
  description: The endpoint attachment in the words of the options; in check mode as it would be.
  returned: success
  type: dict
  contains:
    host:
      description: Where to send requests, the host of a target server or what a DNS record should hold.
      type: str
      sample: 7.0.3.2
    connection_state:
      description: The producer's word for the connection, such as V(ACCEPTED), V(PENDING) or V(REJECTED).
      type: str
      sample: ACCEPTED
    state:
      description: Google's word for its state.
      type: str
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
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.apigee_endpoint_attachment import (
    ApigeeEndpointAttachment,
)


def main() -> None:
    """One call: the engine does the rest."""
    run(ApigeeEndpointAttachment)


if __name__ == "__main__":
    main()
