# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values in policy files: templates, and the common shape ``<Element ref="variable">literal</Element>``."""
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from testbed.apigee.bundle.xml import Node
from testbed.apigee.templates import Template

if TYPE_CHECKING:
    from testbed.apigee.context import Context


def template(node: Node, text: str, prefix: str = "{", suffix: str = "}") -> Template:
    """A template; functions that this runtime lacks keep the bundle from being deployed."""
    parsed = Template(text, prefix, suffix)
    for function in parsed.unsupported():
        node.unsupported(f"template function {function} is not executed by the testbed's Apigee runtime")
    return parsed


@dataclass(frozen=True)
class Reference:
    """A variable's value when it is set, else the literal (None when there is none)."""

    variable: str | None
    literal: str | None

    def resolve(self, context: Context) -> Any:
        value = context.get(self.variable) if self.variable else None
        return self.literal if value is None else value


def reference(node: Node | None, attribute: str = "ref") -> Reference | None:
    """From an element with an optional ``ref`` attribute and optional text; None when there is no element."""
    if node is None:
        return None
    return Reference(node.attribute(attribute) or None, node.text or None)
