# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One target, one organisation on the double of Edge and the gateways in front, for all tests of a file."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from testbed.edge.gateway import Gateway
from testbed.edge.installation import Engine, ensure_engine
from tests.testbed.edge.site import Site
from tests.testbed.function.upstream import Upstream


@pytest.fixture(scope="session")
def engine() -> Engine:
    """The real packages; installed once per machine."""
    return ensure_engine()


@pytest.fixture(scope="module")
def site(engine: Engine, serving: Upstream) -> Iterator[Site]:
    """Two products, of which ``hello`` opens one path and ``whole`` every path of the proxy, and one of another's."""
    made = Site(engine)
    made.configure()
    target = f"http://127.0.0.1:{serving.port}/api/v1"
    made.deploy("edgemicro_hello", "/hello", target)
    made.deploy("edgemicro_other", "/other", target)
    made.deploy("edgemicro_down", "/down", "http://127.0.0.1:9/")
    made.deploy("edgemicro_health", "/healthcheck", target)
    made.product("whole", ["edgemicro_hello", "edgemicro_down"], ["/"])
    made.product("hello", ["edgemicro_hello"], ["/greet"])
    made.product("other", ["edgemicro_other"], ["/"])
    made.product("few", ["edgemicro_hello"], ["/"], quota="3", quotaInterval="1", quotaTimeUnit="day")
    yield made
    made.control_plane.stop()


#: As a user declares them; what is deployed in the site above.
PROXIES = [
    {"name": "edgemicro_hello", "base_path": "/hello"},
    {"name": "edgemicro_other", "base_path": "/other"},
    {"name": "edgemicro_down", "base_path": "/down"},
    {"name": "edgemicro_health", "base_path": "/healthcheck"},
]

Start = Callable[..., Gateway]


@pytest.fixture(scope="module")
def start(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts a gateway of a mode with the given plugins and waits for it; all end with the file."""
    running: list[Gateway] = []

    def one(mode: str, plugins: list[Any], **fields: Any) -> Gateway:
        if mode == "service":
            fields.setdefault("proxies", PROXIES)
        gateway = site.gateway(tmp_path_factory.mktemp("gateway"), site.declare(mode, plugins=plugins, **fields))
        running.append(gateway)
        gateway.ready()
        return gateway

    yield one
    for gateway in running:
        gateway.stop()
