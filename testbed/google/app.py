# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator as an aiohttp application."""

from __future__ import annotations

import asyncio
import json
import re
import time
import urllib.parse
from typing import Any

from aiohttp import web

from testbed.google import control
from testbed.google.emulator import Emulator
from testbed.google.errors import GoogleError
from testbed.google.gate import Incoming, answer, error_reply, route
from testbed.google.service import Reply

# The consumer key of an Apigee app is part of its own path.
_KEY = re.compile(r"/keys/(?!create\Z)[^/]+")
EMULATOR: web.AppKey[Emulator] = web.AppKey("emulator", Emulator)


def create_app(state: Any, world: Any) -> web.Application:
    """Return the application that serves one emulator.

    state: folder for google.sqlite and the service account keys. world: see testbed.world.World. The emulator is
    started and stopped with the application.
    """
    emulator = Emulator(state, world)
    app = web.Application(client_max_size=64 * 2**20)
    app[EMULATOR] = emulator
    control.add_routes(app, emulator)
    app.router.add_post("/oauth2/token", _token)
    app.router.add_route("*", "/{prefix}/{tail:.*}", _serve)

    async def run(_: web.Application) -> Any:
        await emulator.start()
        yield
        await emulator.stop()

    app.cleanup_ctx.append(run)
    return app


async def _serve(request: web.Request) -> web.StreamResponse:
    emulator = request.app[EMULATOR]
    path, _, query = request.raw_path.partition("?")
    prefix, _, rest = path.lstrip("/").partition("/")
    if (prefix, rest.partition("/")[0]) == ("v1", "organizations"):
        # gcloud apigee keeps only the host of an endpoint override (Cloud SDK 528, command_lib/apigee/request.py).
        prefix, rest = "apigee", f"{prefix}/{rest}"
    incoming = Incoming(
        prefix=prefix,
        verb=request.headers.get("X-HTTP-Method-Override", request.method),
        path=rest.rstrip("/"),
        query=urllib.parse.parse_qsl(query, keep_blank_values=True),
        headers=request.headers,
        raw=await request.read(),
        content_type=request.headers.get("Content-Type", ""),
    )
    started = time.time()
    route(emulator, incoming)
    reply = await _with_faults(emulator, incoming)
    # Written before the reply leaves: a client that was told of a change finds it in the log.
    _record(emulator, incoming, path, reply.status if reply else 0, started)
    lost = reply is None or "lose" in incoming.faults
    if reply is not None and reply.status < 400:
        emulator.faults.after(incoming.method or "", incoming.mutating)
    if lost:
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=502)
    return _response(reply)


async def _with_faults(emulator: Emulator, incoming: Incoming) -> Reply | None:
    """Answer a request unless a fault comes first; None means that the connection is dropped without work."""
    for fault in emulator.faults.before(incoming.method or "unknown", incoming.mutating):
        options = fault.options
        if fault.kind == "delay":
            await asyncio.sleep(float(options["seconds"]))
        elif fault.kind == "drop":
            return None
        elif fault.kind == "status":
            status = int(options["status"])
            if "body" in options:
                return Reply(options["body"], status, headers=options.get("headers", {}), unchecked=True)
            reply = error_reply(incoming, GoogleError(status, options.get("message", f"Injected status {status}")))
            reply.headers = {k: str(v) for k, v in options.get("headers", {}).items()}
            return reply
        else:
            incoming.faults[fault.kind] = options
    return await answer(emulator, incoming)


def _record(emulator: Emulator, incoming: Incoming, path: str, status: int, started: float) -> None:
    emulator.log.add(
        {
            "time": started,
            "seconds": round(time.time() - started, 4),
            "method": incoming.method,
            "verb": incoming.verb,
            "path": _KEY.sub("/keys/***", urllib.parse.unquote(path)),
            "mutating": incoming.mutating,
            "principal": incoming.principal,
            "status": status,
            "user_agent": incoming.headers.get("User-Agent", "")[:200],
            # The place of a disagreement, never the value: values may be secrets.
            "findings": [{"level": f.level, "path": f.path} for f in incoming.findings],
        }
    )


async def _token(request: web.Request) -> web.StreamResponse:
    emulator = request.app[EMULATOR]
    form = {key: str(value) for key, value in (await request.post()).items()}
    incoming = Incoming("oauth2", "POST", "token", [], request.headers, b"", "")
    started = time.time()
    status, body = 0, {}
    for fault in emulator.faults.before("oauth2.token", False):
        if fault.kind == "status":
            status, body = int(fault.options["status"]), fault.options.get("body", {"error": "injected"})
        elif fault.kind == "delay":
            await asyncio.sleep(float(fault.options["seconds"]))
        elif fault.kind == "drop" and request.transport is not None:
            request.transport.abort()
            return web.Response(status=502)
    if not status:
        status, body = await emulator.identity.exchange_assertion(form, str(request.url.with_query(None)))
    emulator.log.add(
        {"time": started, "seconds": round(time.time() - started, 4), "method": "oauth2.token", "verb": incoming.verb,
         "path": "/oauth2/token", "mutating": False, "principal": None, "status": status,
         "user_agent": request.headers.get("User-Agent", "")[:200], "findings": []}
    )  # fmt: skip
    return web.json_response(body, status=status)


def _response(reply: Reply | None) -> web.Response:
    assert reply is not None
    headers = {"X-Emulated-By": "apigee-gke-testbed", **reply.headers}
    if reply.body is None:
        return web.Response(status=204 if reply.status == 200 else reply.status, headers=headers)
    body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body, indent=2).encode()
    return web.Response(body=body, status=reply.status, headers={**headers, "Content-Type": reply.content_type})
