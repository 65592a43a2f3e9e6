# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Words that resources and the engine share. Private to the collection."""

from __future__ import annotations

import dataclasses
import enum
import uuid


class State(enum.Enum):
    """Whether an object that exists can be used."""

    READY = "ready"
    PENDING = "pending"
    FAILED = "failed"
    GOING = "going"


@dataclasses.dataclass(frozen=True)
class Reference:
    """Something that must exist first: an object of ``kind`` whose option ``option`` is ``value`` (short names match).

    ``value`` None means every object of that kind. ``needed``: while it is absent, this object cannot exist either,
    so it is not even read.
    """

    kind: str
    value: str | None = None
    option: str = "name"
    needed: bool = True


def request_id() -> str:
    """A fresh idempotency key for Compute Engine."""
    return str(uuid.uuid4())
