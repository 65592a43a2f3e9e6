# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters about API Gateway: declared routes to an OpenAPI document, and what becomes of an API's keys."""

from __future__ import annotations

import typing

from ansible.errors import AnsibleFilterError

#: Annotation of a key: the gateways whose declarations name it.
DECLARED_BY = "declared-by"


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


def keys_of_gateway(
    found: list[dict], service: str, declared: list[dict], api: str, gateway: str, others: list[str] | None = None
) -> dict[str, list]:
    """What becomes of an API's keys: what is to be made, what is to go, and the names of those that are left alone.

    Args:
        found: keys as ``api_key_info`` shows them.
        service: the API's managed service; "" where there is none yet, and then no key is of it.
        declared: keys as the role ``api_gateway`` takes them.
        api: name of the API, which goes after its keys.
        gateway: region and name of the gateway, as ``europe-west1/shop``; keys note whose declarations name them.
        others: the API's other gateways where this one is to go; None where it stays.

    What goes bears the collection's mark, is good for this API alone, and is noted as this gateway's, and as no other's.
    """
    from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.ownership import LABEL, LABEL_VALUE

    def notes(key: dict) -> set[str]:
        return set(str((key.get("annotations") or {}).get(DECLARED_BY) or "").split())

    def entry(name: str) -> dict:
        return {"kind": "api_key", "name": name, "apis": [api], "state": "absent"}

    there = {key["name"]: key for key in found}
    names = [key["name"] for key in declared]
    # A key that is good for another service as well is not this API's alone.
    undeclared = {
        name: key
        for name, key in sorted(there.items())
        if service and name not in names and [one.get("service") for one in key.get("services") or []] == [service]
    }
    mine = [
        name
        for name, key in undeclared.items()
        if (key.get("annotations") or {}).get(LABEL) == LABEL_VALUE and gateway in notes(key)
    ]
    if others is None:
        going = [name for name in mine if notes(there[name]) == {gateway}]
        wanted = [
            {
                **key,
                "kind": "api_key",
                "apis": [api],
                "annotations": {
                    **(key.get("annotations") or {}),
                    DECLARED_BY: " ".join(sorted({gateway, *notes(there.get(key["name"], {}))})),
                },
            }
            for key in declared
        ]
    else:
        # A note of a gateway that is gone holds no key back: its API may be about to go.
        going = [name for name in [*names, *mine] if not (notes(there.get(name, {})) - {gateway}) & set(others)]
        wanted = []
    left = [name for name in [*([] if others is None else names), *undeclared] if name in there and name not in going]
    return {"wanted": wanted, "unwanted": [entry(name) for name in going], "left": left}


class FilterModule:
    """Names of the filters."""

    def filters(self) -> dict[str, typing.Callable]:
        """All filters by name."""
        return {"api_gateway_document": api_gateway_document, "keys_of_gateway": keys_of_gateway}
