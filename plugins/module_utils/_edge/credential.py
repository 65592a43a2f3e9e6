# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Credentials of gateways: a key and a secret that an environment of Edge knows. Private to the collection.

Edge never tells which it knows, so that is asked with the pair itself. A pair is made outside and given to Edge and to
the gateways; several are good at the same time, which is how one is replaced without a gap.
"""

from __future__ import annotations

import re
import typing as t

from .._engine.fields import Document, Field
from .._engine.resource import Resource
from .._google.errors import ApiError, CredentialsError
from .._google.session import Wire
from .organization import ENVIRONMENT, ORGANIZATION, OnEdge
from .session import MICROSERVICES, EdgeClient

#: The vendor's tool makes two SHA-256 digests, as hexadecimal digits. Shorter ones could be guessed.
SHORTEST = 32
_PLAIN = re.compile(r"^[A-Za-z0-9._~-]+$")


class EdgeMicrogatewayCredential(OnEdge, Resource):
    """``edgemicro/credential``: given with POST, taken back with DELETE, never shown."""

    kind = "edge_microgateway_credential"
    title = "credential of gateways in"
    path = "credential/organization/{organization}/environment/{environment}"
    name_option = "environment"
    fields = (
        ORGANIZATION,
        ENVIRONMENT,
        Field("key", api=None, required=True, secret=True, write_only=True),
        Field("secret", api=None, required=True, secret=True, write_only=True),
        Field("region", output=True),
        Field("host", output=True),
    )

    def validate(self) -> list[str]:
        """Texts that could be guessed, or would not arrive as they are."""
        problems = []
        for name in ("key", "secret"):
            value = str(self.options.get(name) or "")
            if len(value) < SHORTEST or not _PLAIN.match(value):
                problems.append(f"{name} is no good secret: write {SHORTEST} or more random letters, digits and dashes.")
        if self.options.get("key") == self.options.get("secret"):
            problems.append("key and secret are the same. The key is sent where the secret never goes.")
        return problems

    def read(self) -> Document | None:
        """What Edge tells those whom it knows, None for others."""
        client = t.cast(EdgeClient, self.context.client)
        caller = client.called_by(str(self.options["key"]), str(self.options["secret"]))
        asking = Wire(caller, self.timeout)
        asking.counts = self.wire.counts
        try:
            found = asking.get(MICROSERVICES, self.fill("region/organization/{organization}/environment/{environment}"))
        except CredentialsError:
            return None
        except ApiError as error:
            if error.status == 403:
                return None
            raise
        # One cloud tells a host, the other an address.
        return {**found, "host": re.sub(r"^https?://|/$", "", str(found.get("host") or ""))}

    def create(self) -> None:
        """Give the pair to Edge. Giving it again does no harm."""
        pair = {name: self.options[name] for name in ("key", "secret")}
        self.wire.send(MICROSERVICES, "POST", self.url(), body=pair, repeatable=True)

    def send_delete(self) -> t.Any:
        """By its key."""
        return self.wire.send(MICROSERVICES, "DELETE", self.url(), body={"key": self.options["key"]}).json()

    def identity(self) -> tuple[str, ...]:
        """An environment has as many as there are keys."""
        return (*super().identity(), str(self.options["key"]))
