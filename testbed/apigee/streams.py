# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bodies: read up to Apigee's limit, or passed through piece by piece."""
from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from aiohttp import StreamReader

from testbed.apigee import faults

# Apigee refuses larger messages unless streaming is enabled for the endpoint. Source: Apigee "Limits".
MAXIMUM_BUFFERED_BYTES = 10 * 1024 * 1024


async def buffered(content: StreamReader, limit: int, side: str) -> bytes:
    """All of a body. Raises Fault (TooBigBody) as soon as it exceeds the limit."""
    pieces: list[bytes] = []
    size = 0
    async for piece in content.iter_any():
        size += len(piece)
        if size > limit:
            raise faults.body_too_big(side)
        pieces.append(piece)
    return b"".join(pieces)


class Releases:
    """What must be closed when a request is over, whatever became of it."""

    def __init__(self) -> None:
        self._calls: list[Callable[[], Any]] = []

    def add(self, call: Callable[[], Any]) -> None:
        self._calls.append(call)

    async def run(self) -> None:
        while self._calls:
            result = self._calls.pop()()
            if inspect.isawaitable(result):
                await result
