# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The configuration that the engine reads, and what its process is told. Private to the collection."""

from __future__ import annotations

import base64
import json
import typing as t

from .._google.errors import InvalidError
from .._sidecar import microgateway
from . import guard, rules
from .gateway import SIDECAR, Gateway

#: Longer than the 600 s for which Google's load balancers keep a connection; else they meet one that just closed.
KEEP_ALIVE_MILLISECONDS = 620_000
HEADERS_MILLISECONDS = 625_000
MAX_CONNECTIONS = 1000
#: As ``edgemicro configure`` writes them; the engine's own interval of 250 ms is kept for old installations.
ANALYTICS = {"bufferSize": 10000, "batchSize": 500, "flushInterval": 5000}
#: Headers that go on to the target. ``host: true`` means that the target's own name stands there.
HEADERS = ("x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-request-id", "x-response-time", "via", "host")


def configuration(gateway: Gateway) -> dict[str, t.Any]:
    """What stands in ``ORG-ENV-config.yaml``. Raises InvalidError with everything that is refused."""
    faults = rules.problems(gateway)
    if faults:
        raise InvalidError(" ".join(faults))
    place = f"organization/{gateway.organization}/environment/{gateway.environment}"
    edge = {
        "bootstrap": f"{gateway.microservices}/bootstrap/{place}",
        "jwt_public_key": f"{gateway.authentication}/publicKey",
        "products": f"{gateway.authentication}/products",
    }
    if gateway.key_set:
        edge["jwk_public_keys"] = f"{gateway.authentication}/jwkPublicKeys"
    found: dict[str, t.Any] = {"edge_config": edge, "edgemicro": _server(gateway)}
    found["headers"] = dict.fromkeys(HEADERS, True)
    if gateway.analytics:
        found["analytics"] = {"uri": f"{gateway.microservices}/axpublisher/{place}", **ANALYTICS}
    for plugin in gateway.plugins:
        found.setdefault(section(plugin.name), {}).update(plugin.settings)
    found[guard.NAME] = {"allowEncodedSlashes": gateway.allow_encoded_slashes}
    for name in rules.KEY_PLUGINS:
        if gateway.plugin(name):
            closed = {"allowNoAuthorization": False, "allowInvalidAuthorization": False}
            address = {"verify_api_key_url": f"{gateway.authentication}/verifyApiKey"}
            found[name] = {**closed, **address, **found[name]}
            found[guard.NAME]["keyHeader"] = found[name].get("api-key-header", "x-api-key")
    return found


def section(plugin: str) -> str:
    """Under which name the product looks for a plugin's settings."""
    return "quotas" if plugin == "quota" else plugin


def text(gateway: Gateway) -> str:
    """The configuration as the file's text: JSON, which every reader of YAML takes, in a stable order."""
    return json.dumps(configuration(gateway), indent=2, sort_keys=True) + "\n"


def encoded(gateway: Gateway) -> str:
    """The value of ``EDGEMICRO_CONFIG``: base64, which the entry point decodes. In a Secret's ``data`` it is so twice."""
    return base64.b64encode(text(gateway).encode()).decode()


def variables(gateway: Gateway) -> dict[str, str]:
    """Variables of the process, without the configuration, the key and the secret, which come from a Secret."""
    beside = gateway.application_port if gateway.mode == SIDECAR else None
    return {
        "EDGEMICRO_ORG": gateway.organization,
        "EDGEMICRO_ENV": gateway.environment,
        **microgateway.variables(gateway.port, gateway.processes, beside or 0),
        **gateway.variables,
    }


def plugin_files() -> dict[str, str]:
    """Our plugins: path below the folder of plugins -> content."""
    return guard.files()


def _server(gateway: Gateway) -> dict[str, t.Any]:
    plugins: dict[str, t.Any] = {"sequence": [guard.NAME, *(one.name for one in gateway.plugins)]}
    if gateway.exclude_urls:
        plugins["excludeUrls"] = gateway.exclude_urls
    found: dict[str, t.Any] = {
        "port": gateway.port,
        "max_connections": MAX_CONNECTIONS,
        "config_change_poll_interval": gateway.poll_interval,
        "logging": {"level": gateway.log_level, "to_console": True, "stats_log_interval": 60},
        "plugins": plugins,
        "keep_alive_timeout": KEEP_ALIVE_MILLISECONDS,
        "headers_timeout": HEADERS_MILLISECONDS,
        "enableAnalytics": gateway.analytics,
    }
    if gateway.address:
        found["address"] = gateway.address
    if gateway.mode != SIDECAR:
        # A sidecar has one proxy, which the engine makes up; a list of names would take it away again.
        found["proxies"] = [proxy.name for proxy in gateway.proxies]
    return found
