# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run killed anywhere is completed by the next one, with nothing made twice.

Every case starts from an empty project and has two whole runs of its own, the killed one and the one that completes.
All cases of a pytest worker share one testbed and one node: when the emulated Google creates the case's cluster, it
gets the emptied node of the case before instead of a boot (see ``Cloud.reset``). A run still creates its cluster and
waits for it. That runs do the same with new nodes is shown by test_converge.py.
"""

from __future__ import annotations

import os
import random
import signal
import time

import pytest

from tests.acceptance.cloud import Cloud

SEED = 20261121
RANDOM_INSTANTS = 20
# How many mutating Google calls the testbed's site makes; checked against a real run.
WRITES = 18


@pytest.fixture(scope="module")
def uninterrupted(running_cloud: Cloud) -> dict:
    """How an uninterrupted run ends: Google's side, Kubernetes' side, number of writes; and its seconds.

    The converged site has the node, with which a run takes shorter; the run after it is what the killed ones are like.
    """
    running_cloud.converge()
    running_cloud.reset()
    run = running_cloud.play()
    return {
        "picture": running_cloud.picture(),
        "writes": running_cloud.counters()["mutating"],
        "seconds": run.seconds,
    }


def complete_and_compare(cloud: Cloud, uninterrupted: dict) -> None:
    """The next run completes, and the end is that of an uninterrupted run."""
    cloud.control("DELETE", "faults")
    cloud.play()
    assert cloud.picture() == uninterrupted["picture"]
    assert cloud.call()["status"] == 200


def test_every_write_has_its_kill(uninterrupted: dict) -> None:
    assert uninterrupted["writes"] == WRITES, "the site makes more or fewer writes than the tests below kill after"


@pytest.mark.parametrize("number", range(1, WRITES + 1))
def test_killed_after_each_write(running_cloud: Cloud, uninterrupted: dict, number: int) -> None:
    running_cloud.reset()

    def kill_after(pid: int) -> bool:
        fault = {"kind": "signal", "pid": pid, "signal": int(signal.SIGKILL), "nth": number, "mutating": True}
        running_cloud.control("POST", "faults", json=fault)
        return True

    assert running_cloud.play_killed(kill_after), f"the run ended before its write number {number}"
    complete_and_compare(running_cloud, uninterrupted)


@pytest.mark.parametrize("number", range(RANDOM_INSTANTS))
def test_killed_at_a_random_instant(running_cloud: Cloud, uninterrupted: dict, number: int) -> None:
    share = random.Random(SEED + number).uniform(0.02, 1.0)
    instant = share * uninterrupted["seconds"]
    running_cloud.reset()
    started = time.monotonic()

    def kill_at(pid: int) -> bool:
        if time.monotonic() - started < instant:
            return False
        os.kill(pid, signal.SIGKILL)
        return True

    running_cloud.play_killed(kill_at)
    complete_and_compare(running_cloud, uninterrupted)
