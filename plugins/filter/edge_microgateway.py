# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of the role edge_microgateway: what is declared of a gateway to objects in a cluster."""

from __future__ import annotations

import typing

from ansible.errors import AnsibleFilterError
from ansible_collections.gatewayops.apigee_gke.plugins.plugin_utils.late import Late

microgateway = Late("_declaration.microgateway")
gateway = Late("_microgateway.gateway")
objects = Late("_microgateway.objects")
rules = Late("_microgateway.rules")


def edge_microgateway_problems(declared: dict, place: dict | None = None) -> list[str]:
    """Everything that is refused of a declared gateway and its place; empty for one that may run."""
    # Where it is used: Ansible loads this file to look for any filter (see plugin_utils/late.py).
    from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.errors import InvalidError

    try:
        found = rules.problems(gateway.read(_stated(declared)))
        return [*found, *objects.problems(objects.place(place))] if place else found
    except InvalidError as error:
        return [str(error)]


def edge_microgateway_secret(declared: dict, place: dict, key: str, secret: str) -> dict:
    """The Secret of a gateway."""
    return _made(lambda: objects.secret(objects.place(place), gateway.read(_stated(declared)), key, secret))


def edge_microgateway_definitions(declared: dict, place: dict, secret_name: str) -> list[dict]:
    """Every other object of a gateway as a Service."""
    return _made(lambda: objects.definitions(objects.place(place), gateway.read(_stated(declared)), secret_name))


def edge_microgateway_namespace(place: dict) -> dict:
    """The namespace of a gateway."""
    return objects.namespace(objects.place(place))


def edge_microgateway_site(declaration: dict, told: dict) -> dict:
    """Network and cluster of a gateway, and the Ingress before it."""
    try:
        return microgateway.site(declaration, told)
    except ValueError as error:
        raise AnsibleFilterError(str(error)) from error


def edge_microgateway_left(found: list[dict], wanted: list[dict]) -> list[dict]:
    """What is left of earlier contents."""
    return objects.left(found, wanted)


def _stated(declared: dict) -> dict:
    if not isinstance(declared, dict):
        raise AnsibleFilterError("A gateway is declared by a mapping.")
    return gateway.stated(declared)


def _made(make: typing.Callable[[], typing.Any]) -> typing.Any:
    from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.errors import InvalidError

    try:
        return make()
    except InvalidError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Names of the filters."""

    def filters(self) -> dict[str, typing.Callable]:
        """All filters by name."""
        return {
            "edge_microgateway_problems": edge_microgateway_problems,
            "edge_microgateway_secret": edge_microgateway_secret,
            "edge_microgateway_definitions": edge_microgateway_definitions,
            "edge_microgateway_namespace": edge_microgateway_namespace,
            "edge_microgateway_site": edge_microgateway_site,
            "edge_microgateway_left": edge_microgateway_left,
        }
