# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quota: how many messages in a period. Source: Apigee "Quota policy" and its error reference.

Types: by default periods are aligned with the clock in UTC; ``calendar`` counts periods from StartTime, ``flexi`` from
the first message, ``rollingwindow`` looks back one period from each message.

With UseQuotaConfigInAPIProduct the product of the key that ``stepName`` has verified says how many, and each app has
its own counter; DefaultConfig is for products without a quota. That a product without a quota and a policy without
DefaultConfig let everything pass is assumed.
"""
from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

from testbed.apigee.bundle.xml import Node
from testbed.apigee.conditions import text_of
from testbed.apigee.faults import Fault
from testbed.apigee.policies.base import Policy
from testbed.apigee.policies.ratelimit import CODES, message_weight
from testbed.apigee.policies.values import Reference, reference

if TYPE_CHECKING:
    from testbed.apigee.context import Context

_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800, "month": 30 * 86400}
_TYPES = ("calendar", "rollingwindow", "flexi")
_START = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True)
class Quota(Policy):
    element: ClassVar[str] = "Quota"
    # The three about distribution have no effect with one message processor.
    children: ClassVar[tuple[str, ...]] = ("Allow", "Identifier", "Interval", "MessageWeight", "StartTime", "TimeUnit",
                                           "Distributed", "Synchronous", "AsynchronousConfiguration",
                                           "UseQuotaConfigInAPIProduct")
    attributes: ClassVar[tuple[str, ...]] = ("type",)
    beyond: ClassVar[tuple[str, ...]] = ("SharedName", "CountOnly", "EnforceOnly",
                                         "PreciseAtSecondsLevel", "Class")

    kind: str
    allow: Reference
    interval: Reference
    unit: Reference
    start: float
    identifier: Reference | None
    weight: Reference | None
    #: The policy that verifies the key whose product says how many; empty when this policy says it.
    product_of: str
    #: Whether there are values for a product without a quota.
    has_default: bool

    @classmethod
    def parse(cls, node: Node) -> dict:
        kind = node.attribute("type") or ""
        if kind and kind not in _TYPES:
            node.invalid(f"type must be one of {', '.join(_TYPES)}, not '{kind}'")
        for tag in ("Identifier", "MessageWeight"):
            if (child := node.child(tag)) is not None:
                child.check(attributes=("ref",))
        product, where = node.child("UseQuotaConfigInAPIProduct"), node
        if product is not None:
            product.check(children=("DefaultConfig",), attributes=("stepName",))
            if not product.attribute("stepName"):
                product.invalid("UseQuotaConfigInAPIProduct needs stepName")
            where = product.child("DefaultConfig")
            if where is not None:
                where.check(children=("Allow", "Interval", "TimeUnit"))
        return {"kind": kind, **_limits(where), "start": _start(node, kind),
                "identifier": reference(node.child("Identifier")), "weight": reference(node.child("MessageWeight")),
                "product_of": product.attribute("stepName") or "" if product is not None else "",
                "has_default": where is not None}

    def execute(self, context: Context) -> None:
        identifier = text_of(self.identifier.resolve(context)) if self.identifier else ""
        identifier = identifier or "_default"
        key: tuple = (context.deployment.environment, context.deployment.proxy, self.name, identifier)
        allow, every, of = self.allow, self.interval, self.unit
        product = context.product_quotas.get(self.product_of)
        if product is not None and product.limit and product.interval:
            allow, every = Reference(None, product.limit), Reference(None, product.interval)
            of = Reference(None, product.unit or "hour")
            key = (context.deployment.environment, "product", *product.counter, identifier)
        elif self.product_of and not self.has_default:
            return
        limit = self._number(context, allow, "FailedToResolveQuotaCountReference", "quota count")
        interval = self._number(context, every, "FailedToResolveQuotaIntervalReference", "quota interval")
        unit = text_of(of.resolve(context)).lower()
        if unit not in _SECONDS:
            raise Fault(500, f"{CODES}.FailedToResolveQuotaIntervalTimeUnitReference",
                        f"Failed to resolve quota interval time unit reference {of.variable} in quota policy "
                        f"{self.name}")
        weight = message_weight(self.weight, context)
        period = interval * _SECONDS[unit]
        if self.kind == "rollingwindow":
            self._rolling(context, key, limit, period, weight, identifier)
            return
        window = context.counters.window(key, self._end(period, unit, interval))
        used = window.used + weight
        if used <= limit:
            window.used = used
        self._record(context, limit, min(used, limit), used > limit, window.ends, identifier)
        if used > limit:
            raise _violation(identifier)

    def _rolling(self, context: Context, key: tuple, limit: int, period: float, weight: int, identifier: str) -> None:
        admitted = context.counters.slide(key, limit, period, weight)
        self._record(context, limit, 0 if admitted else limit, not admitted, time.time() + period, identifier)
        if not admitted:
            raise _violation(identifier)

    def _end(self, period: float, unit: str, interval: int) -> float:
        """When a period that begins now ends, in seconds since the epoch."""
        now = time.time()
        if self.kind == "flexi":
            return now + period
        if unit == "month":
            today = datetime.fromtimestamp(now, UTC)
            months = today.year * 12 + today.month - 1 + interval
            return datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC).timestamp()
        return self.start + ((now - self.start) // period + 1) * period

    def _record(self, context: Context, limit: int, used: int, exceeded: bool, ends: float, identifier: str) -> None:
        context.variables.record(
            f"ratelimit.{self.name}", **{
                "allowed.count": limit, "used.count": used, "available.count": limit - used,
                "exceed.count": int(exceeded), "total.exceed.count": int(exceeded), "expiry.time": int(ends * 1000),
                "identifier": identifier, "failed": exceeded})

    def _number(self, context: Context, value: Reference, code: str, what: str) -> int:
        text = text_of(value.resolve(context))
        if not text.isdigit():
            raise Fault(500, f"{CODES}.{code}",
                        f"Failed to resolve {what} reference {value.variable} in quota policy {self.name}")
        return int(text)


def _limits(node: Node | None) -> dict[str, Reference]:
    """Allow, Interval and TimeUnit of the policy or of its DefaultConfig (None: there is none)."""
    fields: dict[str, Reference | None] = {"Allow": None, "Interval": None, "TimeUnit": None}
    if node is None:
        return {"allow": Reference(None, "0"), "interval": Reference(None, "1"), "unit": Reference(None, "hour")}
    for tag in fields:
        child = node.child(tag)
        if child is None:
            continue
        if tag == "Allow":
            child.check(attributes=("count", "countRef"), beyond=("Class",))
            fields[tag] = Reference(child.attribute("countRef"), child.attribute("count") or child.text or None)
        else:
            child.check(attributes=("ref",))
            fields[tag] = reference(child)
    for name, value in fields.items():
        if value is None or (value.variable is None and value.literal is None):
            node.invalid(f"{node.tag} needs {name}")
            fields[name] = Reference(None, "1" if name != "TimeUnit" else "hour")
    unit = fields["TimeUnit"].literal
    if unit is not None and unit not in _SECONDS:
        node.invalid(f"InvalidQuotaTimeUnit: TimeUnit must be one of {', '.join(_SECONDS)}, not '{unit}'")
    interval = fields["Interval"].literal
    if interval is not None and (not interval.isdigit() or int(interval) < 1):
        node.invalid(f"InvalidQuotaInterval: Interval must be a whole number from 1, not '{interval}'")
    return {"allow": fields["Allow"], "interval": fields["Interval"], "unit": fields["TimeUnit"]}


def _violation(identifier: str) -> Fault:
    return Fault(429, f"{CODES}.QuotaViolation",
                 f"Rate limit quota violation. Quota limit  exceeded. Identifier : {identifier}")


def _start(node: Node, kind: str) -> float:
    """StartTime in seconds since the epoch; the epoch's first Monday for clock-aligned periods (weeks begin then)."""
    text = node.child_text("StartTime")
    if kind != "calendar":
        if text:
            node.invalid("StartTime belongs to type calendar")
        return 4 * 86400.0
    if not text:
        node.invalid("type calendar needs StartTime")
        return 0.0
    try:
        return datetime.strptime(text, _START).replace(tzinfo=UTC).timestamp()
    except ValueError:
        node.invalid(f"InvalidStartTime: StartTime must be yyyy-MM-dd HH:mm:ss, not '{text}'")
        return 0.0
