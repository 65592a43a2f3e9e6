# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where each Google API is: its own host, or where the user says. Private to the collection."""

from __future__ import annotations

import os
import typing as t

#: What an API is called in gcloud's override variables, where that is not our word for it.
_GCLOUD_NAMES = {"cloudresourcemanager": "cloudresourcemanager"}
#: gcloud's override of these services includes a version path, which ours puts into each path.
_GCLOUD_SUFFIX = {"compute": "compute/v1/"}


def base_url(service: str, overrides: t.Mapping[str, str] | None = None) -> str:
    """The address that stands in for ``https://SERVICE.googleapis.com/``, with a final slash.

    ``overrides`` is the ``endpoints`` option; gcloud's CLOUDSDK_API_ENDPOINT_OVERRIDES_* come next.
    """
    given = (overrides or {}).get(service)
    if given:
        return given.rstrip("/") + "/"
    word = _GCLOUD_NAMES.get(service, service).upper()
    variable = os.environ.get(f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{word}")
    if variable:
        address = variable.rstrip("/") + "/"
        suffix = _GCLOUD_SUFFIX.get(service)
        if suffix and address.endswith("/" + suffix):
            address = address[: -len(suffix)]
        return address
    return f"https://{service}.googleapis.com/"
