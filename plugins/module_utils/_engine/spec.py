# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Argument specs, rendered from fields. Private to the collection.

Managed fields get no default (a default would be managed by accident), and ``no_log`` only where a field says so.
"""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import env_fallback

from .._google.credentials import ENVIRONMENT
from .fields import Field

if t.TYPE_CHECKING:
    from .resource import Resource

Spec = dict[str, dict[str, t.Any]]


def common() -> Spec:
    """Options of every module that talks to Google: who, where, how patient with one reply."""
    return {
        "project": {"type": "str", "fallback": (env_fallback, list(ENVIRONMENT["project"]))},
        "auth_kind": {
            "type": "str",
            "choices": ["application", "machineaccount", "serviceaccount", "accesstoken"],
            "fallback": (env_fallback, list(ENVIRONMENT["auth_kind"])),
        },
        "service_account_file": {
            "type": "path",
            "fallback": (env_fallback, list(ENVIRONMENT["service_account_file"])),
        },
        "service_account_contents": {
            "type": "jsonarg",
            "no_log": True,
            "fallback": (env_fallback, list(ENVIRONMENT["service_account_contents"])),
        },
        "service_account_email": {
            "type": "str",
            "fallback": (env_fallback, list(ENVIRONMENT["service_account_email"])),
        },
        "access_token": {
            "type": "str",
            "no_log": True,
            "fallback": (env_fallback, list(ENVIRONMENT["access_token"])),
        },
        "impersonate_service_account": {
            "type": "str",
            "fallback": (env_fallback, list(ENVIRONMENT["impersonate_service_account"])),
        },
        "scopes": {"type": "list", "elements": "str", "fallback": (env_fallback, list(ENVIRONMENT["scopes"]))},
        "endpoints": {"type": "dict"},
        "request_timeout": {"type": "float"},
    }


def change() -> Spec:
    """Options of every module that can change something."""
    return {
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "wait": {"type": "bool", "default": True},
        "timeout": {"type": "int"},
        "allow_recreate": {"type": "bool", "default": False},
        "force": {"type": "bool", "default": False},
    }


def adopt() -> Spec:
    """Options of the plural module alone, for the task and for an entry."""
    return {"adopt": {"type": "bool", "default": False}}


def prune() -> Spec:
    """Where what is not declared any more is looked for (prune.py)."""
    return {
        "organization": {"type": "str"},
        "kinds": {"type": "list", "elements": "str"},
        "environments": {"type": "list", "elements": "str"},
        "empty": {"type": "bool", "default": False},
    }


def of(fields: t.Iterable[Field]) -> Spec:
    """The options of a tuple of fields."""
    return {field.name: _option(field) for field in fields if not field.output}


def _option(field: Field) -> dict[str, t.Any]:
    option: dict[str, t.Any] = {"type": field.type}
    if field.elements:
        option["elements"] = field.elements
    if field.choices:
        option["choices"] = list(field.choices)
    if field.required:
        option["required"] = True
    if field.aliases:
        option["aliases"] = list(field.aliases)
    if field.secret is not None:
        option["no_log"] = field.secret
    inner = of(field.fields)
    if inner and field.type in ("dict", "list"):
        option["options"] = inner
    return option


def rules(resource: type[Resource]) -> dict[str, t.Any]:
    """The rules between options that a kind states, as keyword arguments of AnsibleModule."""
    return {
        "mutually_exclusive": [list(rule) for rule in resource.mutually_exclusive],
        "required_together": [list(rule) for rule in resource.required_together],
        "required_one_of": [list(rule) for rule in resource.required_one_of],
        "required_if": [list(rule) for rule in resource.required_if],
    }
