# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Whether a pod has the shape that the rest of the package reads. Private to the collection.

The API server never sends another; a file or a stranger may. What is not read is not looked at.
"""

from __future__ import annotations

import typing as t

TEXT, NUMBER, TRUTH = str, int, bool

PORT = {"containerPort": NUMBER, "protocol": TEXT}
CONTAINER = {
    "name": TEXT,
    "restartPolicy": TEXT,
    "ports": [PORT],
    "lifecycle": {"preStop": {"sleep": {"seconds": NUMBER}, "exec": {"command": [TEXT]}}},
}
POD = {
    "metadata": {"annotations": {}},
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


def fault(value: t.Any, shape: t.Any = POD, place: str = "") -> str:
    """The first place that has another shape, and what should be there; nothing when all is well."""
    wanted = shape if isinstance(shape, type) else type(shape)
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        return f"{place or 'the pod'} is not {NAMES[wanted]}"
    if isinstance(shape, list):
        for index, item in enumerate(value):
            found = fault(item, shape[0], f"{place}[{index}]")
            if found:
                return found
    elif isinstance(shape, dict):
        for name, inner in shape.items():
            if value.get(name) is not None:
                found = fault(value[name], inner, f"{place}.{name}".lstrip("."))
                if found:
                    return found
    return ""
