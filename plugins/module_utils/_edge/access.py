# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of every module that talks to Edge, and the context of a run. Private to the collection."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule, env_fallback, missing_required_lib

from .._engine import main
from .._engine.context import Context
from .._engine.spec import Spec
from .._google.errors import InvalidError
from .session import EdgeClient


def options() -> Spec:
    """Who, where, and how patient with one reply."""
    return {
        "edge_url": {"type": "str", "fallback": (env_fallback, ["APIGEE_EDGE_URL"])},
        "microservices_url": {"type": "str", "fallback": (env_fallback, ["APIGEE_EDGE_MICROSERVICES_URL"])},
        "edge_user": {"type": "str", "fallback": (env_fallback, ["APIGEE_EDGE_USER"])},
        "edge_password": {"type": "str", "no_log": True, "fallback": (env_fallback, ["APIGEE_EDGE_PASSWORD"])},
        "edge_token": {"type": "str", "no_log": True, "fallback": (env_fallback, ["APIGEE_EDGE_TOKEN"])},
        "ca_path": {"type": "path", "fallback": (env_fallback, ["APIGEE_EDGE_CA_PATH"])},
        "plain_http": {"type": "bool", "default": False},
        "request_timeout": {"type": "float"},
    }


def open_context(module: AnsibleModule) -> Context:
    """The run's context; ends the module when the options do not say where and who."""
    missing = main.missing_libraries()
    if missing:
        module.fail_json(msg=missing_required_lib("google-auth and requests"), exception=missing)
    refused: InvalidError | None = None
    try:
        client = EdgeClient(module.params, on_secret=lambda secret: main.hide(module, [secret]))
    except InvalidError as error:
        refused = error
    if refused:
        main.fail(module, refused)
    return Context(client, check=module.check_mode, wait=module.params.get("wait", True))


EDGE = main.Access(options, open_context)
