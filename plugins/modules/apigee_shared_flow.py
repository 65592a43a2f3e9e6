#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apigee_shared_flow
short_description: Import and deploy a shared flow
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Brings the content of a bundle into service in environments, and does nothing at all when it is there already.
  - Content is compared, not files, as M(gatewayops.apigee_gke.apigee_proxy) does. Apigee gives shared flows no labels, so
    the newest and the deployed revisions are downloaded and compared.
  - A bundle is validated before anything is sent.
  - A deployment counts once Apigee reports it V(READY) and every replica of every instance has the revision. Anything
    else, running out of time included, brings the revision back that served before; where there was none, the shared
    flow is undeployed. The error shows Apigee's reasons, the states with their times, and how long nothing served.
  - With O(state=absent) the shared flow is undeployed everywhere and deleted, if this collection made it.
options:
  organization:
    description: The Apigee organisation. Without it, the one named like the project.
    type: str
  name:
    description: Name of the shared flow.
    type: str
    required: true
  bundle:
    description: Folder or zip of the bundle, on the machine where the module runs. The folder is
      C(sharedflowbundle) or holds it.
    type: path
  revision:
    description: Deploys this existing revision instead of a bundle's content.
    type: int
  environments:
    description: Environments where it is deployed. Deployments elsewhere are left alone, see O(undeploy_elsewhere).
    type: list
    elements: str
  undeploy_elsewhere:
    description: Whether to undeploy it from environments that O(environments) does not name.
    type: bool
  service_account:
    description: E-mail address of the service account that the shared flow acts as. An empty value takes it away at
        the next deployment.
    type: str
  override:
    description: Whether to replace a deployed revision without a gap. It does unless this is V(false).
    type: bool
  rollback:
    description: Whether a deployment that fails is undone. It is unless this is V(false).
    type: bool
  keep_revisions:
    description:
      - How many of the newest revisions to keep. Older ones are deleted once everything serves, and before an import
        that Apigee would refuse, as it keeps 250. What is deployed anywhere is never deleted.
      - Without it, nothing is deleted.
    type: int
  lint:
    description:
      - V(auto) refuses to import what C(apigeelint) finds errors in, where that command is installed.
      - V(required) fails where it is not installed. V(none) does not run it.
      - Without it, V(auto).
    type: str
    choices: [auto, required, none]
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.change
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.apigee_shared_flow_info
  - module: gatewayops.apigee_gke.apigee_proxy
  - module: gatewayops.apigee_gke.resources
"""

EXAMPLES = r"""
- name: Deploy what all proxies do first
  gatewayops.apigee_gke.apigee_shared_flow:
    project: acme-shop
    name: security
    bundle: "{{ playbook_dir }}/sharedflows/security"
    environments: [prod]
    keep_revisions: 10
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
  description: The shared flow and its deployments; in check mode as it would be.
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
    advice:
      description: What in the wanted content works and should not stay so, such as TLS that accepts any certificate.
      type: list
      elements: str
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
          description: Why it does not serve, or not on every replica.
          type: list
          elements: str
note:
  description: What was or would be done in one sentence, such as C(would import revision 8 and deploy it over 7
      in prod).
  returned: when there is something to say
  type: str
deployment:
  description: The deployment that failed.
  returned: when a deployment failed
  type: dict
  contains:
    environment:
      description: Where.
      type: str
    revision:
      description: What was deployed.
      type: str
    kind:
      description: What went wrong (V(error), V(late) or V(replaced)).
      type: str
    because:
      description: Apigee's reasons.
      type: list
      elements: str
    states:
      description: What was seen, with seconds since the deployment was asked for.
      type: list
      elements: dict
    rollback:
      description:
        - The revision that was brought back, and the seconds after which that was asked for and done.
        - C(service_account_guessed) is what it acts as now, where it is not known what it acted as before.
      type: dict
    outage_seconds:
      description: For how long nothing served, at most.
      type: float
    serving:
      description: The revisions that serve now.
      type: list
      elements: str
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
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.apigee_shared_flow import (
    ApigeeSharedFlow,
)


def main() -> None:
    """One call: the engine does the rest."""
    run(ApigeeSharedFlow)


if __name__ == "__main__":
    main()
