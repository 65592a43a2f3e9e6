# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replies that several tests share: Google's way of saying that work is under way, done or has failed."""

from __future__ import annotations

import typing as t

from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Script

COMPUTE = "compute/v1/projects/acme-shop"
MARK = "Managed by gatewayops.apigee_gke"


def compute_operation(script: Script, where: str = "global", **more: t.Any) -> dict[str, t.Any]:
    """A running operation; the call that waits for it is expected next."""
    operation = {
        "kind": "compute#operation",
        "name": "operation-1",
        "status": "RUNNING",
        "selfLink": f"https://www.googleapis.com/{COMPUTE}/{where}/operations/operation-1",
    }
    script.expect("POST", "compute", f"{COMPUTE}/{where}/operations/operation-1/wait").replies(
        {**operation, "status": "DONE", **more}
    )
    return operation


def write(script: Script, method: str, path: str, body: t.Any = None, where: str = "global", **more: t.Any) -> None:
    """A compute write and the wait for its operation."""
    call = script.expect(method, "compute", f"{COMPUTE}/{path}", body=body)
    call.replies(compute_operation(script, where, **more))


def finished(name: str = "operations/op-1", **more: t.Any) -> dict[str, t.Any]:
    """A google.longrunning operation that is done already."""
    return {"name": name, "done": True, **more}
