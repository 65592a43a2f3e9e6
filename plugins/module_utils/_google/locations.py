# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Objects of all locations, for services whose lists are of one location each. Private to the collection."""

from __future__ import annotations

import concurrent.futures
import typing as t

if t.TYPE_CHECKING:
    from .session import Wire

#: Lists read at the same time.
_AT_ONCE = 8


def everywhere(wire: Wire, service: str, project: str, collection: str) -> list[dict[str, t.Any]]:
    """All objects of a collection in a project, location by location as Google lists these.

    ``collection`` is the last segment of the list's path and the name of the array in its reply. Raises Failure.
    """
    parent = f"v1/projects/{project}/locations"
    # Nothing says that a service takes ``-`` for all its locations.
    places = [str(each["name"]).rsplit("/", 1)[-1] for each in wire.pages(service, parent, "locations")]
    if not places:
        return []
    with concurrent.futures.ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        lists = pool.map(lambda place: wire.pages(service, f"{parent}/{place}/{collection}", collection), places)
        return [one for some in lists for one in some]
