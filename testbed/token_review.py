# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Google access tokens at the API server: the webhook that a node's API server asks who a bearer is."""
from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from aiohttp import web

#: Where a node's API server finds it, inside the node's own namespace.
ADDRESS = ("127.0.0.1", 8099)
URL = f"http://{ADDRESS[0]}:{ADDRESS[1]}/token-review"

#: Tells who a bearer is, as ``{"username": ..., "groups": [...]}``, or None for a token that is not valid.
Reviewer = Callable[[str], "dict[str, Any] | None"]


def answer(review: dict[str, Any], reviewer: Reviewer) -> dict[str, Any]:
    """The TokenReview with its status: the principal's e-mail address as user name, or not authenticated."""
    token = (review.get("spec") or {}).get("token") or ""
    user = reviewer(token) if token else None
    status: dict[str, Any] = {"authenticated": user is not None}
    if user is not None:
        status["user"] = {**user, "uid": user["username"]}
    return {"apiVersion": review.get("apiVersion", "authentication.k8s.io/v1"), "kind": "TokenReview",
            "status": status}


async def serve(listener: socket.socket, reviewer: Reviewer) -> web.AppRunner:
    """Serve on a listening socket until the runner's ``cleanup()``. Tokens are never logged."""

    async def handle(request: web.Request) -> web.Response:
        return web.json_response(answer(await request.json(), reviewer))

    app = web.Application()
    app.router.add_post("/token-review", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    return runner
