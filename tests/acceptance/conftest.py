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
from xdist.scheduler import LoadScopeScheduling

from tests.acceptance.cloud import Cloud

#: What one worker runs in a row, the longest first, so that no worker idles at the end. Files of one group leave the
#: converged site as the next one takes it over (see ``Cloud.converge``). A file that is not named is a group of
#: its own, after these.
GROUPS = (
    ("api_gateway",),
    ("tls_changes",),
    ("ownership",),
    ("tls_adopted",),
    ("secrets", "drift", "verification", "links"),
    ("bad_input", "sidecar_policy", "certificates"),
    ("webhook",),
    ("ingress",),
    ("microgateway", "microgateway_sidecar"),
    ("tls_site",),
    ("proxy_deployments",),
    ("internal_load_balancer",),
    ("teardown",),
    ("variety",),
    ("migration",),
)
#: Each of its cases begins with an empty project: they fill what is left, on all workers.
LAST = "interrupted"


def group_of(name: str) -> tuple[int, int, str]:
    """Return when a file's turn is, as its group's number and its place in the group, and the group's name."""
    for number, group in enumerate(GROUPS):
        if name in group:
            return number, group.index(name), "-".join(group)
    return len(GROUPS) + (name == LAST), 0, name


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files in their order; what is not of this folder stays before them."""
    here = Path(__file__).parent
    items.sort(key=lambda item: group_of(name_of(item.nodeid))[:2] if item.path.parent == here else (-1, 0))


def name_of(nodeid: str) -> str:
    """Return the name of a test's file without what all have."""
    return Path(nodeid.split("::")[0]).stem.removeprefix("test_")


class Together(LoadScopeScheduling):
    """Gives each worker a whole group, or a single case of what has no site to share; the next one when it is done."""

    def _split_scope(self, nodeid: str) -> str:
        name = name_of(nodeid)
        return nodeid if name == LAST else group_of(name)[2]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    """With workers (``-n``), whatever ``--dist`` says; groups begin in the order of the tests."""
    config.option.loadscopereorder = False
    return Together(config, log)


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


@pytest.fixture(scope="session")
def microgateway_cloud(running_cloud: Cloud) -> Iterator[Cloud]:
    """A testbed of its own for the files of Edge Microgateway: its node has an image that others need not wait for.

    The last of these files takes it down, for the room of what comes after.
    """
    # The worker's other testbed shall not keep nodes meanwhile.
    running_cloud.reset(new_nodes=True)
    home = Path(tempfile.mkdtemp(prefix="tb-", dir="/tmp"))
    cloud = Cloud(home)
    cloud.environment["TESTBED_IMAGES"] = "edge-microgateway"
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
