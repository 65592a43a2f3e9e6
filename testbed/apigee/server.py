# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The northbound listener: from an HTTP request to a flow, and from its message back to an HTTP response."""
from __future__ import annotations

import logging
import uuid
from typing import TYPE_CHECKING

from aiohttp import web
from multidict import CIMultiDict

from testbed.apigee import faults
from testbed.apigee.context import Context
from testbed.apigee.faults import Fault
from testbed.apigee.flow import default_response
from testbed.apigee.messages import Message
from testbed.apigee.streams import MAXIMUM_BUFFERED_BYTES, Releases, buffered
from testbed.apigee.target import HOP_BY_HOP
from testbed.apigee.trace import HEADER, Trace

if TYPE_CHECKING:
    from testbed.apigee.configuration import Configuration
    from testbed.apigee.router import Route
    from testbed.apigee.runtime import Runtime

_LOG = logging.getLogger("testbed.apigee")
_CHUNK = 64 * 1024


class Northbound:
    """Handler of an ``aiohttp.web.Server``."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        trace, identity = Trace(), request.headers.get(HEADER)
        releases = Releases()
        configuration = self._runtime.enter()
        message: Message | None = None
        try:
            message = await self._answer(configuration, request, trace, releases)
            return await _send(request, message)
        finally:
            self._runtime.leave(configuration)
            await releases.run()
            status = message.status if message is not None else 0
            self._runtime.statuses[status] += 1
            trace.finish(host=request.host, path=request.path, method=request.method, status=status)
            # Without the query, which may hold keys.
            _LOG.info("%s %s%s %d %.0f ms", request.method, request.host, request.path, status, trace.elapsed())
            if identity:
                self._runtime.traces.keep(identity, trace)

    async def _answer(self, configuration: Configuration, request: web.BaseRequest, trace: Trace,
                      releases: Releases) -> Message:
        try:
            path, query = _target_of(request)
            host = (request.headers.get("Host") or "").rsplit(":", 1)[0]
            if request.headers.get("Upgrade", "").lower() == "websocket":
                raise faults.unsupported("WebSocket connections")
            route = configuration.router.route(host, path)
            trace.add("ingress", host=host, path=path, client=request.remote,
                      environments=configuration.router.environments(host))
            if route is None:
                raise faults.application_not_found(host, path)
            deployment = route.deployment
            trace.add("proxy", environment=deployment.environment, name=deployment.proxy, revision=deployment.revision,
                      endpoint=route.endpoint.name, base_path=route.endpoint.base_path)
            context = Context(deployment, configuration.identities, self._runtime.counters,
                              await _message(request, route, path, query), trace, proxy_endpoint=route.endpoint.name,
                              base_path=route.base_path, path_suffix=route.suffix,
                              key_value_maps=self._runtime.key_value_maps, **configuration.surroundings(deployment))
            _provide(context, request, route, query)
            message = await self._runtime.executor.execute(context, route.endpoint, releases)
            if context.fault is not None:
                self._runtime.faults[context.fault.errorcode] += 1
            return message
        except Fault as fault:
            trace.add("fault", status=fault.status, errorcode=fault.errorcode, faultstring=fault.faultstring,
                      reason=fault.reason)
            self._runtime.faults[fault.errorcode] += 1
            return default_response(fault)
        except ConnectionError:
            raise
        except web.RequestPayloadError as error:
            return default_response(faults.malformed_request(str(error)))
        except Exception:
            # A defect of this program must not look like the proxy's own answer, nor end the connection unexplained.
            _LOG.exception("request %s %s failed", request.method, request.path)
            fault = faults.internal_error()
            trace.add("fault", status=fault.status, errorcode=fault.errorcode, faultstring=fault.faultstring)
            return default_response(fault)


def _target_of(request: web.BaseRequest) -> tuple[str, str]:
    """Path and query as the client wrote them: escapes must reach the target unchanged."""
    raw = request.raw_path
    if not raw.startswith("/"):
        return request.rel_url.raw_path, request.rel_url.raw_query_string
    path, _, query = raw.partition("?")
    return path, query


async def _message(request: web.BaseRequest, route: Route, path: str, query: str) -> Message:
    """The request as flows see it, its body read unless the endpoint streams."""
    headers = CIMultiDict(request.headers)
    headers.popall(HEADER, None)
    message = Message("request", headers=headers, verb=request.method, path=path, query=query,
                      version=f"{request.version.major}.{request.version.minor}")
    peer = request.remote or ""
    forwarded = headers.get("X-Forwarded-For")
    headers["X-Forwarded-For"] = f"{forwarded}, {peer}" if forwarded else peer
    headers["X-Forwarded-Proto"] = request.scheme
    headers["X-Forwarded-Host"] = request.headers.get("Host", "")
    headers["X-Forwarded-Port"] = "443" if request.scheme == "https" else "80"
    if request.headers.get("Expect", "").lower() == "100-continue":
        # As aiohttp's own handler for routed applications does; a plain web.Server leaves it to us.
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
    if route.endpoint.properties.get("request.streaming.enabled", "").lower() == "true":
        if request.body_exists:
            message.stream = request.content.iter_chunked(_CHUNK)
        return message
    if (request.content_length or 0) > MAXIMUM_BUFFERED_BYTES:
        raise faults.body_too_big("request")
    if request.body_exists:
        body = await buffered(request.content, MAXIMUM_BUFFERED_BYTES, "request")
        length = headers.get("Content-Length")
        message.body = body
        if length is not None:
            headers["Content-Length"] = length
    return message


def _provide(context: Context, request: web.BaseRequest, route: Route, query: str) -> None:
    """The variables that Apigee fills before the first flow."""
    deployment = context.deployment
    forwarded = context.request.headers["X-Forwarded-For"].split(",")[0].strip()
    path = context.request.path
    context.variables.provide(
        client={"ip": request.remote, "host": request.remote, "scheme": request.scheme,
                "hostheader": request.headers.get("Host")},
        proxy={"basepath": route.base_path, "pathsuffix": route.suffix, "name": route.endpoint.name,
               "client.ip": forwarded,
               "url": f"{request.scheme}://{request.headers.get('Host', '')}{path}" + (f"?{query}" if query else "")},
        environment={"name": deployment.environment}, organization={"name": deployment.organization},
        apiproxy={"name": deployment.proxy, "revision": deployment.revision, "basepath": route.endpoint.base_path},
        system={"region.name": deployment.region})


async def _send(request: web.BaseRequest, message: Message) -> web.StreamResponse:
    headers = CIMultiDict((name, value) for name, value in message.headers.items() if name.lower() not in HOP_BY_HOP)
    headers.setdefault("Server", "apigee")
    headers.setdefault("X-Request-Id", str(uuid.uuid4()))
    if message.stream is None:
        if request.method != "HEAD" and message.status not in (204, 304):
            headers["Content-Length"] = str(len(message.body))
        response = web.StreamResponse(status=message.status, reason=message.reason or None, headers=headers)
        await response.prepare(request)
        if message.body and request.method != "HEAD":
            await response.write(message.body)
        await response.write_eof()
        return response
    response = web.StreamResponse(status=message.status, reason=message.reason or None, headers=headers)
    await response.prepare(request)
    try:
        async for chunk in message.stream:
            await response.write(chunk)
    except Exception:
        # The status line is out: the only honest sign left is to end the connection before the body is complete.
        if request.transport is not None:
            request.transport.abort()
        raise
    await response.write_eof()
    return response
