# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Client certificate: what Apigee shows to backends that ask for one, behind a reference. Private to the collection."""

from __future__ import annotations

from .._apigee import certificates
from .._apigee.certificates import Certificate
from .._apigee.references import ALIAS
from .._engine.fields import Field
from .apigee_referenced_keystore import BASE_FIELDS, ReferencedKeystore


class ApigeeClientCertificate(ReferencedKeystore):
    """A renewed certificate, with a new key or the old one, is a new keystore; the alias stays the same."""

    kind = "apigee_client_certificate"
    title = "client certificate"
    resource_type = "KeyStore"
    content_option = "certificate"
    fields = (
        *BASE_FIELDS,
        Field("certificate", api=None),
        Field("private_key", api=None, secret=True),
    )

    needed = ("certificate", "private_key")
    required_if = (("state", "present", needed),)

    def validate(self) -> list[str]:
        """Whether certificate and key can be what they say."""
        problems = super().validate()
        if self.options.get("certificate"):
            try:
                own = certificates.read(self.options["certificate"])[0]
                if own.expired():
                    problems.append(f"certificate: {own.subject} expired on {own.expires:%Y-%m-%d}. Renew it first.")
            except ValueError as error:
                problems.append(f"certificate: {error}.")
        key = self.options.get("private_key")
        if key is not None and "PRIVATE KEY-----" not in key:
            problems.append("private_key is no PEM private key (-----BEGIN PRIVATE KEY-----).")
        return problems

    def wanted(self, present: list[Certificate]) -> list[Certificate]:
        """The certificate and those behind it."""
        return certificates.distinct([self.options["certificate"]])

    def content(self, present: list[Certificate]) -> dict[str, tuple[str, str | None]]:
        """One alias."""
        return {ALIAS: (self.options["certificate"], self.options["private_key"])}

    def filled_by_us(self, alias: str, pem: str) -> bool:
        """What is shown is stated each time, so that it does not matter."""
        return alias == ALIAS
