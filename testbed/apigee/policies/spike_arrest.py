# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""SpikeArrest: smooths traffic. Source: Apigee "SpikeArrest policy" and its error reference.

Without UseEffectiveCount one message is let through in each interval of period / rate; with it, at most the rate in any
whole period.
"""
from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from testbed.apigee.bundle.xml import Node
from testbed.apigee.conditions import text_of
from testbed.apigee.faults import Fault
from testbed.apigee.policies.base import Policy
from testbed.apigee.policies.ratelimit import CODES, message_weight
from testbed.apigee.policies.values import Reference, reference

if TYPE_CHECKING:
    from testbed.apigee.context import Context

_RATE = re.compile(r"^(\d+)(ps|pm)$")
_PERIODS = {"ps": 1.0, "pm": 60.0}


@dataclass(frozen=True)
class SpikeArrest(Policy):
    element: ClassVar[str] = "SpikeArrest"
    children: ClassVar[tuple[str, ...]] = ("Identifier", "MessageWeight", "Rate", "UseEffectiveCount")

    rate: Reference
    identifier: Reference | None
    weight: Reference | None
    effective: bool

    @classmethod
    def parse(cls, node: Node) -> dict:
        for tag in ("Identifier", "MessageWeight", "Rate"):
            if (child := node.child(tag)) is not None:
                child.check(attributes=("ref",))
        rate = reference(node.child("Rate"))
        if rate is None or (rate.variable is None and rate.literal is None):
            node.invalid("SpikeArrest needs Rate")
            rate = Reference(None, "1ps")
        if rate.literal is not None and not _valid(rate.literal):
            node.invalid(f"Invalid spike arrest rate {rate.literal}")
        return {"rate": rate, "identifier": reference(node.child("Identifier")),
                "weight": reference(node.child("MessageWeight")),
                "effective": node.boolean(node.child_text("UseEffectiveCount"), False, "UseEffectiveCount")}

    def execute(self, context: Context) -> None:
        count, period = self._rate(context)
        weight = message_weight(self.weight, context)
        identifier = text_of(self.identifier.resolve(context)) if self.identifier else ""
        key = (context.deployment.environment, context.deployment.proxy, self.name, identifier)
        counters = context.counters
        admitted = (counters.slide(key, count, period, weight) if self.effective
                    else counters.smooth(key, period / count, weight))
        context.variables.record(f"ratelimit.{self.name}", failed=not admitted)
        if not admitted:
            microseconds = int(period * 1_000_000)
            raise Fault(429, f"{CODES}.SpikeArrestViolation",
                        f"Spike arrest violation. Allowed rate : MessageRate{{messagesPerPeriod={count}, "
                        f"periodInMicroseconds={microseconds}, maxBurstMessageCount=1.0}}")

    def _rate(self, context: Context) -> tuple[int, float]:
        value = self.rate.resolve(context)
        if value is None:
            raise Fault(500, f"{CODES}.FailedToResolveSpikeArrestRate",
                        f"Failed to resolve Spike Arrest Rate reference {self.rate.variable} in SpikeArrest policy "
                        f"{self.name}")
        if not _valid(text_of(value)):
            raise Fault(500, f"{CODES}.InvalidAllowedRate", f"Invalid spike arrest rate {text_of(value)}.")
        count, unit = _RATE.match(text_of(value)).groups()
        return int(count), _PERIODS[unit]


def _valid(rate: str) -> bool:
    match = _RATE.match(rate)
    return match is not None and int(match.group(1)) > 0
