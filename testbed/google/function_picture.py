# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Functions as the world needs them, and who may invoke one: what Cloud Run's front asks IAM."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from testbed.google.errors import GoogleError
from testbed.world import Egress, Function, WorldError

if TYPE_CHECKING:
    from testbed.google.emulator import Emulator
    from testbed.google.store import Transaction

#: Roles with run.routes.invoke (IAM documentation, Cloud Run roles).
INVOKING = ("roles/run.invoker", "roles/run.servicesInvoker", "roles/run.admin", "roles/owner")

_turns: weakref.WeakKeyDictionary[Any, asyncio.Lock] = weakref.WeakKeyDictionary()
#: Whether the last picture had functions: a world that knows of none need not be told so.
_pushed: weakref.WeakKeyDictionary[Any, bool] = weakref.WeakKeyDictionary()


async def connectors_changed(emulator: Emulator) -> None:
    """Bring networks, and the functions whose way into one is a connector, to what the store holds."""
    await emulator.apply_network()
    await push(emulator)


async def push(emulator: Emulator, name: str = "") -> None:
    """Bring the world's functions to what the store holds.

    Raises GoogleError when the function of that name, projects/ID/locations/REGION/functions/NAME, cannot be started.
    """
    async with _turns.setdefault(emulator, asyncio.Lock()):
        tx = emulator.store.snapshot()
        found = functions(tx)
        if not found and not _pushed.get(emulator):
            return
        try:
            sources = {each.source: tx.get_blob(each.source) for each in found}
            failed = await emulator.world.apply_functions(found, sources)
        except WorldError as error:
            raise GoogleError(500, f"The functions could not be brought about: {error}") from error
        _pushed[emulator] = bool(found)
    if name in failed:
        raise GoogleError(400, f"Could not create or update Cloud Run service: {failed[name]}")


def functions(tx: Transaction) -> list[Function]:
    """Return every function that has been built."""
    found = []
    for key, stored in tx.items("cloudfunctions/projects/"):
        parts = key.split("/")
        if len(parts) == 7 and parts[5] == "functions" and stored.get("_built") and stored["state"] != "DELETING":
            found.append(_function(tx, stored))
    return found


def _function(tx: Transaction, stored: dict[str, Any]) -> Function:
    service, build = stored["serviceConfig"], stored["buildConfig"]
    return Function(
        name=stored["name"],
        service=service["service"],
        revision=service["revision"],
        urls=(service["uri"], stored["url"]),
        source=stored["_built"],
        runtime=build["runtime"],
        entry_point=build.get("entryPoint") or stored["name"].rsplit("/", 1)[-1],
        environment=dict(service.get("environmentVariables") or {}),
        seconds=int(service["timeoutSeconds"]),
        concurrency=int(service["maxInstanceRequestConcurrency"]),
        ingress=service["ingressSettings"],
        egress=_egress(tx, stored["name"], service),
    )


def _egress(tx: Transaction, name: str, service: dict[str, Any]) -> Egress | None:
    """The way into a network; None without one, or when the connector is gone."""
    project, region = name.split("/")[1], name.split("/")[3]
    connector = service.get("vpcConnector")
    if connector:
        stored = tx.get(f"vpcaccess/{connector}") or {}
        if stored.get("state") != "READY":
            return None
        short, owner = connector.rsplit("/", 1)[-1], connector.split("/")[1]
        # Source: Serverless VPC Access documentation, "Network tags of connectors".
        tags = ("vpc-connector", f"vpc-connector-{region}-{short}")
        if stored.get("subnet"):
            host = stored["subnet"].get("projectId") or owner
            return _subnet(tx, host, region, stored["subnet"]["name"], tags)
        network = stored["network"].rsplit("/", 1)[-1]
        return Egress(f"projects/{owner}/global/networks/{network}", stored["ipCidrRange"], tags)
    for interface in service.get("directVpcNetworkInterface") or []:
        # Where the network alone is stated, the subnetwork of the same name is meant.
        short = (interface.get("subnetwork") or interface["network"]).rsplit("/", 1)[-1]
        return _subnet(tx, project, region, short, tuple(interface.get("tags") or ()))
    return None


def _subnet(tx: Transaction, project: str, region: str, name: str, tags: tuple[str, ...]) -> Egress | None:
    stored = tx.get(f"compute/projects/{project}/regions/{region}/subnetworks/{name}")
    if stored is None:
        return None
    network = stored["network"].rsplit("/", 1)[-1]
    return Egress(f"projects/{project}/global/networks/{network}", stored["ipCidrRange"], tags)


async def judge(emulator: Emulator, service: str, token: str, audiences: Sequence[str]) -> int:
    """Return 200 for a caller that may invoke a service, 403 for one that may not, 401 for a bad token.

    service: projects/ID/locations/REGION/services/NAME. token: an ID token for one of the audiences, or "".
    """
    members = _invokers(emulator.store.snapshot(), service)
    if "allUsers" in members:
        return 200
    if not token:
        return 403
    for audience in audiences:
        claims = await emulator.identity_tokens.claims(token, audience)
        if claims is not None:
            email = claims["email"]
            mine = {"allAuthenticatedUsers", f"serviceAccount:{email}", f"user:{email}"}
            return 200 if mine & members else 403
    return 401


def _invokers(tx: Transaction, service: str) -> set[str]:
    """The members of invoking roles on the service and on its project; grants with a condition are not looked at."""
    project = "/".join(service.split("/")[:2])
    found: set[str] = set()
    for key in (f"policies/run/{service}", f"policies/{project}"):
        for binding in (tx.get(key) or {}).get("bindings", []):
            if binding["role"] in INVOKING and not binding.get("condition"):
                found |= set(binding["members"])
    return found
