#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apigee_proxy
short_description: Import and deploy an API proxy
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Brings the content of a bundle into service in environments, and does nothing at all when it serves already.
  - Content is compared, not files. The order and times in a zip, layout of XML, and what Apigee adds to a
      downloaded bundle do not count. Equal content never makes another revision.
  - The digest of what was imported is kept in labels of the proxy, outside its content. Where the labels do not
      tell, the newest and the deployed revisions are downloaded and compared, so an interrupted run is completed
      and not repeated.
  - A bundle is validated before anything is sent. Base paths that another proxy answers are found before a
      revision is imported, and Apigee is asked for its change report before each deployment.
  - A deployment counts once Apigee reports it V(READY) and its base paths are routed to it.
  - With O(state=absent) the proxy is undeployed everywhere and deleted, if this collection made it.
options:
  organization:
    description: The Apigee organisation. Without it, the one named like the project.
    type: str
  name:
    description: Name of the proxy.
    type: str
    required: true
  bundle:
    description: Folder or zip of the bundle, on the machine where the module runs. The folder is C(apiproxy) or
        holds it.
    type: path
  base_path:
    description: Generates the bundle instead. The path under which the proxy is called. Needs O(target_servers)
        or O(target_url).
    type: str
  target_servers:
    description: With O(base_path), the target servers that requests are sent to.
    type: list
    elements: str
  target_url:
    description: With O(base_path), the URL that requests are sent to.
    type: str
  target_path:
    description: With O(target_servers), what to put before the path on the target.
    type: str
  target_properties:
    description: With O(base_path), properties of the target connection, such as C(connect.timeout.millis).
    type: dict
  description:
    description: With O(base_path), the description of the proxy.
    type: str
  revision:
    description: Deploys this existing revision instead of a bundle's content.
    type: int
  environments:
    description: Environments where it serves. Deployments elsewhere are left alone, see O(undeploy_elsewhere).
    type: list
    elements: str
  undeploy_elsewhere:
    description: Whether to undeploy it from environments that O(environments) does not name.
    type: bool
  service_account:
    description: E-mail address of the service account that the proxy acts as. An empty value takes it away at
        the next deployment.
    type: str
  override:
    description: Whether to replace a deployed revision without a gap. It does unless this is V(false).
    type: bool
  sequenced_rollout:
    description: Whether Apigee changes routing and revision in a safe sequence, which takes longer.
    type: bool
  compare:
    description:
      - V(label) trusts the digest in the labels of the proxy where there is one.
      - V(content) always downloads and compares.
      - Without it, V(label).
    type: str
    choices: [label, content]
  labels:
    description: Labels of the proxy. Those not named are left as they are; an empty value removes all but the
        collection's own.
    type: dict
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.change
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.apigee_proxy_info
  - module: gatewayops.apigee_gke.apigee_target_server
  - module: gatewayops.apigee_gke.resources
"""

EXAMPLES = r"""
- name: Deploy the user's own bundle
  gatewayops.apigee_gke.apigee_proxy:
    project: acme-shop
    name: orders
    bundle: "{{ playbook_dir }}/apiproxies/orders"
    environments: [prod]

- name: Pass requests on to a target server
  gatewayops.apigee_gke.apigee_proxy:
    project: acme-shop
    name: orders
    base_path: /orders
    target_servers: [orders]
    environments: [prod]

- name: Go back to revision 7
  gatewayops.apigee_gke.apigee_proxy:
    project: acme-shop
    name: orders
    revision: 7
    environments: [prod]
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
  description: The proxy and its deployments; in check mode as it would be.
  returned: success
  type: dict
  contains:
    revision:
      description: The revision that holds the wanted content.
      type: int
    latest_revision:
      description: The newest revision.
      type: int
    revisions:
      description: All revisions.
      type: list
      elements: int
    digest:
      description: Digest of the wanted content.
      type: str
    labels:
      description: Labels without those of the collection.
      type: dict
    deployments:
      description: Where it is deployed.
      type: list
      elements: dict
      contains:
        environment:
          description: The environment.
          type: str
        revision:
          description: The deployed revision.
          type: int
        state:
          description: V(READY), V(PROGRESSING) or V(ERROR), for the wanted revision in the stated environments.
          type: str
        service_account:
          description: The service account it acts as.
          type: str
        problems:
          description: Why it does not serve.
          type: list
          elements: str
note:
  description: What was or would be done in one sentence, such as C(would import revision 8 and deploy it over 7
      in prod).
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
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.apigee_proxy import ApigeeProxy


def main() -> None:
    """One call: the engine does the rest."""
    run(ApigeeProxy)


if __name__ == "__main__":
    main()
