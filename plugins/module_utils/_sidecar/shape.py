# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Whether a pod has the shape that the rest of the package reads. Private to the collection.

The API server never sends another; a file or a stranger may. What is not read is not looked at.
"""

from __future__ import annotations

import typing as t

from .probes import KINDS

TEXT, NUMBER, TRUTH = str, int, bool

PORT = {"name": TEXT, "containerPort": NUMBER, "protocol": TEXT}
PROBE = {"httpGet": {"host": TEXT, "scheme": TEXT}, "tcpSocket": {}, "grpc": {}}
CONTAINER = {
    "name": TEXT,
    "restartPolicy": TEXT,
    "ports": [PORT],
    **dict.fromkeys(KINDS, PROBE),
    "lifecycle": {"preStop": {"sleep": {"seconds": NUMBER}, "exec": {"command": [TEXT]}}},
}
POD = {
    "metadata": {"annotations": {}, "labels": {}},
    "spec": {
        "containers": [CONTAINER],
        "initContainers": [CONTAINER],
        "ephemeralContainers": [{"name": TEXT}],
        "volumes": [{"name": TEXT}],
        "hostNetwork": TRUTH,
        "os": {"name": TEXT},
        "restartPolicy": TEXT,
        "terminationGracePeriodSeconds": NUMBER,
        "nodeSelector": {},
        "tolerations": [{"key": TEXT}],
        "securityContext": {"sysctls": [{"name": TEXT, "value": TEXT}]},
    },
}
"""What is read of a pod: a mapping's members, a list's items, a plain type. Any of them may be missing or null."""

NAMES = {dict: "a mapping", list: "a list", str: "a text", int: "a whole number", bool: "true or false"}

Check = t.Callable[[t.Any], t.Any]
"""Looks at a value: nothing when all is well, else a place below it and what should be there."""


def _plain(wanted: type) -> Check:
    wrong = ("", NAMES[wanted])

    def check(value: t.Any) -> tuple[str, str] | None:
        # A truth value is a whole number to Python.
        return None if isinstance(value, wanted) and (wanted is not int or not isinstance(value, bool)) else wrong

    return check


def _list(check_item: Check) -> Check:
    def check(value: t.Any) -> tuple[str, str] | None:
        if not isinstance(value, list):
            return "", NAMES[list]
        for index, item in enumerate(value):
            found = check_item(item)
            if found:
                return f"[{index}]{found[0]}", found[1]
        return None

    return check


def _mapping(members: t.Mapping[str, Check]) -> Check:
    pairs = tuple(members.items())

    def check(value: t.Any) -> tuple[str, str] | None:
        if not isinstance(value, dict):
            return "", NAMES[dict]
        for name, check_member in pairs:
            inner = value.get(name)
            if inner is not None:
                found = check_member(inner)
                if found:
                    return f".{name}{found[0]}", found[1]
        return None

    return check


def _checker(shape: t.Any) -> Check:
    """A function that looks for what has another shape. Made once: walking the description takes longer than the pod."""
    if isinstance(shape, list):
        return _list(_checker(shape[0]))
    if isinstance(shape, dict):
        return _mapping({name: _checker(inner) for name, inner in shape.items()})
    return _plain(shape)


_check_pod = _checker(POD)


def fault(pod: t.Any) -> str:
    """The first place that has another shape, and what should be there; nothing when all is well."""
    found = _check_pod(pod)
    return f"{found[0].lstrip('.') or 'the pod'} is not {found[1]}" if found else ""
