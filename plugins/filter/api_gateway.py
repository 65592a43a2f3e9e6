# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters about API Gateway: declared routes to an OpenAPI document, and keys that are not declared any more."""

from __future__ import annotations

import typing

from ansible.errors import AnsibleFilterError


def api_gateway_document(declared: dict) -> dict:
    """The OpenAPI document of declared routes, or the user's own with its backend, as data.

    Raises AnsibleFilterError with everything that is wrong.
    """
    if not isinstance(declared, dict):
        raise AnsibleFilterError("api_gateway_document takes a mapping with title, backend and routes.")
    # Where it is used: Ansible loads this file to look for any filter (see plugin_utils/late.py).
    from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._openapi import render, source

    try:
        if declared.get("document"):
            backend, deadline = declared["backend"], declared.get("deadline") or render.DEADLINE
            return render.complete(source.read(declared["document"]).value, backend, deadline)
        return render.render(declared)
    except source.Unreadable as error:
        raise AnsibleFilterError(f"The OpenAPI document cannot be read: {error}.") from error
    except render.Undeclarable as error:
        raise AnsibleFilterError(" ".join(error.problems)) from error


def keys_to_remove(found: list[dict], service: str, declared: list[str], api: str) -> list[dict]:
    """Keys of an API that bear our mark and are not declared, as entries of the module ``resources``.

    Args:
        found: keys as ``api_key_info`` shows them.
        service: the API's managed service; "" where there is none yet, and then no key is of it.
        declared: names of keys that stay.
        api: name of the API, which goes after its keys.

    A key that is good for another service as well is not this API's alone, and stays.
    """

    from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.ownership import LABEL, LABEL_VALUE

    def superfluous(key: dict) -> bool:
        ours = (key.get("annotations") or {}).get(LABEL) == LABEL_VALUE
        return ours and [one.get("service") for one in key.get("services") or []] == [service]

    names = sorted(key["name"] for key in found if superfluous(key)) if service else []
    return [
        {"kind": "api_key", "name": name, "apis": [api], "state": "absent"} for name in names if name not in declared
    ]


class FilterModule:
    """Names of the filters."""

    def filters(self) -> dict[str, typing.Callable]:
        """All filters by name."""
        return {"api_gateway_document": api_gateway_document, "keys_to_remove": keys_to_remove}
