# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Work runs in dependency order, with one at a time where a key is shared, and always comes to an end."""

from __future__ import annotations

import threading
import time

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine import graph
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.errors import InvalidError


def run_within(seconds: float, *arguments) -> None:
    """Run the graph in a thread, so that one that never ends fails the test instead of stopping it."""
    raised: list[BaseException] = []

    def target() -> None:
        try:
            graph.run(*arguments)
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive(), "the graph does not come to an end"
    if raised:
        raise raised[0]


def test_order_and_shared_keys() -> None:
    seen: list[str] = []
    at_once: list[int] = []
    running: set[str] = set()

    def work(node: str) -> None:
        running.add(node)
        at_once.append(len(running & {"b", "c"}))
        time.sleep(0.01)
        running.discard(node)
        seen.append(node)

    before = {"b": {"a"}, "c": {"a"}, "d": {"b", "c"}}
    run_within(10, ["d", "c", "b", "a"], before, work, lambda node: "lock" if node in "bc" else "")
    assert seen[0] == "a" and seen[-1] == "d" and sorted(seen) == ["a", "b", "c", "d"]
    assert max(at_once) == 1


def test_a_key_that_the_work_changes_is_given_back() -> None:
    """An object that turns out to need no change has no lock any more; the next one must get it all the same."""
    keys = {"first": "lock", "second": "lock"}
    seen: list[str] = []

    def work(node: str) -> None:
        keys[node] = ""
        seen.append(node)

    run_within(10, ["first", "second"], {}, work, keys.get)
    assert seen == ["first", "second"]


def test_an_exception_stops_what_is_not_started() -> None:
    seen: list[str] = []

    def work(node: str) -> None:
        seen.append(node)
        raise ValueError(node)

    with pytest.raises(ValueError, match="a"):
        run_within(10, ["a", "b"], {"b": {"a"}}, work)
    assert seen == ["a"]


def test_a_circle_is_told() -> None:
    with pytest.raises(InvalidError, match="need each other.*a, b"):
        graph.order(["a", "b"], {"a": {"b"}, "b": {"a"}}, str)
