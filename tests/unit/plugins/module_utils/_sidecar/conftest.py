# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The running webhook that tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.module_utils._sidecar.certificates import Folder
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.module_utils._sidecar.serving import Running


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path)
    made.renew()
    return made


@pytest.fixture
def running(folder: Folder) -> Iterator[Running]:
    started = Running(folder)
    yield started
    started.webhook.stop(0, 0)
