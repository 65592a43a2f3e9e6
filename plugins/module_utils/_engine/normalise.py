# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two spellings of one value brought to one, for comparison. Private to the collection.

Google answers with full URLs where a short name was sent, numbers where a project id was sent, and so on.
Every function here is idempotent: applying it twice changes nothing more.
"""

from __future__ import annotations

import re
import typing as t

_ACCOUNT = re.compile(r"^projects/[^/]+/serviceAccounts/")
_HOST = re.compile(r"^https?://[^/]+/(?:compute/)?(?:v1|beta|alpha)/")


def short_name(value: t.Any) -> t.Any:
    """The last segment of a URL or path: ``.../global/networks/shop`` -> ``shop``."""
    return value.rstrip("/").rsplit("/", 1)[-1] if isinstance(value, str) else value


def relative(value: t.Any) -> t.Any:
    """A compute URL without host and version: ``projects/p/global/networks/shop``."""
    return _HOST.sub("", value).strip("/") if isinstance(value, str) else value


def service_account(value: t.Any) -> t.Any:
    """``projects/-/serviceAccounts/a@b`` -> ``a@b``."""
    return _ACCOUNT.sub("", value) if isinstance(value, str) else value


def trailing_dot(value: t.Any) -> t.Any:
    """A DNS name with exactly one final dot, in lower case."""
    return value.rstrip(".").lower() + "." if isinstance(value, str) and value.strip(".") else value


def lower(value: t.Any) -> t.Any:
    """Case does not matter."""
    return value.lower() if isinstance(value, str) else value


def text(value: t.Any) -> t.Any:
    """Numbers that Google may write either way."""
    return value if value is None else str(value)


def network_path(value: str, project: str) -> str:
    """A network as ``projects/P/global/networks/N``, from a short name, a path or a URL."""
    if "/" not in value:
        return f"projects/{project}/global/networks/{value}"
    return relative(value)


def subnetwork_path(value: str, project: str, region: str) -> str:
    """A subnetwork as ``projects/P/regions/R/subnetworks/S``, from a short name, a path or a URL."""
    if "/" not in value:
        return f"projects/{project}/regions/{region}/subnetworks/{value}"
    return relative(value)
