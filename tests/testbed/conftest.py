# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of a file share: an emulator, a private Service's double. Their beginnings are their own fixtures'."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.testbed.emulated_cloud import Cloud
from tests.testbed.function.upstream import Upstream


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """An emulator that nobody has written to; a file that begins with more overrides it by one that takes it."""
    started = Cloud(tmp_path_factory.mktemp("cloud"))
    yield started
    started.stop()


@pytest.fixture(scope="module")
def serving() -> Iterator[Upstream]:
    """The double of a private Service."""
    server = Upstream()
    yield server
    server.stop()


@pytest.fixture
def upstream(serving: Upstream) -> Upstream:
    """The same double, with nothing seen yet."""
    serving.forget()
    return serving
