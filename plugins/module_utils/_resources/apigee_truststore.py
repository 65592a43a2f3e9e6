# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Truststore: the certificate authorities that Apigee believes, behind a reference. Private to the collection."""

from __future__ import annotations

from .._apigee import certificates
from .._apigee.certificates import Certificate
from .._engine.fields import Document, Field
from .apigee_referenced_keystore import BASE_FIELDS, ReferencedKeystore


class ApigeeTruststore(ReferencedKeystore):
    """Authorities that are no longer stated stay trusted beside the new ones until they expire or are retired."""

    kind = "apigee_truststore"
    title = "truststore"
    resource_type = "TrustStore"
    content_option = "authorities"
    fields = (
        *BASE_FIELDS,
        Field("authorities", type="list", elements="str", api=None),
        Field("retire", type="bool", api=None),
    )

    needed = ("authorities",)
    required_if = (("state", "present", needed),)
    _retained: tuple[Certificate, ...] = ()

    def validate(self) -> list[str]:
        """Whether there is anything to trust, and it can be read."""
        problems = super().validate()
        stated = self.options.get("authorities")
        if stated is None:
            return problems
        if not stated:
            problems.append("authorities is empty. State the certificate of the issuing authority, or state: absent.")
        for number, text in enumerate(stated):
            try:
                problems += [
                    f"authorities[{number}]: {one.subject} expired on {one.expires:%Y-%m-%d}. State the one that issues now."
                    for one in certificates.read(text)
                    if one.expired()
                ]
            except ValueError as error:
                problems.append(f"authorities[{number}]: {error}.")
        return problems

    def wanted(self, present: list[Certificate]) -> list[Certificate]:
        """What is stated and, unless retired, what was trusted before and has not expired."""
        stated = certificates.distinct(self.options["authorities"])
        if self.options.get("retire"):
            return stated
        kept = [one.pem for one in present if not one.expired()]
        return certificates.distinct([one.pem for one in stated] + kept)

    def content(self, present: list[Certificate]) -> dict[str, tuple[str, str | None]]:
        """One alias for each authority: several in one would have to be a chain."""
        return {_alias(one): (one.pem, None) for one in self.wanted(present)}

    def filled_by_us(self, alias: str, pem: str) -> bool:
        """By the name, which follows from the content."""
        return [alias] == [_alias(one) for one in certificates.read(pem)]

    def difference(self, found: Document) -> list:
        """As for all; remembers which authorities are kept beyond what is stated."""
        stated = {one.fingerprint for one in certificates.distinct(self.options["authorities"])}
        kept = [one for one in self.wanted(self.before(found)) if one.fingerprint not in stated]
        self._retained = tuple(kept)
        return super().difference(found)

    def remark(self, action: str) -> str:
        """Which authorities are trusted beyond what is stated."""
        turned = super().remark(action)
        if not self._retained:
            return turned
        return turned + (" " if turned else "") + (
            f"still trusts {'; '.join(one.label for one in self._retained)}. Set retire: true once no certificate of "
            "it is in use any more."
        )


def _alias(authority: Certificate) -> str:
    return f"ca-{authority.fingerprint[:8]}"
