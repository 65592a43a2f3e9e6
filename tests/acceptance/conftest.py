# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One testbed for each pytest worker; each test starts from an empty project, or each file from a converged site.

Shared between tests are the testbed's processes and, where a test does not ask for a new one, the emptied node of a
cluster (see ``Cloud.reset``); between files that mend what they break also the converged site (see ``Cloud.converge``).
"""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests.acceptance.cloud import Cloud


@pytest.fixture(scope="session")
def running_cloud() -> Iterator[Cloud]:
    """A running testbed. Its folder has a short name, because Unix sockets below it allow 107 characters."""

    def end(*_: Any) -> NoReturn:
        pytest.exit("terminated", returncode=143)

    # A session that is ended from outside (a time limit, a cancelled job) takes its testbed down as well.
    signal.signal(signal.SIGTERM, end)
    home = Path(tempfile.mkdtemp(prefix="tb-", dir="/tmp"))
    cloud = Cloud(home)
    try:
        cloud.up()
        yield cloud
    finally:
        cloud.down()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def empty(running_cloud: Cloud) -> Cloud:
    """An empty project; a cluster that is made in it may get the emptied node of its equal before."""
    running_cloud.reset()
    return running_cloud


@pytest.fixture
def new(running_cloud: Cloud) -> Cloud:
    """An empty project whose clusters all get new nodes, as on the first day."""
    running_cloud.reset(new_nodes=True)
    return running_cloud


@pytest.fixture(scope="module")
def converged(running_cloud: Cloud) -> Cloud:
    """A converged site, shared by the tests of a file and by files; what they break they mend."""
    running_cloud.converge()
    return running_cloud
