# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of every module that talks to Apigee Edge."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  edge_url:
    description:
      - Address of Edge's management API. V(https://api.enterprise.apigee.com), the public cloud, when not given.
      - Without it, E(APIGEE_EDGE_URL) is used.
    type: str
  microservices_url:
    description:
      - Address of the service that gateways ask, up to and with C(/edgemicro).
        V(https://edgemicroservices.apigee.net/edgemicro), the public cloud, when not given.
      - Without it, E(APIGEE_EDGE_MICROSERVICES_URL) is used.
    type: str
  edge_user:
    description:
      - Who does it, together with O(edge_password).
      - Without it, E(APIGEE_EDGE_USER) is used.
    type: str
  edge_password:
    description:
      - The user's password.
      - Without it, E(APIGEE_EDGE_PASSWORD) is used.
    type: str
  edge_token:
    description:
      - An OAuth access token of Edge, in place of user and password. It is used as it is and cannot be renewed.
      - Without it, E(APIGEE_EDGE_TOKEN) is used.
    type: str
  ca_path:
    description:
      - File with the authorities whose certificates Edge may have, where these are not publicly known.
      - Without it, E(APIGEE_EDGE_CA_PATH) is used.
    type: path
  plain_http:
    description:
      - Whether an address may begin with C(http://) that is not this machine's. Passwords and secrets then travel in
        clear.
    type: bool
    default: false
  request_timeout:
    description: Seconds to wait for one reply; 60 when not given.
    type: float
requirements:
  - python >= 3.10
  - google-auth >= 2.22
  - requests >= 2.28
notes:
  - Apigee Edge is not Apigee X. An organisation of Apigee X or hybrid is refused; modules whose names begin with
    C(apigee) are for it.
"""
