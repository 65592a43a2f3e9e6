# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Time as the transport sees it. Private to the collection.

Everything that waits asks here, so that a test replaces two functions and no test ever sleeps.
"""

from __future__ import annotations

import random
import time


def now() -> float:
    """Seconds on the monotonic clock: only differences mean anything."""
    return time.monotonic()


def sleep(seconds: float) -> None:
    """Wait ``seconds`` (float seconds, not negative)."""
    if seconds > 0:
        time.sleep(seconds)


def jitter(seconds: float) -> float:
    """Spread ``seconds`` by up to a fifth either way, so that many clients do not knock at once."""
    return seconds * random.uniform(0.8, 1.2)


class Deadline:
    """A budget of seconds that starts running when it is made."""

    def __init__(self, budget: float) -> None:
        self.budget = budget
        self._end = now() + budget

    def left(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self._end - now())

    def over(self) -> bool:
        """Whether nothing is left."""
        return now() >= self._end
