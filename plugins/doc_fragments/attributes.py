# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Attributes of the collection's modules."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying anything.
    support: full
  diff_mode:
    description: Returns details on what has changed or would change, when in diff mode.
    support: full
  idempotent:
    description: A second run with the same options changes nothing.
    support: full
"""

    GROUP = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/gatewayops.apigee_gke.google) in C(module_defaults) to set credentials and endpoints once.
    support: full
    membership:
      - gatewayops.apigee_gke.google
"""

    EDGE = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/gatewayops.apigee_gke.edge) in C(module_defaults) to set credentials and addresses once.
    support: full
    membership:
      - gatewayops.apigee_gke.edge
"""

    INFO = r"""
options: {}
attributes:
  check_mode:
    description: This module does not change anything.
    support: full
  diff_mode:
    description: Returns details on what has changed or would change, when in diff mode.
    support: N/A
  idempotent:
    description: This module does not change anything.
    support: full
"""
