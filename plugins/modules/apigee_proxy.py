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
  - A deployment counts once Apigee reports it V(READY), its base paths are routed to it, every replica of every
    instance has the revision, and a request through the gateway is answered, see O(probe). Anything else, running out
    of time included, brings the revision back that served before, with its service account; where there was none, the
    proxy is undeployed. The error shows Apigee's reasons, the states with their times, and how long nothing served.
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
  target_host:
    description: With O(base_path), the host name that the target is asked for, where it is called by an address.
    type: str
  spike_arrest:
    description:
      - With O(base_path), how many requests a second (V(30ps)) or a minute (V(600pm)) get through, evenly. Others are
        answered 429.
    type: str
  quota:
    description: With O(base_path), how many requests get through in a period. Others are answered 429.
    type: dict
    suboptions:
      limit:
        description: So many requests.
        type: int
        required: true
      interval:
        description: In so many units of time. One when not given.
        type: int
      time_unit:
        description: The unit. Periods begin with the clock, in UTC.
        type: str
        required: true
        choices: [minute, hour, day, week, month]
      identifier:
        description: Variable whose values are counted apart, such as V(client_id). All count together when not given.
        type: str
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
  probe:
    description:
      - Whether a request through a host name of the environment's group must be answered before a deployment counts.
      - Any answer of the proxy or its backend will do, unless O(probe_request) states which. Apigee's own "no such
        path" and its own 5xx are no answers.
      - Without it and without O(probe_request), the request is sent where the gateway can be reached from here, and it
        is only noted where it cannot. With V(true), a gateway that cannot be reached is a failure.
      - A page with status 404, 502, 503 or 504 that is neither JSON nor one of Apigee's faults may be the backend's or a
        load balancer's. It is a failure with V(true), or where O(probe_request.path) or O(probe_request.status) is
        stated, and noted otherwise.
      - V(false) sends nothing.
    type: bool
  probe_request:
    description: What to ask, and how the gateway is reached. By default C(GET) of the first base path, by the host
      name's own address or the address of an Apigee instance.
    type: dict
    suboptions:
      path:
        description: What to append to the base path.
        type: str
      method:
        description: HTTP method; C(GET) by default.
        type: str
      headers:
        description: Headers to send. Values are never shown.
        type: dict
      status:
        description: Accepted status codes.
        type: list
        elements: int
      host:
        description: Host name to ask for; by default the first of the environment's group without a wildcard.
        type: str
      address:
        description: Address or name to connect to.
        type: str
      port:
        description: Port to connect to; 443 by default.
        type: int
      tls_name:
        description: Name that the gateway's certificate must carry; the host name by default.
        type: str
      ca_cert:
        description: File with the certificates of the authorities to trust; the system's by default.
        type: path
      timeout:
        description: Seconds to wait for a good answer; 15 by default.
        type: int
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

- name: Deploy, ask for its health through the gateway, and keep ten revisions
  gatewayops.apigee_gke.apigee_proxy:
    project: acme-shop
    name: orders
    bundle: "{{ playbook_dir }}/apiproxies/orders"
    environments: [prod]
    keep_revisions: 10
    probe_request:
      path: /health
      status: [200]

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
    advice:
      description: What in the wanted content works and should not stay so, such as TLS that accepts any certificate.
      type: list
      elements: str
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
      description: What went wrong (V(error), V(late), V(conflict), V(probe) or V(replaced)).
      type: str
    because:
      description: Apigee's reasons, or the gateway's answer.
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
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.apigee_proxy import ApigeeProxy


def main() -> None:
    """One call: the engine does the rest."""
    run(ApigeeProxy)


if __name__ == "__main__":
    main()
