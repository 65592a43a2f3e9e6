# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Quota and SpikeArrest share. Source: their error references."""
from __future__ import annotations

from typing import TYPE_CHECKING

from testbed.apigee.conditions import text_of
from testbed.apigee.faults import Fault
from testbed.apigee.policies.values import Reference

if TYPE_CHECKING:
    from testbed.apigee.context import Context

CODES = "policies.ratelimit"


def message_weight(weight: Reference | None, context: Context) -> int:
    """What one message counts: MessageWeight, 1 without one. Raises Fault."""
    value = weight.resolve(context) if weight else None
    if value is None:
        return 1
    if not text_of(value).isdigit():
        raise Fault(500, f"{CODES}.InvalidMessageWeight", f"Invalid message weight value {text_of(value)}")
    return int(text_of(value))
