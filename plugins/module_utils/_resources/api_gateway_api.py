# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""API of API Gateway: what configs and keys belong to. Private to the collection."""

from __future__ import annotations

from .._engine.fields import Field
from .api_gateway_common import NAMED, ApiGatewayResource


class ApiGatewayApi(ApiGatewayResource):
    """``projects.locations.apis``: global, with a managed service of its own that keys are restricted to."""

    kind = "api_gateway_api"
    title = "API"
    path = "v1/projects/{project}/locations/global/apis/{name}"
    create_query = {"apiId": "{name}"}
    collection = "apis"
    fields = (
        Field("name", api=None, required=True, identity=True),
        *NAMED,
        Field("managed_service", output=True),
        Field("state", output=True),
    )
