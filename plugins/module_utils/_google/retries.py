# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a call is worth repeating, as data. Private to the collection.

Sources: what mature clients repeat (section 3 of the API reference kept by the project): 429 and 5xx on any call,
lost connections where the call may be repeated, and a handful of refusals that only mean "not yet".
"""

from __future__ import annotations

import re
import typing as t

from .errors import ApiError

#: Tries of one call that meets 429, 5xx or no reply.
ATTEMPTS = 6
#: Seconds before the second try; doubles up to LONGEST.
FIRST = 0.5
LONGEST = 20.0
#: Retry-After is honoured up to this many seconds.
LONGEST_ASKED = 60.0
#: Not carried out, whatever the method: always worth another try.
NOT_DONE = frozenset({429, 503})
#: Perhaps carried out: repeated only where repeating is harmless.
PERHAPS_DONE = frozenset({500, 502, 504})

#: Refusals that mean "something else is running": (HTTP status or 0 for any, pattern on reason and message).
BUSY: tuple[tuple[int, re.Pattern[str]], ...] = (
    (400, re.compile(r"resource is locked by another operation", re.I)),
    (409, re.compile(r"resource is locked by another operation", re.I)),
    (409, re.compile(r"operationInProgress")),
    (400, re.compile(r"resourceNotReady")),
    (0, re.compile(r"peering operation in progress", re.I)),
    (0, re.compile(r"incompatible operation", re.I)),
    (0, re.compile(r"service activation.*in progress|service-activation-in-progress", re.I)),
)


def busy(error: ApiError) -> bool:
    """Whether the refusal only means that another operation holds the object."""
    text = f"{error.reason} {error.said}"
    return any(status in (0, error.status) and pattern.search(text) for status, pattern in BUSY)


def pause(attempt: int, asked: str | None) -> float:
    """Seconds before try ``attempt`` + 1 (attempts count from 1); ``asked`` is a Retry-After header."""
    if asked:
        try:
            return min(float(asked), LONGEST_ASKED)
        except ValueError:
            pass  # a date: rare, and the growing pause does as well
    return min(FIRST * (2 ** (attempt - 1)), LONGEST)


def intervals() -> t.Iterator[float]:
    """Seconds between looks at something that takes time: quick at first, then 1 s growing to 10 s."""
    yield 0.2
    yield 0.5
    seconds = 1.0
    while True:
        yield seconds
        seconds = min(seconds * 1.5, 10.0)
