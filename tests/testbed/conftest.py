# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator that the tests of a file share; what they begin with is their own fixture's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.testbed.emulated_cloud import Cloud


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """An emulator that nobody has written to; a file that begins with more overrides it by one that takes it."""
    started = Cloud(tmp_path_factory.mktemp("cloud"))
    yield started
    started.stop()
