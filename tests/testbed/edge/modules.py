# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules run in this process, for real up to what they print."""
from __future__ import annotations

import contextlib
import io
import json
from types import ModuleType
from typing import Any

from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import patch_module_args

from tests.testbed.edge.site import ORGANIZATION, PASSWORD, USER, Site


def run(module: ModuleType, check: bool = False, **options: Any) -> dict[str, Any]:
    """What the module prints, as a document; ``failed`` tells whether it failed."""
    told = {key: value for key, value in options.items() if value is not None}
    steering = {"_ansible_check_mode": check, "_ansible_diff": True, "_ansible_remote_tmp": "/tmp",
                "_ansible_keep_remote_files": False}
    printed = io.StringIO()
    with (
        patch_module_args({**told, **steering}),
        contextlib.redirect_stdout(printed),
        contextlib.suppress(SystemExit),
    ):
        module.main()
    result = json.loads(printed.getvalue())
    return {"failed": False, **result}


class Edge:
    """The organisation of a site as options of modules, and all that they printed."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.printed = ""

    def run(self, module: ModuleType, check: bool = False, **options: Any) -> dict[str, Any]:
        """Run a module in the organisation as its administrator."""
        place = {} if "organization_info" in module.__name__ else {"organization": ORGANIZATION}
        caller = {"edge_url": self.site.control_plane.url, "microservices_url": self.site.control_plane.microservices,
                  "edge_user": USER, "edge_password": PASSWORD}
        result = run(module, check, **{**place, **caller, **options})
        self.printed += json.dumps(result)
        return result
