# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's declaration: what may be written, whether it can be true, and what follows from it.

Private to this collection: other collections and playbooks must not import it.

Data goes one way: ``shape`` reads a declaration by the ``schema`` (types, defaults, misspelt keys), ``rules`` asks
whether its parts fit together, ``derive`` works out every name, range, suffix and host that nobody should type, and
``entries`` and ``manifests`` turn role variables into Google resources and Kubernetes objects. ``live`` compares the
declaration with what exists. Nothing here knows Ansible or HTTP.
"""

from __future__ import annotations
