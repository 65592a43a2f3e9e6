# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reference to a keystore: what target servers name, so that it can be exchanged. Private to the collection."""

from __future__ import annotations

from .._engine.fields import Field
from .._engine.ownership import DescriptionMark, without_sentence
from .._engine.resource import Reference
from .apigee_common import IN_ENVIRONMENT, ApigeeResource
from .apigee_keystore import ENVIRONMENT_PATH

PREFIX = "ref://"


class ApigeeReference(ApigeeResource):
    """``organizations.environments.references``: synchronous; an update replaces the whole."""

    kind = "apigee_reference"
    title = "reference"
    names_only = True
    family = None
    path = ENVIRONMENT_PATH + "/references/{name}"
    update_method = "PUT"
    mark = DescriptionMark()
    fields = (
        *IN_ENVIRONMENT,
        Field("name", required=True, identity=True),
        Field("refers"),
        Field("resource_type", choices=("KeyStore", "TrustStore"), immutable=True),
        Field("description", decode=without_sentence),
    )

    needed = ("refers", "resource_type")
    required_if = (("state", "present", needed),)

    def references(self) -> list[Reference]:
        """The keystore, filled: whoever follows the reference must find what it needs."""
        found = super().references()
        if self.options.get("refers"):
            keystore = str(self.options["refers"])
            found.append(Reference("apigee_keystore", keystore, needed=False))
            found.append(Reference("apigee_keystore_alias", keystore, option="keystore", needed=False))
        return found
