# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many objects of a cluster by their names, of whatever kinds, in one go. Private."""

from __future__ import annotations

import concurrent.futures
import typing as t

from .reader import Reader

#: A connection costs about as much as this many reads over one that is open.
_READS_PER_CONNECTION = 6
_MOST_CONNECTIONS = 8


def path(api_version: str, kind: str, namespace: str | None = None, name: str = "") -> str:
    """Where the API server has an object, or with no name all objects of a kind.

    The plural is guessed as English has it: right for all kinds of Kubernetes itself but Endpoints, and for Gateways, of
    which Kubernetes' own guess (meta.UnsafeGuessKindToResource) makes "gatewaies".
    """
    root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    singular = kind.lower()
    if singular.endswith("s"):
        plural = f"{singular}es"
    elif singular.endswith("y") and singular[-2:-1] not in "aeiou":
        plural = f"{singular[:-1]}ies"
    else:
        plural = f"{singular}s"
    place = f"/namespaces/{namespace}" if namespace else ""
    return f"{root}{place}/{plural}" + (f"/{name}" if name else "")


def path_of(definition: dict[str, t.Any]) -> str:
    """Where the API server has the object that a definition names."""
    metadata = definition["metadata"]
    return path(definition["apiVersion"], definition["kind"], metadata.get("namespace"), metadata["name"])


def read(connect: t.Callable[[], Reader], paths: t.Iterable[str]) -> dict[str, dict[str, t.Any] | None]:
    """Each path's document; None where there is none, because its kind or namespace is not there either.

    Args:
        connect: makes a reader of the cluster.
        paths: what to read; each is read once.

    Raises:
        ReadError: the first that any of the reads met.
    """
    wanted = list(dict.fromkeys(paths))
    connections = min(_MOST_CONNECTIONS, -(-len(wanted) // _READS_PER_CONNECTION))

    def part(number: int) -> dict[str, dict[str, t.Any] | None]:
        reader = connect()
        try:
            return {one: reader.get(one) for one in wanted[number :: max(connections, 1)]}
        finally:
            reader.close()

    if connections <= 1:
        return part(0) if wanted else {}
    with concurrent.futures.ThreadPoolExecutor(max_workers=connections) as pool:
        parts = list(pool.map(part, range(connections)))
    return {one: document for found in parts for one, document in found.items()}
