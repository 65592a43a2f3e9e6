# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: nothing outside gatewayops.apigee_gke may import it.
"""Policies of a generated proxy: what limits its callers, and the host name that its target is asked for.

Names begin as apigeelint wants them. Sources: Apigee "SpikeArrest policy", "Quota policy" and "AssignMessage policy".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.sax.saxutils import escape, quoteattr

#: So many a second or a minute.
RATE = re.compile(r"[1-9]\d*(ps|pm)")
TIME_UNITS = ("minute", "hour", "day", "week", "month")

_SPIKE_ARREST = """<SpikeArrest name="SA-Spikes">
    <DisplayName>SA-Spikes</DisplayName>
    <Rate>{rate}</Rate>
    <UseEffectiveCount>true</UseEffectiveCount>
</SpikeArrest>
"""

_QUOTA = """<Quota name="Q-Quota">
    <DisplayName>Q-Quota</DisplayName>
    <Allow count={count}/>
    <Interval>{interval}</Interval>
    <TimeUnit>{unit}</TimeUnit>
{identifier}    <Distributed>true</Distributed>
    <Synchronous>true</Synchronous>
</Quota>
"""

_HOST = """<AssignMessage name="AM-TargetHost">
    <DisplayName>AM-TargetHost</DisplayName>
    <Set>
        <Headers>
            <Header name="Host">{host}</Header>
        </Headers>
    </Set>
    <IgnoreUnresolvedVariables>false</IgnoreUnresolvedVariables>
    <AssignTo createNew="false" transport="http" type="request"/>
</AssignMessage>
"""


def limits(spike_arrest: str | None, quota: Mapping[str, object] | None) -> dict[str, str]:
    """Policies by name, in the order in which a request meets them: spikes first, so that they use up no quota."""
    found = {}
    if spike_arrest:
        found["SA-Spikes"] = _SPIKE_ARREST.format(rate=escape(spike_arrest))
    if quota:
        identifier = quota.get("identifier")
        found["Q-Quota"] = _QUOTA.format(
            count=quoteattr(str(quota["limit"])),
            interval=escape(str(quota.get("interval") or 1)),
            unit=escape(str(quota["time_unit"])),
            identifier=f"    <Identifier ref={quoteattr(str(identifier))}/>\n" if identifier else "",
        )
    return found


def host(name: str | None) -> dict[str, str]:
    """The policy that has the target asked for a host name, where it is called by an address."""
    return {"AM-TargetHost": _HOST.format(host=escape(name))} if name else {}


def problems(spike_arrest: str | None, quota: Mapping[str, object] | None) -> list[str]:
    """What Apigee would refuse, in sentences."""
    found = []
    if spike_arrest is not None and not RATE.fullmatch(str(spike_arrest)):
        found.append(
            f"spike_arrest is {spike_arrest!r}. Write a whole number with ps (a second) or pm (a minute), as 30ps."
        )
    if quota is not None:
        for name in ("limit", "interval"):
            value = quota.get(name)
            if value is not None and int(str(value)) < 1:
                found.append(f"quota.{name} is {value}. Write a number from 1.")
    return found
