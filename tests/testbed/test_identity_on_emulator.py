# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Service accounts and what they may do, against the emulator: first run, second run, interruption, removal."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator

import pytest

from tests.testbed.emulated_cloud import Cloud

RESOURCES: list[dict[str, t.Any]] = [
    {"kind": "project_services", "services": ["iam"]},
    {"kind": "iam_service_account", "name": "shop-gateway", "display_name": "Gateway", "description": "calls"},
    {"kind": "iam_service_account", "name": "shop-function"},
]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    started = Cloud(tmp_path_factory.mktemp("cloud"))
    yield started
    started.stop()


def test_whole_life(cloud: Cloud) -> None:
    cloud.control("reset", "POST")
    before = cloud.control("state")["digest"]
    predicted = cloud.run(RESOURCES, check=True)
    assert cloud.control("state")["digest"] == before
    first = cloud.run(RESOURCES)
    for guess, made in zip(predicted["resources"], first["resources"], strict=True):
        assert guess["action"] == made["action"] == "created" and guess["resource"].keys() == made["resource"].keys()
    second = cloud.run(RESOURCES)
    assert not second["changed"] and second["requests"]["writes"] == 0
    removed = cloud.run(RESOURCES, state="absent")
    assert {one["action"] for one in removed["resources"]} == {"deleted"}
    assert not cloud.run(RESOURCES[1:], state="absent", check=True)["changed"]


def test_interrupted_at_every_write_the_next_run_ends_in_the_same_state(cloud: Cloud) -> None:
    cloud.control("reset", "POST")
    writes = cloud.run(RESOURCES)["requests"]["writes"]
    wanted = cloud.control("state")["digest"]
    assert writes >= len(RESOURCES)
    for number in range(1, writes + 1):
        cloud.control("reset", "POST")
        cloud.run(RESOURCES, die_after=number)
        cloud.run(RESOURCES)
        assert cloud.control("state")["digest"] == wanted, f"interrupted after write {number}"
