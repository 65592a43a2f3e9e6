#!/usr/bin/python
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apigee_target_server
short_description: Manage a target server of an Apigee environment
version_added: 0.1.0
author: The gatewayops.apigee_gke contributors (@gatewayops)
description:
  - Creates, changes and deletes a target server, the named place where proxies send their requests.
  - Apigee replaces a target server as a whole. What is not stated here is read first and sent back as it is.
  - TLS belongs here and not into a bundle, so that certificates rotate without a new revision of any proxy.
options:
  organization:
    description: The Apigee organisation. Without it, the one named like the project.
    type: str
  environment:
    description: The environment it belongs to.
    type: str
    required: true
  name:
    description: Name by which bundles refer to it.
    type: str
    required: true
  host:
    description: Host name or address. Required with O(state=present).
    type: str
  port:
    description: Port, 1 to 65535. Required with O(state=present).
    type: int
  description:
    description: What it is for. The collection's own mark is added to it and never shown.
    type: str
  enabled:
    description: Whether requests are sent to it. A new one is enabled unless stated.
    type: bool
  protocol:
    description: How to talk to it. Google cannot change it in place.
    type: str
    choices: [HTTP, HTTP2, GRPC, GRPC_TARGET, EXTERNAL_CALLOUT]
  tls:
    description: TLS towards the host.
    type: dict
    suboptions:
      enabled:
        description: Whether to use TLS. Stating anything else of O(tls) turns it on unless this is V(false).
        type: bool
      enforce:
        description: Whether an invalid, expired, untrusted or wrongly named certificate makes requests fail.
        type: bool
      trust_store:
        description: Truststore or, better, a reference to one (V(ref://NAME)), with the certificate authority.
        type: str
      key_store:
        description: Keystore, or a reference to one, with the client certificate.
        type: str
      key_alias:
        description: Alias of the client certificate in O(tls.key_store).
        type: str
      client_auth_enabled:
        description: Whether to show a client certificate.
        type: bool
      ignore_validation_errors:
        description: Whether to accept any certificate. Contradicts O(tls.enforce).
        type: bool
      protocols:
        description: TLS versions to allow. The order does not matter.
        type: list
        elements: str
      ciphers:
        description: Cipher suites to allow. The order does not matter. An empty list leaves the choice to Apigee.
        type: list
        elements: str
      common_name:
        description: Name to expect in the certificate, where it is not the host. An empty mapping takes it away.
        type: dict
        suboptions:
          value:
            description: The name. Required with O(tls.common_name.wildcard_match).
            type: str
          wildcard_match:
            description: Whether a wildcard in the certificate matches.
            type: bool
extends_documentation_fragment:
  - gatewayops.apigee_gke.google
  - gatewayops.apigee_gke.change
  - gatewayops.apigee_gke.attributes
  - gatewayops.apigee_gke.attributes.group
seealso:
  - module: gatewayops.apigee_gke.apigee_proxy
  - module: gatewayops.apigee_gke.resources
"""

EXAMPLES = r"""
- name: The orders service, found by DNS
  gatewayops.apigee_gke.apigee_target_server:
    project: acme-shop
    environment: prod
    name: orders
    host: orders.shop.svc.gke.acme.internal
    port: 8080

- name: The same with TLS that is really checked
  gatewayops.apigee_gke.apigee_target_server:
    project: acme-shop
    environment: prod
    name: orders
    host: orders.shop.svc.gke.acme.internal
    port: 8443
    tls:
      enforce: true
      trust_store: ref://shop-ca
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
  description: The target server in the words of the options; in check mode as it would be.
  returned: success
  type: dict
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
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.apigee_target_server import (
    ApigeeTargetServer,
)


def main() -> None:
    """One call: the engine does the rest."""
    run(ApigeeTargetServer)


if __name__ == "__main__":
    main()
