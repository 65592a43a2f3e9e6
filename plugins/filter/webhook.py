# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of role ``tls_sidecar_webhook``: its variables to objects, an answer to whether it is ready."""

from __future__ import annotations

import typing

from ansible.errors import AnsibleFilterError
from ansible_collections.gatewayops.apigee_gke.plugins.plugin_utils.late import Late

definitions = Late("_webhook.definitions")
probe = Late("_webhook.probe")
proof = Late("_webhook.proof")


def policies(settings: dict, state: str = "present") -> list[dict]:
    """The policies, or what has to go of them."""
    return definitions.policies(settings) if state == "present" else definitions.withdrawn()


def _said(make: typing.Callable) -> typing.Callable:
    """With the message alone where the user's defaults are wrong."""

    def filtered(*arguments: typing.Any) -> typing.Any:
        from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._webhook.definitions import DefaultsError

        try:
            return make(*arguments)
        except DefaultsError as error:
            raise AnsibleFilterError(f"tls_sidecar_webhook_defaults: {error}") from None

    return filtered


class FilterModule:
    """Names of the filters."""

    def filters(self) -> dict[str, typing.Callable]:
        """All filters by name."""
        return {
            "webhook_objects": _said(definitions.objects),
            "webhook_registration": _said(definitions.registration),
            "webhook_policies": _said(policies),
            "webhook_probe": probe.probe,
            "webhook_injected": probe.injected,
            "webhook_trouble": proof.trouble,
        }
