# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gateways of API Gateway as the world needs them, and pushing them when something that they depend on changed."""

from __future__ import annotations

import asyncio
import base64
import json
import time
import weakref
from typing import TYPE_CHECKING, Any

from testbed.api_gateway import document
from testbed.google.errors import GoogleError
from testbed.google.gate import service_enabled
from testbed.google.identity_tokens import JWKS_URI
from testbed.world import Gateway, WorldError

if TYPE_CHECKING:
    from testbed.google.emulator import Emulator
    from testbed.google.store import Transaction

KEY_SETS = "settings/key-sets"
#: Seconds that a gateway's ID token is good for, and after which a push brings a new one. Google's hold an hour; the
#: testbed's daemon looks after its tokens less often.
LIFETIME, RENEWAL = 12 * 3600.0, 6 * 3600.0

# Of each emulator: ID tokens by account and audience with the time when they were made, and the turn being taken.
_tokens: weakref.WeakKeyDictionary[Any, dict[tuple[str, str], tuple[float, str]]] = weakref.WeakKeyDictionary()
_turns: weakref.WeakKeyDictionary[Any, asyncio.Lock] = weakref.WeakKeyDictionary()
#: Whether the last picture had gateways: a world that knows of none need not be told so.
_pushed: weakref.WeakKeyDictionary[Any, bool] = weakref.WeakKeyDictionary()


async def push(emulator: Emulator) -> None:
    """Bring the world's gateways to what the store holds. Raises GoogleError 500 when it cannot serve it."""
    async with _turns.setdefault(emulator, asyncio.Lock()):
        try:
            found = await gateways(emulator)
            if found or _pushed.get(emulator):
                await emulator.world.apply_gateways(found)
                _pushed[emulator] = bool(found)
        except WorldError as error:
            raise GoogleError(500, f"The gateway could not be brought to its config: {error}") from error


async def gateways(emulator: Emulator) -> list[Gateway]:
    """Return every gateway that serves a config."""
    tx = emulator.store.snapshot()
    found = []
    for key, stored in tx.items("apigateway/projects/"):
        if key.split("/")[-2] == "gateways" and stored.get("defaultHostname"):
            found.append(await _gateway(emulator, tx, stored))
    return found


async def _gateway(emulator: Emulator, tx: Transaction, stored: dict[str, Any]) -> Gateway:
    config = tx.get(f"apigateway/{stored['apiConfig']}") or {}
    documents = tuple(
        (one["document"]["path"], base64.b64decode(one["document"]["contents"]))
        for one in config.get("openapiDocuments", [])
    )
    account = config.get("gatewayServiceAccount", "").rsplit("/", 1)[-1]
    audiences = {
        route.audience for name, content in documents for route in document.read(name, content) if route.audience
    }
    api = tx.get(f"apigateway/{stored['apiConfig'].split('/configs/')[0]}") or {}
    return Gateway(
        name=stored["name"],
        host=stored["defaultHostname"],
        documents=documents,
        keys=_keys(tx, api.get("managedService", "")),
        key_sets={**(tx.get(KEY_SETS) or {}), JWKS_URI: json.dumps(await emulator.identity_tokens.key_set())},
        identities={audience: await _token(emulator, account, audience) for audience in sorted(audiences)},
    )


def _keys(tx: Transaction, service: str) -> dict[str, bool]:
    """Return all API keys and whether each is good for a managed service.

    Source: API Gateway documentation, "Using API keys": the service is enabled in the key's project, and the key is
    not restricted to others. Restrictions of clients (addresses, referrers) are not looked at.
    """
    found = {}
    for key, stored in tx.items("apikeys/projects/"):
        if "deleteTime" in stored:
            continue
        number = (tx.get("/".join(key.split("/")[1:3])) or {}).get("number", "")
        targets = (stored.get("restrictions") or {}).get("apiTargets") or []
        allowed = not targets or any(one.get("service") == service for one in targets)
        found[stored["keyString"]] = allowed and service_enabled(tx, number, service)
    return found


async def _token(emulator: Emulator, account: str, audience: str) -> str:
    known = _tokens.setdefault(emulator, {})
    made, token = known.get((account, audience), (0.0, ""))
    if time.time() - made > RENEWAL:
        token = await emulator.identity_tokens.mint(account, audience, LIFETIME)
        known[account, audience] = time.time(), token
    return token
