# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a function's way into the network, a connector or a subnet, can be removed, and what is said where it is not.

Private to this collection.
"""

from __future__ import annotations


def asked_to_go(facts: dict, judge: bool) -> bool:
    """Whether the way that is not declared may go at all, as far as that is the declaration's to say.

    A subnet bears a word on who made it, and Google keeps it while anybody uses it. A connector does neither: it is known to be
    the function's as long as the function calls by it, and otherwise has to be asked for.
    """
    left = facts["egress"]["left"]
    own = left["kind"] == "compute_subnetwork" or (not judge and left["used"])
    return own or bool(facts["egress"]["remove_left"])


def why_stays(facts: dict, others: list[str] | None, judge: bool) -> str:
    """Why the way that is not declared is not removed now; "" where it can be.

    Args:
        facts: with ``egress.left``.
        others: who else uses it, None where that is not known.
        judge: whether the function stays; without it, it goes before.
    """
    left = facts["egress"]["left"]
    if judge and not left["gone_over"]:
        why = "until the function calls by the declared one"
    elif not asked_to_go(facts, judge):
        why = (
            "because nothing says who made it, and for whom. Where the function has left it, and nobody else needs it, write "
            "egress: {remove_left: true}, otherwise false"
        )
    else:
        why = _used(others)
    return _stays(facts, left, f"is not declared, and stays {why}") if why else ""


def going_over(facts: dict) -> str:
    """What is said in the run that brings the function over to another way."""
    egress = facts["egress"]
    then = "and removes the subnet that is left"
    if egress["kind"] == "compute_subnetwork":
        then = "and removes the connector that is left, where egress says remove_left: true (and its name, where that is its own)"
    return (
        f"The function goes over from {egress['leaves']} to {egress['range']}. So that no call is lost meanwhile, the load balancers "
        f"answer both; the next run closes the first, {then}."
    )


def why_way_stays(facts: dict, others: list[str] | None) -> str:
    """Why a teardown leaves the declared way where it is; "" where it can go. Arguments as for ``why_stays``."""
    # Google keeps a subnet that is in use, whoever may be asked.
    known = [] if others is None and facts["egress"]["kind"] == "compute_subnetwork" else others
    why = _used(known)
    return _stays(facts, facts["egress"], f"stays {why}") if why else ""


def _used(others: list[str] | None) -> str:
    if others is None:
        return "because functions or Cloud Run services, jobs and worker pools may not be listed, which might use it"
    return f"because it is used by {', '.join(others)}" if others else ""


def _stays(facts: dict, way: dict, why: str) -> str:
    title = "Connector" if way["kind"] == "vpc_access_connector" else "Subnet"
    return (
        f"{title} {way['name']} in {facts['egress']['region']} {why}. It keeps network {facts['network']}. "
        f"To remove it by hand: module {way['kind']}, state: absent."
    )
