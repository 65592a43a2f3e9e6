# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every policy has: a name, the common attributes, a reader for its XML and its effect on a message."""
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from testbed.apigee.bundle.xml import Node

if TYPE_CHECKING:
    from testbed.apigee.context import Context


@dataclass(frozen=True)
class Policy:
    """Base class. ``element`` is the XML root, ``children`` and ``attributes`` what the policy executes of it."""

    element: ClassVar[str]
    children: ClassVar[tuple[str, ...]] = ()
    attributes: ClassVar[tuple[str, ...]] = ()
    beyond: ClassVar[tuple[str, ...]] = ()

    name: str
    enabled: bool
    continue_on_error: bool

    @classmethod
    def read(cls, node: Node) -> Self:
        """From XML; problems are reported on the node, never raised."""
        node.check(children=(*cls.children, "Properties"),
                   attributes=(*cls.attributes, "name", "enabled", "continueOnError"),
                   # async is deprecated and without effect in Apigee.
                   inert=("DisplayName", "Description", "async"), beyond=cls.beyond)
        properties = node.child("Properties")
        if properties is not None and len(properties.element):
            properties.unsupported("policy properties are not executed by the testbed's Apigee runtime")
        common = {
            "name": node.attribute("name") or "",
            "enabled": node.boolean(node.attribute("enabled"), True, "attribute enabled"),
            "continue_on_error": node.boolean(node.attribute("continueOnError"), False, "attribute continueOnError"),
        }
        return cls(**common, **cls.parse(node))

    @classmethod
    def parse(cls, node: Node) -> dict:
        """The policy's own fields from XML."""
        raise NotImplementedError

    def execute(self, context: Context) -> None:
        """Acts on the message. Raises ``testbed.apigee.faults.Fault``."""
        raise NotImplementedError
