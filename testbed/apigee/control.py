# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control API of the runtime, on a Unix socket: configuration in, reports, traces and numbers out.

====================  ==================================================================================================
PUT /bundles/SHA256   a bundle's zip; answers its violations. 400 when the digest does not fit.
PUT /configuration    the full configuration; answers {"deployments": [{environment, proxy, revision, state, errors}]}.
                      409 with {"missing_bundles": [...]} when a bundle was not uploaded; 400 when it is malformed.
GET /configuration    the configuration in force
GET /report           its report
GET /trace/ID         hops of the request that carried ``X-Testbed-Trace: ID``
GET /statistics       counts, pools, DNS cache
DELETE /pools, /caches, /counters   for tests: close pooled connections, forget DNS answers and
                      values read from key value maps, forget quota counts
====================  ==================================================================================================
"""
from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aiohttp import web

from testbed.apigee.bundle.archive import MAXIMUM_ARCHIVE_BYTES
from testbed.apigee.configuration import ConfigurationError

if TYPE_CHECKING:
    from testbed.apigee.runtime import Runtime


def application(runtime: Runtime) -> web.Application:
    """The control API of a runtime."""

    async def put_bundle(request: web.Request) -> web.Response:
        try:
            violations = runtime.add_bundle(request.match_info["digest"], await request.read())
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({"violations": violations})

    async def put_configuration(request: web.Request) -> web.Response:
        try:
            source = json.loads(await request.read())
            if not isinstance(source, dict):
                raise ConfigurationError("configuration is not a JSON object")
            missing = runtime.missing_bundles(source)
            if missing:
                return web.json_response({"error": "bundles were not uploaded", "missing_bundles": missing}, status=409)
            return web.json_response(runtime.configure(source))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=400)

    async def get_trace(request: web.Request) -> web.Response:
        trace = runtime.traces.get(request.match_info["identity"])
        if trace is None:
            return web.json_response({"error": "no such trace"}, status=404)
        return web.json_response(trace.as_json())

    async def delete_pools(_request: web.Request) -> web.Response:
        await runtime.pools.close()
        return web.json_response({})

    async def delete_caches(_request: web.Request) -> web.Response:
        runtime.resolver.clear()
        runtime.key_value_maps.clear_cache()
        return web.json_response({})

    async def delete_counters(_request: web.Request) -> web.Response:
        runtime.counters.clear()
        return web.json_response({})

    async def get_configuration(_request: web.Request) -> web.Response:
        return web.json_response(runtime.configuration.source)

    async def get_report(_request: web.Request) -> web.Response:
        return web.json_response(runtime.configuration.report)

    async def get_statistics(_request: web.Request) -> web.Response:
        return web.json_response(runtime.statistics())

    app = web.Application(client_max_size=MAXIMUM_ARCHIVE_BYTES * 2)
    app.add_routes([
        web.put("/bundles/{digest:[0-9a-fA-F]{64}}", put_bundle),
        web.put("/configuration", put_configuration),
        web.get("/configuration", get_configuration),
        web.get("/report", get_report),
        web.get("/trace/{identity}", get_trace),
        web.get("/statistics", get_statistics),
        web.delete("/pools", delete_pools),
        web.delete("/caches", delete_caches),
        web.delete("/counters", delete_counters),
    ])
    return app
