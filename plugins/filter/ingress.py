# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of role ``cloud_armor_ingress`` and its playbook: what is declared, to entries and objects."""

from __future__ import annotations

import typing

from ansible_collections.gatewayops.apigee_gke.plugins.plugin_utils.late import Late

ingress = Late("_declaration.ingress")
ingress_derive = Late("_declaration.ingress_derive")
ingress_manifests = Late("_declaration.ingress_manifests")


class FilterModule:
    """Names of the filters."""

    def filters(self) -> dict[str, typing.Callable]:
        """All filters by name."""
        return {
            "ingress_declared": ingress.declared,
            "ingress_problems": ingress.problems,
            "ingress_reservations": ingress.reservations,
            "ingress_reserved": ingress.reserved,
            "ingress_attachment": ingress.attachment,
            "ingress_definitions": ingress_manifests.definitions,
            "ingress_fronts": ingress_manifests.fronts,
            "ingress_behind": ingress_manifests.behind,
            "ingress_other_form": ingress_manifests.other_form,
            "ingress_touch": ingress_manifests.touch,
            "ingress_backend": ingress_derive.backend,
        }
