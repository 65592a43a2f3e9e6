# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the management API takes and refuses, in its own shapes."""
from __future__ import annotations

import json
from typing import Any

from aiohttp import web


async def document(request: web.Request, *fields: str) -> dict[str, Any]:
    """The JSON object that a request brings, with all of ``fields`` stated. Raises the refusal."""
    try:
        found = json.loads(await request.text())
    except ValueError as error:
        raise refusal(400, "messaging.config.beans.InvalidRequest", str(error)) from error
    missing = [name for name in fields if not isinstance(found, dict) or not found.get(name)]
    if missing:
        raise refusal(400, "messaging.config.beans.InvalidRequest", f"missing {', '.join(missing)}")
    return found


def refusal(status: int, code: str, message: str) -> web.HTTPException:
    """An answer in the shape of the management API's errors."""
    kinds = {400: web.HTTPBadRequest, 404: web.HTTPNotFound, 409: web.HTTPConflict}
    return kinds[status](text=json.dumps({"code": code, "message": message, "contexts": []}),
                         content_type="application/json")
