# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters about API Gateway: declared routes to an OpenAPI document."""

from __future__ import annotations

import typing

from ansible.errors import AnsibleFilterError
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._openapi import render, source


def api_gateway_document(declared: dict) -> dict:
    """The OpenAPI document of declared routes, or the user's own with its backend, as data.

    Raises AnsibleFilterError with everything that is wrong.
    """
    if not isinstance(declared, dict):
        raise AnsibleFilterError("api_gateway_document takes a mapping with title, backend and routes.")
    try:
        if declared.get("document"):
            backend, deadline = declared["backend"], declared.get("deadline") or render.DEADLINE
            return render.complete(source.read(declared["document"]).value, backend, deadline)
        return render.render(declared)
    except source.Unreadable as error:
        raise AnsibleFilterError(f"The OpenAPI document cannot be read: {error}.") from error
    except render.Undeclarable as error:
        raise AnsibleFilterError(" ".join(error.problems)) from error


class FilterModule:
    """Names of the filters."""

    def filters(self) -> dict[str, typing.Callable]:
        """All filters by name."""
        return {"api_gateway_document": api_gateway_document}
