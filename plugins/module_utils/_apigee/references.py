# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is agreed on keystores that are reached through a reference. Private to this collection."""

from __future__ import annotations

#: References cannot name an alias, so all keystores behind one use the same.
ALIAS = "client"
