# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keystore, which is a truststore when it holds no keys. Private to the collection."""

from __future__ import annotations

from .._engine.fields import Field
from .apigee_attachment import covered_by
from .apigee_common import IN_ENVIRONMENT, ApigeeResource

#: Where keystores live, and what lives in the same place.
ENVIRONMENT_PATH = "v1/organizations/{organization}/environments/{environment}"


class ApigeeKeystore(ApigeeResource):
    """``organizations.environments.keystores``: synchronous; nothing of it can change but the aliases in it."""

    kind = "apigee_keystore"
    title = "keystore"
    names_only = True
    family = None
    path = ENVIRONMENT_PATH + "/keystores/{name}"
    mark = covered_by()
    fields = (
        *IN_ENVIRONMENT,
        Field("name", required=True, identity=True),
        Field("aliases", type="list", elements="str", output=True),
    )

    @property
    def name(self) -> str:
        """Its environment and its name."""
        return f"{self.options.get('environment')}/{self.options.get('name')}"
