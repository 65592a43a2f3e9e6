# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counters that outlive a request: what SpikeArrest and Quota count. One message processor, so one process's memory."""
from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass


@dataclass
class Window:
    """A quota's period: when it ends (seconds since the epoch) and what was used in it."""

    ends: float
    used: int = 0


class Counters:
    """Keys name environment, proxy, policy and identifier."""

    def __init__(self) -> None:
        self._next_allowed: dict[tuple, float] = {}
        self._recent: dict[tuple, deque[tuple[float, int]]] = {}
        self._windows: dict[tuple, Window] = {}

    def clear(self) -> None:
        self._next_allowed.clear()
        self._recent.clear()
        self._windows.clear()

    def smooth(self, key: tuple, gap: float, weight: int) -> bool:
        """One message (of weight 1) each ``gap`` seconds; false when this one comes too early."""
        now = time.monotonic()
        if now < self._next_allowed.get(key, 0.0):
            return False
        self._next_allowed[key] = now + gap * weight
        return True

    def slide(self, key: tuple, limit: int, seconds: float, weight: int) -> bool:
        """At most ``limit`` in any ``seconds``."""
        now = time.monotonic()
        recent = self._recent.setdefault(key, deque())
        while recent and recent[0][0] <= now - seconds:
            recent.popleft()
        if sum(count for _, count in recent) + weight > limit:
            return False
        recent.append((now, weight))
        return True

    def window(self, key: tuple, ends: float) -> Window:
        """The running period of a quota; a new one, ending at ``ends``, when the last has passed."""
        window = self._windows.get(key)
        if window is None or window.ends <= time.time():
            window = self._windows[key] = Window(ends)
        return window
