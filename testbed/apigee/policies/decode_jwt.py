# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""DecodeJWT: shows a token's content as variables, without verifying it. Source: Apigee "DecodeJWT policy"."""
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from testbed.apigee.bundle.xml import Node
from testbed.apigee.policies import tokens
from testbed.apigee.policies.base import Policy

if TYPE_CHECKING:
    from testbed.apigee.context import Context


@dataclass(frozen=True)
class DecodeJWT(Policy):
    element: ClassVar[str] = "DecodeJWT"
    # IgnoreUnresolvedVariables has no effect: an unset source is a fault either way.
    children: ClassVar[tuple[str, ...]] = ("Source", "IgnoreUnresolvedVariables")

    source: str | None

    @classmethod
    def parse(cls, node: Node) -> dict:
        return {"source": node.child_text("Source") or None}

    def execute(self, context: Context) -> None:
        tokens.record(context, self.name, tokens.take(context, self.name, self.source))
