# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One upstream and one function for all tests of a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.testbed.function.framework import Framework
from tests.testbed.function.upstream import Upstream


@pytest.fixture(scope="module")
def function(serving: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Framework]:
    """The function in front of it, with small limits so that they can be reached."""
    framework = running(tmp_path_factory.mktemp("function"), serving.port)
    yield framework
    framework.stop()


def running(folder: Path, port: int, extra: dict[str, bytes] | None = None, **settings: str) -> Framework:
    """A function that forwards to a port of loopback, listening. ``extra``: further files of its source."""
    told = {"TO": f"http://127.0.0.1:{port}", "TIMEOUT": "4", "CONNECT_TIMEOUT": "2"}
    told |= {"REQUEST_BYTES": "100000", "RESPONSE_BYTES": "200000"}
    variables = {f"FORWARD_{name}": value for name, value in {**told, **settings}.items()}
    framework = Framework(folder, variables, extra)
    try:
        framework.ready()
    except BaseException:
        framework.stop()
        raise
    return framework
