# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run work in dependency order, what is independent at once. Private to the collection."""

from __future__ import annotations

import concurrent.futures
import typing as t

from .._google.errors import InvalidError

#: Objects worked on at the same time.
WORKERS = 8

Node = t.TypeVar("Node", bound=t.Hashable)
Given = t.TypeVar("Given")
Got = t.TypeVar("Got")


def each(work: t.Callable[[Given], Got], given: t.Sequence[Given]) -> list[Got]:
    """``work`` of each, several at once; results in the order given. The first error is raised."""
    if len(given) < 2:
        return [work(one) for one in given]
    with concurrent.futures.ThreadPoolExecutor(max_workers=WORKERS, thread_name_prefix="each") as pool:
        return list(pool.map(work, given))


def order(nodes: t.Sequence[Node], before: t.Mapping[Node, t.Collection[Node]], label: t.Callable[[Node], str]) -> None:
    """Raise InvalidError when the dependencies go round in a circle, naming who is in it."""
    left = {node: set(before.get(node, ())) for node in nodes}
    while left:
        free = [node for node, needs in left.items() if not needs & left.keys()]
        if not free:
            raise InvalidError("these need each other, so none can be first: " + ", ".join(label(x) for x in left))
        for node in free:
            del left[node]


def run(
    nodes: t.Sequence[Node],
    before: t.Mapping[Node, t.Collection[Node]],
    work: t.Callable[[Node], None],
    key: t.Callable[[Node], str] = lambda node: "",
) -> None:
    """Call ``work(node)`` for every node after everything in ``before[node]``.

    Nodes with the same non-empty ``key`` never run at the same time. ``work`` handles its own errors;
    an exception that leaves it stops the start of anything new and is raised once the rest has come to its end.
    """
    waiting = {node: set(before.get(node, ())) & set(nodes) for node in nodes}
    # With the key that was taken: the work may change what key() says.
    running: dict[concurrent.futures.Future[None], tuple[Node, str]] = {}
    busy: set[str] = set()
    done: set[Node] = set()
    failed: BaseException | None = None
    with concurrent.futures.ThreadPoolExecutor(max_workers=WORKERS, thread_name_prefix="object") as pool:
        while (waiting and not failed) or running:
            if not failed:
                for node in [node for node, needs in waiting.items() if needs <= done]:
                    held = key(node)
                    if held and held in busy:
                        continue
                    if len(running) >= WORKERS:
                        break
                    if held:
                        busy.add(held)
                    del waiting[node]
                    running[pool.submit(work, node)] = (node, held)
            finished, _rest = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
            for future in finished:
                node, held = running.pop(future)
                busy.discard(held)
                done.add(node)
                failed = failed or future.exception()
    if failed:
        raise failed
