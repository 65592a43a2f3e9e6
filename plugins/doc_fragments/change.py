# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of every module that can change something at Google."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  state:
    description:
      - Whether the object should exist.
      - V(absent) deletes only what this collection made, unless O(force) is set.
    type: str
    choices: [present, absent]
    default: present
  wait:
    description:
      - Whether to wait for work that takes Google minutes. Quick work is always waited for.
      - With V(false) such work is started and reported as pending; running again joins it.
    type: bool
    default: true
  timeout:
    description: Seconds one object may take. Every kind has a sensible default.
    type: int
  allow_recreate:
    description:
      - Whether an object may be deleted and created again where Google cannot change it in place.
      - Without it such a change is refused, naming the field.
    type: bool
    default: false
  force:
    description: With O(state=absent), delete the object even if this collection did not make it.
    type: bool
    default: false
notes:
  - What is not stated is not managed. An explicitly empty value clears.
"""
