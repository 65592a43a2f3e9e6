# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses that functions with direct VPC egress have in subnetworks, and keep for a while after they have left.

Source: Cloud Run documentation, "Direct VPC egress": a subnetwork can be deleted one to two hours after what used it.
"""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Any

from testbed.google.durations import DURATIONS

if TYPE_CHECKING:
    from testbed.google.store import Transaction

_PLACE = "cloudfunctions/addresses/"


def keep(tx: Transaction, function: str, subnetworks: set[str]) -> None:
    """Note in which subnetworks (projects/ID/regions/REGION/subnetworks/NAME) a function has addresses from now on.

    Those in others are given back after a while.
    """
    for path in subnetworks:
        tx.put(_key(path, function), {"function": function, "subnetwork": path, "left": None})
    for key, held in list(tx.items(_PLACE)):
        if held["function"] == function and held["subnetwork"] not in subnetworks and held["left"] is None:
            tx.put(key, {**held, "left": time.time()})


def holder(tx: Transaction, subnetwork: str, scale: float) -> str:
    """Return the path of an address in the subnetwork, or nothing when there is none any more.

    ``scale`` shortens the while for which they are kept, as it does all durations: with 0 they are given back at once.
    """
    for key, held in tx.items(_key(subnetwork, "")):
        if held["left"] is None or time.time() < held["left"] + DURATIONS["cloudfunctions.addresses"] * scale:
            number = int(hashlib.sha256(key.encode()).hexdigest()[:14], 16)
            return f"{subnetwork.split('/subnetworks/', maxsplit=1)[0]}/addresses/serverless-ipv4-{number}"
    return ""


def used(function: dict[str, Any]) -> set[str]:
    """Return the subnetworks in which a function has its interfaces."""
    project, region = function["name"].split("/")[1], function["name"].split("/")[3]
    interfaces = (function.get("serviceConfig") or {}).get("directVpcNetworkInterface") or []
    # Where the network alone is stated, the subnetwork of the same name is meant.
    names = [(one.get("subnetwork") or one["network"]).rsplit("/", 1)[-1] for one in interfaces]
    return {f"projects/{project}/regions/{region}/subnetworks/{name}" for name in names}


def _key(subnetwork: str, function: str) -> str:
    return f"{_PLACE}{subnetwork}/{function}"
