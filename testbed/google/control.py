# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control endpoint below /_testbed/: for the testbed's commands and tests, not part of Google.

GET/DELETE requests   log and counters; ?after=N shows later entries only, ?counters=1 leaves entries out
GET/POST/DELETE faults (see faults.py); DELETE faults/ID removes one
GET/PUT durations     {"scale": 0..1}: 1 is realistic, 0 makes the next poll see the end
GET state             canonical dump and digest of what exists, without times, generated ids and operation history
POST reset            back to the freshly seeded state; ?keep_nodes=1 keeps nodes, emptied, for equal clusters
POST identity-tokens  {"account"?, "audience", "lifetime"?}: an ID token as Google signs them
PUT key-sets          {address: JSON Web Key Set}: what issuers publish, as there is no internet to fetch it from
POST tokens           {"account"?: "deployer" | e-mail, "lifetime"?: seconds}: an access token
POST tokenreviews     a Kubernetes TokenReview
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aiohttp import web

from testbed.google import gateway_picture
from testbed.google.canonical import dump
from testbed.google.seed import ACCOUNTS

if TYPE_CHECKING:
    from testbed.google.emulator import Emulator


def add_routes(app: web.Application, emulator: Emulator) -> None:
    """Add the control endpoint of an emulator to its application."""

    async def requests(request: web.Request) -> web.Response:
        if request.method == "DELETE":
            emulator.log.clear()
            return web.json_response({})
        after = int(request.query.get("after", 0))
        shown = {"counters": emulator.log.counters(after)}
        if "counters" not in request.query:
            shown["requests"] = emulator.log.entries(after)
        return web.json_response(shown)

    async def faults(request: web.Request) -> web.Response:
        if request.method == "POST":
            spec = await request.json()
            try:
                added = [emulator.faults.add(one).shown() for one in (spec if isinstance(spec, list) else [spec])]
            except (ValueError, TypeError) as exc:
                return web.json_response({"error": str(exc)}, status=400)
            return web.json_response({"faults": added})
        if request.method == "DELETE":
            number = request.match_info.get("number")
            emulator.faults.clear(int(number) if number else None)
        return web.json_response({"faults": emulator.faults.shown()})

    async def durations(request: web.Request) -> web.Response:
        if request.method == "PUT":
            scale = float((await request.json())["scale"])
            async with emulator.store.transaction() as tx:
                tx.put("settings/durations", {"scale": scale})
        return web.json_response({"scale": emulator.operations.scale(emulator.store.snapshot())})

    async def state(_: web.Request) -> web.Response:
        return web.json_response(dump(emulator))

    async def reset(request: web.Request) -> web.Response:
        await emulator.reset(keep_nodes="keep_nodes" in request.query)
        return web.json_response({})

    async def key_sets(request: web.Request) -> web.Response:
        stated = await request.json()
        async with emulator.store.transaction() as tx:
            tx.put(gateway_picture.KEY_SETS, {address: json.dumps(found) for address, found in stated.items()})
        await gateway_picture.push(emulator)
        return web.json_response({})

    async def identity_tokens(request: web.Request) -> web.Response:
        spec = await request.json()
        account, lifetime = spec.get("account", "deployer"), float(spec.get("lifetime", 3600))
        token = await emulator.identity_tokens.mint(ACCOUNTS.get(account, account), spec["audience"], lifetime)
        return web.json_response({"id_token": token})

    async def tokens(request: web.Request) -> web.Response:
        spec = await request.json() if request.can_read_body else {}
        account = spec.get("account", "deployer")
        token = await emulator.identity.token_for(ACCOUNTS.get(account, account), float(spec.get("lifetime", 3600)))
        return web.json_response({"access_token": token})

    async def token_reviews(request: web.Request) -> web.Response:
        review = await request.json()
        user = emulator.identity.review(review.get("spec", {}).get("token", ""))
        review["status"] = {"authenticated": True, "user": user} if user else {"authenticated": False}
        review["spec"] = {}
        return web.json_response(review)

    async def violations(_: web.Request) -> web.Response:
        return web.json_response({"violations": emulator.violations})

    base = "/_testbed/"
    for verb in ("GET", "DELETE"):
        app.router.add_route(verb, base + "requests", requests)
    for verb in ("GET", "POST", "DELETE"):
        app.router.add_route(verb, base + "faults", faults)
    app.router.add_delete(base + "faults/{number}", faults)
    app.router.add_get(base + "durations", durations)
    app.router.add_put(base + "durations", durations)
    app.router.add_get(base + "state", state)
    app.router.add_post(base + "reset", reset)
    app.router.add_put(base + "key-sets", key_sets)
    app.router.add_post(base + "identity-tokens", identity_tokens)
    app.router.add_post(base + "tokens", tokens)
    app.router.add_post(base + "tokenreviews", token_reviews)
    app.router.add_get(base + "violations", violations)
